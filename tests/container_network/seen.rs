//! What the kernel says of a node, in the words that the tutorial's tools print it in.

use std::{collections::BTreeSet, net::IpAddr};

use netns_test::{
    Packet, Report, Target,
    kernel::{AddressInfo, LinkInfo, NeighbourInfo, RouteInfo},
    prelude::*,
};

/// How long a silence is waited for: a neighbour that fails has been reported by then.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// The names of a node's interfaces, sorted.
pub(crate) fn names(node: &Node) -> Result<Vec<String>> {
    let names: BTreeSet<String> = node.links()?.into_iter().map(|link| link.name).collect();
    Ok(names.into_iter().collect())
}

/// Flags, MTU, queueing discipline and state, as `ip link` has them after the name.
pub(crate) fn link(node: &Node, name: &str) -> Result<String> {
    let LinkInfo { flags, mtu, qdisc, oper_state, .. } = node.interface(name)?.info()?;
    Ok(format!("<{flags}> mtu {mtu} qdisc {qdisc} state {oper_state}"))
}

/// The same with the length of the transmit queue.
pub(crate) fn link_with_queue(node: &Node, name: &str) -> Result<String> {
    let queue = node.interface(name)?.info()?.tx_queue_len;
    Ok(format!("{} qlen {queue}", link(node, name)?))
}

/// The IPv4 addresses of an interface, with their prefix and scope, sorted.
pub(crate) fn addresses(node: &Node, name: &str) -> Result<Vec<String>> {
    let line = |info: &AddressInfo| {
        let lifetime = if info.permanent { "forever" } else { "for a while" };
        format!("inet {} scope {} {lifetime}", info.address, format!("{:?}", info.scope).to_lowercase())
    };
    let all = node.interface(name)?.addresses()?;
    let lines: BTreeSet<String> = all.iter().filter(|info| !info.address.is_ipv6()).map(line).collect();
    Ok(lines.into_iter().collect())
}

/// The IPv4 routes of the main table, sorted; `linkdown` is left out.
pub(crate) fn routes(node: &Node) -> Result<Vec<String>> {
    let links = node.links()?;
    let line = |route: &RouteInfo| {
        let mut line = if route.to.prefix() == 0 { "default".to_owned() } else { route.to.to_string() };
        if let Some(via) = route.via() {
            line += &format!(" via {via}");
        }
        if let Some(link) = links.iter().find(|link| Some(link.index) == route.index()) {
            line += &format!(" dev {}", link.name);
        }
        if route.metric > 0 {
            line += &format!(" metric {}", route.metric);
        }
        line
    };
    let all = node.routes()?;
    let lines: BTreeSet<String> = all.iter().filter(|route| !route.to.is_ipv6()).map(line).collect();
    Ok(lines.into_iter().collect())
}

/// The ARP table, sorted: address, MAC, `C` for a complete entry, interface. Entries without a MAC are left out.
pub(crate) fn arp_table(node: &Node) -> Result<Vec<String>> {
    let links = node.links()?;
    let line = |entry: &NeighbourInfo| {
        let mac = entry.mac.filter(|_| entry.state.is_valid() && entry.address.is_ipv4())?;
        let link = links.iter().find(|link| link.index == entry.index)?;
        Some(format!("{} ether {mac} C {}", entry.address, link.name))
    };
    let lines: BTreeSet<String> = node.neighbours()?.iter().filter_map(line).collect();
    Ok(lines.into_iter().collect())
}

/// The name of the interface by which a node's packets leave for an address.
pub(crate) fn way_to(node: &Node, address: &str) -> Result<String> {
    let index = node.route_to(address.parse::<IpAddr>()?)?.index();
    let link = node.links()?.into_iter().find(|link| Some(link.index) == index);
    Ok(link.map(|link| link.name).unwrap_or_default())
}

/// What becomes of a probe, as one or two words.
pub(crate) fn outcome(node: &Node, target: Target) -> Result<String> {
    Ok(node.probe(target).run()?.outcome().to_string())
}

/// What became of a probe, who said so, and whether anything of it was sent before.
pub(crate) fn verdict(report: &Report) -> String {
    let answer = report.answer();
    let sent = answer.sent;
    let sent = if sent.accepted + sent.left + sent.solicitations == 0 { "nothing sent" } else { "sent" };
    format!("{} by {}, {sent}", answer.outcome, answer.origin)
}

/// Who sent an IP packet, and to whom.
pub(crate) fn ends(packet: &Packet) -> Option<String> {
    packet.ip().map(|ip| format!("{} > {}", ip.source, ip.destination))
}

/// The source address that a probe arrives with at an interface of a node that it reaches, or passes.
pub(crate) fn source_seen_by(node: &Node, interface: &str, prober: &Node, target: Target) -> Result<String> {
    let wire = node.interface(interface)?.capture(icmp().requests())?;
    prober.reaches(target);
    Ok(wire.saw(icmp()).source().map(|source| source.to_string()).unwrap_or_default())
}
