//! What passed an interface.

mod filter;
mod packet;
mod tap;
mod text;

use std::{
    cell::Cell,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

pub use filter::Filter;
pub use packet::{Arp, Body, Direction, Encapsulated, Ethernet, Ip, Packet, Transport};
pub(crate) use tap::{Tap, Watch};

use crate::{
    netns::Netns,
    probe::{Protocol, Traffic, local},
};

/// Records what passes an interface, from its opening until it is dropped.
///
/// Whatever is asked of it is asked of what its filter keeps: `quiet(any(), …)` says that nothing of that passed. A
/// question about traffic of which the filter can keep nothing, as about UDP in a capture of ICMP, is an error.
///
/// It sends nothing and changes nothing. It keeps up to 64 MiB; a frame that it could not keep makes every question an
/// error. It stands on [packet(7)](https://man7.org/linux/man-pages/man7/packet.7.html).
#[derive(Debug)]
pub struct Listener {
    netns: Netns,
    interface: String,
    /// With its node, for reports.
    place: String,
    keeps: Keeps,
    index: u32,
    watch: Watch,
    passed: Arc<Passed>,
    before: local::Counters,
    cleared: usize,
}

/// The filter of a capture, as far as it can be told.
#[derive(Debug)]
struct Keeps {
    words: String,
    traffic: Option<Traffic>,
}

/// What passed the interface in all, whatever the capture keeps.
#[derive(Debug, Default)]
struct Passed {
    received: AtomicU64,
    sent: AtomicU64,
    /// Whether a frame was longer than Ethernet carries, so that several may have been merged into one.
    merged: AtomicBool,
}

/// Why a capture cannot answer, or what it saw instead of what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// A system call of the capture failed.
    #[error("{operation} on {interface}: {source}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// Where.
        interface: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Frames passed that the capture could not keep, so it cannot say what was among them.
    #[error("the capture on {interface} lost {frames} frames; narrow it with a filter, or ask earlier")]
    Lost {
        /// Where.
        interface: String,
        /// How many.
        frames: u64,
    },
    /// The interface counted frames that the capture did not see.
    #[error("the capture on {interface} saw {seen} frames, but the interface counted {counted}")]
    Blind {
        /// Where.
        interface: String,
        /// Frames captured.
        seen: u64,
        /// Frames that the interface counted meanwhile.
        counted: u64,
    },
    /// Nothing could have passed, so quiet proves nothing.
    #[error("nothing could have passed {interface}: {reason}")]
    Dead {
        /// Where.
        interface: String,
        /// Why.
        reason: String,
    },
    /// The capture's own filter keeps none of what was asked about.
    #[error(
        "the capture on {interface} keeps {keeps} alone, so it cannot tell of {wanted} (help: begin one with a filter \
         that keeps it, such as `any()`)"
    )]
    NotKept {
        /// Where.
        interface: String,
        /// What was asked about.
        wanted: String,
        /// What the capture keeps.
        keeps: String,
    },
    /// The expected packet did not come.
    #[error("{interface} saw no {wanted} within {waited:?}{}", Listing(.instead, .keeps.as_deref()))]
    Unseen {
        /// Where.
        interface: String,
        /// What was looked for.
        wanted: String,
        /// How long.
        waited: Duration,
        /// The last packets that passed instead.
        instead: Vec<Packet>,
        /// What the capture keeps; `None` if it is everything.
        keeps: Option<String>,
    },
    /// A packet passed that should not have.
    #[error("{interface} saw {} {unwanted}{}", .seen.len(), Listing(.seen, None))]
    NotQuiet {
        /// Where.
        interface: String,
        /// What should not have passed.
        unwanted: String,
        /// What did.
        seen: Vec<Packet>,
    },
}

/// At most this many packets are shown with an error.
const SHOWN: usize = 10;

/// How long [`Listener::saw`] waits.
const PATIENCE: Duration = Duration::from_secs(2);

impl Listener {
    /// Starts to record what passes an interface and is chosen by the filter.
    ///
    /// # Errors
    ///
    /// If the namespace has no such interface, or packet sockets are refused.
    pub(crate) fn open(
        netns: &Netns,
        node: &str,
        interface: &str,
        filter: impl Filter + Send + Sync + 'static,
    ) -> Result<Self, CaptureError> {
        let place = format!("{node}.{interface}");
        let failed = |operation| {
            let interface = place.clone();
            move |source: io::Error| CaptureError::System { operation, interface, source }
        };
        let keeps = Keeps { words: filter.describe(), traffic: filter.traffic().cloned() };
        let index = netns.run(|| local::index_of(interface)).and_then(|i| i).map_err(failed("find the interface"))?;
        let tap = netns.tap().map_err(failed("open a packet socket"))?;
        let passed = Arc::new(Passed::default());
        let count = passed.clone();
        let keep = move |packet: &Packet| packet.interface == index && count.add(packet) && filter.matches(packet);
        let watch = tap.watch(keep).map_err(failed("watch"))?;
        // Read after the watch began, so that the capture has seen whatever they count from now on.
        let before =
            netns.run(|| local::Counters::of(interface)).and_then(|c| c).map_err(failed("read the counters"))?;
        watch.keep_reading().map_err(failed("start the reading thread"))?;
        let (netns, interface) = (netns.clone(), interface.to_owned());
        Ok(Self { netns, interface, place, keeps, index, watch, passed, before, cleared: 0 })
    }

    /// The name of the interface.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// What passed so far, in order.
    ///
    /// # Errors
    ///
    /// If frames were lost.
    pub fn packets(&self) -> Result<Vec<Packet>, CaptureError> {
        Ok(self.frames()?.iter().map(|p| Packet::clone(p)).collect())
    }

    /// How many packets of this kind passed so far.
    ///
    /// # Errors
    ///
    /// If frames were lost, or the capture's filter keeps nothing of this kind.
    pub fn count(&self, filter: impl Filter) -> Result<usize, CaptureError> {
        self.can_tell_of(&filter)?;
        Ok(self.frames()?.iter().filter(|p| filter.matches(p)).count())
    }

    /// Forgets what passed so far.
    ///
    /// # Errors
    ///
    /// If frames were lost.
    pub fn clear(&mut self) -> Result<(), CaptureError> {
        self.cleared += self.frames()?.len();
        Ok(())
    }

    /// Returns the first such packet since the capture began, and waits up to 2 s for it.
    ///
    /// # Panics
    ///
    /// If none passed, frames were lost, or the capture's filter keeps nothing of this kind.
    #[track_caller]
    pub fn saw(&self, filter: impl Filter) -> Packet {
        match self.wait_for(filter, PATIENCE) {
            Ok(packet) => packet,
            Err(error) => panic!("{error}"),
        }
    }

    /// Asserts that no such packet has passed since the capture began, and that none does so for this time.
    ///
    /// # Panics
    ///
    /// If one passed, or the capture could not have seen it; see [`Listener::quiet`].
    #[track_caller]
    pub fn stays_quiet(&self, filter: impl Filter, time: Duration) {
        if let Err(error) = self.quiet(filter, time) {
            panic!("{error}");
        }
    }

    /// Returns the first such packet since the capture began, and waits for it up to this time.
    ///
    /// # Errors
    ///
    /// If none passed, frames were lost, or the capture's filter keeps nothing of this kind.
    pub fn wait_for(&self, filter: impl Filter, time: Duration) -> Result<Packet, CaptureError> {
        self.can_tell_of(&filter)?;
        if let Some(found) = self.frames()?.iter().find(|p| filter.matches(p)) {
            return Ok(Packet::clone(found));
        }
        let skipped = Cell::new(0);
        let wanted = |packet: &Packet| {
            skipped.set(skipped.get() + 1);
            (skipped.get() > self.cleared && filter.matches(packet)).then(|| packet.clone())
        };
        let found = self.watch.wait_for(Instant::now() + time, wanted).map_err(|e| self.failed("receive", e))?;
        self.nothing_lost()?;
        let instead =
            || self.frames().map(|all| all.iter().rev().take(SHOWN).rev().map(|p| Packet::clone(p)).collect());
        match found {
            Some(packet) => Ok(packet),
            None => Err(CaptureError::Unseen {
                interface: self.place.clone(),
                wanted: filter.describe(),
                waited: time,
                instead: instead()?,
                keeps: self.keeps.unless_everything(),
            }),
        }
    }

    /// Whether no such packet has passed since the capture began, and none does so for this time.
    ///
    /// # Errors
    ///
    /// If one passed. If the capture could not have seen it: its own filter keeps nothing of this kind, the interface is
    /// down, without carrier or gone, it counted frames that the capture has not seen, or frames were lost.
    pub fn quiet(&self, filter: impl Filter, time: Duration) -> Result<(), CaptureError> {
        self.can_tell_of(&filter)?;
        self.alive()?;
        let until = Instant::now() + time;
        loop {
            let seen: Vec<Packet> =
                self.frames()?.iter().filter(|p| filter.matches(p)).map(|p| Packet::clone(p)).collect();
            if !seen.is_empty() {
                return Err(CaptureError::NotQuiet {
                    interface: self.place.clone(),
                    unwanted: filter.describe(),
                    seen,
                });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            crate::pause_for(left.min(Duration::from_millis(5)));
        }
        self.alive()?;
        self.saw_what_was_counted()
    }

    /// What was left out cannot be told from what did not pass.
    fn can_tell_of(&self, wanted: &impl Filter) -> Result<(), CaptureError> {
        match (&self.keeps.traffic, wanted.traffic()) {
            (Some(kept), Some(wanted)) if kept.contradicts(wanted) => Err(CaptureError::NotKept {
                interface: self.place.clone(),
                wanted: wanted.to_string(),
                keeps: self.keeps.words.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn frames(&self) -> Result<Vec<Arc<Packet>>, CaptureError> {
        let mut frames = self.watch.frames().map_err(|e| self.failed("receive", e))?;
        self.nothing_lost()?;
        frames.drain(..self.cleared.min(frames.len()));
        Ok(frames)
    }

    fn nothing_lost(&self) -> Result<(), CaptureError> {
        match self.watch.lost() {
            0 => Ok(()),
            frames => Err(CaptureError::Lost { interface: self.place.clone(), frames }),
        }
    }

    /// The interface is there and could have carried something.
    fn alive(&self) -> Result<(), CaptureError> {
        let dead = |reason: &str| Err(CaptureError::Dead { interface: self.place.clone(), reason: reason.to_owned() });
        let state = self.netns.run(|| local::state_of(&self.interface)).and_then(|s| s);
        match state.map_err(|e| self.failed("read the state", e))? {
            None => dead("it is gone"),
            Some(local::LinkState { index, .. }) if index != self.index => dead("it is gone, and another has its name"),
            Some(local::LinkState { up: false, .. }) => dead("it is down"),
            Some(local::LinkState { carrier: false, .. }) => dead("it has no carrier"),
            Some(_) => Ok(()),
        }
    }

    /// The control: it sends nothing, but compares with what the interface itself counted.
    fn saw_what_was_counted(&self) -> Result<(), CaptureError> {
        let until = Instant::now() + Duration::from_millis(500);
        loop {
            let now = self.netns.run(|| local::Counters::of(&self.interface)).and_then(|c| c);
            let now = now.map_err(|e| self.failed("read the counters", e))?;
            self.frames()?;
            let counted = now.packets_since(&self.before);
            let seen = self.passed.received.load(Relaxed) + self.passed.sent.load(Relaxed);
            if seen >= counted || (seen > 0 && self.passed.merged.load(Relaxed)) {
                return Ok(());
            }
            // A veth's frame is counted when it is sent, and seen when it is received a moment later.
            if Instant::now() >= until {
                return Err(CaptureError::Blind { interface: self.place.clone(), seen, counted });
            }
            crate::pause();
        }
    }

    fn failed(&self, operation: &'static str, source: io::Error) -> CaptureError {
        CaptureError::System { operation, interface: self.place.clone(), source }
    }
}

impl Keeps {
    fn unless_everything(&self) -> Option<String> {
        let everything = self.traffic.as_ref() == Some(&Traffic::new(Protocol::Any));
        (!everything).then(|| self.words.clone())
    }
}

impl Passed {
    fn add(&self, packet: &Packet) -> bool {
        let count = if packet.direction == Direction::In { &self.received } else { &self.sent };
        count.fetch_add(1, Relaxed);
        self.merged.fetch_or(packet.length > 1518, Relaxed);
        true
    }
}

/// Packets as the indented lines after an error, and what the capture keeps if that is not everything.
struct Listing<'a>(&'a [Packet], Option<&'a str>);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return match self.1 {
                Some(keeps) => write!(f, "; nothing that this capture keeps ({keeps}) passed"),
                None => f.write_str("; nothing passed"),
            };
        }
        for packet in self.0.iter().take(SHOWN) {
            write!(f, "\n  {packet}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
