//! Life before `main`: how a freshly executed copy of the program becomes a sandbox.
//!
//! The launcher P (see `launch`) executes its own binary again. A constructor stops that copy, M, while it has a single
//! thread. M makes the namespaces with a new process I in them, writes I's id maps from outside, waits, and dies I's
//! death. I is PID 1 in there: it mounts, brings `lo` up, forks T, reaps orphans, and tells M how T ended. T returns
//! from the constructor into `main`, as PID 2.
#![expect(unsafe_code, reason = "a constructor, clone and fork: the one place where processes are made by hand")]

use std::{
    ffi::CString,
    fs::{self, File},
    io::{Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::CloneFlags,
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
        signal::{SigHandler, Signal, kill, raise, signal},
        socket::{SockType, getsockopt, sockopt},
        wait::{WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, dup2_stdin, dup2_stdout, fork, getpid, getppid, sethostname},
};

use super::{
    channel::{Channel, Message, Start},
    loopback, maps, mounts,
    refusal::{Refusal, Step},
};

/// The variable that tells a copy of the program what it is: the launcher's PID.
pub(crate) const MARKER: &str = "NETNS_TEST_LIFE";

/// The exit code of a set-up that was refused; nobody reads it, the refusal went over the channel.
const REFUSED: i32 = 125;

static ARMED: AtomicBool = AtomicBool::new(false);
static BORN: OnceLock<Born> = OnceLock::new();

/// What T knows of itself.
#[derive(Debug)]
pub(crate) struct Born {
    /// The name of the body that it is to run.
    pub(crate) name: String,
    /// To the launcher.
    pub(crate) channel: Channel,
    /// Standard output, while the test harness around the body speaks into the void.
    pub(crate) stdout: Option<OwnedFd>,
    /// Set once the body has begun: whatever it calls is outside of the launcher's agreement.
    pub(crate) begun: AtomicBool,
}

/// What the constructor has made of this process, if it is a sandbox's T.
pub(crate) fn born() -> Option<&'static Born> {
    BORN.get()
}

/// Whether the constructor was linked in and has run; without it a copy would launch copies for ever.
pub(crate) fn armed() -> bool {
    ARMED.load(Ordering::Relaxed)
}

/// Lets the body's output through, where the harness's own words were kept back.
pub(crate) fn open_stdout(born: &Born) {
    if let Some(stdout) = &born.stdout {
        // Failing here would lose output only; the verdict goes over the channel.
        let _ = dup2_stdout(stdout);
    }
}

#[used]
// SAFETY: the section holds pointers to functions that the C library calls before main, which this is.
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

extern "C" fn constructor() {
    ARMED.store(true, Ordering::Relaxed);
    let Some(launcher) = std::env::var(MARKER).ok().and_then(|pid| pid.parse().ok()) else { return };
    // SAFETY: nothing but constructors has run, so there is one thread, and nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(MARKER) };
    // Only a launcher puts such a socket there: a marker that came some other way is none.
    if getsockopt(&stdin(), sockopt::SockType).ok() != Some(SockType::SeqPacket) {
        return;
    }
    middle(Pid::from_raw(launcher));
}

fn stdin() -> BorrowedFd<'static> {
    // SAFETY: descriptor 0 is used for a system call at once, which fails harmlessly if it is closed.
    unsafe { BorrowedFd::borrow_raw(0) }
}

/// M: returns in T only.
fn middle(launcher: Pid) {
    die_with_parent(|| getppid() == launcher);
    let Ok(channel) = nix::fcntl::fcntl(stdin(), nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(10)) else { exit(REFUSED) };
    // SAFETY: fcntl has just made this descriptor for us.
    let channel = Channel::from(unsafe { OwnedFd::from_raw_fd(channel) });
    let Ok(Some((Message::Start(start), descriptors))) = channel.receive() else { exit(REFUSED) };
    restore_stdin(descriptors);
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, start.nofile.min(hard), hard);
    }

    let (Ok((gate_out, gate_in)), Ok((status_out, status_in))) = (std::io::pipe(), std::io::pipe()) else {
        exit(REFUSED)
    };
    match clone_into_namespaces() {
        Err(errno) => refuse(&channel, &Step::Clone.refused(errno, "")),
        Ok(None) => {
            drop((gate_in, status_out));
            init(channel, gate_out, status_in, start);
        }
        Ok(Some((pid, pidfd))) => {
            drop((gate_out, status_in));
            watch(&channel, pid, &pidfd, gate_in, status_out)
        }
    }
}

/// Gives the standard input that the launcher sent its number back.
fn restore_stdin(descriptors: Vec<OwnedFd>) {
    let input = descriptors.into_iter().next().or_else(|| File::open("/dev/null").ok().map(OwnedFd::from));
    if let Some(input) = input {
        let _ = dup2_stdin(input);
    }
}

/// A process in new namespaces of every kind that a test can see; `None` in the new process.
///
/// glibc's own record of the new process's thread stays the parent's, which is why I must not return to anybody's code
/// and makes T with fork(3), which corrects it.
fn clone_into_namespaces() -> nix::Result<Option<(Pid, OwnedFd)>> {
    let namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    let flags = libc::c_long::from(namespaces.bits() | libc::CLONE_PIDFD | libc::SIGCHLD);
    let mut pidfd: RawFd = -1;
    // SAFETY: without CLONE_VM and with no new stack this is fork: the child has a copy of everything. There is one
    // thread, so no lock is held by another. The kernel writes the pidfd, in the parent, to a live variable.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) };
    match Errno::result(pid)? {
        0 => Ok(None),
        pid => {
            // SAFETY: clone has just made this descriptor for us.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Some((Pid::from_raw(i32::try_from(pid).map_err(|_| Errno::ERANGE)?), pidfd)))
        }
    }
}

/// M, after the birth of I: writes its maps, waits for its end or the launcher's word, and dies T's death.
fn watch(channel: &Channel, init: Pid, pidfd: &OwnedFd, mut gate: impl Write, mut status: impl Read) -> ! {
    if let Err(refusal) = maps::write(&proc_directory(init, pidfd)) {
        let _ = kill(init, Signal::SIGKILL);
        refuse(channel, &refusal);
    }
    // The keyboard's signals go to everybody; whether to die of one is T's decision.
    for keyboard in [Signal::SIGINT, Signal::SIGQUIT] {
        // SAFETY: no handler is installed.
        let _ = unsafe { signal(keyboard, SigHandler::SigIgn) };
    }
    let _ = gate.write_all(&[1]);

    let mut wait = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN), PollFd::new(channel.as_fd(), PollFlags::POLLIN)];
    while let Err(Errno::EINTR) = poll(&mut wait, PollTimeout::NONE) {}
    if wait[0].revents().unwrap_or(PollFlags::empty()).is_empty() {
        // The launcher wants an end, or has gone. Everybody in there dies with I, before waitpid returns.
        let _ = kill(init, Signal::SIGKILL);
    }
    let _ = waitpid(init, None);
    let mut raw = [0; 8];
    match status.read_exact(&mut raw) {
        Ok(()) => die_like(i32::from_ne_bytes([raw[0], raw[1], raw[2], raw[3]]), raw[4] != 0),
        Err(_) => die_like(Signal::SIGKILL as i32, true),
    }
}

/// The process's directory in /proc, also where that /proc counts PIDs from further out.
fn proc_directory(pid: Pid, pidfd: &OwnedFd) -> PathBuf {
    let ours = fs::read_link("/proc/self").is_ok_and(|own| own.to_str() == Some(getpid().to_string().as_str()));
    let outer = || {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
        info.lines().find_map(|line| line.strip_prefix("Pid:")).map(|pid| pid.trim().to_owned())
    };
    let pid = if ours { None } else { outer() }.unwrap_or_else(|| pid.to_string());
    PathBuf::from("/proc").join(pid)
}

/// I: returns in T only.
fn init(channel: Channel, mut gate: impl Read + AsFd, status: impl Write, start: Start) {
    // M has not written the maps yet, or has gone: then the gate is closed, before or after its word.
    die_with_parent(|| true);
    let mut word = [0];
    if gate.read_exact(&mut word).is_err() || hung_up(gate.as_fd()) {
        exit(REFUSED);
    }
    drop(gate);
    match prepare() {
        Err(refusal) => refuse(&channel, &refusal),
        Ok(notes) => {
            for note in notes {
                let _ = channel.send(&Message::Note(note), &[]);
            }
        }
    }
    // SAFETY: there is one thread, so the child may do whatever the parent may.
    match unsafe { fork() } {
        Err(errno) => refuse(&channel, &Step::Fork.refused(errno, "")),
        Ok(ForkResult::Parent { child }) => {
            drop(channel);
            reap(child, status)
        }
        Ok(ForkResult::Child) => {
            drop(status);
            be_born(channel, start);
        }
    }
}

/// What I does for T: everything that needs to be done in the namespaces, but outside of any test.
fn prepare() -> Result<Vec<String>, Refusal> {
    name_process("netns-test-init");
    sethostname("netns-test").map_err(|errno| Step::Hostname.refused(errno, "netns-test"))?;
    let notes = mounts::prepare()?;
    loopback::up().map_err(|errno| Step::Loopback.refused(errno, "lo"))?;
    Ok(notes)
}

/// I, after the birth of T: reaps whatever ends in the PID namespace, and ends with T.
fn reap(test: Pid, mut status: impl Write) -> ! {
    loop {
        let (number, signalled) = match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == test => (code, 0),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == test => (signal as i32, 1),
            Err(Errno::ECHILD) => exit(REFUSED),
            _ => continue,
        };
        let mut raw = [0; 8];
        raw[..4].copy_from_slice(&number.to_ne_bytes());
        raw[4] = signalled;
        let _ = status.write_all(&raw);
        exit(0);
    }
}

/// T: remembers what it is and goes on into `main`.
fn be_born(channel: Channel, start: Start) {
    let program = std::env::current_exe().unwrap_or_default();
    name_process(program.file_name().and_then(|name| name.to_str()).unwrap_or("netns-test"));
    let stdout = if start.quiet { silence_stdout().ok() } else { None };
    let born = Born { name: start.name, channel, stdout, begun: AtomicBool::new(false) };
    // The constructor runs once, so the cell is empty.
    let _ = BORN.set(born);
}

/// Sends standard output to nowhere and returns where it went.
fn silence_stdout() -> std::io::Result<OwnedFd> {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
    dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    Ok(stdout)
}

fn hung_up(gate: BorrowedFd) -> bool {
    let mut wait = [PollFd::new(gate, PollFlags::POLLIN)];
    matches!(poll(&mut wait, PollTimeout::ZERO), Ok(1..))
        && wait[0].revents().is_some_and(|found| found.contains(PollFlags::POLLHUP))
}

/// Asks for SIGKILL when the parent dies, and dies at once if it is another by now.
fn die_with_parent(parent_lives: impl Fn() -> bool) {
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    if !parent_lives() {
        exit(REFUSED);
    }
}

fn name_process(name: &str) {
    if let Ok(name) = CString::new(name) {
        let _ = prctl::set_name(&name);
    }
}

fn refuse(channel: &Channel, refusal: &Refusal) -> ! {
    let _ = channel.send(&Message::Refused(refusal.clone()), &[]);
    exit(REFUSED)
}

/// Ends as T did, so that the launcher sees in us what happened to it.
fn die_like(number: i32, signalled: bool) -> ! {
    if !signalled {
        exit(number);
    }
    if let Ok(deadly) = Signal::try_from(number) {
        // One core file is enough, and T has left it.
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
        // SAFETY: no handler is installed, the default one is put back.
        let _ = unsafe { signal(deadly, SigHandler::SigDfl) };
        let _ = raise(deadly);
    }
    // A real-time signal, which has no name here.
    exit(128 + number)
}

/// Leaves without running what the program has registered for its end: that is T's to do.
fn exit(code: i32) -> ! {
    // SAFETY: _exit does not return and has no conditions.
    unsafe { libc::_exit(code) }
}
