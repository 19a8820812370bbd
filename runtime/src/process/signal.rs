use std::fmt;

/// A signal that a program can be sent ([signal(7)]); made of its number, or one of the constants beside it.
///
/// ```
/// use netns_test_runtime::process::{SIGHUP, Signal};
///
/// assert_eq!(Signal::from(libc::SIGHUP), SIGHUP);
/// assert_eq!(SIGHUP.to_string(), "SIGHUP");
/// ```
///
/// [signal(7)]: https://man7.org/linux/man-pages/man7/signal.7.html
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(i32);

/// Hangup: many daemons read their configuration again. Below nohup(1) it begins ignored, and a shell cannot trap it.
pub const SIGHUP: Signal = Signal(libc::SIGHUP);
/// Interrupt, as from the keyboard.
pub const SIGINT: Signal = Signal(libc::SIGINT);
/// Quit, as from the keyboard.
pub const SIGQUIT: Signal = Signal(libc::SIGQUIT);
/// The end, at once.
pub const SIGKILL: Signal = Signal(libc::SIGKILL);
/// The first signal that a program gives its own meaning.
pub const SIGUSR1: Signal = Signal(libc::SIGUSR1);
/// The second signal that a program gives its own meaning.
pub const SIGUSR2: Signal = Signal(libc::SIGUSR2);
/// Termination: an orderly end.
pub const SIGTERM: Signal = Signal(libc::SIGTERM);
/// Goes on after [`SIGSTOP`].
pub const SIGCONT: Signal = Signal(libc::SIGCONT);
/// Stops, until [`SIGCONT`].
pub const SIGSTOP: Signal = Signal(libc::SIGSTOP);

impl Signal {
    /// Its number.
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl From<i32> for Signal {
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match nix::sys::signal::Signal::try_from(self.0) {
            Ok(known) => f.pad(known.as_str()),
            Err(_) => write!(f, "signal {}", self.0),
        }
    }
}
