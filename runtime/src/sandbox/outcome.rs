//! How a sandbox ended, and the words for it.

use std::{
    fmt::{self, Display, Formatter},
    io,
    process::ExitStatus,
    time::Duration,
};

use nix::sys::signal::Signal;
use std::os::unix::process::ExitStatusExt;

use super::{preflight, refusal::Refusal};

/// How a sandbox ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End {
    /// The body returned well, and its process exited with 0.
    Passed,
    /// The body panicked or returned a failure; the text is the panic's.
    Failed(String),
    /// The network of the body's argument could not be built, so the body did not run; the text says why.
    Unbuilt(String),
    /// The body said that it cannot run here, and why.
    Skipped(String),
    /// The process ended without the body having returned.
    Ended(ExitStatus),
    /// The body returned well, but its process then ended in another way than by exiting with 0.
    EndedBadly(ExitStatus),
    /// It was not over in time; the text says what was running.
    TimedOut(Duration, String),
    /// The host refused a sandbox.
    Refused(Refused),
    /// The copy of the program could not be started or spoken to.
    Unstartable(io::Error),
}

/// A refusal of the host; it displays as cause and remedy.
#[derive(Debug, Clone)]
pub struct Refused(pub(crate) Refusal);

impl Display for Refused {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(&preflight::explain(&self.0))
    }
}

impl Refused {
    /// The first line: the step and the errno.
    pub fn summary(&self) -> String {
        preflight::headline(&self.0)
    }
}

impl Display for End {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed(message) => write!(f, "failed: {message}"),
            Self::Unbuilt(message) => f.write_str(message),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
            Self::Ended(status) => match status.code() {
                Some(code) => write!(f, "the process exited with code {code} before the test returned"),
                None => write!(f, "the process was killed by {} before the test returned", words(*status)),
            },
            Self::EndedBadly(status) => match status.code() {
                Some(code) => write!(f, "the test returned, but its process then exited with code {code}"),
                None => write!(f, "the test returned, but its process was then killed by {}", words(*status)),
            },
            Self::TimedOut(limit, running) => {
                write!(f, "timed out after {limit:?}")?;
                if running.is_empty() { Ok(()) } else { write!(f, "; still running:\n{}", running.trim_end()) }
            }
            Self::Refused(refused) => refused.fmt(f),
            Self::Unstartable(error) => write!(f, "the program could not be started again in a sandbox: {error}"),
        }
    }
}

/// The signal of a status, with its name and what it usually means.
fn words(status: ExitStatus) -> String {
    let number = status.signal().unwrap_or_default();
    let name =
        Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned());
    let meaning = match Signal::try_from(number) {
        Ok(Signal::SIGABRT) => " (abort, or a stack overflow)",
        Ok(Signal::SIGSEGV) => " (invalid memory reference)",
        Ok(Signal::SIGKILL) => " (by itself, or the kernel was out of memory)",
        _ => "",
    };
    format!("{name}{meaning}")
}
