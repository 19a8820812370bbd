//! Neighbours (ARP and NDP tables) and bridge forwarding entries ([rtnetlink(7)], RTM_*NEIGH).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{fmt, net::IpAddr};

use netns_test_topology::{FdbEntry, Mac};
use rtnetlink::{
    packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE},
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
    /// The tunnel end that the address is behind, for entries of a VXLAN device.
    pub destination: Option<IpAddr>,
}

/// Every neighbour entry of the namespace, IPv4 and IPv6.
pub(crate) fn all(rtnl: &Rtnl) -> Result<Vec<NeighbourInfo>, KernelError> {
    Ok(dump(rtnl, AddressFamily::Unspec, "neighbours")?.iter().filter_map(parse).collect())
}

/// Every forwarding entry of the namespace's bridges and VXLAN devices.
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

/// What becomes of an entry for the same MAC address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    /// It stays, beside the new one if those of the address add up; if not, the kernel refuses.
    Keep,
    Replace,
}

/// Adds a forwarding entry.
pub(crate) fn add_fdb(index: u32, entry: &FdbEntry, same: Same, object: impl Into<String>) -> Request {
    let mut message = fdb_message(index, entry);
    message.header.state = if entry.dst.is_some() { RawState::Permanent } else { RawState::Noarp };
    let flags = match same {
        Same::Replace => NLM_F_REPLACE,
        // Of an address whose entries do not add up, the kernel would take the request and do nothing.
        Same::Keep if entry.adds_up() => NLM_F_APPEND,
        Same::Keep => NLM_F_EXCL,
    };
    Request {
        message: RouteNetlinkMessage::NewNeighbour(message),
        flags: NLM_F_CREATE | flags,
        operation: "add forwarding entry",
        object: object.into(),
    }
}

/// Removes a forwarding entry.
pub(crate) fn delete_fdb(index: u32, entry: &FdbEntry, object: impl Into<String>) -> Request {
    Request {
        message: RouteNetlinkMessage::DelNeighbour(fdb_message(index, entry)),
        flags: 0,
        operation: "remove forwarding entry",
        object: object.into(),
    }
}

fn fdb_message(index: u32, entry: &FdbEntry) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = index;
    message.header.flags = if entry.dst.is_some() { NeighbourFlags::Own } else { NeighbourFlags::Controller };
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(entry.mac.octets().to_vec()));
    message.attributes.extend(entry.dst.map(|dst| NeighbourAttribute::Destination(destination(dst))));
    message
}

fn destination(address: IpAddr) -> NeighbourAddress {
    match address {
        IpAddr::V4(address) => NeighbourAddress::Inet(address),
        IpAddr::V6(address) => NeighbourAddress::Inet6(address),
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
    message.header.family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.attributes.push(NeighbourAttribute::Destination(destination(address)));
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
    Some(NeighbourInfo {
        index: message.header.ifindex,
        address: address(message)?,
        mac: mac(message),
        state: state(message.header.state),
    })
}

fn parse_fdb(message: &NeighbourMessage) -> Option<FdbInfo> {
    let master = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Controller(index) => Some(*index),
        _ => None,
    });
    let destination = address(message);
    // What a VXLAN device learns is its own too.
    let own = message.header.flags.contains(NeighbourFlags::Own) && destination.is_none();
    let permanent = message.header.state == RawState::Permanent || message.header.state == RawState::Noarp || own;
    Some(FdbInfo { mac: mac(message)?, port: message.header.ifindex, master, permanent, destination })
}

/// The IP address that an entry is about, or that it leads to.
pub(super) fn address(message: &NeighbourMessage) -> Option<IpAddr> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(addr)) => Some(IpAddr::V4(*addr)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(addr)) => Some(IpAddr::V6(*addr)),
        // A forwarding entry's family is the bridge's, which says nothing of its tunnel end's.
        NeighbourAttribute::Destination(NeighbourAddress::Other(bytes)) => {
            match <[u8; 4]>::try_from(bytes.as_slice()) {
                Ok(bytes) => Some(IpAddr::from(bytes)),
                Err(_) => <[u8; 16]>::try_from(bytes.as_slice()).ok().map(IpAddr::from),
            }
        }
        _ => None,
    })
}

pub(super) fn mac(message: &NeighbourMessage) -> Option<Mac> {
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
