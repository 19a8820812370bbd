//! What the kernel asks programs for because it does not know it ([rtnetlink(7)], RTM_GETNEIGH to RTNLGRP_NEIGH).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{
    fmt, io,
    net::IpAddr,
    os::fd::AsFd,
    sync::Mutex,
    time::{Duration, Instant},
};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use netns_test_topology::Mac;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use rtnetlink::{
    packet_core::NetlinkPayload,
    packet_route::{RouteNetlinkMessage, neighbour::NeighbourMessage},
};

use super::{KernelError, neigh, rtnl};

/// What an interface lacks to send a packet on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Miss {
    /// The MAC address of this neighbour; from a VXLAN device with `l3miss`, once for each request that it was to answer.
    Neighbour(IpAddr),
    /// The tunnel end that this MAC address is behind; from a VXLAN device with `l2miss`, once for each packet.
    TunnelEnd(Mac),
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Miss::Neighbour(address) => write!(f, "miss {address}"),
            Miss::TunnelEnd(mac) => write!(f, "miss lladdr {mac}"),
        }
    }
}

/// After how long it is seen that nobody waits any more.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A subscription to what one interface lacks.
#[derive(Debug)]
pub(crate) struct Misses {
    socket: Socket,
    interface: u32,
    words: rtnl::Words,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    all: Vec<Miss>,
    /// How many have been handed out one by one.
    taken: usize,
}

impl Misses {
    /// Subscribes in the network namespace of the calling thread.
    pub(crate) fn open(interface: u32, object: String) -> io::Result<Self> {
        // RTNLGRP_NEIGH of `linux/rtnetlink.h`.
        const NEIGH: u32 = 3;
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        socket.add_membership(NEIGH)?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket, interface, words: ("listen for what is missing on", object), seen: Mutex::default() })
    }

    /// All since the subscription, the earliest first.
    pub(crate) fn all(&self) -> Result<Vec<Miss>, KernelError> {
        let mut seen = self.lock();
        self.read(&mut seen.all)?;
        Ok(seen.all.clone())
    }

    /// The earliest that was not handed out yet, as soon as there is one.
    pub(crate) fn next(&self, within: Duration) -> Result<Option<Miss>, KernelError> {
        let begin = Instant::now();
        loop {
            let left = within.saturating_sub(begin.elapsed());
            self.wait_for_next(left, || false)?;
            match self.take()? {
                // Another was quicker.
                None if !left.is_zero() => {}
                taken => return Ok(taken),
            }
        }
    }

    /// The earliest that was not handed out yet, if there is one.
    pub(crate) fn take(&self) -> Result<Option<Miss>, KernelError> {
        let mut seen = self.lock();
        self.read(&mut seen.all)?;
        let next = seen.all.get(seen.taken).copied();
        seen.taken += usize::from(next.is_some());
        Ok(next)
    }

    /// Waits until there is one that was not handed out yet, for that time at most, or until it is given up.
    pub(crate) fn wait_for_next(&self, within: Duration, given_up: impl Fn() -> bool) -> Result<(), KernelError> {
        let begin = Instant::now();
        loop {
            let mut seen = self.lock();
            self.read(&mut seen.all)?;
            let is_there = seen.all.len() > seen.taken;
            drop(seen);
            let left = within.saturating_sub(begin.elapsed());
            if is_there || left.is_zero() || given_up() {
                return Ok(());
            }
            self.wait(left.min(LONGEST_PAUSE))?;
        }
    }

    fn wait(&self, time: Duration) -> Result<(), KernelError> {
        // A moment more than is left rather than a turn too early.
        let time = PollTimeout::try_from(time + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], time) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(KernelError::new(self.words.0, self.words.1.clone(), errno)),
        }
    }

    /// Reads all that has come.
    fn read(&self, all: &mut Vec<Miss>) -> Result<(), KernelError> {
        let mut buffer = Vec::with_capacity(rtnl::RECEIVE_BUFFER);
        loop {
            buffer.clear();
            match self.socket.recv(&mut buffer, 0) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(KernelError::io(self.words.0, self.words.1.clone(), &error)),
            }
            for message in rtnl::decode(&buffer, &self.words)? {
                if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::GetNeighbour(entry)) = message.payload
                    && entry.header.ifindex == self.interface
                {
                    all.extend(miss(&entry));
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn miss(entry: &NeighbourMessage) -> Option<Miss> {
    neigh::address(entry).map(Miss::Neighbour).or_else(|| neigh::mac(entry).map(Miss::TunnelEnd))
}
