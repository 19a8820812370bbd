//! Programs that nobody holds a handle of: daemons that went into the background, children of children.

use std::{
    collections::{HashMap, HashSet},
    fs,
    os::{fd::AsFd, linux::fs::MetadataExt},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};

use crate::sys;

/// Kills every process in these network namespaces, named by their inodes, until none is left and all have ended.
///
/// Threads of this process are on nodes as well; its first one, by which it is known, never is.
pub(crate) fn end_all_in(namespaces: &HashSet<u64>) {
    // In a container with a masked /proc its numbers are others' than ours; the sandbox's end will do.
    if namespaces.is_empty() || !is_ours() {
        return;
    }
    let mut ends = HashMap::new();
    loop {
        let found: Vec<Pid> = processes().filter(|pid| is_in(*pid, namespaces)).collect();
        if found.is_empty() {
            break;
        }
        for pid in found {
            // One that has just ended needs no end.
            ends.entry(pid).or_insert_with(|| sys::pidfd_open(pid).ok());
            let _ = kill(pid, Signal::SIGKILL);
        }
        crate::pause();
    }
    // A process leaves its namespaces a moment before its end.
    for end in ends.values().flatten() {
        let mut end = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        while poll(&mut end, PollTimeout::NONE) == Err(Errno::EINTR) {}
    }
}

fn is_ours() -> bool {
    fs::read_link("/proc/self").is_ok_and(|own| own.to_str() == Some(getpid().to_string().as_str()))
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    numbers.filter(|pid| *pid != getpid())
}

/// A process that has ended, or is about to, is in no namespace.
fn is_in(pid: Pid, namespaces: &HashSet<u64>) -> bool {
    fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|found| namespaces.contains(&found.st_ino()))
}
