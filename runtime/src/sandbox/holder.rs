//! Keeps descriptors of finished networks, so that nobody waits for the kernel to clean up behind them.
//!
//! Closing a packet socket blocks the closer for about 10 ms, and a namespace that goes away delays the next one's
//! creation. So sockets are closed at once, but on threads of the holder's, many at a time; namespaces are kept until
//! there are too many of them.

use std::{
    collections::VecDeque,
    os::fd::OwnedFd,
    sync::{Condvar, Mutex, PoisonError},
    thread,
};

use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    stat::{SFlag, fstat},
};

/// How many namespaces are kept, if so many are half of the open files that there may be, or less.
const MOST_KEPT: usize = 512;

/// How many threads close; what they wait for in the kernel, they wait for together.
const MOST_CLOSERS: usize = 16;

static HOLDER: Mutex<Holder> =
    Mutex::new(Holder { kept: VecDeque::new(), closing: VecDeque::new(), closers: 0, idle: 0 });
static WORK: Condvar = Condvar::new();

struct Holder {
    kept: VecDeque<OwnedFd>,
    closing: VecDeque<OwnedFd>,
    closers: usize,
    idle: usize,
}

/// Takes descriptors over; they are closed some time later, by nobody who waits.
pub(crate) fn keep(descriptors: Vec<OwnedFd>) {
    let mut holder = HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    for descriptor in descriptors {
        if is_socket(&descriptor) {
            holder.closing.push_back(descriptor);
        } else {
            holder.kept.push_back(descriptor);
        }
    }
    let most = getrlimit(Resource::RLIMIT_NOFILE).map_or(MOST_KEPT, |(soft, _)| most_kept(soft));
    while holder.kept.len() > most {
        let oldest = holder.kept.pop_front();
        holder.closing.extend(oldest);
    }
    for _ in holder.idle..holder.closing.len() {
        if holder.closers == MOST_CLOSERS {
            break;
        }
        match thread::Builder::new().name("netns-test-closer".into()).spawn(close_for_ever) {
            Ok(_) => holder.closers += 1,
            // Without a thread they stay open, which costs memory and nothing else.
            Err(_) => break,
        }
    }
    WORK.notify_all();
}

/// Lets this process keep as many descriptors as it may, and returns the limit that it had at first.
pub(crate) fn raise_limit() -> u64 {
    static FIRST: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *FIRST.get_or_init(|| match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) => {
            // A lower limit only means that fewer descriptors can be received, and those are lost without harm.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
            soft
        }
        Err(_) => 1024,
    })
}

/// Leaves room for what is received later.
fn most_kept(limit: u64) -> usize {
    usize::try_from(limit / 2).map_or(MOST_KEPT, |half| half.min(MOST_KEPT))
}

fn close_for_ever() {
    let mut holder = HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(descriptor) = holder.closing.pop_front() {
            drop(holder);
            drop(descriptor);
            holder = HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
        } else {
            holder.idle += 1;
            holder = WORK.wait(holder).unwrap_or_else(PoisonError::into_inner);
            holder.idle -= 1;
        }
    }
}

fn is_socket(descriptor: &OwnedFd) -> bool {
    let kind = fstat(descriptor).map(|found| SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT);
    kind == Ok(SFlag::S_IFSOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, io::Read, net::Shutdown, os::unix::net::UnixStream};

    #[test]
    fn half_of_the_open_files_are_left_for_others() {
        assert_eq!([256, 1024, 1 << 20, u64::MAX].map(most_kept), [128, 512, 512, 512]);
    }

    #[test]
    fn sockets_are_closed_and_namespaces_are_kept() {
        let (held, mut other) = UnixStream::pair().unwrap();
        let namespace = File::open("/proc/self/ns/net").unwrap();
        keep(vec![held.into(), namespace.into()]);

        // End of file comes only from the close: the far end is shut for writing by nobody else.
        other.shutdown(Shutdown::Write).unwrap();
        assert_eq!(other.read(&mut [0]).unwrap(), 0);
        assert!(!HOLDER.lock().unwrap().kept.is_empty());
    }
}
