//! Addresses of interfaces ([rtnetlink(7)], RTM_*ADDR).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::net::{IpAddr, Ipv4Addr};

use netns_test_topology::Cidr;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope},
    },
};

use super::{
    KernelError,
    rtnl::{DUMP, Request, Rtnl},
};

/// An address of an interface, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressInfo {
    /// The interface's index.
    pub index: u32,
    /// The address with its prefix.
    pub address: Cidr,
    /// How far it is valid.
    pub scope: Scope,
    /// The broadcast address, if one is set.
    pub broadcast: Option<Ipv4Addr>,
    /// Whether it cannot be used yet: duplicate address detection still goes on, or has found it taken (IPv6).
    pub tentative: bool,
    /// Whether duplicate address detection has found it taken (IPv6).
    pub duplicate: bool,
    /// Whether it stays until it is removed.
    pub permanent: bool,
}

/// How far an address or a route is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Everywhere.
    Global,
    /// On the link.
    Link,
    /// In the node.
    Host,
    /// Any other, by number.
    Other(u8),
}

impl From<u8> for Scope {
    fn from(number: u8) -> Self {
        match number {
            0 => Scope::Global,
            253 => Scope::Link,
            254 => Scope::Host,
            other => Scope::Other(other),
        }
    }
}

/// Every address of the namespace.
pub(crate) fn all(rtnl: &Rtnl) -> Result<Vec<AddressInfo>, KernelError> {
    Ok(parse_all(rtnl.get(dump_request())?))
}

/// Adds an address, with the broadcast address left unset as `ip addr add` does.
pub(crate) fn add(index: u32, address: Cidr, no_dad: bool, object: impl Into<String>) -> Request {
    let mut message = message(index, address);
    if no_dad && address.is_ipv6() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    Request {
        message: RouteNetlinkMessage::NewAddress(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "add address",
        object: object.into(),
    }
}

/// Adds an IPv4 address with the broadcast address of its network, as `ip addr add … broadcast +` does.
pub(crate) fn add_with_broadcast(index: u32, address: Cidr, object: impl Into<String>) -> Request {
    let mut request = add(index, address, false, object);
    if let (RouteNetlinkMessage::NewAddress(message), IpAddr::V4(last)) = (&mut request.message, address.last()) {
        message.attributes.push(AddressAttribute::Broadcast(last));
    }
    request
}

/// Removes an address.
pub(crate) fn delete(index: u32, address: Cidr, object: impl Into<String>) -> Request {
    Request {
        message: RouteNetlinkMessage::DelAddress(message(index, address)),
        flags: 0,
        operation: "remove address",
        object: object.into(),
    }
}

fn dump_request() -> Request {
    Request {
        message: RouteNetlinkMessage::GetAddress(AddressMessage::default()),
        flags: DUMP,
        operation: "list",
        object: "addresses".into(),
    }
}

fn parse_all(messages: Vec<RouteNetlinkMessage>) -> Vec<AddressInfo> {
    let parse_one = |message| match message {
        RouteNetlinkMessage::NewAddress(address) => parse(&address),
        _ => None,
    };
    messages.into_iter().filter_map(parse_one).collect()
}

fn message(index: u32, address: Cidr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = address.prefix();
    message.header.family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    message.header.scope = if address.addr().is_loopback() { AddressScope::Host } else { AddressScope::Universe };
    message.attributes.push(AddressAttribute::Address(address.addr()));
    if !address.is_ipv6() {
        message.attributes.push(AddressAttribute::Local(address.addr()));
    }
    message
}

fn parse(message: &AddressMessage) -> Option<AddressInfo> {
    let (mut local, mut address, mut broadcast, mut flags) = (None, None, None, AddressFlags::empty());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(addr) => local = Some(*addr),
            AddressAttribute::Address(addr) => address = Some(*addr),
            AddressAttribute::Broadcast(addr) => broadcast = Some(*addr),
            AddressAttribute::Flags(bits) => flags = *bits,
            _ => {}
        }
    }
    Some(AddressInfo {
        index: message.header.index,
        address: Cidr::new(local.or(address)?, message.header.prefix_len).ok()?,
        scope: u8::from(message.header.scope).into(),
        broadcast,
        tentative: flags.contains(AddressFlags::Tentative),
        duplicate: flags.contains(AddressFlags::Dadfailed),
        permanent: flags.contains(AddressFlags::Permanent),
    })
}
