//! A network namespace with its mount namespace, held by descriptors.

use std::{
    fmt,
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    thread,
};

use nix::{
    sched::{CloneFlags, setns, unshare},
    unistd::chdir,
};

use crate::capture::Tap;

/// A network namespace, and the mount namespace that shows it to programs.
///
/// Held by descriptors: both live as long as a clone of this value does. The mount namespace is made when something
/// first asks for it: most nodes never run a program.
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
    view: Mutex<View>,
    tap: OnceLock<Tap>,
}

/// The mount namespace.
pub(crate) enum View {
    /// It is there.
    Made(Arc<OwnedFd>),
    /// How it is made: called on a thread that is in the network namespace and shares its file systems with no other,
    /// the closure leaves that thread in the new mount namespace.
    ToMake(Box<dyn Fn() -> io::Result<()> + Send>),
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Made(_) => "Made",
            Self::ToMake(_) => "ToMake",
        })
    }
}

impl Netns {
    /// The namespaces of the calling thread.
    pub(crate) fn current() -> io::Result<Self> {
        let view = View::Made(Arc::new(open("/proc/thread-self/ns/mnt")?));
        Ok(Self::held(open("/proc/thread-self/ns/net")?, view))
    }

    /// A network namespace that somebody else made, by its file.
    pub(crate) fn of(net: OwnedFd, view: View) -> Self {
        Self::held(net, view)
    }

    /// Makes a fresh network namespace and leaves the calling thread in it.
    ///
    /// New namespaces may copy settings of the one that they are made from.
    pub(crate) fn unshare(view: View) -> io::Result<Self> {
        unshare(CloneFlags::CLONE_NEWNET)?;
        Ok(Self::held(open("/proc/thread-self/ns/net")?, view))
    }

    fn held(net: OwnedFd, view: View) -> Self {
        Self(Arc::new(Inner { net, view: Mutex::new(view), tap: OnceLock::new() }))
    }

    /// Changes how the mount namespace will be made; it is not there before something has run with it.
    pub(crate) fn set_view(&self, view: View) {
        *self.0.view.lock().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// Runs a closure on a thread of its own in the network namespace; it may borrow, and sees the file systems of the
    /// caller.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started or cannot enter the namespace ([setns(2)]).
    ///
    /// # Panics
    ///
    /// If the closure does; the panic goes on in the caller.
    ///
    /// [setns(2)]: https://man7.org/linux/man-pages/man2/setns.2.html
    pub(crate) fn run<R: Send>(&self, f: impl FnOnce() -> R + Send) -> io::Result<R> {
        on_thread(|| {
            setns(&self.0.net, CloneFlags::CLONE_NEWNET)?;
            Ok(f())
        })
    }

    /// [`Netns::run`] with the file systems as well, for code that is not ours.
    pub(crate) fn run_with_view<R: Send>(&self, f: impl FnOnce() -> R + Send) -> io::Result<R> {
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
    pub(crate) fn mount_namespace(&self) -> io::Result<Arc<OwnedFd>> {
        on_thread(|| self.enter())
    }

    /// Whether the mount namespace is there, which is so once code that is not ours has run in it.
    pub(crate) fn has_view(&self) -> bool {
        matches!(*self.0.view.lock().unwrap_or_else(PoisonError::into_inner), View::Made(_))
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

    /// Moves the calling thread into these namespaces, for good; returns the mount namespace.
    ///
    /// It keeps its working directory, if the path of that leads anywhere in there.
    pub(crate) fn enter(&self) -> io::Result<Arc<OwnedFd>> {
        let directory = std::env::current_dir();
        let view = self.enter_root()?;
        // A thread that enters a mount namespace is in its root directory.
        if let Ok(directory) = directory {
            let _ = chdir(&directory);
        }
        Ok(view)
    }

    fn enter_root(&self) -> io::Result<Arc<OwnedFd>> {
        unshare(CloneFlags::CLONE_FS)?;
        setns(&self.0.net, CloneFlags::CLONE_NEWNET)?;
        let mut view = self.0.view.lock().unwrap_or_else(PoisonError::into_inner);
        match &*view {
            View::Made(mnt) => {
                let mnt = mnt.clone();
                drop(view);
                setns(&mnt, CloneFlags::CLONE_NEWNS)?;
                Ok(mnt)
            }
            View::ToMake(make) => {
                make()?;
                let mnt = Arc::new(open("/proc/thread-self/ns/mnt")?);
                *view = View::Made(mnt.clone());
                Ok(mnt)
            }
        }
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.net.as_fd()
    }
}

fn open(path: &str) -> io::Result<OwnedFd> {
    File::open(path).map(OwnedFd::from)
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
