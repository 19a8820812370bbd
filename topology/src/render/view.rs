//! What every picture of a network shows, in words.

use std::collections::HashMap;

use crate::{ChainKind, Family, Interface, Kind, Node, Policy, Role, Topology};

/// A network as a picture shows it.
pub(super) struct View<'a> {
    /// Its nodes, in the order of the topology.
    pub(super) boxes: Vec<Box<'a>>,
    /// Its cables, in the order of the topology.
    pub(super) cables: Vec<Cable>,
}

/// A node.
pub(super) struct Box<'a> {
    pub(super) name: &'a str,
    pub(super) shape: Shape,
    /// What it does with packets: forwarding, NAT, firewall.
    pub(super) notes: Vec<String>,
    /// Its interfaces: each bridge is followed by its ports.
    pub(super) rows: Vec<Row<'a>>,
}

/// What a node looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Host,
    /// A node that forwards packets.
    Router,
    /// A LAN whose bridge has no addresses: its interfaces are of no interest.
    Switch,
}

/// An interface.
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    /// Whether it is a port of the nearest bridge above.
    pub(super) is_port: bool,
    pub(super) is_up: bool,
    /// What it is, unless it is the end of a cable; an MTU of its own; whether it is down.
    pub(super) remarks: Vec<String>,
    pub(super) addresses: Vec<String>,
}

/// An end of a cable: a box and one of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: usize,
    pub(super) row: usize,
}

/// A cable between two rows.
pub(super) struct Cable {
    pub(super) ends: [End; 2],
    /// Whether both ends are up.
    pub(super) is_up: bool,
}

impl Cable {
    /// The end at a box; at a cable from a box to itself, the first.
    pub(super) fn near(&self, at: usize) -> End {
        if self.ends[0].at == at { self.ends[0] } else { self.ends[1] }
    }
}

impl<'a> View<'a> {
    pub(super) fn of(topology: &'a Topology) -> Self {
        let boxes: Vec<Box<'a>> = topology.nodes.iter().map(show).collect();
        let mut ends = HashMap::new();
        for (at, node) in boxes.iter().enumerate() {
            ends.extend(node.rows.iter().enumerate().map(|(row, r)| ((node.name, r.name), End { at, row })));
        }
        let is_up = |end: End| boxes[end.at].rows[end.row].is_up;
        let cables = topology.links.iter().filter_map(|link| {
            let [a, b] = [&link.a, &link.b].map(|end| ends.get(&(&*end.node, &*end.interface)).copied());
            let ends = [a?, b?];
            Some(Cable { ends, is_up: ends.into_iter().all(is_up) })
        });
        Self { cables: cables.collect(), boxes }
    }
}

fn show(node: &Node) -> Box<'_> {
    let mut rows = Vec::new();
    for interface in node.interfaces.iter().filter(|interface| interface.master.is_none()) {
        if matches!(interface.kind, Kind::Loopback) && interface.addresses.is_empty() {
            continue;
        }
        rows.push(row(interface));
        rows.extend(node.ports(&interface.name).map(row));
    }
    let bare = node.bridges().all(|bridge| bridge.addresses.is_empty());
    let shape = match node.role {
        Role::Switch if bare => Shape::Switch,
        _ if node.forward_v4 || node.forward_v6 => Shape::Router,
        _ => Shape::Host,
    };
    Box { name: &node.name, shape, notes: notes(node), rows }
}

fn row(interface: &Interface) -> Row<'_> {
    let mut remarks = Vec::new();
    if !matches!(interface.kind, Kind::Veth | Kind::Loopback) {
        remarks.push(kind(&interface.kind));
    }
    remarks.extend(interface.mtu.map(|mtu| format!("mtu {mtu}")));
    if !interface.up {
        remarks.push("down".into());
    }
    Row {
        name: &interface.name,
        is_port: interface.master.is_some(),
        is_up: interface.up,
        remarks,
        addresses: interface.addresses.iter().map(ToString::to_string).collect(),
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Loopback => "loopback".into(),
        Kind::Veth => "cable".into(),
        Kind::Bridge(options) if options.stp == Some(true) => "bridge with STP".into(),
        Kind::Bridge(_) => "bridge".into(),
        Kind::Vxlan(vxlan) => {
            let remote = vxlan.remote.map(|remote| format!(" to {remote}")).unwrap_or_default();
            let underlay = vxlan.underlay.as_ref().map(|node| format!(" carried by {node}")).unwrap_or_default();
            format!("VXLAN {}{remote}{underlay}", vxlan.id)
        }
        Kind::Macvlan(macvlan) => {
            let node = macvlan.parent_node.as_ref().map(|node| format!("{node}.")).unwrap_or_default();
            format!("macvlan on {node}{}", macvlan.parent)
        }
    }
}

fn notes(node: &Node) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(match (node.forward_v4, node.forward_v6) {
        (true, true) => Some("forwards".to_owned()),
        (true, false) => Some("forwards IPv4".to_owned()),
        (false, true) => Some("forwards IPv6".to_owned()),
        (false, false) => None,
    });
    for chain in &node.chains {
        let rules = chain.rules.len();
        let plural = if rules == 1 { "" } else { "s" };
        match chain.kind {
            ChainKind::Nat => notes.extend(chain.rules.iter().map(|rule| format!("NAT {}", rule.nft(chain.family)))),
            ChainKind::Filter => {
                let family = if chain.family == Family::Inet { String::new() } else { format!(" {}", chain.family) };
                let policy = if chain.policy == Policy::Drop { ", else drop" } else { "" };
                notes.push(format!("firewall{family} {}: {rules} rule{plural}{policy}", chain.hook));
            }
        }
    }
    notes
}

/// How many columns a text takes where each letter has the same width.
pub(super) fn width(text: &str) -> usize {
    // East Asian and pictorial characters are twice as wide as the others.
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
