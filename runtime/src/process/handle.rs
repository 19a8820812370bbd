use std::{
    io,
    process::{ChildStdin, ExitStatus},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Condition, Output, ProcessError, Running, SIGTERM, Signal, Wait, listening, log};
use crate::{
    lab::{Error, Node},
    probe::Traffic,
};

/// How long a program may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// A program that runs on a node until it ends, or is killed when the network ends.
///
/// A handle: dropping it ends nothing.
///
/// What it prints is shown with the output of the test as it comes, each line as `node program[pid]: line`.
///
/// If the test has waited until it is [`ready`](Process::ready), and it then ends by itself before the test does, that
/// fails the test.
#[derive(Debug)]
pub struct Process {
    node: Node,
    running: Arc<Running>,
}

impl Process {
    pub(super) fn new(node: Node, running: Arc<Running>) -> Self {
        Self { node, running }
    }

    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Its process id, in the sandbox's numbering.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// The node that it runs on.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// What it wrote to its standard output so far.
    pub fn stdout(&self) -> String {
        self.running.stdout()
    }

    /// What it wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        self.running.stderr()
    }

    /// The writing end of its standard input, if that is a pipe and this is the first call; it reads the end when this
    /// is dropped. One that nobody takes stays open as long as the program runs.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        self.running.take_stdin()
    }

    /// Waits until it is ready, and from then on relies on it: if it ends by itself before the test does, the test
    /// fails.
    ///
    /// The condition is [`listening`], [`log`](log()), [`unix`](super::unix), [`interface`](super::interface) or
    /// [`notify`](super::notify).
    ///
    /// ```no_run
    /// # use netns_test_runtime::{lab::Node, process::listening, probe::udp};
    /// # fn f(node: Node) -> netns_test_runtime::Result {
    /// let dns = node.command("dnsmasq").args(["--no-daemon", "--no-resolv"]).spawn()?;
    /// dns.ready(listening(udp(53)))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// At once, with its last lines, if it ends before; after 10 s if it is not ready by then.
    pub fn ready<C: Condition>(&self, condition: C) -> Result<C::Found, Error> {
        let found = self.wait_for(condition).run()?;
        self.running.serves();
        Ok(found)
    }

    /// A wait for a condition, to be run or awaited.
    ///
    /// One for a socket, an interface or a notification relies on the program afterwards, as [`ready`](Process::ready).
    pub fn wait_for<C: Condition>(&self, condition: C) -> Wait<C> {
        Wait::new(self.node.clone(), Some(self.running.clone()), condition)
    }

    /// Waits until it prints a line with this text in it that no wait has found yet, and returns the line.
    ///
    /// # Errors
    ///
    /// As [`Process::ready`].
    pub fn wait_log(&self, text: impl Into<String>) -> Result<String, Error> {
        self.wait_for(log(text)).run()
    }

    /// Waits until it listens on a port of its node: [`ready`](Process::ready) with [`listening`].
    ///
    /// # Errors
    ///
    /// As [`Process::ready`].
    pub fn wait_until_listening(&self, traffic: Traffic) -> Result<(), Error> {
        self.ready(listening(traffic))
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// `ESRCH` if it has ended.
    pub fn signal(&self, signal: impl Into<Signal>) -> Result<(), Error> {
        let signal = signal.into();
        self.running.signal(signal).map_err(|error| self.failed(format!("send {signal} to"), error))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    ///
    /// If somebody else has waited for it, so that nobody knows.
    pub fn try_wait(&self) -> Result<Option<ExitStatus>, Error> {
        let ended = self.running.ended().map(|ended| self.known(ended)).transpose()?;
        Ok(ended)
    }

    /// Waits for its end, for as long as the test may take; [`wait_for`](Process::wait_for)`(exit())` can be awaited
    /// and given a time.
    ///
    /// What it left behind, and holds its output, is not waited for.
    ///
    /// # Errors
    ///
    /// As [`Process::try_wait`].
    pub fn wait(&self) -> Result<ExitStatus, Error> {
        self.known(self.running.wait())
    }

    /// Waits for its end, and returns what it printed as well.
    ///
    /// # Errors
    ///
    /// As [`Process::try_wait`].
    pub fn wait_with_output(self) -> Result<Output, Error> {
        let status = self.wait()?;
        Ok(Output { status, stdout: self.stdout(), stderr: self.stderr() })
    }

    /// Ends it in an orderly way: sends SIGTERM, and SIGKILL if it is still there after 5 s. The status says which.
    ///
    /// # Errors
    ///
    /// As [`Process::try_wait`].
    pub fn terminate(&self) -> Result<ExitStatus, Error> {
        self.terminate_within(GRACE)
    }

    /// [`Process::terminate`] with another time of grace.
    ///
    /// # Errors
    ///
    /// As [`Process::try_wait`].
    pub fn terminate_within(&self, grace: Duration) -> Result<ExitStatus, Error> {
        self.running.end_is_known();
        let begin = Instant::now();
        match self.running.signal(SIGTERM) {
            Ok(()) => {}
            // It has ended.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) => return Err(self.failed("send SIGTERM to", error)),
        }
        while self.running.ended().is_none() {
            let left = grace.saturating_sub(begin.elapsed());
            if left.is_zero() {
                self.running.kill();
                break;
            }
            self.running.wait_for_news(left);
        }
        self.wait()
    }

    /// Kills it, with everything in its process group, and waits until it has gone; nothing if it has ended.
    ///
    /// # Errors
    ///
    /// As [`Process::try_wait`].
    pub fn kill(&self) -> Result<ExitStatus, Error> {
        self.running.kill();
        self.wait()
    }

    fn known(&self, ended: Result<ExitStatus, String>) -> Result<ExitStatus, Error> {
        self.running.end_is_known();
        ended.map_err(|why| self.failed("wait for", io::Error::other(why)))
    }

    fn failed(&self, action: impl Into<String>, source: io::Error) -> Error {
        let (node, program) = (self.node.name().to_owned(), self.running.program().to_owned());
        ProcessError::Io { node, action: action.into(), program, source }.into()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What still runs is its network's to end, and to ask whether it lived as long as it should.
        if self.running.ended().is_some() {
            self.node.forget_process(&self.running, self.running.unexpected_end());
        }
    }
}
