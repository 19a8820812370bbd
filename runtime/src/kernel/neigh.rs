//! Neighbours (ARP and NDP tables) and bridge forwarding entries ([rtnetlink(7)], RTM_*NEIGH).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{fmt, net::IpAddr};

use netns_test_topology::Mac;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_REPLACE},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        neighbour::{
            NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState as RawState,
        },
        route::RouteType,
    },
};

use super::{
    KernelError,
    rtnl::{DUMP, Request, Rtnl},
};

/// An entry of a node's neighbour table (ARP, [RFC 826]; NDP, [RFC 4861]), at one moment.
///
/// [RFC 826]: https://www.rfc-editor.org/rfc/rfc826
/// [RFC 4861]: https://www.rfc-editor.org/rfc/rfc4861
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeighbourInfo {
    /// The index of the interface it is reached by.
    pub index: u32,
    /// The neighbour's address.
    pub address: IpAddr,
    /// Its Ethernet address, once known.
    pub mac: Option<Mac>,
    /// How far the kernel trusts the entry.
    pub state: NeighbourState,
}

/// How far the kernel trusts a neighbour entry ([RFC 4861], section 7.3.2).
///
/// [RFC 4861]: https://www.rfc-editor.org/rfc/rfc4861#section-7.3.2
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NeighbourState {
    /// Asked for, not answered yet.
    Incomplete,
    /// Confirmed lately.
    Reachable,
    /// Known, not confirmed lately; usable.
    Stale,
    /// Used while stale, about to be confirmed.
    Delay,
    /// Being confirmed.
    Probe,
    /// Asked for, and not answered.
    Failed,
    /// Needs no resolution.
    NoArp,
    /// Set by hand, for good.
    Permanent,
    /// No state.
    None,
}

impl NeighbourState {
    /// Whether the entry carries a MAC address that packets are sent to.
    pub fn is_valid(self) -> bool {
        use NeighbourState::{Delay, NoArp, Permanent, Probe, Reachable, Stale};
        matches!(self, Reachable | Stale | Delay | Probe | NoArp | Permanent)
    }
}

impl fmt::Display for NeighbourState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_uppercase())
    }
}

/// A forwarding entry of a bridge: by which port a MAC address is reached ([bridge(8)]).
///
/// [bridge(8)]: https://man7.org/linux/man-pages/man8/bridge.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FdbInfo {
    /// The MAC address.
    pub mac: Mac,
    /// The index of the port.
    pub port: u32,
    /// The index of the bridge, for entries of a bridge.
    pub master: Option<u32>,
    /// Whether it is the port's own address or set by hand, and not learned.
    pub permanent: bool,
}

/// Every neighbour entry of the namespace, IPv4 and IPv6.
pub(crate) fn all(rtnl: &Rtnl) -> Result<Vec<NeighbourInfo>, KernelError> {
    Ok(dump(rtnl, AddressFamily::Unspec, "neighbours")?.iter().filter_map(parse).collect())
}

/// Every forwarding entry of the namespace's bridges.
pub(crate) fn fdb(rtnl: &Rtnl) -> Result<Vec<FdbInfo>, KernelError> {
    Ok(dump(rtnl, AddressFamily::Bridge, "forwarding entries")?.iter().filter_map(parse_fdb).collect())
}

/// Sets a permanent entry.
pub(crate) fn add(index: u32, address: IpAddr, mac: Mac, object: impl Into<String>) -> Request {
    let mut message = message(index, address);
    message.header.state = RawState::Permanent;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.octets().to_vec()));
    Request {
        message: RouteNetlinkMessage::NewNeighbour(message),
        flags: NLM_F_CREATE | NLM_F_REPLACE,
        operation: "add neighbour",
        object: object.into(),
    }
}

/// Removes an entry.
pub(crate) fn delete(index: u32, address: IpAddr, object: impl Into<String>) -> Request {
    Request {
        message: RouteNetlinkMessage::DelNeighbour(message(index, address)),
        flags: 0,
        operation: "remove neighbour",
        object: object.into(),
    }
}

fn message(index: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.ifindex = index;
    message.header.kind = RouteType::Unicast;
    let destination = match address {
        IpAddr::V4(address) => {
            message.header.family = AddressFamily::Inet;
            NeighbourAddress::Inet(address)
        }
        IpAddr::V6(address) => {
            message.header.family = AddressFamily::Inet6;
            NeighbourAddress::Inet6(address)
        }
    };
    message.attributes.push(NeighbourAttribute::Destination(destination));
    message
}

fn dump(rtnl: &Rtnl, family: AddressFamily, what: &str) -> Result<Vec<NeighbourMessage>, KernelError> {
    let mut message = NeighbourMessage::default();
    message.header.family = family;
    let request = Request {
        message: RouteNetlinkMessage::GetNeighbour(message),
        flags: DUMP,
        operation: "list",
        object: what.into(),
    };
    Ok(rtnl
        .get(request)?
        .into_iter()
        .filter_map(|message| match message {
            RouteNetlinkMessage::NewNeighbour(entry) => Some(entry),
            _ => None,
        })
        .collect())
}

fn parse(message: &NeighbourMessage) -> Option<NeighbourInfo> {
    let mut address = None;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(addr)) => address = Some(IpAddr::V4(*addr)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(addr)) => address = Some(IpAddr::V6(*addr)),
            _ => {}
        }
    }
    Some(NeighbourInfo {
        index: message.header.ifindex,
        address: address?,
        mac: mac(message),
        state: state(message.header.state),
    })
}

fn parse_fdb(message: &NeighbourMessage) -> Option<FdbInfo> {
    let master = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Controller(index) => Some(*index),
        _ => None,
    });
    let permanent = message.header.state == RawState::Permanent || message.header.flags.contains(NeighbourFlags::Own);
    Some(FdbInfo { mac: mac(message)?, port: message.header.ifindex, master, permanent })
}

fn mac(message: &NeighbourMessage) -> Option<Mac> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => Some(Mac::new(bytes.as_slice().try_into().ok()?)),
        _ => None,
    })
}

fn state(state: RawState) -> NeighbourState {
    match state {
        RawState::Incomplete => NeighbourState::Incomplete,
        RawState::Reachable => NeighbourState::Reachable,
        RawState::Stale => NeighbourState::Stale,
        RawState::Delay => NeighbourState::Delay,
        RawState::Probe => NeighbourState::Probe,
        RawState::Failed => NeighbourState::Failed,
        RawState::Noarp => NeighbourState::NoArp,
        RawState::Permanent => NeighbourState::Permanent,
        _ => NeighbourState::None,
    }
}
