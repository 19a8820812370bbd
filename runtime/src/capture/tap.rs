//! The one packet socket of a namespace, and those who watch it.
//!
//! Closing a packet socket takes the kernel milliseconds, opening one microseconds: so there is one for all protocols
//! and interfaces, opened when it is first needed, and in the end a duplicate of it goes to the holder that closes
//! descriptors off the test's path. Whoever wants to know something reads it dry; a thread does so only while somebody listens.

use std::{
    collections::VecDeque,
    fmt, io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use nix::{
    cmsg_space,
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        eventfd::{EfdFlags, EventFd},
        socket::{
            AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, getsockopt,
            recvmsg, sendto, setsockopt, socket, sockopt,
        },
        time::TimeSpec,
    },
    unistd::dup,
};

use super::{Direction, Packet};
use crate::{netns::Netns, sandbox};

/// Longer than any frame, an offloaded one of 64 KiB included.
const LONGEST: usize = 65_600;

/// What a watcher keeps at most, in bytes; frames of 64 bytes count about thrice as much.
const KEPT: usize = 64 << 20;

/// A namespace's packet socket.
#[derive(Clone)]
pub(crate) struct Tap(Arc<Hub>);

struct Hub {
    socket: OwnedFd,
    sender: OnceLock<OwnedFd>,
    stop: EventFd,
    buffer: Mutex<Vec<u8>>,
    watchers: Mutex<Vec<Weak<Ring>>>,
    thread: OnceLock<()>,
    /// Whether closing must not be left to somebody who takes his time.
    at_once: AtomicBool,
    /// Frames that the kernel could not queue, since the beginning.
    dropped: AtomicU64,
}

/// The frames that one watcher asked for; it gets none after it was dropped.
#[derive(Clone)]
pub(crate) struct Watch {
    tap: Tap,
    ring: Arc<Ring>,
    dropped_before: u64,
}

struct Ring {
    keep: Box<dyn Fn(&Packet) -> bool + Send + Sync>,
    frames: Mutex<Frames>,
    more: Condvar,
}

#[derive(Default)]
struct Frames {
    kept: VecDeque<Arc<Packet>>,
    bytes: usize,
    overflowed: u64,
}

mod option {
    use nix::{getsockopt_impl, libc, sockopt_impl};

    sockopt_impl!(Statistics, GetOnly, libc::SOL_PACKET, libc::PACKET_STATISTICS, libc::tpacket_stats);
}

impl Tap {
    /// Opens the packet socket of the calling thread's namespace.
    pub(crate) fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
        setsockopt(&fd, sockopt::ReceiveTimestampns, &true)?;
        // More than the limit is given to real root only; without it, the default has to do.
        if setsockopt(&fd, sockopt::RcvBufForce, &(32 << 20)).is_err() {
            setsockopt(&fd, sockopt::RcvBuf, &(4 << 20))?;
        }
        Ok(Self(Arc::new(Hub {
            socket: fd,
            sender: OnceLock::new(),
            stop: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            buffer: Mutex::new(vec![0; LONGEST]),
            watchers: Mutex::default(),
            thread: OnceLock::new(),
            at_once: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        })))
    }

    /// Watches from now on for the frames that `keep` chooses.
    pub(crate) fn watch(&self, keep: impl Fn(&Packet) -> bool + Send + Sync + 'static) -> io::Result<Watch> {
        // What is queued already belongs to the past.
        self.drain()?;
        let ring = Arc::new(Ring { keep: Box::new(keep), frames: Mutex::default(), more: Condvar::new() });
        lock(&self.0.watchers).push(Arc::downgrade(&ring));
        Ok(Watch { tap: self.clone(), ring, dropped_before: self.0.dropped.load(Ordering::Relaxed) })
    }

    /// Sends a frame through a socket of its own, so that the watchers see it leave.
    pub(crate) fn send(&self, frame: &[u8], to: &LinkAddr) -> io::Result<()> {
        if self.0.sender.get().is_none() {
            // Without a protocol it receives nothing.
            let none: Option<SockProtocol> = None;
            let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, none)?;
            let _ = self.0.sender.set(fd);
        }
        let fd = self.0.sender.get().expect("it was just set");
        sendto(fd.as_raw_fd(), frame, to, MsgFlags::empty())?;
        Ok(())
    }

    /// Reads whatever the kernel has queued, and gives it to the watchers.
    pub(crate) fn drain(&self) -> io::Result<()> {
        let mut buffer = lock(&self.0.buffer);
        loop {
            match self.0.receive(&mut buffer) {
                Ok(packet) => self.0.give_out(packet),
                Err(Errno::EAGAIN) => break,
                // The error of an interface that went away or down; frames follow it.
                Err(Errno::ENETDOWN | Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let statistics = getsockopt(&self.0.socket, option::Statistics)?;
        self.0.dropped.fetch_add(statistics.tp_drops.into(), Ordering::Relaxed);
        Ok(())
    }

    /// Has the socket closed as soon as nobody uses it, at the cost of some milliseconds: it keeps its namespace alive.
    pub(crate) fn close_at_once(&self) {
        self.0.at_once.store(true, Ordering::Relaxed);
    }

    /// Starts the thread that reads without being asked.
    fn keep_reading(&self) -> io::Result<()> {
        if self.0.thread.set(()).is_err() {
            return Ok(());
        }
        let (hub, socket, stop) = (Arc::downgrade(&self.0), dup(&self.0.socket)?, dup(&self.0.stop)?);
        let read = move || {
            loop {
                let mut fds =
                    [PollFd::new(socket.as_fd(), PollFlags::POLLIN), PollFd::new(stop.as_fd(), PollFlags::POLLIN)];
                let polled = poll(&mut fds, PollTimeout::NONE);
                let stopped = fds[1].any().unwrap_or(true);
                let Some(hub) = hub.upgrade().filter(|_| !stopped && !matches!(polled, Err(e) if e != Errno::EINTR))
                else {
                    break;
                };
                if Tap(hub).drain().is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("netns-test capture".into()).spawn(read)?;
        Ok(())
    }
}

impl Hub {
    fn receive(&self, buffer: &mut [u8]) -> nix::Result<Packet> {
        let mut control = cmsg_space!(TimeSpec);
        let mut parts = [io::IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        let message = recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
        let stamp = message.cmsgs()?.find_map(|c| match c {
            ControlMessageOwned::ScmTimestampns(at) => Some(SystemTime::UNIX_EPOCH + Duration::from(at)),
            _ => None,
        });
        let (length, link) = (message.bytes, message.address);
        let (index, kind, outgoing, ether) = link.map_or((0, 0, false, true), |link| {
            let outgoing = link.pkttype() == nix::libc::PACKET_OUTGOING;
            let ether = matches!(link.hatype(), nix::libc::ARPHRD_ETHER | nix::libc::ARPHRD_LOOPBACK);
            (link.ifindex(), u16::from_be(link.protocol()), outgoing, ether)
        });
        let bytes = buffer[..length.min(LONGEST)].to_vec();
        let direction = if outgoing { Direction::Out } else { Direction::In };
        let index = u32::try_from(index).unwrap_or(0);
        Ok(Packet::parse(stamp.unwrap_or_else(SystemTime::now), index, direction, length, bytes, ether, kind))
    }

    fn give_out(&self, packet: Packet) {
        let packet = Arc::new(packet);
        lock(&self.watchers).retain(|watcher| watcher.upgrade().map(|ring| ring.offer(&packet)).is_some());
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // An event that cannot be written is one that the thread will see anyway.
        let _ = self.stop.write(1);
        if self.at_once.load(Ordering::Relaxed) {
            return;
        }
        // Without a duplicate somewhere else, the close that follows would cost the test milliseconds, and no more.
        let all = [Some(&self.socket), self.sender.get()];
        sandbox::hold(all.into_iter().flatten().filter_map(|fd| fd.try_clone().ok()).collect());
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("socket", &self.0.socket).finish_non_exhaustive()
    }
}

impl Watch {
    /// The frames so far, everything that has passed until now included.
    pub(crate) fn frames(&self) -> io::Result<Vec<Arc<Packet>>> {
        self.tap.drain()?;
        Ok(lock(&self.ring.frames).kept.iter().cloned().collect())
    }

    /// Reads what the kernel has queued, so that it has room for more.
    pub(crate) fn catch_up(&self) -> io::Result<()> {
        self.tap.drain()
    }

    /// Frames that the kernel or this watcher could not keep, since it began.
    pub(crate) fn lost(&self) -> u64 {
        let overflowed = lock(&self.ring.frames).overflowed;
        self.tap.0.dropped.load(Ordering::Relaxed) - self.dropped_before + overflowed
    }

    /// Has a thread read from now on, so that nothing is lost while nobody asks.
    pub(crate) fn keep_reading(&self) -> io::Result<()> {
        self.tap.keep_reading()
    }

    /// Waits for the first frame that `wanted` chooses, among those there were and those to come.
    pub(crate) fn wait_for<T>(&self, until: Instant, wanted: impl Fn(&Packet) -> Option<T>) -> io::Result<Option<T>> {
        let mut looked_at = 0;
        loop {
            self.tap.drain()?;
            let frames = lock(&self.ring.frames);
            if let Some(found) = frames.kept.iter().skip(looked_at).find_map(|p| wanted(p)) {
                return Ok(Some(found));
            }
            looked_at = frames.kept.len();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Without a reading thread nobody would wake us, so look again now and then.
            let pause = left.min(Duration::from_millis(1));
            drop(self.ring.more.wait_timeout(frames, pause).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("frames", &lock(&self.ring.frames).kept.len()).finish_non_exhaustive()
    }
}

impl Ring {
    fn offer(&self, packet: &Arc<Packet>) {
        if !(self.keep)(packet) {
            return;
        }
        let size = packet.bytes().len() + size_of::<Packet>();
        let mut frames = lock(&self.frames);
        if frames.bytes + size > KEPT {
            frames.overflowed += 1;
        } else {
            frames.bytes += size;
            frames.kept.push_back(packet.clone());
        }
        self.more.notify_all();
    }
}

impl Netns {
    /// The namespace's packet socket, opened at the first call.
    pub(crate) fn tap(&self) -> io::Result<Tap> {
        if let Some(tap) = self.tap_cell().get() {
            return Ok(tap.clone());
        }
        let tap = self.run(Tap::open)??;
        Ok(self.tap_cell().get_or_init(|| tap).clone())
    }
}

/// Locks, also after a panic elsewhere: the data are counts and lists that no panic leaves half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
