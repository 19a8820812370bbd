//! The command `netns-test`.

mod check;
mod doctor;
mod explain;
mod files;
mod report;
mod run;
mod show;
mod up;

use std::{
    io::{ErrorKind, IsTerminal, Write, stdout},
    process::{ExitCode, exit},
};

use clap::{Parser, Subcommand};

use crate::trials::perform_inside;

/// Networks, scenarios and tutorials as tests, without root.
#[derive(Debug, Parser)]
#[command(name = "netns-test", version, after_help = EXIT)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT: &str = "\
Exit status:
  0  everything holds, or was done
  1  something does not hold, or a file has mistakes
  2  the command line is wrong
  3  this host refuses: nothing is known of what was asked";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenario files and tutorials, each expectation as a test
    Run(run::Run),
    /// Read files and say everything that is wrong with them, without touching the kernel
    Check(check::Check),
    /// Show the network of a file as a picture, a script or another file
    Show(show::Show),
    /// Build the network of a file and open a shell on one of its nodes
    Up(up::Up),
    /// Say what this host and its kernel permit, and how to permit the rest
    Doctor(doctor::Doctor),
    /// Explain a mistake by its code or name; without one, list them all
    Explain(explain::Explain),
    /// What the commands of the shell of `up` are
    #[command(hide = true)]
    Ask(up::Ask),
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Good,
    Wrong,
    Refused,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Good => 0,
            Status::Wrong => 1,
            Status::Refused => 3,
        })
    }
}

/// The command `netns-test`, with the arguments of this process.
///
/// It starts this program again for every sandbox, so it is all that a `main` does.
pub fn command() -> ExitCode {
    perform_inside();
    doctor::examine_inside();
    match Arguments::parse().command {
        Command::Run(run) => run.run(),
        Command::Check(check) => check.run().into(),
        Command::Show(show) => show.run().into(),
        Command::Up(up) => up.run(),
        Command::Doctor(doctor) => doctor.run().into(),
        Command::Ask(ask) => ask.run(),
        Command::Explain(explain) => explain.run().into(),
    }
}

/// Whether standard output is for eyes: a terminal, and `NO_COLOR` is not set.
fn colours() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints a line. Whoever closes the output early, as `head` does, has seen enough, and the status is still to come.
fn say(line: &str) {
    match writeln!(stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("netns-test: cannot print: {error}");
            exit(1);
        }
        _ => {}
    }
}
