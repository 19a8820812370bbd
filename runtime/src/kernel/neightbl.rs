//! How interfaces ask for their neighbours' link addresses ([rtnetlink(7)], RTM_*NEIGHTBL).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::time::Duration;

use netns_test_topology::plan::NeighbourTimers;
use rtnetlink::packet_route::{
    AddressFamily, RouteNetlinkMessage,
    neighbour_table::{NeighbourTableAttribute, NeighbourTableMessage, NeighbourTableParameter},
};

use super::{
    KernelError,
    rtnl::{DUMP, Request, Rtnl},
};

/// Sets the timers of one interface and family.
pub(crate) fn set(index: u32, v6: bool, timers: &NeighbourTimers, object: impl Into<String>) -> Request {
    let mut message = NeighbourTableMessage::default();
    message.header.family = if v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    message.attributes = vec![
        NeighbourTableAttribute::Name(if v6 { "ndisc_cache" } else { "arp_cache" }.into()),
        NeighbourTableAttribute::Parms(vec![
            NeighbourTableParameter::Ifindex(index),
            NeighbourTableParameter::RetransTime(timers.retransmit.as_millis() as u64),
            NeighbourTableParameter::McastProbes(timers.multicast_probes),
            NeighbourTableParameter::UcastProbes(timers.unicast_probes),
            NeighbourTableParameter::ProxyDelay(timers.proxy_delay.as_millis() as u64),
        ]),
    ];
    Request {
        message: RouteNetlinkMessage::SetNeighbourTable(message),
        flags: 0,
        operation: "set the neighbour timers of",
        object: object.into(),
    }
}

/// The timers of every interface: index, IPv6, values.
pub(crate) fn all(rtnl: &Rtnl) -> Result<Vec<(u32, bool, NeighbourTimers)>, KernelError> {
    let request = Request {
        message: RouteNetlinkMessage::GetNeighbourTable(NeighbourTableMessage::default()),
        flags: DUMP,
        operation: "list",
        object: "neighbour timers".into(),
    };
    Ok(rtnl
        .get(request)?
        .into_iter()
        .filter_map(|message| match message {
            RouteNetlinkMessage::NewNeighbourTable(table) => parse(&table),
            _ => None,
        })
        .collect())
}

fn parse(table: &NeighbourTableMessage) -> Option<(u32, bool, NeighbourTimers)> {
    let parameters = table.attributes.iter().find_map(|attribute| match attribute {
        NeighbourTableAttribute::Parms(parameters) => Some(parameters),
        _ => None,
    })?;
    let mut index = None;
    let mut timers = NeighbourTimers::KERNEL;
    for parameter in parameters {
        match parameter {
            NeighbourTableParameter::Ifindex(value) => index = Some(*value),
            NeighbourTableParameter::RetransTime(value) => timers.retransmit = Duration::from_millis(*value),
            NeighbourTableParameter::McastProbes(value) => timers.multicast_probes = *value,
            NeighbourTableParameter::UcastProbes(value) => timers.unicast_probes = *value,
            NeighbourTableParameter::ProxyDelay(value) => timers.proxy_delay = Duration::from_millis(*value),
            _ => {}
        }
    }
    // Without an index these are the defaults of the family.
    Some((index?, table.header.family == AddressFamily::Inet6, timers))
}
