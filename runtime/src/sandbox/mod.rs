//! A process tree of its own for each test, in namespaces of its own.
//!
//! The launcher, inside the process that wants a test run, starts a copy of its own program; the copy makes the
//! namespaces before its `main` begins, and the test's body runs in there as PID 2. Nothing of its network is
//! seen outside, and neither that nor a process of it is left, however it ends.

mod channel;
mod entry;
mod future;
mod holder;
mod launch;
mod ledger;
mod life;
mod loopback;
mod maps;
pub(crate) mod mounts;
mod outcome;
mod ping;
mod preflight;
mod program;
mod refusal;
mod running;
mod server;
mod test;

use std::{
    fs::read_link,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::Ordering,
};

pub use self::{
    future::{Flavor, block_on},
    ledger::{directory as results_directory, refusals_are_skips, skipped as report_skip},
    maps::Ids,
    outcome::{End, Refused},
    program::{Inside, Report, Sandbox, inside, sandboxed},
    test::{ShouldPanic, Test, building, run},
};

pub(crate) use self::entry::{ARGUMENT, ENTRY, Entry};

use self::channel::{Message, shorten};

/// Whether this process is the one that a sandbox was made for, or a copy that it has started there.
pub fn is_inside() -> bool {
    life::born().is_some() || entry::is_copy()
}

/// Whether this process runs the body of one test, whose output its harness shows or keeps.
pub(crate) fn is_test() -> bool {
    life::born().is_some_and(|born| born.stdout.is_some())
}

/// What to do in a place that [`is_cut_off`].
pub(crate) const CUT_OFF: &str = "if this was on no node, it was in the test's own network, where there is nothing but lo: \
                                  put the test on a node with `#[netns_test(on = node)]`, or this part with \
                                  `node.run(|| …)` or `node.spawn(async { … })`";

/// Whether the calling thread is in the sandbox's own network, on no node, and that has nothing but lo.
pub(crate) fn is_cut_off() -> bool {
    let is_own = || Some(read_link("/proc/thread-self/ns/net").ok()? == read_link("/proc/self/ns/net").ok()?);
    let has_lo_alone = || nix::net::if_::if_nameindex().is_ok_and(|all| all.iter().count() == 1);
    is_inside() && is_own() == Some(true) && has_lo_alone()
}

/// Records a line that counts only if the test passes.
///
/// It ends in `netns-test/records/<program>.jsonl` in the target directory, as
/// `{"test":…,"passed":true,"record":…}`. A test that fails before it has recorded anything leaves an empty record there,
/// if anything has been recorded at all. Outside of a sandbox it goes nowhere.
///
/// # Panics
///
/// If the line is longer than 96 KiB, or the launcher cannot be told.
#[track_caller]
pub fn record(line: &str) {
    assert!(line.len() < channel::LONGEST, "a record of {} bytes is too long", line.len());
    if let Some(born) = life::born() {
        let sent = born.channel.send(&Message::Record(line.to_owned()), &[]);
        if let Err(error) = sent {
            panic!("cannot hand a record to the test's launcher: {error}");
        }
    }
}

/// Ends the test as skipped, visibly: on the real standard error and in `netns-test/skipped.txt`.
///
/// For what only the test itself can find out, such as a missing feature of the kernel.
///
/// # Panics
///
/// Outside of a sandbox, where there is nobody to tell.
#[track_caller]
pub fn skip(reason: &str) -> ! {
    match life::born() {
        Some(born) if born.channel.send(&Message::Skip(shorten(reason.to_owned())), &[]).is_ok() => {
            std::process::exit(0)
        }
        _ => panic!("cannot be skipped outside of a sandbox: {reason}"),
    }
}

/// Hands over descriptors that are slow to close, or whose namespaces are: somebody outside of the test keeps them.
///
/// This costs some microseconds, and the calling process has them no more.
pub fn hold(descriptors: Vec<OwnedFd>) {
    let Some(born) = life::born().filter(|born| born.begun.load(Ordering::Relaxed)) else {
        return holder::keep(descriptors);
    };
    for some in descriptors.chunks(crate::sys::MOST_DESCRIPTORS) {
        let borrowed: Vec<BorrowedFd> = some.iter().map(AsFd::as_fd).collect();
        // If nobody takes them, closing them here costs time and nothing else.
        let _ = born.channel.send(&Message::Hold, &borrowed);
    }
}
