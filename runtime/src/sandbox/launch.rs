//! The launcher P: starts a copy of this program in a sandbox, relays what it prints, and waits with a deadline.

use std::{
    env,
    ffi::{CString, OsString},
    fs::File,
    io::{self, ErrorKind, PipeReader, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    process::{self, ExitStatus},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::getppid,
};

use super::{
    channel::{Message, Start},
    holder,
    maps::Ids,
    outcome::{End, Refused},
    running,
    server::Server,
};
use crate::sys;

/// How long the sandbox may take to stand, if there is a deadline. A new network namespace waits for the kernel's lock of
/// all of them, which it holds for seconds where namespaces with many bridges are removed on a busy machine.
const MAKING: Duration = Duration::from_secs(60);

/// How long the processes may take to go once they were told to.
const GRACE: Duration = Duration::from_secs(5);

/// What to start.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) name: String,
    pub(crate) arguments: Vec<OsString>,
    /// Where what it prints goes.
    pub(crate) output: Output,
    /// Whether standard output stays shut until the body begins.
    pub(crate) quiet: bool,
    pub(crate) ids: Ids,
    /// How long its program may take.
    pub(crate) deadline: Option<Duration>,
}

/// Where the output of a sandbox goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Straight to where ours goes.
    Inherited,
    /// Through `print!`, for a test harness to capture.
    Printed,
    /// Into [`Ended::output`].
    Kept,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    /// The lines that the body recorded.
    pub(crate) records: Vec<String>,
    /// What the set-up had to go without.
    pub(crate) notes: Vec<String>,
    /// What it printed, if that was kept.
    pub(crate) output: String,
    /// How the copy's process ended, if there was one.
    pub(crate) status: Option<ExitStatus>,
}

impl Launch {
    /// Starts it and waits for its end, which is the end of every process that it started.
    pub(crate) fn run(self) -> Ended {
        let mut ended =
            Ended { end: End::Passed, records: Vec::new(), notes: Vec::new(), output: String::new(), status: None };
        match self.try_run(&mut ended) {
            Ok(end) => ended.end = end,
            Err(error) => ended.end = End::Unstartable(error),
        }
        ended
    }

    fn try_run(&self, ended: &mut Ended) -> io::Result<End> {
        let nofile = holder::raise_limit();
        let (server, output) = self.start(nofile)?;

        let runner = Runner::of_this_process();
        let kept = self.output == Output::Kept;
        let mut talk =
            Talk { server, output, kept, runner, unfinished: Vec::new(), begun: false, said: None, over: None };
        let made = match self.deadline {
            Some(_) => talk.until(Some(Instant::now() + MAKING), |talk| talk.begun, ended)?,
            None => true,
        };
        if !made {
            talk.end(ended)?;
            talk.part(ended)?;
            return Err(io::Error::new(
                ErrorKind::TimedOut,
                format!("the kernel has made no namespaces for {MAKING:?}"),
            ));
        }
        if !talk.until(self.deadline.and_then(end_of), |_| false, ended)? {
            let running =
                if talk.said.is_none() { running::describe(talk.server.id(), &self.name) } else { String::new() };
            talk.end(ended)?;
            // It may have ended while it was told to.
            if talk.said.is_none() {
                talk.part(ended)?;
                return Ok(End::TimedOut(self.deadline.unwrap_or_default(), running));
            }
        }
        let said = talk.said.take();
        let status = talk.part(ended)?;
        Ok(match said {
            Some(End::Passed) if !status.success() => End::EndedBadly(status),
            Some(end) => end,
            None => End::Ended(status),
        })
    }

    /// Returns who makes it, and what it prints.
    fn start(&self, nofile: u64) -> io::Result<(Server, Option<PipeReader>)> {
        let arguments = self.arguments.iter().map(|argument| CString::new(argument.as_bytes()));
        let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
        let start = Start { name: self.name.clone(), arguments, quiet: self.quiet, ids: self.ids, nofile };
        let input = ours(io::stdin())?;
        if self.output == Output::Inherited {
            let (output, error) = (ours(io::stdout())?, ours(io::stderr())?);
            return Ok((Server::begin(&start, [&input, &output, &error].map(AsFd::as_fd))?, None));
        }
        // One pipe for both outputs, so that lines stay in the order in which they were printed.
        let (reader, writer) = io::pipe()?;
        Ok((Server::begin(&start, [input.as_fd(), writer.as_fd(), writer.as_fd()])?, Some(reader)))
    }
}

/// A copy of one of our standard streams, or of one that leads nowhere if ours is closed.
fn ours(stream: impl AsFd) -> io::Result<OwnedFd> {
    let nowhere = || File::options().read(true).write(true).open("/dev/null").map(OwnedFd::from);
    stream.as_fd().try_clone_to_owned().or_else(|_| nowhere())
}

/// The process that runs this program's tests: they end if it is killed, for nobody would read their verdict.
struct Runner(OwnedFd);

impl Runner {
    /// Cargo and nextest say in the environment that they are our parent; from anybody else we may be detached.
    fn of_this_process() -> Option<Self> {
        let known = env::var_os("CARGO").is_some() || env::var_os("NEXTEST").is_some();
        let parent = getppid();
        let runner = Self(sys::pidfd_open(parent).ok().filter(|_| known)?);
        // Had it gone before, the number might be another's by now.
        (getppid() == parent).then_some(runner)
    }
}

/// The conversation with a running sandbox.
struct Talk {
    server: Server,
    output: Option<PipeReader>,
    /// Whether the output is for us.
    kept: bool,
    /// Whoever runs this program's tests, if that is known.
    runner: Option<Runner>,
    /// Bytes at the end of the output that are no whole character yet.
    unfinished: Vec<u8>,
    /// Whether the sandbox stands.
    begun: bool,
    said: Option<End>,
    /// Set once everybody in the sandbox has gone.
    over: Option<Over>,
}

/// How a sandbox was over.
#[derive(Clone, Copy)]
enum Over {
    /// Its maker says how the body's process ended.
    Well(ExitStatus),
    /// Its maker has gone.
    Abruptly,
}

impl Talk {
    /// Listens until both lines are closed, or enough was heard, or it is time; says whether the last did not come first.
    fn until(
        &mut self,
        deadline: Option<Instant>,
        enough: impl Fn(&Self) -> bool,
        ended: &mut Ended,
    ) -> io::Result<bool> {
        while (self.over.is_none() || self.output.is_some()) && !enough(self) {
            let timeout = match deadline {
                None => PollTimeout::NONE,
                Some(at) => match at.checked_duration_since(Instant::now()) {
                    None => return Ok(false),
                    Some(left) => PollTimeout::try_from(left.as_millis().saturating_add(1)).unwrap_or(PollTimeout::MAX),
                },
            };
            let (said, printed) = self.wait(timeout)?;
            if said {
                self.listen(ended)?;
            }
            if printed {
                self.relay(ended)?;
            }
        }
        Ok(true)
    }

    fn wait(&self, timeout: PollTimeout) -> io::Result<(bool, bool)> {
        let lines: [Option<BorrowedFd>; 3] = [
            self.over.is_none().then(|| self.server.channel().as_fd()),
            self.output.as_ref().map(AsFd::as_fd),
            self.runner.as_ref().map(|runner| runner.0.as_fd()),
        ];
        let mut wait: Vec<PollFd> = lines.iter().flatten().map(|line| PollFd::new(*line, PollFlags::POLLIN)).collect();
        match poll(&mut wait, timeout) {
            Err(Errno::EINTR) => return Ok((false, false)),
            found => found?,
        };
        let mut ready = wait.iter().map(|found| found.any().unwrap_or(true));
        let said = self.over.is_none() && ready.next().unwrap_or(false);
        let printed = self.output.is_some() && ready.next().unwrap_or(false);
        if self.runner.is_some() && ready.next().unwrap_or(false) {
            // Everything in the sandbox ends with us.
            eprintln!("netns-test: the test runner has gone");
            process::exit(101);
        }
        Ok((said, printed))
    }

    fn listen(&mut self, ended: &mut Ended) -> io::Result<()> {
        let received = match self.server.channel().receive() {
            // Whoever was killed with messages unread leaves this instead of an end.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            received => received?,
        };
        let Some((message, descriptors)) = received else {
            self.over = Some(Over::Abruptly);
            return Ok(());
        };
        match message {
            Message::Begun => self.begun = true,
            Message::Note(text) => ended.notes.push(text),
            Message::Record(text) => ended.records.push(text),
            Message::Hold => holder::keep(descriptors),
            Message::Refused(refusal) => self.said = Some(End::Refused(Refused(refusal))),
            Message::Skip(reason) => self.said = Some(End::Skipped(reason)),
            Message::Passed => self.said = Some(End::Passed),
            Message::Failed(message) => self.said = Some(End::Failed(message)),
            Message::Unbuilt(message) => self.said = Some(End::Unbuilt(message)),
            Message::Over(status) => self.over = Some(Over::Well(status)),
            Message::Start(_) | Message::Kill => return Err(io::Error::other("a message in the wrong direction")),
        }
        Ok(())
    }

    fn relay(&mut self, ended: &mut Ended) -> io::Result<()> {
        let Some(output) = &mut self.output else { return Ok(()) };
        let mut buffer = [0; 16 * 1024];
        let length = match output.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            length => length?,
        };
        self.unfinished.extend_from_slice(&buffer[..length]);
        let whole = if length == 0 { self.unfinished.len() } else { whole_characters(&self.unfinished) };
        let text = String::from_utf8_lossy(&self.unfinished[..whole]);
        if self.kept {
            ended.output.push_str(&text);
        } else {
            print!("{text}");
        }
        self.unfinished.drain(..whole);
        if length == 0 {
            self.output = None;
        }
        Ok(())
    }

    /// Has every process ended, and waits until they have gone, or for a while.
    fn end(&mut self, ended: &mut Ended) -> io::Result<()> {
        // If nobody listens any more, they are going already.
        let _ = self.server.channel().send(&Message::Kill, &[]);
        self.until(Some(Instant::now() + GRACE), |_| false, ended)?;
        Ok(())
    }

    /// Parts with the sandbox's maker, and returns how the body's process ended.
    fn part(self, ended: &mut Ended) -> io::Result<ExitStatus> {
        let status = match self.over {
            Some(Over::Well(status)) => {
                self.server.rest();
                status
            }
            Some(Over::Abruptly) => self.server.wait()?,
            None => self.server.kill()?,
        };
        ended.status = Some(status);
        Ok(status)
    }
}

/// When that time is over, from now on; never, if that is later than any time.
fn end_of(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// The length of the beginning that ends with a whole character, or with what can never become one.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    for start in (tail..bytes.len()).rev() {
        let needed = match bytes[start] {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => 1,
        };
        return if start + needed > bytes.len() { start } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_never_over_is_none() {
        assert!(end_of(Duration::from_secs(60)).is_some());
        assert_eq!(end_of(Duration::MAX), None);
    }

    #[test]
    fn a_character_is_never_cut() {
        let text = "aä€😀";
        for end in 0..=text.len() {
            let whole = whole_characters(&text.as_bytes()[..end]);
            assert!(text.is_char_boundary(whole) && end - whole < 4, "{end} {whole}");
        }
        assert_eq!(whole_characters(&[0x80, 0x80, 0x80, 0x80]), 4);
    }
}
