//! User and group maps of the new user namespace ([user_namespaces(7)]).
//!
//! [user_namespaces(7)]: https://man7.org/linux/man-pages/man7/user_namespaces.7.html

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    unistd::{User, getegid, geteuid},
};

use super::refusal::{Refusal, Step};

/// Which users and groups there are in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// For root all that it has outside; for an ordinary user root alone, which is he.
    Own,
    /// For an ordinary user also those of his ranges in /etc/subuid and /etc/subgid ([subuid(5)]), from 1 on.
    ///
    /// [subuid(5)]: https://man7.org/linux/man-pages/man5/subuid.5.html
    Subordinate,
    /// Those of the host, for real root alone: no user namespace is made.
    Host,
}

/// Writes both maps of the process whose directory in /proc this is, from outside its namespace.
///
/// Root keeps every id that it has here, for else files of other owners would be out of reach. Anybody else becomes
/// root alone.
pub(crate) fn write(process: &Path, ids: Ids) -> Result<(), Refusal> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    if ids == Ids::Host {
        return Ok(());
    }
    if ids == Ids::Subordinate && uid != 0 {
        subordinate(process, "newuidmap", "/etc/subuid", uid)?;
        return subordinate(process, "newgidmap", "/etc/subgid", gid);
    }
    let uids = process.join("uid_map");
    if uid != 0 || put(&uids, &identity("/proc/self/uid_map")).is_err() {
        put(&uids, &format!("0 {uid} 1\n")).map_err(|errno| Step::UidMap.refused(errno, uids.to_string_lossy()))?;
    }

    let gids = process.join("gid_map");
    if uid != 0 || put(&gids, &identity("/proc/self/gid_map")).is_err() {
        let setgroups = process.join("setgroups");
        put(&setgroups, "deny").map_err(|errno| Step::SetGroups.refused(errno, setgroups.to_string_lossy()))?;
        put(&gids, &format!("0 {gid} 1\n")).map_err(|errno| Step::GidMap.refused(errno, gids.to_string_lossy()))?;
    }
    Ok(())
}

/// Has the helper that may do so map root to the user, and the ids after it to his range ([newuidmap(1)]).
///
/// [newuidmap(1)]: https://man7.org/linux/man-pages/man1/newuidmap.1.html
fn subordinate(process: &Path, helper: &str, file: &str, own: u32) -> Result<(), Refusal> {
    let step = Step::SubordinateIds;
    let pid = process.file_name().unwrap_or_default();
    let (start, count) = range(file).ok_or_else(|| step.refused(Errno::ENOENT, file))?;
    let map = ["0", &own.to_string(), "1", "1", &start.to_string(), &count.to_string()].map(str::to_owned);
    let output = Command::new(helper).arg(pid).args(map).stdin(Stdio::null()).output();
    let output = output.map_err(|error| step.refused(errno(&error), helper))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(step.refused(Errno::EPERM, words.lines().next().unwrap_or(helper)))
}

/// The first range of the user who runs this, in one of the two files.
fn range(file: &str) -> Option<(u32, u32)> {
    let name = User::from_uid(geteuid()).ok().flatten().map(|user| user.name);
    let number = geteuid().to_string();
    fs::read_to_string(file).ok()?.lines().find_map(|line| {
        let mut words = line.split(':');
        let of = words.next()?;
        (Some(of) == name.as_deref() || of == number).then_some(())?;
        Some((words.next()?.parse().ok()?, words.next()?.trim().parse().ok()?))
    })
}

/// Every id that is mapped here, mapped to itself; in the initial namespace that is `0 0 4294967295`.
fn identity(own: &str) -> String {
    let map = fs::read_to_string(own).unwrap_or_default();
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (inside, _outside, count) = (words.next()?, words.next()?, words.next()?);
        Some(format!("{inside} {inside} {count}\n"))
    };
    map.lines().filter_map(line).collect()
}

/// The kernel takes a map in one write only.
fn put(path: &Path, text: &str) -> Result<(), Errno> {
    let write = || -> io::Result<()> { fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes()) };
    write().map_err(|error| errno(&error))
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
