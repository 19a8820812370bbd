//! A stream of what an interface lacks.

use std::{
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Error, Interface};
use crate::kernel::miss::{self, Miss};

/// How long is waited for the next unless it is said.
const PATIENCE: Duration = Duration::from_secs(2);

/// Records what an interface asks programs for, from the call of [`Interface::misses`] until it is dropped.
///
/// A VXLAN device asks, if it is made with `l2miss` and `l3miss`, for the tunnel end of a MAC address and for the MAC
/// address of a neighbour that it should answer for. Who answers, by [`Node::add_fdb`](super::Node::add_fdb) and
/// [`Node::add_neighbour`](super::Node::add_neighbour), is the control plane of the overlay. It stands on
/// [rtnetlink(7)], sends nothing and changes nothing.
///
/// ```no_run
/// # use netns_test_runtime::{kernel::Miss, lab::{Error, Node}};
/// # fn agent(overlay: &Node) -> Result<(), Error> {
/// let misses = overlay.interface("vxlan1")?.misses()?;
/// while let Ok(miss) = misses.next().run() {
///     match miss {
///         Miss::Neighbour(address) => overlay.add_neighbour(address, "02:42:c0:a8:c8:04", "vxlan1")?,
///         Miss::TunnelEnd(mac) => overlay.add_fdb(format!("{mac} dev vxlan1 dst 192.168.10.7"))?,
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
///
/// [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html
#[derive(Debug, Clone)]
pub struct Misses {
    interface: Interface,
    inner: Arc<miss::Misses>,
}

/// The next of [`Misses`]: [`NextMiss::run`] it, or await it.
#[must_use = "nothing is waited for until it is `run` or awaited"]
#[derive(Debug, Clone)]
pub struct NextMiss {
    misses: Misses,
    within: Duration,
}

impl Interface {
    /// Records what this interface asks programs for from now on, because it does not know it.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or netlink sockets are refused.
    pub fn misses(&self) -> Result<Misses, Error> {
        let index = self.index()?;
        let opened = self.node().try_run(|| miss::Misses::open(index, self.to_string()))?;
        let inner = opened.map_err(|error| Error::io(self.node().name(), "open a netlink socket", error))?;
        Ok(Misses { interface: self.clone(), inner: Arc::new(inner) })
    }
}

impl Misses {
    /// All that was missing so far, the earliest first, also what [`Misses::next`] has told.
    ///
    /// # Errors
    ///
    /// If the kernel told more than the socket could hold.
    pub fn all(&self) -> Result<Vec<Miss>, Error> {
        self.interface.node().words(self.inner.all())
    }

    /// The earliest that this has not told yet; waits up to 2 s for it, unless told otherwise.
    pub fn next(&self) -> NextMiss {
        NextMiss { misses: self.clone(), within: PATIENCE }
    }
}

impl NextMiss {
    /// Sets how long to wait at most.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::NothingMissing`] if nothing was missing in that time; if the kernel told more than the socket could
    /// hold.
    pub fn run(self) -> Result<Miss, Error> {
        let Self { misses: Misses { interface, inner }, within } = self;
        let next = interface.node().words(inner.next(within))?;
        next.ok_or_else(|| Error::NothingMissing { interface: interface.to_string(), waited: within })
    }
}

impl IntoFuture for NextMiss {
    type Output = Result<Miss, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Waits on a thread of its own, so that the caller's runtime goes on; a future that is dropped takes nothing.
    fn into_future(self) -> Self::IntoFuture {
        let Self { misses: Misses { interface, inner }, within } = self;
        Box::pin(async move {
            let node = interface.node();
            let failed = |error: io::Error| Error::io(node.name(), "start a thread", error);
            let begin = Instant::now();
            loop {
                // Here and not on the thread: what that took would be lost with the future.
                if let Some(miss) = node.words(inner.take())? {
                    return Ok(miss);
                }
                let left = within.saturating_sub(begin.elapsed());
                if left.is_zero() {
                    return Err(Error::NothingMissing { interface: interface.to_string(), waited: within });
                }
                let (tell, told) = tokio::sync::oneshot::channel();
                let inner = inner.clone();
                let wait = move || {
                    let waited = inner.wait_for_next(left, || tell.is_closed());
                    drop(inner);
                    // Nobody listens any more if the future was dropped.
                    let _ = tell.send(waited);
                };
                thread::Builder::new().name("netns-test misses".into()).spawn(wait).map_err(failed)?;
                let waited = told.await.map_err(|_| failed(io::Error::other("the waiting thread panicked")))?;
                node.words(waited)?;
            }
        })
    }
}
