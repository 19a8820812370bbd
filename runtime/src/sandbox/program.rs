//! The same sandbox for programs: examples, commands, benchmarks.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::{ExitCode, Termination, exit},
    sync::atomic::Ordering,
    time::Duration,
};

use nix::sys::signal::{SigSet, Signal, raise};
use std::os::unix::process::ExitStatusExt;

use super::{
    channel::Message,
    launch::{Ended, Launch, Output},
    life::{self, Born},
    maps::Ids,
    outcome::End,
};

/// The name of the body of a whole program.
const PROGRAM: &str = "main";

/// Runs the body in a fresh sandbox, and ends the process as the body's ended.
///
/// It starts this program again, with the same arguments, so it is the first thing in `main`: what stands before it
/// happens twice, and what stands after it happens in the sandbox. In the sandbox it returns what the body returns.
///
/// Where the host refuses a sandbox, the process says why and ends with status 3.
///
/// ```
/// fn main() -> std::process::ExitCode {
///     netns_test_runtime::sandbox::sandboxed(|| println!("alone in a network with nothing but lo"))
/// }
/// ```
///
/// # Panics
///
/// If the body calls it again.
pub fn sandboxed<R: Termination>(body: impl FnOnce() -> R) -> ExitCode {
    match inside() {
        Some(inside) if inside.name() == PROGRAM => {
            inside.enter();
            let code = body().report();
            inside.say(&if code == ExitCode::SUCCESS { Message::Passed } else { Message::Failed(String::new()) });
            return code;
        }
        None if life::born().is_some_and(|born| born.name == PROGRAM) => {
            panic!("this program is in its sandbox already; a second one would start it without end")
        }
        _ => {}
    }
    outside()
}

/// The launcher's part of [`sandboxed`].
fn outside() -> ! {
    // The keyboard's signals go to the program in there too, and whether to end by one is its decision.
    let keyboard: SigSet = [Signal::SIGINT, Signal::SIGQUIT].into_iter().collect();
    let _ = keyboard.thread_block();
    let launch = Launch {
        name: PROGRAM.to_owned(),
        arguments: env::args_os().skip(1).collect(),
        output: Output::Inherited,
        quiet: false,
        ids: Ids::Own,
        deadline: None,
    };
    let ended = launch.run();
    let of_the_body = matches!(ended.end, End::Passed | End::Failed(_) | End::Ended(_) | End::EndedBadly(_));
    if let Some(status) = ended.status.filter(|_| of_the_body) {
        if let Some(signal) = status.signal().and_then(|number| Signal::try_from(number).ok()) {
            let _ = raise(signal);
            let _ = keyboard.thread_unblock();
        }
        exit(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()));
    }
    let _ = writeln!(io::stderr(), "netns-test: {}", ended.end);
    exit(if matches!(ended.end, End::Refused(_) | End::Unstartable(_)) { 3 } else { 1 })
}

/// Runs of this very program in sandboxes, one body a run, chosen by name.
///
/// The program looks in `main` whether it is [`inside`] one.
///
/// ```
/// use netns_test_runtime::sandbox::{End, Sandbox, inside};
///
/// if let Some(inside) = inside() {
///     inside.run(|| println!("I am {}", inside.name()));
/// }
/// assert!(matches!(Sandbox::new("first").run(), End::Passed));
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it is run"]
pub struct Sandbox {
    name: String,
    arguments: Vec<OsString>,
    timeout: Option<Duration>,
    captured: bool,
}

impl Sandbox {
    /// A sandbox whose body answers to that name, without arguments, deadline or capture.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: Vec::new(), timeout: None, captured: false }
    }

    /// Starts the program with these arguments.
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Ends it when it has stood for that time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Prints what it prints by `print!`, so that a test harness captures it.
    pub fn captured(mut self) -> Self {
        self.captured = true;
        self
    }

    /// Starts it and waits for the end of every process in it.
    pub fn run(&self) -> End {
        self.launch(if self.captured { Output::Printed } else { Output::Inherited }).end
    }

    /// The same, and returns what it printed and recorded.
    pub fn report(&self) -> Report {
        let Ended { end, records, notes, output, .. } = self.launch(Output::Kept);
        Report { end, records, notes, output }
    }

    fn launch(&self, output: Output) -> Ended {
        let (name, arguments) = (self.name.clone(), self.arguments.clone());
        Launch { name, arguments, output, quiet: false, ids: Ids::Own, deadline: self.timeout }.run()
    }
}

/// What came of a sandbox.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// What its body [`record`](super::record)ed, in order.
    pub records: Vec<String>,
    /// What the host lacks that a sandbox can do without.
    pub notes: Vec<String>,
    /// What it printed to standard output and standard error, in order.
    pub output: String,
}

/// A body's place: this process is the one that a sandbox was made for, and its body has not begun.
#[derive(Debug, Clone, Copy)]
pub struct Inside(&'static Born);

/// Says whether this process is a sandbox's, waiting for its body.
pub fn inside() -> Option<Inside> {
    life::born().filter(|born| !born.begun.load(Ordering::Relaxed)).map(Inside)
}

impl Inside {
    /// The name of the body that is wanted.
    pub fn name(&self) -> &'static str {
        &self.0.name
    }

    /// Runs the body, tells the launcher what came of it, and exits.
    pub fn run<R: Termination>(&self, body: impl FnOnce() -> R) -> ! {
        self.enter();
        let message = match code(body().report()) {
            0 => Message::Passed,
            code => Message::Failed(format!("exited with {code}")),
        };
        self.leave(&message)
    }

    pub(super) fn enter(&self) {
        self.0.begun.store(true, Ordering::Relaxed);
        life::open_stdout(self.0);
    }

    pub(super) fn say(&self, message: &Message) {
        // A launcher that has gone needs no telling, and takes us with it.
        let _ = self.0.channel.send(message, &[]);
    }

    /// Ends the process as one that may leave a coverage profile.
    pub(super) fn leave(&self, message: &Message) -> ! {
        let _ = io::stdout().flush();
        self.say(message);
        exit(if *message == Message::Passed { 0 } else { 101 })
    }
}

/// The number in an exit code, which only its debug form tells.
pub(super) fn code(code: ExitCode) -> u8 {
    if code == ExitCode::SUCCESS {
        return 0;
    }
    let text = format!("{code:?}");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|&number| number != 0).unwrap_or(1)
}
