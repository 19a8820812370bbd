//! The one thread that reads what all programs print, and notices their ends.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::fd::BorrowedFd,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::channel,
    },
    thread,
};

use nix::{
    sched::{CloneFlags, setns, unshare},
    sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
};

/// Something with a descriptor that has news now and then.
pub(super) trait Source: Send + Sync {
    /// Calls with the descriptor, while there is one.
    fn with_descriptor(&self, use_it: &mut dyn FnMut(BorrowedFd<'_>));

    /// Takes the news that there are; says whether there will be more. If not, it has closed its descriptor.
    fn take_news(&self) -> bool;
}

/// Knows whom to ask when a descriptor has news.
struct Supervisor {
    epoll: Epoll,
    sources: Mutex<HashMap<u64, Arc<dyn Source>>>,
    next: AtomicU64,
}

/// Has the supervisor take the news of a source until it has no more, or is forgotten by the number returned.
pub(super) fn watch(source: Arc<dyn Source>) -> io::Result<u64> {
    let supervisor = Supervisor::get()?;
    let key = supervisor.next.fetch_add(1, Ordering::Relaxed);
    let mut watched = Ok(());
    supervisor.sources().insert(key, source.clone());
    source.with_descriptor(&mut |descriptor| {
        watched = supervisor.epoll.add(descriptor, EpollEvent::new(EpollFlags::EPOLLIN, key)).map_err(io::Error::from);
    });
    if let Err(error) = watched {
        supervisor.sources().remove(&key);
        return Err(error);
    }
    Ok(key)
}

/// Looks at a source no more.
pub(super) fn forget(key: u64) {
    if let Ok(supervisor) = Supervisor::get() {
        supervisor.sources().remove(&key);
    }
}

impl Supervisor {
    fn get() -> io::Result<&'static Self> {
        static ONE: OnceLock<Arc<Supervisor>> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = ONE.get() {
            return Ok(one);
        }
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let one = Arc::new(Self { epoll, sources: Mutex::default(), next: AtomicU64::new(0) });
        let runs = one.clone();
        let (tell, told) = channel();
        thread::Builder::new().name("processes".into()).spawn(move || {
            let home = go_home();
            let is_home = home.is_ok();
            if tell.send(home).is_ok() && is_home {
                runs.run();
            }
        })?;
        told.recv().map_err(io::Error::other)??;
        Ok(ONE.get_or_init(|| one))
    }

    fn sources(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<dyn Source>>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut events = [EpollEvent::empty(); 64];
        loop {
            // Interrupted by a signal, for which the program may have a handler.
            let Ok(count) = self.epoll.wait(&mut events, EpollTimeout::NONE) else { continue };
            for event in &events[..count] {
                let source = self.sources().get(&event.data()).cloned();
                if source.is_some_and(|source| !source.take_news()) {
                    self.sources().remove(&event.data());
                }
            }
        }
    }
}

/// Leaves the namespaces of whatever node the calling thread was started on: it would keep them for ever.
fn go_home() -> io::Result<()> {
    let (net, mnt) = (File::open("/proc/self/ns/net")?, File::open("/proc/self/ns/mnt")?);
    unshare(CloneFlags::CLONE_FS)?;
    setns(net, CloneFlags::CLONE_NEWNET)?;
    setns(mnt, CloneFlags::CLONE_NEWNS)?;
    Ok(())
}
