//! The middle process M, as the launcher sees it: a copy of this program that was stopped before its `main`. It makes one
//! sandbox after another, each as fresh as if the program had been executed for it, which is slow.

use std::{
    env,
    ffi::{CString, OsStr, OsString},
    io,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, process::CommandExt},
    },
    path::PathBuf,
    process::{self, Child, Command, ExitStatus},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{
    channel::{Channel, Message, Start},
    life,
};

/// A running M. It ends when this is dropped, or the process does.
#[derive(Debug)]
pub(crate) struct Server {
    /// `None` only while it is dropped.
    channel: Option<Channel>,
    child: Child,
    origin: Origin,
}

/// What a copy of this program is born with, and keeps.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    /// The number of arguments: their words are exchanged, their number is not.
    arguments: usize,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
}

impl Origin {
    fn now(arguments: usize) -> Self {
        Self { arguments, environment: env::vars_os().collect(), directory: env::current_dir().ok() }
    }
}

/// Those that have nothing to do: as many as there were sandboxes at once.
static IDLE: Mutex<Vec<Server>> = Mutex::new(Vec::new());

fn idle() -> MutexGuard<'static, Vec<Server>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Has a sandbox made, with these descriptors as its standard input, output and error.
    pub(crate) fn begin(start: &Start, descriptors: [BorrowedFd; 3]) -> io::Result<Self> {
        let origin = Origin::now(start.arguments.len());
        // Taken out first: its lock is not held while the program is executed.
        let waiting = {
            let mut idle = idle();
            idle.retain(|server| server.origin == origin);
            idle.pop()
        };
        let message = Message::Start(start.clone());
        if let Some(server) = waiting
            && server.channel().send(&message, &descriptors).is_ok()
        {
            return Ok(server);
        }
        let server = Self::start(&start.arguments, origin)?;
        server.channel().send(&message, &descriptors)?;
        Ok(server)
    }

    fn start(arguments: &[CString], origin: Origin) -> io::Result<Self> {
        if !life::armed() {
            return Err(io::Error::other("the linker has left out the constructor that makes sandboxes"));
        }
        let (ours, theirs) = Channel::pair()?;
        // By this name the kernel finds the very file that we are, whatever has become of its path.
        let mut command = Command::new("/proc/self/exe");
        command.arg0(env::args_os().next().unwrap_or_else(|| "netns-test".into()));
        command.args(arguments.iter().map(|argument| OsStr::from_bytes(argument.as_bytes())));
        command.env(life::MARKER, process::id().to_string());
        if let Some(profile) = profile_file() {
            command.env(PROFILE, profile);
        }
        command.stdin(OwnedFd::from(theirs));
        Ok(Self { channel: Some(ours), child: command.spawn()?, origin })
    }

    /// The line to everybody in the sandbox.
    pub(crate) fn channel(&self) -> &Channel {
        self.channel.as_ref().expect("it is there until the server is dropped")
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and whatever is in its sandbox, and says how it ended.
    pub(crate) fn kill(mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Waits for its end, which has begun.
    pub(crate) fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Keeps it for the next sandbox, if it can make another one.
    pub(crate) fn rest(self) {
        // The runtime of the coverage counters reads the profile's name before anything of ours runs, once a process.
        if life::CAN_EXCHANGE_ARGUMENTS && env::var_os(PROFILE).is_none() {
            idle().push(self);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.channel = None;
        // It has nothing left to do, and knows it.
        let _ = self.child.wait();
    }
}

/// Names the coverage profile.
const PROFILE: &str = "LLVM_PROFILE_FILE";

/// The coverage profile's name with something in it that tells sandboxes apart: in all of them the test has PID 2.
fn profile_file() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let pattern = env::var(PROFILE).ok()?;
    if pattern.contains("%m") || !pattern.contains("%p") {
        return None;
    }
    let ours = format!("{}-{}-%p", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Some(pattern.replace("%p", &ours))
}
