//! What a probe asks its own node, without sending anything.

use std::{fs, io, net::IpAddr};

use nix::{
    errno::Errno,
    ifaddrs::getifaddrs,
    net::if_::{InterfaceFlags, if_nametoindex},
    sys::socket::{LinkAddr, SockaddrStorage},
};

use crate::kernel::{NeighbourState, neigh, route, rtnl::Rtnl};

/// The index of an interface of the calling thread's namespace.
pub(crate) fn index_of(interface: &str) -> io::Result<u32> {
    Ok(if_nametoindex(interface)?)
}

/// Whether an interface can carry frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkState {
    /// Its index.
    pub(crate) index: u32,
    /// `IFF_UP`.
    pub(crate) up: bool,
    /// `IFF_LOWER_UP` and `IFF_RUNNING`: it has a carrier, and the kernel has acted on it.
    pub(crate) carrier: bool,
}

/// The state of an interface, if there is one of that name.
pub(crate) fn state_of(interface: &str) -> io::Result<Option<LinkState>> {
    let index = match if_nametoindex(interface) {
        Ok(index) => index,
        Err(Errno::ENODEV) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let state = |flags: InterfaceFlags| LinkState {
        index,
        up: flags.contains(InterfaceFlags::IFF_UP),
        carrier: has_carrier(flags),
    };
    Ok(getifaddrs()?.find(|a| a.interface_name == interface).map(|a| state(a.flags)))
}

/// The link-layer address of an Ethernet interface, which also names it to packet sockets; `None` of one of another kind.
pub(crate) fn ethernet_of(interface: &str) -> io::Result<Option<LinkAddr>> {
    let mut all = getifaddrs()?.filter(|a| a.interface_name == interface).peekable();
    if all.peek().is_none() {
        return Err(Errno::ENODEV.into());
    }
    let link = all.find_map(|a| a.address?.as_link_addr().copied());
    Ok(link.filter(|link| link.hatype() == libc::ARPHRD_ETHER))
}

/// The addresses of an interface, or of all.
pub(crate) fn addresses(interface: Option<&str>) -> io::Result<Vec<IpAddr>> {
    let all = getifaddrs()?.filter(|a| interface.is_none_or(|name| a.interface_name == name));
    Ok(all.filter_map(|a| a.address.as_ref().and_then(ip)).collect())
}

/// Why a packet from `source` to `destination` may have been unable to leave, if the node knows.
pub(super) fn why_silent(source: Option<IpAddr>, destination: IpAddr) -> io::Result<Option<String>> {
    let all: Vec<_> = getifaddrs()?.collect();
    let with = |wanted: IpAddr| all.iter().find(|a| a.address.as_ref().and_then(ip) == Some(wanted));
    let (name, flags) = match with(destination) {
        Some(_) => {
            let lo = all.iter().find(|a| a.flags.contains(InterfaceFlags::IFF_LOOPBACK));
            ("lo", lo.map_or(InterfaceFlags::empty(), |a| a.flags))
        }
        None => match source.and_then(with) {
            Some(a) => (a.interface_name.as_str(), a.flags),
            None => return Ok(None),
        },
    };
    if !flags.contains(InterfaceFlags::IFF_UP) {
        return Ok(Some(format!("{name} is down")));
    }
    if !has_carrier(flags) {
        return Ok(Some(format!("{name} has no carrier")));
    }
    if destination.is_ipv6() {
        return Ok(None);
    }
    let rtnl = Rtnl::open()?;
    // Every gateway, for a mark or an interface may have chosen the route.
    let routes = route::all(&rtnl).map_err(io::Error::other)?;
    let is_next = |address: IpAddr| {
        address == destination || routes.iter().flat_map(|route| &route.hops).any(|hop| hop.via == Some(address))
    };
    let neighbours = neigh::all(&rtnl).map_err(io::Error::other)?;
    let awaited = neighbours.iter().find(|entry| entry.state == NeighbourState::Incomplete && is_next(entry.address));
    Ok(awaited.map(|entry| format!("it waits for the MAC of {}", entry.address)))
}

/// What an interface has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    received: u64,
    sent: u64,
}

impl Counters {
    /// The counters of an interface of the calling thread's namespace.
    pub(crate) fn of(interface: &str) -> io::Result<Self> {
        let table = fs::read_to_string("/proc/thread-self/net/dev")?;
        Self::find(&table, interface).ok_or_else(|| io::Error::from_raw_os_error(nix::libc::ENODEV))
    }

    /// Packets received and sent since earlier.
    pub(crate) fn packets_since(&self, earlier: &Self) -> u64 {
        self.received.saturating_sub(earlier.received) + self.sent.saturating_sub(earlier.sent)
    }

    fn find(table: &str, interface: &str) -> Option<Self> {
        table.lines().find_map(|line| {
            let (name, rest) = line.rsplit_once(": ").or_else(|| line.rsplit_once(':'))?;
            let fields: Vec<u64> = rest.split_whitespace().filter_map(|f| f.parse().ok()).collect();
            // Received: bytes, packets and six more; then sent: bytes, packets.
            (name.trim() == interface && fields.len() >= 10).then(|| Self { received: fields[1], sent: fields[9] })
        })
    }
}

/// The first flag falls at once with the carrier, the second rises only when the kernel lets packets pass.
fn has_carrier(flags: InterfaceFlags) -> bool {
    flags.contains(InterfaceFlags::IFF_LOWER_UP | InterfaceFlags::IFF_RUNNING)
}

fn ip(addr: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = addr.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
    v4.or_else(|| addr.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_by_name() {
        let table = "Inter-|   Receive                                                |  Transmit\n \
                     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop\n    \
                     lo:       1       2    0    0    0     0          0         0        3       4    0    0    0     0       0          0\n\
                     veth-red: 10      20    0    0    0     0          0         0       30      40    0    0    0     0       0          0\n";
        assert_eq!(Counters::find(table, "veth-red"), Some(Counters { received: 20, sent: 40 }));
        assert_eq!(Counters::find(table, "lo"), Some(Counters { received: 2, sent: 4 }));
        assert_eq!(Counters::find(table, "veth"), None);
    }
}
