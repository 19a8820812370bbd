//! Routes and policy rules.

use std::net::{IpAddr, Ipv6Addr};

use proptest::{collection::vec, option::weighted, prelude::*};

use super::address::{self, host, of_lan};
use crate::{Cidr, IfName, Interface, NextHop, Node, Route, RouteKind, Rule, RuleAction};

/// A route of a node whose interfaces are not known yet.
#[derive(Debug, Clone)]
pub(super) struct RouteRecipe {
    to: To,
    kind: Kind,
    metric: Option<u32>,
    table: Option<u32>,
    source: Option<u8>,
    mtu: Option<u32>,
}

#[derive(Debug, Clone)]
enum To {
    Everywhere { v6: bool },
    Lan { lan: u8, v6: bool },
    Network(Cidr),
}

#[derive(Debug, Clone)]
enum Kind {
    Unicast(Vec<Hop>),
    Blackhole,
    Unreachable,
    Prohibit,
}

#[derive(Debug, Clone)]
struct Hop {
    interface: u8,
    via: Option<Via>,
    dev: bool,
    onlink: bool,
    weight: u16,
}

#[derive(Debug, Clone)]
enum Via {
    Neighbour(u8),
    LinkLocal(u64),
    Anywhere(Cidr),
}

/// A policy rule of a node whose interfaces are not known yet.
#[derive(Debug, Clone)]
pub(super) struct RuleRecipe {
    v6: bool,
    priority: Option<u32>,
    from: Option<Cidr>,
    to: Option<Cidr>,
    input: Option<u8>,
    output: Option<u8>,
    mark: Option<u32>,
    action: RuleAction,
}

prop_compose! {
    pub(super) fn route()(
        to in to(),
        kind in kind(),
        metric in weighted(0.4, prop_oneof![0..4u32, any::<u32>()]),
        table in weighted(0.3, table()),
        source in weighted(0.2, any::<u8>()),
        mtu in weighted(0.2, 68..=65_535u32),
    ) -> RouteRecipe {
        RouteRecipe { to, kind, metric, table, source, mtu }
    }
}

prop_compose! {
    pub(super) fn rule()(
        v6 in any::<bool>(),
        priority in weighted(0.6, prop_oneof![0..40_000u32, any::<u32>()]),
        from in weighted(0.5, address::network()),
        to in weighted(0.2, address::network()),
        input in weighted(0.2, any::<u8>()),
        output in weighted(0.2, any::<u8>()),
        mark in weighted(0.2, any::<u32>()),
        action in prop_oneof![
            4 => table().prop_map(RuleAction::Lookup),
            1 => Just(RuleAction::Blackhole),
            1 => Just(RuleAction::Unreachable),
            1 => Just(RuleAction::Prohibit),
        ],
    ) -> RuleRecipe {
        RuleRecipe { v6, priority, from, to, input, output, mark, action }
    }
}

fn table() -> impl Strategy<Value = u32> {
    prop_oneof![100..104u32, 1..=300u32, any::<u32>()]
}

fn to() -> impl Strategy<Value = To> {
    prop_oneof![
        2 => any::<bool>().prop_map(|v6| To::Everywhere { v6 }),
        2 => (0..8u8, any::<bool>()).prop_map(|(lan, v6)| To::Lan { lan, v6 }),
        1 => address::network().prop_map(To::Network),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => vec(hop(), 1..=1).prop_map(Kind::Unicast),
        2 => vec(hop(), 2..=3).prop_map(Kind::Unicast),
        1 => Just(Kind::Blackhole),
        1 => Just(Kind::Unreachable),
        1 => Just(Kind::Prohibit),
    ]
}

prop_compose! {
    fn hop()(
        interface in any::<u8>(),
        via in weighted(0.8, prop_oneof![
            6 => any::<u8>().prop_map(Via::Neighbour),
            1 => any::<u64>().prop_map(Via::LinkLocal),
            1 => address::anywhere().prop_map(Via::Anywhere),
        ]),
        dev in any::<bool>(),
        onlink in prop::bool::weighted(0.2),
        weight in prop_oneof![3 => Just(1u16), 1 => 1..=256u16],
    ) -> Hop {
        Hop { interface, via, dev, onlink, weight }
    }
}

impl RouteRecipe {
    pub(super) fn assemble(self, node: &Node) -> Route {
        let to = match self.to {
            To::Everywhere { v6 } => Cidr::any(v6),
            To::Lan { lan, v6 } => of_lan(usize::from(lan), v6),
            To::Network(network) => network,
        };
        let v6 = to.is_ipv6();
        let own: Vec<IpAddr> = addresses(node, v6).map(|address| address.addr()).collect();
        let source = self.source.and_then(|pick| own.get(usize::from(pick) % own.len().max(1)).copied());
        let kind = match self.kind {
            Kind::Unicast(hops) => RouteKind::Unicast(hops.into_iter().map(|hop| hop.assemble(node, v6)).collect()),
            Kind::Blackhole => RouteKind::Blackhole,
            Kind::Unreachable => RouteKind::Unreachable,
            Kind::Prohibit => RouteKind::Prohibit,
        };
        Route { to, kind, metric: self.metric, table: self.table, source, mtu: self.mtu }
    }
}

impl Hop {
    fn assemble(self, node: &Node, v6: bool) -> NextHop {
        let Some(interface) = pick(node, self.interface) else { return NextHop::default() };
        let on_link = |number: u8| {
            let network = interface.addresses.iter().find(|address| address.is_ipv6() == v6)?.network();
            Some(host(network, usize::from(number)).addr())
        };
        let via = match self.via {
            Some(Via::Neighbour(number)) => on_link(number),
            Some(Via::LinkLocal(bits)) => Some(Ipv6Addr::from(0xfe80 << 112 | u128::from(bits)).into()),
            Some(Via::Anywhere(address)) if address.is_ipv6() == v6 => Some(address.addr()),
            _ => None,
        };
        let dev = (self.dev || via.is_none()).then(|| interface.name.clone());
        NextHop { onlink: self.onlink && via.is_some() && dev.is_some(), via, dev, weight: self.weight }
    }
}

impl RuleRecipe {
    pub(super) fn assemble(self, node: &Node) -> Rule {
        let name = |at: Option<u8>| pick(node, at?).map(|interface| interface.name.clone());
        let v6 = self.from.map_or(self.v6, |from| from.is_ipv6());
        let (from, to) = (self.from, self.to.filter(|to| to.is_ipv6() == v6));
        let (input, output) = (name(self.input), name(self.output));
        Rule { v6, priority: self.priority, from, to, input, output, mark: self.mark, action: self.action }
    }
}

/// One of the node's interfaces, if it has any.
pub(super) fn pick(node: &Node, at: u8) -> Option<&Interface> {
    node.interfaces.get(usize::from(at) % node.interfaces.len().max(1))
}

/// The name of one of the node's interfaces, or of `lo`.
pub(super) fn pick_name(node: &Node, at: u8) -> IfName {
    pick(node, at).map_or_else(|| IfName::new("lo").expect("`lo` is a name"), |interface| interface.name.clone())
}

fn addresses(node: &Node, v6: bool) -> impl Iterator<Item = Cidr> {
    node.interfaces.iter().flat_map(|interface| interface.addresses.clone()).filter(move |a| a.is_ipv6() == v6)
}
