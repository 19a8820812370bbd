//! What can be waited for.

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
};

use super::{
    running::Running,
    sockets::{self, is_bound},
};
use crate::{
    lab::{Error, Interface, Node},
    probe::Traffic,
};

/// Something that a program, or a node, can be waited for: [`listening`], [`log`](log()), [`unix`], [`interface`],
/// [`notify`], [`exit`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a program can be waited for",
    note = "wait for `listening(tcp(80))`, `log(\"…\")`, `unix(path)`, `interface(\"tun0\")`, `notify()` or `exit()`"
)]
pub trait Condition: Clone + Send + 'static {
    /// What is there when it has come true.
    type Found: Send + 'static;

    /// Whether a program of which this is true is one that the test relies on to its end.
    #[doc(hidden)]
    const SERVES: bool;

    /// Looks whether it is true now.
    #[doc(hidden)]
    fn look(&self, node: &Node, running: Option<&Running>) -> Result<Look<Self::Found>, Error>;

    /// Undoes what finding this has changed, because nobody was told of it.
    #[doc(hidden)]
    fn give_back(&self, _: &Running, _: Self::Found) {}

    /// The condition in words, of this subject.
    #[doc(hidden)]
    fn words(&self, subject: &str) -> String;

    /// What was meant instead, if what there is looks like a mistake in the condition.
    #[doc(hidden)]
    fn remedy(&self, _: &Node) -> Option<String> {
        None
    }
}

/// A [`Condition`] that needs no particular program: [`listening`], [`unix`], [`interface`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a node can be waited for",
    note = "wait for `listening(tcp(80))`, `unix(path)` or `interface(\"tun0\")`; what a program prints or says is \
            waited for with its `Process`"
)]
pub trait NodeCondition: Condition {}

/// What a look has seen.
#[doc(hidden)]
#[derive(Debug)]
pub enum Look<T> {
    /// It is true, and this is what was found.
    True(T),
    /// It is not; what was there instead.
    NotYet(String),
}

/// Until a socket of the node waits for such packets: a TCP socket that listens, or a UDP socket without a peer.
///
/// `listening(tcp(80))` is any socket with that port, `listening(tcp(80).to("10.0.0.2"))` one that takes what comes to
/// that address. Looking sends nothing to the program.
pub fn listening(traffic: Traffic) -> Listening {
    Listening(traffic)
}

/// Until the program prints a line, to either of its outputs, with this text in it; the line is what was found.
///
/// Each line is found once: who waits for the same text again waits for another line. A line that has no end yet, as a
/// prompt, counts as far as it goes.
pub fn log(text: impl Into<String>) -> LogLine {
    LogLine(text.into())
}

/// Until somebody on the node takes connections or datagrams at a Unix socket with this path; `@name` is one of the
/// abstract namespace ([unix(7)]).
///
/// Nodes that show the same file system have different sockets at equal paths in `/run`, which each has for itself.
///
/// [unix(7)]: https://man7.org/linux/man-pages/man7/unix.7.html
pub fn unix(path: impl AsRef<Path>) -> UnixSocket {
    UnixSocket(path.as_ref().to_owned())
}

/// Until the node has an interface of that name that is up, as one that the program makes; the interface is what was
/// found.
pub fn interface(name: impl Into<String>) -> NamedInterface {
    NamedInterface(name.into())
}

/// Until the program, or one that it started, says `READY=1` to the socket that `NOTIFY_SOCKET` names
/// ([sd_notify(3)]).
///
/// [sd_notify(3)]: https://man7.org/linux/man-pages/man3/sd_notify.3.html
pub fn notify() -> Notified {
    Notified
}

/// Until the program has ended, however it did; its status is what was found.
pub fn exit() -> Exit {
    Exit
}

/// See [`listening`].
#[derive(Debug, Clone)]
pub struct Listening(Traffic);

/// See [`log`](log()).
#[derive(Debug, Clone)]
pub struct LogLine(String);

/// See [`unix`].
#[derive(Debug, Clone)]
pub struct UnixSocket(PathBuf);

/// See [`interface`].
#[derive(Debug, Clone)]
pub struct NamedInterface(String);

/// See [`notify`].
#[derive(Debug, Clone)]
pub struct Notified;

/// See [`exit`].
#[derive(Debug, Clone)]
pub struct Exit;

impl Condition for Listening {
    type Found = ();
    const SERVES: bool = true;

    fn look(&self, node: &Node, _: Option<&Running>) -> Result<Look<()>, Error> {
        let all =
            node.try_run(sockets::listeners)?.map_err(|error| Error::io(node.name(), "list its sockets", error))?;
        if all.iter().any(|listener| listener.is_for(&self.0)) {
            return Ok(Look::True(()));
        }
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        let seen = if all.is_empty() { "nothing".to_owned() } else { all.join(", ") };
        Ok(Look::NotYet(format!("what the node listens on is {seen}")))
    }

    fn words(&self, subject: &str) -> String {
        format!("{subject} listens on {}", self.0)
    }

    fn remedy(&self, node: &Node) -> Option<String> {
        let all = node.try_run(sockets::listeners).ok()?.ok()?;
        all.iter().find_map(|listener| listener.nearly_for(&self.0))
    }
}

impl NodeCondition for Listening {}

impl Condition for LogLine {
    type Found = String;
    const SERVES: bool = false;

    fn look(&self, _: &Node, running: Option<&Running>) -> Result<Look<String>, Error> {
        let found = running.and_then(|running| running.find(&self.0));
        Ok(found.map_or_else(|| Look::NotYet("there is no such line".to_owned()), Look::True))
    }

    fn give_back(&self, running: &Running, line: String) {
        running.find_again(&line);
    }

    fn words(&self, subject: &str) -> String {
        format!("{subject} prints `{}`", self.0)
    }
}

impl Condition for UnixSocket {
    type Found = ();
    const SERVES: bool = true;

    fn look(&self, node: &Node, _: Option<&Running>) -> Result<Look<()>, Error> {
        let Self(path) = self;
        let (bound, is_there, is_bound) = node
            .try_run_with_view(|| {
                let bound = sockets::unix_listeners()?;
                let is_bound = is_bound(&bound, path);
                Ok((bound, path.exists(), is_bound))
            })?
            .map_err(|error| Error::io(node.name(), "list its sockets", error))?;
        if is_bound && (is_there || path.starts_with("@") || path.to_string_lossy().starts_with('@')) {
            return Ok(Look::True(()));
        }
        let all: Vec<_> = bound.iter().map(|path| path.display().to_string()).collect();
        Ok(Look::NotYet(match (is_there, all.as_slice()) {
            (true, _) => "there is such a file, and nobody takes what comes there".to_owned(),
            (false, []) => "no Unix socket of the node is bound to a path".to_owned(),
            (false, all) => format!("there is no such file; Unix sockets of the node are bound to {}", all.join(", ")),
        }))
    }

    fn words(&self, subject: &str) -> String {
        format!("{subject} takes what comes to {}", self.0.display())
    }
}

impl NodeCondition for UnixSocket {}

impl Condition for NamedInterface {
    type Found = Interface;
    const SERVES: bool = true;

    fn look(&self, node: &Node, _: Option<&Running>) -> Result<Look<Interface>, Error> {
        let found = match node.interface(&self.0) {
            Ok(interface) => interface,
            Err(error @ Error::NoSuchInterface { .. }) => return Ok(Look::NotYet(error.to_string())),
            Err(error) => return Err(error),
        };
        match found.info() {
            Ok(info) if info.flags.up() => Ok(Look::True(found)),
            Ok(_) => Ok(Look::NotYet("it is there, and down".to_owned())),
            // It went between the two questions.
            Err(error @ Error::NoSuchInterface { .. }) => Ok(Look::NotYet(error.to_string())),
            Err(error) => Err(error),
        }
    }

    fn words(&self, subject: &str) -> String {
        format!("{subject} has an interface `{}` that is up", self.0)
    }
}

impl NodeCondition for NamedInterface {}

impl Condition for Notified {
    type Found = ();
    const SERVES: bool = true;

    fn look(&self, _: &Node, running: Option<&Running>) -> Result<Look<()>, Error> {
        let said = running.map(Running::said).unwrap_or_default();
        Ok(match said.status {
            _ if said.ready => Look::True(()),
            Some(status) => Look::NotYet(format!("its last word was STATUS={status}")),
            None => Look::NotYet("it has said nothing to NOTIFY_SOCKET".to_owned()),
        })
    }

    fn words(&self, subject: &str) -> String {
        format!("{subject} says READY=1")
    }
}

impl Condition for Exit {
    type Found = ExitStatus;
    const SERVES: bool = false;

    fn look(&self, node: &Node, running: Option<&Running>) -> Result<Look<ExitStatus>, Error> {
        let Some(running) = running else { return Ok(Look::NotYet("there is no program".to_owned())) };
        match running.ended() {
            None => Ok(Look::NotYet("it is still running".to_owned())),
            Some(Ok(status)) => {
                running.end_is_known();
                Ok(Look::True(status))
            }
            Some(Err(why)) => {
                Err(Error::io(node.name(), format!("wait for `{}`", running.program()), std::io::Error::other(why)))
            }
        }
    }

    fn words(&self, subject: &str) -> String {
        format!("{subject} ends")
    }
}
