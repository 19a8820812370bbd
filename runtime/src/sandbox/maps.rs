//! User and group maps of the new user namespace ([user_namespaces(7)]).
//!
//! [user_namespaces(7)]: https://man7.org/linux/man-pages/man7/user_namespaces.7.html

use std::{fs, io::Write, path::Path};

use nix::{
    errno::Errno,
    unistd::{getegid, geteuid},
};

use super::refusal::{Refusal, Step};

/// Writes both maps of the process whose directory in /proc this is, from outside its namespace.
///
/// Root keeps every id that it has here, for else files of other owners would be out of reach. Anybody else becomes
/// root alone.
pub(crate) fn write(process: &Path) -> Result<(), Refusal> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
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
    let write = || fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    write().map_err(|error: std::io::Error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
}
