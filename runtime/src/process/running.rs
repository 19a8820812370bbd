//! A program that runs, or has ended: what is known of it, and what keeps that up to date.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixDatagram,
    },
    process::{Child, ChildStdin, ExitStatus},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::{
        signal::{kill, killpg},
        wait::waitpid,
    },
    unistd::Pid,
};

use super::{
    Signal,
    log::{Log, Stream},
    supervisor::{self, Source},
};
use crate::{sys, trace::Context};

/// A program with what it said so far; it stays when the program has ended.
#[doc(hidden)]
pub struct Running {
    node: String,
    program: String,
    pid: Pid,
    child: Mutex<Child>,
    state: Mutex<State>,
    changed: Condvar,
    context: Context,
}

#[derive(Debug, Default)]
struct State {
    log: Log,
    /// How it ended; in words, if nobody can say.
    ended: Option<Result<ExitStatus, String>>,
    said: Said,
    /// Whether the test relies on it to the end.
    serves: bool,
    /// Whether the test has asked for its end, or knows of it.
    end_is_known: bool,
}

/// What it said to the service manager that it takes us for ([sd_notify(3)]).
///
/// [sd_notify(3)]: https://man7.org/linux/man-pages/man3/sd_notify.3.html
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) ready: bool,
    pub(super) status: Option<String>,
}

impl Running {
    /// Watches a child whose outputs are pipes, and which has a process group of its own; ends it if that cannot be.
    pub(super) fn watch(
        node: &str,
        program: &str,
        child: Child,
        notices: UnixDatagram,
        context: Context,
    ) -> io::Result<Arc<Self>> {
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        Self::try_watch(node, program, pid, child, notices, context).inspect_err(|_| {
            // Nobody else waits for it, so the number is still its own.
            let _ = killpg(pid, nix::sys::signal::Signal::SIGKILL);
            while waitpid(pid, None) == Err(Errno::EINTR) {}
        })
    }

    fn try_watch(
        node: &str,
        program: &str,
        pid: Pid,
        mut child: Child,
        notices: UnixDatagram,
        context: Context,
    ) -> io::Result<Arc<Self>> {
        let end = sys::pidfd_open(pid)?;
        let pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
        let running = Arc::new(Self {
            node: node.to_owned(),
            program: program.to_owned(),
            pid,
            child: Mutex::new(child),
            state: Mutex::default(),
            changed: Condvar::new(),
            context,
        });
        let [stdout, stderr] = pipes;
        let output = |stream, pipe: Option<OwnedFd>| -> io::Result<Arc<Output>> {
            let pipe = pipe.ok_or_else(|| io::Error::other("the child has no pipe"))?;
            fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            Ok(Arc::new(Output { running: running.clone(), stream, pipe: Mutex::new(Some(pipe.into())) }))
        };
        let outputs = [output(Stream::Stdout, stdout)?, output(Stream::Stderr, stderr)?];
        notices.set_nonblocking(true)?;
        let notices = Arc::new(Notices { running: running.clone(), socket: notices });
        let mut watched = Vec::new();
        for output in outputs {
            watched.push((supervisor::watch(output.clone())?, output));
        }
        let notices = (supervisor::watch(notices.clone())?, notices);
        let key = notices.0;
        let open = Mutex::new(Some(Open { end, outputs: watched, notices }));
        // The outputs end with it.
        supervisor::watch(Arc::new(End { running: running.clone(), open })).inspect_err(|_| supervisor::forget(key))?;
        Ok(running)
    }

    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// The writing end of its standard input, if that is a pipe, and nobody has taken it.
    pub(super) fn take_stdin(&self) -> Option<ChildStdin> {
        self.child().stdin.take()
    }

    /// Its name, without the directory.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    pub(super) fn stdout(&self) -> String {
        self.state().log.stream(Stream::Stdout)
    }

    pub(super) fn stderr(&self) -> String {
        self.state().log.stream(Stream::Stderr)
    }

    pub(super) fn find(&self, text: &str) -> Option<String> {
        self.state().log.find(text)
    }

    pub(super) fn find_again(&self, line: &str) {
        self.state().log.find_again(line);
        self.changed.notify_all();
    }

    pub(super) fn last_lines(&self, count: usize) -> Vec<String> {
        self.state().log.last(count)
    }

    pub(super) fn said(&self) -> Said {
        self.state().said.clone()
    }

    /// How it ended, if it has, and everything that it printed is here.
    pub(super) fn ended(&self) -> Option<Result<ExitStatus, String>> {
        self.state().ended.clone()
    }

    /// Waits until it says something or ends, or for that time; not at all if it has ended.
    pub(super) fn wait_for_news(&self, limit: Duration) {
        let state = self.state();
        if state.ended.is_none() {
            drop(self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Waits until it has ended.
    pub(super) fn wait(&self) -> Result<ExitStatus, String> {
        let mut state = self.state();
        loop {
            if let Some(ended) = &state.ended {
                return ended.clone();
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that the test relies on it from now on.
    pub(super) fn serves(&self) {
        self.state().serves = true;
    }

    /// Notes that the test asked for its end, or knows of it.
    pub(super) fn end_is_known(&self) {
        self.state().end_is_known = true;
    }

    /// In words, that it ended although the test relied on it.
    pub(crate) fn unexpected_end(&self) -> Option<String> {
        if !matches!(self.child().try_wait(), Ok(None)) {
            // Its last words are on the way.
            let _ = self.wait();
        }
        let state = self.state();
        let status = state.ended.as_ref().filter(|_| state.serves && !state.end_is_known)?;
        let lines: String = state.log.last(super::error::LINES).iter().map(|line| format!("\n    {line}")).collect();
        let (node, program, status) = (&self.node, &self.program, words(status));
        Some(format!("on node `{node}`: `{program}` ended before the test did, with {status}{lines}"))
    }

    /// Sends a signal to it alone; an error if it has ended.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let mut child = self.child();
        if child.try_wait()?.is_some() {
            return Err(Errno::ESRCH.into());
        }
        // Nobody else waits for it, so the number is still its own.
        // nix has no word for real-time signals.
        match nix::sys::signal::Signal::try_from(signal.number()) {
            Ok(known) => Ok(kill(self.pid, known)?),
            Err(_) => sys::kill(self.pid, signal.number()),
        }
    }

    /// Kills it and what it started in its process group; nothing if it has ended. It takes a moment to go.
    pub(crate) fn kill(&self) {
        self.end_is_known();
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            // It is there, and so is its group.
            let _ = killpg(self.pid, nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// Kills it and waits until it has gone.
    pub(crate) fn end(&self) {
        self.kill();
        // That nobody knows how it went changes nothing.
        let _ = self.wait();
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn printed(&self, stream: Stream, bytes: &[u8]) {
        let lines = self.state().log.push(stream, bytes);
        self.changed.notify_all();
        self.show(&lines);
    }

    fn finish(&self, stream: Stream) {
        let line = self.state().log.finish(stream);
        self.show(line.as_slice());
    }

    /// Shows lines in the output of the test, where its harness keeps or shows them.
    fn show(&self, lines: &[String]) {
        for line in lines {
            self.context.printed(&self.program, self.pid.as_raw(), line);
        }
        if lines.is_empty() || !crate::sandbox::is_test() {
            return;
        }
        let Self { node, program, pid, .. } = self;
        let text: String = lines.iter().map(|line| format!("{node} {program}[{pid}]: {line}\n")).collect();
        // One write, so that lines stay whole beside those of the test.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// How a program ended, in the words of the standard library.
pub(super) fn words(ended: &Result<ExitStatus, String>) -> String {
    ended.as_ref().map_or_else(|error| format!("an unknown status ({error})"), ExitStatus::to_string)
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}[{}]", self.node, self.program, self.pid)
    }
}

/// One of the two pipes.
struct Output {
    running: Arc<Running>,
    stream: Stream,
    pipe: Mutex<Option<File>>,
}

impl Output {
    fn pipe(&self) -> MutexGuard<'_, Option<File>> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is there, up to that many bytes; says whether anybody can still write.
    fn read(&self, most: usize) -> bool {
        let mut pipe = self.pipe();
        let Some(file) = &mut *pipe else { return false };
        let mut buffer = [0; 16 * 1024];
        let mut taken = 0;
        while taken < most {
            match file.read(&mut buffer) {
                Ok(0) => {
                    self.running.finish(self.stream);
                    return false;
                }
                Ok(length) => {
                    self.running.printed(self.stream, &buffer[..length]);
                    taken += length;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    /// Takes everything that was written before now; says whether anybody can still write.
    fn drain(&self) -> bool {
        let size = self.pipe().as_ref().and_then(|pipe| fcntl(pipe, FcntlArg::F_GETPIPE_SZ).ok());
        // One more than it holds, so that its end is seen.
        let more = self.read(size.and_then(|size| usize::try_from(size).ok()).unwrap_or(1 << 20) + 1);
        self.running.finish(self.stream);
        more
    }
}

impl Source for Output {
    fn with_descriptor(&self, use_it: &mut dyn FnMut(BorrowedFd<'_>)) {
        if let Some(pipe) = &*self.pipe() {
            use_it(pipe.as_fd());
        }
    }

    fn take_news(&self) -> bool {
        // A program that prints without end leaves room for others.
        let more = self.read(64 * 1024);
        if !more {
            self.pipe().take();
        }
        more
    }
}

/// The socket for sd_notify(3).
struct Notices {
    running: Arc<Running>,
    socket: UnixDatagram,
}

impl Source for Notices {
    fn with_descriptor(&self, use_it: &mut dyn FnMut(BorrowedFd<'_>)) {
        use_it(self.socket.as_fd());
    }

    fn take_news(&self) -> bool {
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let mut state = self.running.state();
            for line in String::from_utf8_lossy(&buffer[..length]).lines() {
                match line.split_once('=') {
                    Some(("READY", "1")) => state.said.ready = true,
                    Some(("STATUS", status)) => state.said.status = Some(status.to_owned()),
                    _ => {}
                }
            }
            drop(state);
            self.running.changed.notify_all();
        }
        true
    }
}

/// Its end, for which a descriptor of the process becomes readable.
struct End {
    running: Arc<Running>,
    open: Mutex<Option<Open>>,
}

/// What is open as long as it runs, with the numbers by which the supervisor knows it.
struct Open {
    end: OwnedFd,
    outputs: Vec<(u64, Arc<Output>)>,
    notices: (u64, Arc<Notices>),
}

impl Open {
    /// Takes all that it has said; those whom it left behind may hold its outputs for ever.
    fn close(self) {
        for (key, output) in self.outputs {
            if !output.drain() {
                supervisor::forget(key);
                output.pipe().take();
            }
        }
        let (key, notices) = self.notices;
        notices.take_news();
        supervisor::forget(key);
    }
}

impl Source for End {
    fn with_descriptor(&self, use_it: &mut dyn FnMut(BorrowedFd<'_>)) {
        if let Some(open) = &*self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            use_it(open.end.as_fd());
        }
    }

    fn take_news(&self) -> bool {
        // Before anybody is told: nothing of it is left then.
        if let Some(open) = self.open.lock().unwrap_or_else(PoisonError::into_inner).take() {
            open.close();
        }
        self.running.take_stdin();
        let status = self.running.child().try_wait();
        let ended = match status {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it has ended, and cannot be waited for".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let end_is_known = self.running.state().end_is_known;
        if !end_is_known && !ended.as_ref().is_ok_and(ExitStatus::success) {
            self.running.show(&[format!("ended with {}", words(&ended))]);
        }
        self.running.state().ended = Some(ended);
        self.running.changed.notify_all();
        false
    }
}
