//! Life before `main`: how a fresh copy of the program becomes a sandbox.
//!
//! The launcher P (see `launch`) executes its own binary again. A constructor stops that copy, M, while it has a single
//! thread. For each sandbox M makes the namespaces with a new process I in them, writes I's id maps from outside, waits,
//! and says how T ended. I is PID 1 in there: it mounts, brings `lo` up, forks T, reaps orphans, and tells M how T ended.
//! T returns from the constructor into `main`, as PID 2.
#![expect(unsafe_code, reason = "a constructor, clone and fork: the one place where processes are made by hand")]

use std::{
    ffi::CString,
    fs::{self, File},
    io::{Read, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::process::ExitStatusExt,
    },
    path::PathBuf,
    process::ExitStatus,
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
        signal::{SigHandler, Signal, kill, signal},
        socket::{SockType, getsockopt, sockopt},
        wait::waitpid,
    },
    unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, getpid, sethostname},
};

use super::{
    channel::{Channel, Message, Start},
    entry, loopback,
    maps::{self, Ids},
    mounts, ping,
    refusal::{Refusal, Step, WITHOUT_USER_NAMESPACE},
};
use crate::kernel::sysctl::give_up_orphans;

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

/// Whether a copy can be given other arguments than it was executed with. Other C libraries than glibc call constructors
/// without them.
pub(crate) const CAN_EXCHANGE_ARGUMENTS: bool = cfg!(target_env = "gnu");

/// The arguments as `main` and the standard library will see them.
#[derive(Clone, Copy)]
struct Arguments {
    count: libc::c_int,
    words: *mut *const libc::c_char,
}

#[used]
// SAFETY: the section holds pointers to functions that the C library calls before main, which this is.
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn(libc::c_int, *mut *const libc::c_char) = constructor;

extern "C" fn constructor(count: libc::c_int, words: *mut *const libc::c_char) {
    ARMED.store(true, Ordering::Relaxed);
    entry::run_if_told();
    if std::env::var_os(MARKER).is_none() {
        return;
    }
    // SAFETY: nothing but constructors has run, so there is one thread, and nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(MARKER) };
    // Only a launcher puts such a socket there: a marker that came some other way is none.
    if getsockopt(&stdin(), sockopt::SockType).ok() != Some(SockType::SeqPacket) {
        return;
    }
    middle(Arguments { count, words });
}

fn stdin() -> BorrowedFd<'static> {
    // SAFETY: descriptor 0 is used for a system call at once, which fails harmlessly if it is closed.
    unsafe { BorrowedFd::borrow_raw(0) }
}

/// M: returns in T only.
fn middle(arguments: Arguments) {
    let Some(channel) = elsewhere(stdin()) else { exit(REFUSED) };
    // Outputs are the sandboxes': whoever reads them to their end, as a test runner does, need not wait for M's.
    if !File::options().write(true).open("/dev/null").is_ok_and(|null| output_to(&null, &null)) {
        exit(REFUSED);
    }
    // The keyboard's signals go to everybody; whether to die of one is T's decision.
    let keyboard = [Signal::SIGINT, Signal::SIGQUIT];
    // SAFETY: no handler is installed.
    let before = keyboard.map(|number| unsafe { signal(number, SigHandler::SigIgn) });
    loop {
        let (start, descriptors) = match channel.receive() {
            Ok(Some((Message::Start(start), descriptors))) => (start, descriptors),
            // A sandbox was over when its end was asked for.
            Ok(Some((Message::Kill, _))) => continue,
            // Nobody but the launcher holds the other end.
            _ => exit(0),
        };
        let (Ok(gate), Ok(status)) = (std::io::pipe(), std::io::pipe()) else { exit(REFUSED) };
        match clone_into_namespaces(start.ids) {
            Err(errno) => {
                let what = if start.ids == Ids::Host { WITHOUT_USER_NAMESPACE } else { "" };
                let _ = channel.send(&Message::Refused(Step::Clone.refused(errno, what)), &[]);
                over(&channel, REFUSED << 8);
            }
            Ok(None) => {
                // M has not written the maps yet, or has gone, which the gate tells.
                let _ = prctl::set_pdeathsig(Signal::SIGKILL);
                for (number, handler) in keyboard.into_iter().zip(before) {
                    // SAFETY: no handler is installed.
                    let _ = handler.map(|handler| unsafe { signal(number, handler) });
                }
                settle(&descriptors);
                drop(descriptors);
                drop((gate.1, status.0));
                return init(channel, gate.0, status.1, start, arguments);
            }
            Ok(Some((pid, pidfd))) => {
                drop((descriptors, gate.0, status.1));
                let status = watch(&channel, pid, &pidfd, start.ids, gate.1, status.0);
                over(&channel, status);
            }
        }
    }
}

/// The same socket by a number that no program expects to get.
fn elsewhere(socket: BorrowedFd) -> Option<Channel> {
    let high = nix::fcntl::fcntl(socket, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(10)).ok()?;
    // SAFETY: fcntl has just made this descriptor for us.
    Some(Channel::from(unsafe { OwnedFd::from_raw_fd(high) }))
}

fn over(channel: &Channel, status: i32) {
    let _ = channel.send(&Message::Over(ExitStatus::from_raw(status)), &[]);
}

/// Gives standard input, output and error their numbers.
fn settle(descriptors: &[OwnedFd]) {
    let [input, output, error] = descriptors else { exit(REFUSED) };
    if dup2_stdin(input).is_err() || !output_to(output, error) {
        exit(REFUSED);
    }
}

fn output_to(output: impl AsFd, error: impl AsFd) -> bool {
    dup2_stdout(output).and_then(|()| dup2_stderr(error)).is_ok()
}

/// Puts the sandbox's arguments in the place of those that this copy was executed with.
fn exchange(arguments: Arguments, words: &[CString]) {
    if !CAN_EXCHANGE_ARGUMENTS {
        return;
    }
    let places = usize::try_from(arguments.count).unwrap_or_default().saturating_sub(1);
    for (place, word) in words.iter().take(places).enumerate() {
        // SAFETY: the kernel has laid out `count` writable pointers there, of which the first names the program; main and
        // the standard library read them later. The word is never freed.
        unsafe { *arguments.words.add(1 + place) = word.clone().into_raw() };
    }
}

/// A process in new namespaces of every kind that a test can see; `None` in the new process.
///
/// glibc's own record of the new process's thread stays the parent's, which is why I must not return to anybody's code
/// and makes T with fork(3), which corrects it.
fn clone_into_namespaces(ids: Ids) -> nix::Result<Option<(Pid, OwnedFd)>> {
    let user = if ids == Ids::Host { CloneFlags::empty() } else { CloneFlags::CLONE_NEWUSER };
    let namespaces = user
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

/// M, after the birth of I: writes its maps, waits for its end or the launcher's word, and returns how T ended.
fn watch(channel: &Channel, init: Pid, pidfd: &OwnedFd, ids: Ids, mut gate: impl Write, mut status: impl Read) -> i32 {
    match maps::write(&proc_directory(init, pidfd), ids) {
        Ok(()) => {
            let _ = gate.write_all(&[1]);
            let lines = [pidfd.as_fd(), channel.as_fd()];
            let mut wait = lines.map(|line| PollFd::new(line, PollFlags::POLLIN));
            while let Err(Errno::EINTR) = poll(&mut wait, PollTimeout::NONE) {}
            if wait[0].revents().unwrap_or(PollFlags::empty()).is_empty() {
                // The launcher wants an end, or has gone. Everybody in there dies with I, before waitpid returns.
                let _ = kill(init, Signal::SIGKILL);
            }
        }
        Err(refusal) => {
            let _ = kill(init, Signal::SIGKILL);
            let _ = channel.send(&Message::Refused(refusal), &[]);
        }
    }
    let _ = waitpid(init, None);
    let mut raw = [0; 4];
    match status.read_exact(&mut raw) {
        Ok(()) => i32::from_ne_bytes(raw),
        // I was killed before it could say.
        Err(_) => Signal::SIGKILL as i32,
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
fn init(channel: Channel, mut gate: impl Read + AsFd, status: impl Write, start: Start, arguments: Arguments) {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, start.nofile.min(hard), hard);
    }
    // Meanwhile M writes the maps; if it is refused, that is the cause of whatever is refused here.
    let begun = without_maps();
    // Without M the gate is closed, before or after its word.
    let mut word = [0];
    if gate.read_exact(&mut word).is_err() || hung_up(gate.as_fd()) {
        exit(REFUSED);
    }
    drop(gate);
    match begun.and_then(|()| mounts::prepare(start.ids == Ids::Host)) {
        Err(refusal) => refuse(&channel, &refusal),
        Ok(notes) => {
            for note in notes.into_iter().chain(ping::open()) {
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
            exchange(arguments, &start.arguments);
            be_born(channel, start);
        }
    }
}

/// What I does for T before it has a user of its own, in whose name files are made.
fn without_maps() -> Result<(), Refusal> {
    name_process("netns-test-init");
    sethostname("netns-test").map_err(|errno| Step::Hostname.refused(errno, "netns-test"))?;
    loopback::up().map_err(|errno| Step::Loopback.refused(errno, "lo"))
}

/// I, after the birth of T: reaps whatever ends in the PID namespace, and ends with T.
fn reap(test: Pid, mut status: impl Write) -> ! {
    loop {
        let mut word = 0;
        // SAFETY: the kernel writes to a live variable. nix's own waitpid has no word for real-time signals.
        match Errno::result(unsafe { libc::waitpid(-1, &raw mut word, 0) }) {
            Ok(pid) if pid == test.as_raw() => {
                let _ = status.write_all(&word.to_ne_bytes());
                give_up_orphans();
                exit(0)
            }
            Err(Errno::ECHILD) => exit(REFUSED),
            _ => {}
        }
    }
}

/// T: remembers what it is and goes on into `main`.
fn be_born(channel: Channel, start: Start) {
    let program = std::env::current_exe().unwrap_or_default();
    name_process(program.file_name().and_then(|name| name.to_str()).unwrap_or("netns-test"));
    let _ = channel.send(&Message::Begun, &[]);
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

fn name_process(name: &str) {
    if let Ok(name) = CString::new(name) {
        let _ = prctl::set_name(&name);
    }
}

fn refuse(channel: &Channel, refusal: &Refusal) -> ! {
    let _ = channel.send(&Message::Refused(refusal.clone()), &[]);
    exit(REFUSED)
}

/// Leaves without running what the program has registered for its end: that is T's to do.
fn exit(code: i32) -> ! {
    // SAFETY: _exit does not return and has no conditions.
    unsafe { libc::_exit(code) }
}
