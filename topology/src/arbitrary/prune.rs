//! A draft without whatever the checker finds fault with.

use std::collections::HashSet;

use crate::{
    BridgeOptions, Draft, Interface, Kind, LinkEnd, Topology,
    check::{Check, Item, Part, Problem},
};

/// Takes out of a draft all that is wrong with it, until nothing is.
pub(super) fn prune(mut draft: Draft) -> Topology {
    wait_for_no_spanning_tree(&mut draft);
    loop {
        let problems = draft.problems();
        if problems.is_empty() {
            return draft.check().expect("the checker has just found no fault");
        }
        let mut removed = HashSet::new();
        for problem in &problems {
            mend(&mut draft, problem, &mut removed);
        }
        remove(&mut draft, &removed);
    }
}

/// Leaves STP to bridges that are down or have no port: the others take four seconds and more to forward.
fn wait_for_no_spanning_tree(draft: &mut Draft) {
    for node in &mut draft.nodes {
        let masters: Vec<_> = node.interfaces.iter().filter_map(|port| port.master.clone()).collect();
        for bridge in &mut node.interfaces {
            let waits = bridge.up && masters.contains(&bridge.name);
            if let Kind::Bridge(options) = &mut bridge.kind
                && waits
            {
                options.stp = None;
            }
        }
    }
}

/// Mends an interface or the ends of a link where something of them is wrong, and marks all else for removal.
fn mend(draft: &mut Draft, problem: &Problem, removed: &mut HashSet<Item>) {
    let subnets = [Check::SUBNET_MISMATCH, Check::MIXED_FAMILIES].contains(&problem.check);
    match problem.place.item {
        Item::Interface(n, i) => {
            let interface = &mut draft.nodes[n].interfaces[i];
            match problem.place.part {
                _ if subnets => interface.addresses.clear(),
                Part::Mac => interface.mac = None,
                // A bridge without an MTU of its own takes that of its ports.
                Part::Mtu if interface.mtu.is_none() => interface.addresses.clear(),
                Part::Mtu => interface.mtu = None,
                Part::Master => interface.master = None,
                Part::Options | Part::Remote | Part::Source => match &mut interface.kind {
                    Kind::Vxlan(vxlan) => (vxlan.remote, vxlan.local, vxlan.ageing) = (None, None, None),
                    kind => *kind = Kind::Bridge(BridgeOptions::default()),
                },
                _ => drop(removed.insert(problem.place.item)),
            }
        }
        Item::Link(l) if subnets => {
            let ends = [draft.links[l].a.clone(), draft.links[l].b.clone()];
            for end in ends {
                interface(draft, &end).addresses.clear();
            }
        }
        item => drop(removed.insert(item)),
    }
}

fn interface<'a>(draft: &'a mut Draft, end: &LinkEnd) -> &'a mut Interface {
    let node = draft.nodes.iter_mut().find(|node| node.name == end.node).expect("a link ends at a node");
    node.interfaces.iter_mut().find(|i| i.name == end.interface).expect("a link ends at an interface")
}

/// Removes the marked parts; with an interface its link goes too.
fn remove(draft: &mut Draft, removed: &HashSet<Item>) {
    let mut gone = HashSet::new();
    for &item in removed {
        if let Item::Interface(n, i) = item {
            let node = &draft.nodes[n];
            gone.insert(LinkEnd { node: node.name.clone(), interface: node.interfaces[i].name.clone() });
        }
    }
    for (n, node) in draft.nodes.iter_mut().enumerate() {
        for (i, interface) in node.interfaces.iter_mut().enumerate() {
            keep(&mut interface.addresses, |a| !removed.contains(&Item::Address(n, i, a)));
        }
        for (c, chain) in node.chains.iter_mut().enumerate() {
            keep(&mut chain.rules, |r| !removed.contains(&Item::FirewallRule(n, c, r)));
        }
        keep(&mut node.interfaces, |i| !removed.contains(&Item::Interface(n, i)));
        keep(&mut node.routes, |r| !removed.contains(&Item::Route(n, r)));
        keep(&mut node.rules, |r| !removed.contains(&Item::Rule(n, r)));
        keep(&mut node.fdb, |e| !removed.contains(&Item::Fdb(n, e)));
        keep(&mut node.neighbours, |e| !removed.contains(&Item::Neighbour(n, e)));
        keep(&mut node.sysctls, |s| !removed.contains(&Item::Sysctl(n, s)));
        keep(&mut node.chains, |c| !removed.contains(&Item::Chain(n, c)));
        keep(&mut node.counters, |c| !removed.contains(&Item::Counter(n, c)));
        keep(&mut node.nameservers, |s| !removed.contains(&Item::NameServer(n, s)));
    }
    let mut link = 0;
    draft.links.retain(|cable| {
        link += 1;
        !removed.contains(&Item::Link(link - 1)) && !gone.contains(&cable.a) && !gone.contains(&cable.b)
    });
}

/// Keeps what stands at these positions.
fn keep<T>(list: &mut Vec<T>, at: impl Fn(usize) -> bool) {
    let mut position = 0;
    list.retain(|_| {
        position += 1;
        at(position - 1)
    });
}
