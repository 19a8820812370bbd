//! A network namespace with its mount namespace, held by descriptors.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, OnceLock, Weak},
    thread,
};

use nix::sched::{CloneFlags, setns, unshare};

use crate::capture::Tap;

/// A network namespace, and the mount namespace that shows it to programs.
///
/// Held by descriptors: both live as long as a clone of this value does.
#[derive(Debug, Clone)]
pub struct Netns(Arc<Inner>);

/// The same without holding it.
#[derive(Debug, Clone)]
pub(crate) struct WeakNetns(Weak<Inner>);

impl WeakNetns {
    /// The namespaces, if somebody else holds them.
    pub(crate) fn upgrade(&self) -> Option<Netns> {
        self.0.upgrade().map(Netns)
    }
}

#[derive(Debug)]
struct Inner {
    net: OwnedFd,
    mnt: OwnedFd,
    tap: OnceLock<Tap>,
}

impl Netns {
    /// The namespaces of the calling thread.
    pub(crate) fn current() -> io::Result<Self> {
        let open = |path: &str| File::open(path).map(OwnedFd::from);
        Ok(Self(Arc::new(Inner {
            net: open("/proc/thread-self/ns/net")?,
            mnt: open("/proc/thread-self/ns/mnt")?,
            tap: OnceLock::new(),
        })))
    }

    /// Makes a fresh network namespace with a mount namespace of its own.
    ///
    /// `prepare` runs in it, on a thread of its own, before anything else does.
    pub(crate) fn create<R: Send>(prepare: impl FnOnce() -> io::Result<R> + Send) -> io::Result<(Self, R)> {
        on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)?;
            let prepared = prepare()?;
            Ok((Self::current()?, prepared))
        })
    }

    /// Runs a closure on a thread of its own in these namespaces; it may borrow.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started or cannot enter the namespaces ([setns(2)]).
    ///
    /// # Panics
    ///
    /// If the closure does; the panic goes on in the caller.
    ///
    /// [setns(2)]: https://man7.org/linux/man-pages/man2/setns.2.html
    pub(crate) fn run<R: Send>(&self, f: impl FnOnce() -> R + Send) -> io::Result<R> {
        on_thread(|| {
            self.enter()?;
            Ok(f())
        })
    }

    /// A value that names these namespaces and does not hold them.
    pub(crate) fn downgrade(&self) -> WeakNetns {
        WeakNetns(Arc::downgrade(&self.0))
    }

    /// The mount namespace.
    #[cfg(feature = "unshare")]
    pub(crate) fn mount_namespace(&self) -> BorrowedFd<'_> {
        self.0.mnt.as_fd()
    }

    /// Where the namespace's packet socket is kept.
    pub(crate) fn tap_cell(&self) -> &OnceLock<Tap> {
        &self.0.tap
    }

    /// Has somebody outside of the test keep the namespace, so that its end costs the test no time.
    pub(crate) fn hand_over(&self) {
        // Without a duplicate it ends here and now, which is slow and correct.
        crate::sandbox::hold(self.0.net.try_clone().into_iter().collect());
    }

    /// Moves the calling thread into these namespaces, for good.
    pub(crate) fn enter(&self) -> io::Result<()> {
        unshare(CloneFlags::CLONE_FS)?;
        setns(&self.0.mnt, CloneFlags::CLONE_NEWNS)?;
        setns(&self.0.net, CloneFlags::CLONE_NEWNET)?;
        Ok(())
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.net.as_fd()
    }
}

/// Runs a closure on a thread of its own and hands its panic on.
fn on_thread<R: Send>(f: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let name = thread::current().name().unwrap_or("netns-test").to_owned();
        match thread::Builder::new().name(name).spawn_scoped(scope, f)?.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
