//! Routes: adding, removing, listing, and asking the kernel which one a packet takes ([rtnetlink(7)], RTM_*ROUTE).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netns_test_topology::{Cidr, IfName, NextHop, Route, RouteKind};
use nix::errno::Errno;
use rtnetlink::{
    RouteMessageBuilder,
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        route::{
            RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteNextHop, RouteNextHopFlags,
            RouteProtocol, RouteScope, RouteType, RouteVia,
        },
    },
};

use super::{
    KernelError,
    addr::Scope,
    rtnl::{DUMP, Request, Rtnl},
};

/// A route as the kernel has it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteInfo {
    /// Where it leads; `0.0.0.0/0` and `::/0` are the default routes.
    pub to: Cidr,
    /// What happens to a packet that it matches.
    pub kind: RouteAction,
    /// Its hops: one for a plain route, more for multipath, none for one that discards.
    pub hops: Vec<Hop>,
    /// The preference, lower first; 0 for an IPv4 route without one.
    pub metric: u32,
    /// The routing table; 254 is the main one, 255 the local one.
    pub table: u32,
    /// The source address that the node prefers.
    pub source: Option<IpAddr>,
    /// How far it leads.
    pub scope: Scope,
    /// Whether the kernel made it with an address, and nobody added it.
    pub by_kernel: bool,
}

impl RouteInfo {
    /// The gateway of the first hop.
    pub fn via(&self) -> Option<IpAddr> {
        self.hops.first().and_then(|hop| hop.via)
    }

    /// The interface index of the first hop.
    pub fn index(&self) -> Option<u32> {
        self.hops.first().map(|hop| hop.index)
    }

    /// Whether its first hop's interface has no carrier (`linkdown`).
    pub fn link_down(&self) -> bool {
        self.hops.first().is_some_and(|hop| hop.link_down)
    }
}

/// One hop of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// The gateway; `None` for what is directly on the link.
    pub via: Option<IpAddr>,
    /// The interface's index.
    pub index: u32,
    /// The share of a multipath route, from 1.
    pub weight: u16,
    /// Whether the interface has no carrier.
    pub link_down: bool,
}

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the kernel's own words, ip-route(8)")]
pub enum RouteAction {
    Unicast,
    Local,
    Broadcast,
    Multicast,
    Anycast,
    Blackhole,
    Unreachable,
    Prohibit,
    Other,
}

/// Every route of the namespace, of every table.
pub(crate) fn all(rtnl: &Rtnl) -> Result<Vec<RouteInfo>, KernelError> {
    let mut routes = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut message = RouteMessage::default();
        message.header.address_family = family;
        let request = Request {
            message: RouteNetlinkMessage::GetRoute(message),
            flags: DUMP,
            operation: "list",
            object: "routes".into(),
        };
        routes.extend(rtnl.get(request)?.into_iter().filter(|message| !is_cache(message)).filter_map(parse));
    }
    Ok(routes)
}

/// The route that a packet to `to` takes, as the kernel resolves it, or its refusal (`ENETUNREACH`, …).
pub(crate) fn lookup(rtnl: &Rtnl, to: IpAddr, from: Option<IpAddr>) -> Result<RouteInfo, KernelError> {
    let mut message = RouteMessage::default();
    message.header.address_family = family(&to);
    message.header.destination_prefix_length = if to.is_ipv6() { 128 } else { 32 };
    message.attributes.push(RouteAttribute::Destination(address(to)));
    if let Some(from) = from {
        message.header.source_prefix_length = message.header.destination_prefix_length;
        message.attributes.push(RouteAttribute::Source(address(from)));
    }
    let words = format!("to {to}");
    let request = Request {
        message: RouteNetlinkMessage::GetRoute(message),
        flags: 0,
        operation: "find a route",
        object: words.clone(),
    };
    rtnl.get(request)?.into_iter().find_map(parse).ok_or_else(|| {
        KernelError::new("find a route", words, nix::errno::Errno::EPROTO).because("the kernel answered without one")
    })
}

/// Adds a route.
pub(crate) fn add(
    route: &Route,
    object: impl Into<String>,
    index: impl FnMut(&IfName) -> Result<u32, KernelError>,
) -> Result<Request, KernelError> {
    Ok(Request {
        message: RouteNetlinkMessage::NewRoute(message(route, index)?),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "add route",
        object: object.into(),
    })
}

/// Removes a route.
pub(crate) fn delete(
    route: &Route,
    object: impl Into<String>,
    index: impl FnMut(&IfName) -> Result<u32, KernelError>,
) -> Result<Request, KernelError> {
    let mut message = message(route, index)?;
    // The kernel matches a route to delete by what is given; RT_SCOPE_NOWHERE takes any scope.
    message.header.scope = RouteScope::NoWhere;
    message.header.protocol = RouteProtocol::Unspec;
    Ok(Request {
        message: RouteNetlinkMessage::DelRoute(message),
        flags: 0,
        operation: "remove route",
        object: object.into(),
    })
}

fn message(
    route: &Route,
    mut index: impl FnMut(&IfName) -> Result<u32, KernelError>,
) -> Result<RouteMessage, KernelError> {
    let mut builder = RouteMessageBuilder::<IpAddr>::new().protocol(RouteProtocol::Boot);
    builder = builder.table_id(route.table.unwrap_or(254));
    if let Some(metric) = route.metric {
        builder = builder.priority(metric);
    }
    builder = builder.kind(match route.kind {
        RouteKind::Unicast(_) => RouteType::Unicast,
        RouteKind::Blackhole => RouteType::BlackHole,
        RouteKind::Unreachable => RouteType::Unreachable,
        RouteKind::Prohibit => RouteType::Prohibit,
    });
    let mut message = builder.build();
    message.header.address_family = family(&route.to.addr());
    message.header.destination_prefix_length = route.to.prefix();
    if route.to.prefix() > 0 {
        message.attributes.push(RouteAttribute::Destination(address(route.to.addr())));
    }
    if let Some(source) = route.source {
        message.attributes.push(RouteAttribute::PrefSource(address(source)));
    }
    if let Some(mtu) = route.mtu {
        message.attributes.push(RouteAttribute::Metrics(vec![RouteMetric::Mtu(mtu)]));
    }
    message.header.scope = RouteScope::Universe;
    match &route.kind {
        RouteKind::Unicast(hops) => match hops.as_slice() {
            [hop] => {
                if hop.via.is_none() && !route.to.is_ipv6() {
                    message.header.scope = RouteScope::Link;
                }
                if hop.onlink {
                    message.header.flags |= RouteFlags::Onlink;
                }
                message.attributes.extend(hop.via.map(|via| gateway(via, route.to.is_ipv6())));
                if let Some(dev) = &hop.dev {
                    message.attributes.push(RouteAttribute::Oif(index(dev)?));
                }
            }
            hops => {
                let hops: Result<Vec<_>, _> =
                    hops.iter().map(|hop| next_hop(hop, route.to.is_ipv6(), &mut index)).collect();
                message.attributes.push(RouteAttribute::MultiPath(hops?));
            }
        },
        RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit => {}
    }
    Ok(message)
}

fn next_hop(
    hop: &NextHop,
    v6: bool,
    index: &mut impl FnMut(&IfName) -> Result<u32, KernelError>,
) -> Result<RouteNextHop, KernelError> {
    let mut next = RouteNextHop::default();
    next.hops = hop.weight.checked_sub(1).and_then(|more| u8::try_from(more).ok()).ok_or_else(|| {
        let why = "the weight of a hop is 1 to 256";
        KernelError::new("add route", format!("with a hop of weight {}", hop.weight), Errno::EINVAL).because(why)
    })?;
    if hop.onlink {
        next.flags |= RouteNextHopFlags::Onlink;
    }
    if let Some(dev) = &hop.dev {
        next.interface_index = index(dev)?;
    }
    next.attributes.extend(hop.via.map(|via| gateway(via, v6)));
    Ok(next)
}

/// An IPv4 route may have an IPv6 gateway ([RFC 5549]); it goes in another attribute.
///
/// [RFC 5549]: https://www.rfc-editor.org/rfc/rfc5549
fn gateway(via: IpAddr, v6: bool) -> RouteAttribute {
    match via {
        IpAddr::V6(via) if !v6 => RouteAttribute::Via(RouteVia::Inet6(via)),
        via => RouteAttribute::Gateway(address(via)),
    }
}

fn family(addr: &IpAddr) -> AddressFamily {
    if addr.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet }
}

fn address(addr: IpAddr) -> RouteAddress {
    match addr {
        IpAddr::V4(addr) => RouteAddress::Inet(addr),
        IpAddr::V6(addr) => RouteAddress::Inet6(addr),
    }
}

/// Whether it is what the kernel has learned of a path, an MTU or a redirect, which it lists among the routes.
fn is_cache(message: &RouteNetlinkMessage) -> bool {
    matches!(message, RouteNetlinkMessage::NewRoute(route) if route.header.flags.contains(RouteFlags::Cloned))
}

fn parse(message: RouteNetlinkMessage) -> Option<RouteInfo> {
    let RouteNetlinkMessage::NewRoute(message) = message else { return None };
    let v6 = message.header.address_family == AddressFamily::Inet6;
    let mut to = if v6 { IpAddr::from(Ipv6Addr::UNSPECIFIED) } else { Ipv4Addr::UNSPECIFIED.into() };
    let (mut via, mut oif, mut metric, mut source, mut hops) = (None, None, 0, None, Vec::new());
    let mut table = u32::from(message.header.table);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(addr) => to = ip(addr)?,
            RouteAttribute::Gateway(addr) => via = ip(addr),
            RouteAttribute::Via(RouteVia::Inet6(addr)) => via = Some((*addr).into()),
            RouteAttribute::Oif(index) => oif = Some(*index),
            RouteAttribute::Priority(value) => metric = *value,
            RouteAttribute::PrefSource(addr) => source = ip(addr),
            RouteAttribute::Table(id) => table = *id,
            RouteAttribute::MultiPath(paths) => hops = paths.iter().map(parse_hop).collect(),
            _ => {}
        }
    }
    if let (true, Some(index)) = (hops.is_empty(), oif) {
        let link_down = message.header.flags.contains(RouteFlags::Linkdown);
        hops.push(Hop { via, index, weight: 1, link_down });
    }
    Some(RouteInfo {
        to: Cidr::new(to, message.header.destination_prefix_length).ok()?,
        kind: action(message.header.kind),
        hops,
        metric,
        table,
        source,
        scope: u8::from(message.header.scope).into(),
        by_kernel: message.header.protocol == RouteProtocol::Kernel,
    })
}

fn parse_hop(hop: &RouteNextHop) -> Hop {
    let via = hop.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(addr) => ip(addr),
        RouteAttribute::Via(RouteVia::Inet6(addr)) => Some((*addr).into()),
        _ => None,
    });
    Hop {
        via,
        index: hop.interface_index,
        weight: u16::from(hop.hops) + 1,
        link_down: hop.flags.contains(RouteNextHopFlags::Linkdown),
    }
}

fn ip(addr: &RouteAddress) -> Option<IpAddr> {
    match addr {
        RouteAddress::Inet(addr) => Some((*addr).into()),
        RouteAddress::Inet6(addr) => Some((*addr).into()),
        _ => None,
    }
}

fn action(kind: RouteType) -> RouteAction {
    match kind {
        RouteType::Unicast => RouteAction::Unicast,
        RouteType::Local => RouteAction::Local,
        RouteType::Broadcast => RouteAction::Broadcast,
        RouteType::Multicast => RouteAction::Multicast,
        RouteType::Anycast => RouteAction::Anycast,
        RouteType::BlackHole => RouteAction::Blackhole,
        RouteType::Unreachable => RouteAction::Unreachable,
        RouteType::Prohibit => RouteAction::Prohibit,
        _ => RouteAction::Other,
    }
}
