//! Programs that nobody holds a handle of: daemons that went into the background, children of children.

use std::{collections::HashSet, fs, os::linux::fs::MetadataExt};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};

/// Kills every process in these network namespaces, named by their inodes, until none is left.
///
/// Threads of this process are on nodes as well; its first one, by which it is known, never is.
pub(crate) fn end_all_in(namespaces: &HashSet<u64>) {
    // In a container with a masked /proc its numbers are others' than ours; the sandbox's end will do.
    if namespaces.is_empty() || !is_ours() {
        return;
    }
    loop {
        let found: Vec<Pid> = processes().filter(|pid| is_in(*pid, namespaces)).collect();
        if found.is_empty() {
            return;
        }
        for pid in found {
            // One that has just ended needs no end.
            let _ = kill(pid, Signal::SIGKILL);
        }
        crate::pause();
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

/// A process that has ended is in no namespace.
fn is_in(pid: Pid, namespaces: &HashSet<u64>) -> bool {
    fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|found| namespaces.contains(&found.st_ino()))
}
