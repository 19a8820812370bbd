//! The commands of the shell of `netns-test up`: `on`, `capture` and `matrix`.

use std::{
    env,
    fs::File,
    io::{self, BufRead, BufReader, Write, stdout},
    iter::once,
    os::unix::process::CommandExt,
    path::Path,
    process::{self, ExitCode},
};

use clap::Args;
use nix::sched::{CloneFlags, setns};

use super::{
    NODES, SOCKET,
    serve::{END, connect},
};

/// What a command of the shell was called with.
#[derive(Debug, Args)]
pub(in crate::command) struct Ask {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    words: Vec<String>,
}

impl Ask {
    pub(in crate::command) fn run(&self) -> ExitCode {
        let Ok(nodes) = env::var(NODES) else {
            eprintln!("netns-test: `{}` is a command of the shell of `netns-test up`", self.words.join(" "));
            return ExitCode::from(2);
        };
        let asked = match &self.words[..] {
            [command, node, program, arguments @ ..] if command == "on" => run_on(&nodes, node, program, arguments),
            [command, ..] if command == "on" => Err("write `on NODE COMMAND`".to_owned()),
            words => relay(&words.join(" ")).map_err(|error| error.to_string()),
        };
        match asked {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{}: {why}", self.words[0]);
                ExitCode::from(1)
            }
        }
    }
}

/// Becomes the program, on the node.
fn run_on(nodes: &str, node: &str, program: &str, arguments: &[String]) -> Result<(), String> {
    let rooms = || nodes.lines().filter_map(|line| line.rsplit_once(' '));
    let Some((_, room)) = rooms().find(|(name, _)| *name == node) else {
        let names: Vec<&str> = rooms().map(|(name, _)| name).collect();
        return Err(format!("no node named `{node}`; the nodes are `{}`", names.join("`, `")));
    };
    let enter = |name: &str, kind| -> io::Result<()> { Ok(setns(File::open(Path::new(room).join(name))?, kind)?) };
    let here = env::current_dir();
    let entered = enter("net", CloneFlags::CLONE_NEWNET)
        .and_then(|()| enter("uts", CloneFlags::CLONE_NEWUTS))
        .and_then(|()| enter("mnt", CloneFlags::CLONE_NEWNS));
    entered.map_err(|error| format!("cannot enter `{node}`: {error}"))?;
    if let Ok(here) = here {
        // Another view of the file system may lack it; then it is the root directory.
        let _ = env::set_current_dir(here);
    }
    let error = process::Command::new(program).args(arguments).env("PS1", format!("{node} # ")).exec();
    Err(format!("cannot run `{program}`: {error}"))
}

/// Has whoever built the network answer.
fn relay(question: &str) -> io::Result<()> {
    let mut stream = connect(&env::var(SOCKET).unwrap_or_default())?;
    writeln!(stream, "{question}")?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next().transpose()? {
        let Some(why) = line.strip_prefix(END) else {
            writeln!(stdout(), "{line}")?;
            continue;
        };
        let why = once(Ok(why.to_owned())).chain(lines).collect::<io::Result<Vec<String>>>()?.join("\n");
        return if why.is_empty() { Ok(()) } else { Err(io::Error::other(why)) };
    }
    Err(io::Error::other("whoever built the network has ended, and the answer is not complete"))
}
