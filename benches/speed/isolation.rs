//! An empty body in a network, and everything else, of its own.
#![expect(unsafe_code, reason = "the floor is what bare system calls cost, without a library")]

use std::{
    env,
    ffi::CStr,
    fs::{self, File},
    io,
    os::fd::{FromRawFd, OwnedFd},
    ptr::{null, null_mut},
};

use netns_test::sandbox::{End, Sandbox, hold};

use crate::{
    measure::{Row, compare},
    netlink::{Batch, Socket},
};

/// The name of the comparison.
pub(crate) const NAME: &str = "isolation";

/// The name of the comparison where every sandbox executes the program again, as in a process that runs one test: what
/// nextest makes of a test.
pub(crate) const ALONE: &str = "isolation_alone";

/// The name of the body that [`ours`] runs.
pub(crate) const BODY: &str = "empty";

/// Pairs of runs.
const PAIRS: usize = 150;

/// Pairs that are not counted: they fill caches.
const WARM_UP: usize = 3;

const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS;

pub(crate) fn measure() -> io::Result<Row> {
    row(NAME, ours)
}

pub(crate) fn measure_alone() -> io::Result<Row> {
    let mut turn = 0;
    row(ALONE, || {
        turn += 1;
        // A copy of the program serves a sandbox of the same environment.
        // SAFETY: this program has a single thread here.
        unsafe { env::set_var("NETNS_TEST_BENCH_TURN", turn.to_string()) };
        ours()
    })
}

fn row(name: &'static str, ours: impl FnMut() -> io::Result<()>) -> io::Result<Row> {
    // Namespaces that go away make the next ones wait: all of them stay until the end.
    let mut held = Vec::new();
    let mut pairs = compare(0..WARM_UP + PAIRS, ours, || {
        held.push(floor()?);
        Ok(())
    })?;
    hold(held);
    Ok(Row::new(name, 1, &pairs.split_off(WARM_UP)))
}

/// A sandbox as a test has it, with what it prints captured: the program is executed again for the first alone, and
/// makes one after another (`docs/decisions/0012`).
fn ours() -> io::Result<()> {
    match Sandbox::new(BODY).captured().run() {
        End::Passed => Ok(()),
        end => Err(io::Error::other(end.to_string())),
    }
}

/// The body: empty, but for what the floor does as well.
pub(crate) fn body() -> io::Result<()> {
    hold(vec![File::open("/proc/self/ns/net")?.into()]);
    Ok(())
}

/// The least that isolates a body: a process in six new namespaces, with id maps, a /proc, a /sys and `lo` up, and in
/// it a process for the body, which exits.
///
/// Returns the network namespace.
fn floor() -> io::Result<OwnedFd> {
    let mut gate = [0; 2];
    // SAFETY: pipe2 writes two descriptors to an array of two.
    check(unsafe { libc::pipe2(gate.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: pipe2 has just made these descriptors for us.
    let [gate_out, gate_in] = gate.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });

    let flags = libc::c_long::from(NAMESPACES | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with no new stack this is fork; this program has a single thread here, and the
    // child does nothing but system calls.
    let init = check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as libc::c_int)?;
    if init == 0 {
        drop(gate_in);
        let code = i32::from(inside(gate_out).is_err());
        // SAFETY: _exit does not return and has no conditions.
        unsafe { libc::_exit(code) };
    }
    write_maps(init)?;
    let netns = File::open(format!("/proc/{init}/ns/net"))?;
    drop(gate_in);
    wait_for(init)?;
    Ok(netns.into())
}

/// The first process in there.
fn inside(gate: OwnedFd) -> io::Result<()> {
    // The far end is closed once the maps are written.
    io::Read::read(&mut File::from(gate), &mut [0])?;
    mount(c"proc", c"/proc")?;
    mount(c"sysfs", c"/sys")?;
    let mut lo_up = Batch::default();
    lo_up.link(0, 1, true);
    Socket::open()?.carry_out(lo_up)?;
    // SAFETY: this process has a single thread.
    let body = check(unsafe { libc::fork() })?;
    if body == 0 {
        // SAFETY: _exit does not return and has no conditions.
        unsafe { libc::_exit(0) };
    }
    wait_for(body)
}

/// As real root everybody keeps his number, else the caller alone is mapped, to root.
fn write_maps(pid: libc::pid_t) -> io::Result<()> {
    // SAFETY: these have no conditions.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let write = |file: &str, text: &str| fs::write(format!("/proc/{pid}/{file}"), text);
    let everybody = "0 0 4294967295";
    if user == 0 && write("uid_map", everybody).is_ok() {
        return write("gid_map", everybody);
    }
    write("setgroups", "deny")?;
    write("uid_map", &format!("0 {user} 1"))?;
    write("gid_map", &format!("0 {group} 1"))
}

fn mount(kind: &CStr, target: &CStr) -> io::Result<()> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: the strings end with zero, and no options are given.
    check(unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, null()) })?;
    Ok(())
}

fn wait_for(pid: libc::pid_t) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: waitpid writes to a live variable.
    check(unsafe { libc::wait4(pid, &raw mut status, 0, null_mut()) })?;
    if status == 0 { Ok(()) } else { Err(io::Error::other(format!("the floor's process ended with {status:#x}"))) }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
