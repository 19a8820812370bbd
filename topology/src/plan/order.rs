//! The order of the steps.

use std::{collections::HashMap, net::IpAddr};

use super::{Action, NeighbourTimers, Step, VethEnd, indexes, profile, state::States};
use crate::{Departure, IfName, Interface, Kind, Link, LinkEnd, Node, RouteKind, Topology};

/// The steps of a topology, phase by phase over all nodes: a cable needs both its nodes, a route needs its links.
pub(super) fn steps(topology: &Topology) -> Vec<Step> {
    let mut planner = Planner { topology, steps: Vec::new() };
    planner.create_nodes();
    planner.set_sysctls();
    planner.create_bridges();
    planner.create_veths();
    planner.set_masters(false);
    planner.configure_interfaces(false);
    planner.create_overlays();
    planner.set_masters(true);
    planner.configure_interfaces(true);
    planner.add_addresses();
    planner.set_up(false);
    planner.await_links(|kind| matches!(kind, Kind::Veth));
    // A tunnel speaks as soon as it is up: what it is carried by has to run, or a far end that does not answer yet is
    // given up for a while.
    planner.set_up(true);
    planner.await_links(Kind::is_overlay);
    planner.await_links(|kind| matches!(kind, Kind::Bridge(_)));
    planner.add_neighbours();
    planner.add_fdb();
    planner.add_routes_and_rules();
    planner.set_firewalls();
    planner.set_name_servers();
    planner.steps
}

struct Planner<'a> {
    topology: &'a Topology,
    steps: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn push(&mut self, node: &Node, action: Action) {
        self.steps.push(Step { node: node.name.clone(), action, departure: None });
    }

    fn depart(&mut self, node: &Node, action: Action, departure: Departure) {
        self.steps.push(Step { node: node.name.clone(), action, departure: Some(departure) });
    }

    fn nodes(&self) -> &'a [Node] {
        &self.topology.nodes
    }

    fn departs(&self, node: &Node, departure: Departure) -> bool {
        node.departs(departure, self.topology.profile)
    }

    fn create_nodes(&mut self) {
        for node in self.nodes() {
            self.push(node, Action::CreateNode { role: node.role });
        }
    }

    /// Before any interface exists, because an interface copies the node's defaults when it is made.
    fn set_sysctls(&mut self) {
        for node in self.nodes() {
            for (sysctl, departure) in profile::sysctls(node, self.topology.profile) {
                self.steps.push(Step { node: node.name.clone(), action: Action::SetSysctl(sysctl), departure });
            }
            for sysctl in node.sysctls.iter().filter(|s| s.interface().is_none()) {
                self.push(node, Action::SetSysctl(sysctl.clone()));
            }
        }
    }

    fn create_bridges(&mut self) {
        for node in self.nodes() {
            for bridge in &node.interfaces {
                let Kind::Bridge(options) = &bridge.kind else { continue };
                let options = profile::bridge_options(options, node, self.topology.profile);
                let (name, mac) = (bridge.name.clone(), bridge.mac);
                self.push(node, Action::CreateBridge { name, mac, options });
            }
        }
    }

    fn create_veths(&mut self) {
        let topology = self.topology;
        let ends: HashMap<(&str, &str), (&Node, &Interface)> = topology
            .nodes
            .iter()
            .flat_map(|n| n.interfaces.iter().map(move |i| ((&*n.name, &*i.name), (n, i))))
            .collect();
        let find = |end: &LinkEnd| ends.get(&(&*end.node, &*end.interface)).copied();
        for (Link { a, b }, indexes) in topology.links.iter().zip(indexes::of_links(topology)) {
            // The checker has seen that both ends exist.
            let (Some(a), Some(b)) = (find(a), find(b)) else { continue };
            let (index_a, index_b) = indexes.unzip();
            // Only the end in the node that asks can be given a master by the same message.
            let swap = b.1.master.is_some() && a.1.master.is_none();
            let (a, b) = ((a.0, end(a.1, index_a)), (b.0, end(b.1, index_b)));
            let ((node, end), (peer_node, peer)) = if swap { (b, a) } else { (a, b) };
            let departure = indexes.map(|_| Departure::DistinctIndexes);
            let action = Action::CreateVeth { end, peer_node: peer_node.name.clone(), peer };
            self.steps.push(Step { node: node.name.clone(), action, departure });
        }
    }

    /// After the MTU of what they are on, which limits theirs.
    fn create_overlays(&mut self) {
        for (node, interface) in self.topology.overlays() {
            let (name, mac) = (interface.name.clone(), interface.mac);
            match &interface.kind {
                Kind::Vxlan(vxlan) => {
                    let fits =
                        self.departs(node, Departure::OverlayMtu) && interface.mtu.is_none() && vxlan.dev.is_none();
                    let fitting = if fits { self.topology.overlay_mtu(node, interface) } else { None };
                    let (mtu, vxlan) = (interface.mtu.or(fitting), vxlan.clone());
                    let action = Action::CreateVxlan { name, mac, mtu, vxlan };
                    let departure = fitting.map(|_| Departure::OverlayMtu);
                    self.steps.push(Step { node: node.name.clone(), action, departure });
                }
                Kind::Macvlan(macvlan) => {
                    let (mtu, macvlan) = (interface.mtu, macvlan.clone());
                    self.push(node, Action::CreateMacvlan { name, mac, mtu, macvlan });
                }
                _ => {}
            }
        }
    }

    fn set_masters(&mut self, overlay: bool) {
        for node in self.nodes() {
            for port in node.interfaces.iter().filter(|port| port.kind.is_overlay() == overlay) {
                let Some(master) = &port.master else { continue };
                self.push(node, Action::SetMaster { interface: port.name.clone(), master: master.clone() });
            }
        }
    }

    /// What belongs to an interface and comes before its addresses: MTU, neighbour timers, settings that name it.
    fn configure_interfaces(&mut self, overlay: bool) {
        for node in self.nodes() {
            let these = || node.interfaces.iter().filter(|interface| interface.kind.is_overlay() == overlay);
            for interface in these() {
                let made_with_it = matches!(interface.kind, Kind::Veth) || overlay;
                if let Some(mtu) = interface.mtu.filter(|_| !made_with_it) {
                    self.push(node, Action::SetMtu { interface: interface.name.clone(), mtu });
                }
            }
            if self.departs(node, Departure::ShortNeighbourTimers) {
                let asks = |i: &&Interface| i.master.is_none() && !matches!(i.kind, Kind::Loopback);
                for interface in these().filter(asks) {
                    for v6 in [false, true].into_iter().filter(|v6| !v6 || self.topology.has_ipv6(node, interface)) {
                        let (name, timers) = (interface.name.clone(), NeighbourTimers::SHORT);
                        let action = Action::SetNeighbourTimers { interface: name, v6, timers };
                        self.depart(node, action, Departure::ShortNeighbourTimers);
                    }
                }
            }
            let of_overlay = |name: String| node.interface(&name).is_some_and(|interface| interface.kind.is_overlay());
            for sysctl in node.sysctls.iter().filter(|s| s.interface().map(of_overlay) == Some(overlay)) {
                self.push(node, Action::SetSysctl(sysctl.clone()));
            }
        }
    }

    fn add_addresses(&mut self) {
        for node in self.nodes() {
            let no_dad = self.departs(node, Departure::NoDad);
            for interface in &node.interfaces {
                for &address in &interface.addresses {
                    let no_dad = no_dad && address.is_ipv6();
                    self.push(node, Action::AddAddress { interface: interface.name.clone(), address, no_dad });
                }
            }
        }
    }

    /// Bridges before their ports, so that a port finds its bridge running.
    fn set_up(&mut self, overlay: bool) {
        for node in self.nodes() {
            if !overlay && node.interface("lo").is_none() && self.departs(node, Departure::LoopbackUp) {
                self.depart(node, Action::SetUp { interface: lo() }, Departure::LoopbackUp);
            }
            let these = |i: &&Interface| i.up && i.kind.is_overlay() == overlay;
            let mut up: Vec<&Interface> = node.interfaces.iter().filter(these).collect();
            up.sort_by_key(|i| match i.kind {
                Kind::Loopback => 0,
                Kind::Bridge(_) => 1,
                Kind::Veth | Kind::Vxlan(_) | Kind::Macvlan(_) => 2,
            });
            for interface in up {
                self.push(node, Action::SetUp { interface: interface.name.clone() });
            }
        }
    }

    /// Bridges come last, which run when a port does. `lo` needs no wait: it runs as soon as it is up.
    fn await_links(&mut self, these: impl Fn(&Kind) -> bool) {
        let states = States::of(self.topology);
        for node in self.nodes() {
            for interface in node.interfaces.iter().filter(|interface| these(&interface.kind)) {
                let (state, delay) = states.state(node, interface);
                self.push(node, Action::AwaitLink { interface: interface.name.clone(), state, delay });
            }
        }
    }

    fn add_neighbours(&mut self) {
        for node in self.nodes() {
            for neighbour in &node.neighbours {
                self.push(node, Action::AddNeighbour(neighbour.clone()));
            }
        }
    }

    /// After the interfaces are up: a tunnel's entry for all zeros comes with its device's own.
    fn add_fdb(&mut self) {
        for node in self.nodes() {
            for entry in &node.fdb {
                self.push(node, Action::AddFdb(entry.clone()));
            }
        }
    }

    /// Routes without a gateway first: a gateway may be on the link by such a route.
    fn add_routes_and_rules(&mut self) {
        for node in self.nodes() {
            if !self.departs(node, Departure::NoDad) {
                let mut sources: Vec<_> = node.routes.iter().filter_map(|route| route.source).collect();
                sources.dedup();
                for source in sources {
                    let IpAddr::V6(address) = source else { continue };
                    self.push(node, Action::AwaitAddress { address });
                }
            }
            let has_gateway = |kind: &RouteKind| match kind {
                RouteKind::Unicast(hops) => hops.iter().any(|hop| hop.via.is_some()),
                _ => false,
            };
            let (later, sooner): (Vec<_>, Vec<_>) = node.routes.iter().partition(|r| has_gateway(&r.kind));
            for route in sooner.into_iter().chain(later) {
                self.push(node, Action::AddRoute(route.clone()));
            }
            for rule in &node.rules {
                self.push(node, Action::AddRule(rule.clone()));
            }
        }
    }

    fn set_firewalls(&mut self) {
        for node in self.nodes() {
            if !node.chains.is_empty() || !node.counters.is_empty() {
                let chains = node.chains.clone();
                self.push(node, Action::SetFirewall { chains, counters: counters(node) });
            }
        }
    }

    fn set_name_servers(&mut self) {
        for node in self.nodes().iter().filter(|node| !node.nameservers.is_empty()) {
            self.push(node, Action::SetNameServers(node.nameservers.clone()));
        }
    }
}

/// Every counter of the node once: those declared, then those that rules refer to.
fn counters(node: &Node) -> Vec<String> {
    let referred = node.chains.iter().flat_map(|chain| &chain.rules).filter_map(|rule| rule.counter.as_ref());
    let mut counters: Vec<String> = Vec::new();
    for name in node.counters.iter().chain(referred) {
        if !counters.contains(name) {
            counters.push(name.clone());
        }
    }
    counters
}

fn end(interface: &Interface, index: Option<u32>) -> VethEnd {
    VethEnd { name: interface.name.clone(), mac: interface.mac, mtu: interface.mtu, index }
}

fn lo() -> IfName {
    IfName::new("lo").expect("`lo` is an interface name")
}
