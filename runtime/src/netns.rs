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

use crate::{capture::Tap, kernel::sysctl::give_up_orphans};

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
    /// Whether it was made here, so that whatever runs in it is ours as well.
    is_ours: bool,
}

/// The mount namespace.
pub(crate) enum View {
    /// It is there.
    Made(Arc<Views>),
    /// How it is made: called on a thread that is in the network namespace and shares its file systems with no other,
    /// the closure leaves that thread in the new mount namespace.
    ToMake(Box<dyn Fn() -> io::Result<()> + Send>),
}

/// What shows a node to programs, beside its network.
pub(crate) struct Views {
    mnt: OwnedFd,
    /// Its host name.
    uts: OwnedFd,
}

impl Views {
    fn of_the_calling_thread() -> io::Result<Self> {
        Ok(Self { mnt: open("/proc/thread-self/ns/mnt")?, uts: open("/proc/thread-self/ns/uts")? })
    }
}

impl AsFd for Views {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mnt.as_fd()
    }
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
        let view = View::Made(Arc::new(Views::of_the_calling_thread()?));
        Ok(Self::held(open("/proc/thread-self/ns/net")?, view, false))
    }

    /// A network namespace that somebody else made, by its file.
    pub(crate) fn of(net: OwnedFd, view: View) -> Self {
        Self::held(net, view, false)
    }

    /// Makes a fresh network namespace and leaves the calling thread in it.
    ///
    /// New namespaces may copy settings of the one that they are made from.
    pub(crate) fn unshare(view: View) -> io::Result<Self> {
        unshare(CloneFlags::CLONE_NEWNET)?;
        Ok(Self::held(open("/proc/thread-self/ns/net")?, view, true))
    }

    fn held(net: OwnedFd, view: View, is_ours: bool) -> Self {
        Self(Arc::new(Inner { net, view: Mutex::new(view), tap: OnceLock::new(), is_ours }))
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
    pub(crate) fn mount_namespace(&self) -> io::Result<Arc<Views>> {
        on_thread(|| self.enter())
    }

    /// Whether code of others has run in here, and all that runs here is to end with it.
    pub(crate) fn ends_its_programs(&self) -> bool {
        // The mount namespace is made for them.
        self.0.is_ours && matches!(*self.0.view.lock().unwrap_or_else(PoisonError::into_inner), View::Made(_))
    }

    /// Does [`give_up_orphans`] in those that were made here.
    pub(crate) fn leave_connections_of<'a>(all: impl Iterator<Item = &'a Self>) {
        let ours: Vec<_> = all.filter(|netns| netns.0.is_ours).collect();
        if ours.is_empty() {
            return;
        }
        // What cannot be entered goes in the kernel's own time.
        let _ = on_thread(|| {
            for netns in ours {
                setns(&netns.0.net, CloneFlags::CLONE_NEWNET)?;
                give_up_orphans();
            }
            Ok(())
        });
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

    /// Moves the calling thread into these namespaces, for good; returns what shows it.
    ///
    /// It keeps its working directory, if the path of that leads anywhere in there.
    pub(crate) fn enter(&self) -> io::Result<Arc<Views>> {
        let directory = std::env::current_dir();
        let view = self.enter_root()?;
        // A thread that enters a mount namespace is in its root directory.
        if let Ok(directory) = directory {
            let _ = chdir(&directory);
        }
        Ok(view)
    }

    fn enter_root(&self) -> io::Result<Arc<Views>> {
        unshare(CloneFlags::CLONE_FS)?;
        setns(&self.0.net, CloneFlags::CLONE_NEWNET)?;
        let mut view = self.0.view.lock().unwrap_or_else(PoisonError::into_inner);
        match &*view {
            View::Made(made) => {
                let made = made.clone();
                drop(view);
                setns(&made.mnt, CloneFlags::CLONE_NEWNS)?;
                setns(&made.uts, CloneFlags::CLONE_NEWUTS)?;
                Ok(made)
            }
            View::ToMake(make) => {
                make()?;
                let made = Arc::new(Views::of_the_calling_thread()?);
                *view = View::Made(made.clone());
                Ok(made)
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
pub(crate) fn on_thread<R: Send>(f: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let name = thread::current().name().unwrap_or("netns-test").to_owned();
        match thread::Builder::new().name(name).spawn_scoped(scope, f)?.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
