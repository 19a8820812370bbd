//! LANs: what cables and bridges join, each address and MAC once, one subnet at least.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use super::{
    Check, Checker, Item, Part,
    links::{networks, share_subnet},
};
use crate::{Draft, Interface, Kind, LinkEnd, Mac};

/// An interface by node and position.
pub(crate) type Member = (usize, usize);

impl<'a> Checker<'a> {
    pub(super) fn check_lans(&mut self) {
        for lan in self.draft.lans() {
            self.check_unique(&lan);
            self.check_common_subnet(&lan);
        }
    }

    /// Bridges that are joined in a circle repeat every broadcast without end, unless one of them has the spanning tree.
    pub(super) fn check_loops(&mut self) {
        let draft = self.draft;
        let mut bridges: Vec<(&str, &str)> = Vec::new();
        let mut group: Vec<usize> = Vec::new();
        for (l, link) in draft.links.iter().enumerate() {
            let mut ends = [&link.a, &link.b].into_iter().filter_map(|end| draft.repeats(end));
            let (Some(a), Some(b)) = (ends.next(), ends.next()) else { continue };
            let [a, b] = [a, b].map(|bridge| {
                bridges.iter().position(|known| *known == bridge).unwrap_or_else(|| {
                    bridges.push(bridge);
                    group.push(group.len());
                    group.len() - 1
                })
            });
            let (a, b) = (root(&mut group, a), root(&mut group, b));
            if a != b {
                group[a.max(b)] = a.min(b);
                continue;
            }
            let message = format!(
                "the cable from `{}` to `{}` closes a circle of bridges: every broadcast goes round in it without end",
                link.a, link.b
            );
            self.report(Check::BRIDGE_LOOP, Item::Link(l), Part::Whole, message).help(
                "leave it out, let one of its ends be down or one of the bridges have `stp`, or add `allow(bridge_loop)`",
            );
        }
    }

    fn interface(&self, (n, i): Member) -> &'a Interface {
        &self.draft.nodes[n].interfaces[i]
    }

    fn name(&self, (n, i): Member) -> String {
        let node = &self.draft.nodes[n];
        format!("{}.{}", node.name, node.interfaces[i].name)
    }

    fn check_unique(&mut self, lan: &[Member]) {
        let mut addresses: HashMap<IpAddr, Member> = HashMap::new();
        let mut macs: HashMap<Mac, Member> = HashMap::new();
        for &member in lan {
            let interface = self.interface(member);
            for (a, address) in interface.addresses.iter().enumerate() {
                let addr = address.addr();
                let earlier = *addresses.entry(addr).or_insert(member);
                // Two interfaces of one node were compared already.
                if earlier.0 == member.0 {
                    continue;
                }
                let message = format!(
                    "`{}` and `{}` are on one LAN and have the same address `{addr}`",
                    self.name(earlier),
                    self.name(member)
                );
                self.report(Check::ADDRESS_CONFLICT, Item::Address(member.0, member.1, a), Part::Whole, message)
                    .help("add `allow(address_conflict)` if that is the point of the test");
            }
            let Some(mac) = interface.mac else { continue };
            let earlier = *macs.entry(mac).or_insert(member);
            if earlier != member && !self.bridge_and_port(earlier, member) {
                let message = format!(
                    "`{}` and `{}` are on one LAN and have the same MAC address `{mac}`",
                    self.name(earlier),
                    self.name(member)
                );
                self.report(Check::MAC_CONFLICT, Item::Interface(member.0, member.1), Part::Mac, message)
                    .help("add `allow(mac_conflict)` if that is the point of the test");
            }
        }
    }

    /// A bridge has the MAC address of one of its ports by nature.
    fn bridge_and_port(&self, a: Member, b: Member) -> bool {
        let is = |bridge: Member, port: Member| {
            bridge.0 == port.0 && self.interface(port).master.as_ref() == Some(&self.interface(bridge).name)
        };
        is(a, b) || is(b, a)
    }

    /// Only for what hangs on a bridge: the ends of a cable alone are looked at as a link.
    fn check_common_subnet(&mut self, lan: &[Member]) {
        let addressed: Vec<Member> = lan
            .iter()
            .copied()
            .filter(|&m| !self.interface(m).addresses.is_empty() && self.interface(m).master.is_none())
            .collect();
        let bridged = lan.iter().any(|&m| matches!(self.interface(m).kind, Kind::Bridge(_)));
        if !bridged || addressed.len() < 2 {
            return;
        }
        // Each network of the LAN with the interfaces in it, so that a large LAN is not compared pair by pair.
        let mut networks_of_lan: HashMap<_, Vec<Member>> = HashMap::new();
        for &member in &addressed {
            for address in &self.interface(member).addresses {
                let members = networks_of_lan.entry(address.network()).or_default();
                if members.last() != Some(&member) {
                    members.push(member);
                }
            }
        }
        for &member in &addressed {
            let interface = self.interface(member);
            let in_company = interface.addresses.iter().any(|a| networks_of_lan[&a.network()].len() > 1)
                || addressed.iter().filter(|&&other| other != member).any(|&other| {
                    let others = &self.interface(other).addresses;
                    interface
                        .addresses
                        .iter()
                        .any(|a| others.iter().any(|b| a.is_ipv6() == b.is_ipv6() && share_subnet(*a, *b)))
                });
            if in_company {
                continue;
            }
            let mut others: Vec<String> = addressed
                .iter()
                .filter(|&&other| other != member)
                .map(|&other| networks(self.interface(other)))
                .collect();
            others.sort();
            others.dedup();
            let name = self.name(member);
            let message = format!("`{name}` shares no subnet with the rest of its LAN");
            self.report(Check::SUBNET_MISMATCH, Item::Interface(member.0, member.1), Part::Whole, message)
                .note(format!("`{name}` is in {}", networks(interface)))
                .note(format!("the others are in {}", others.join(" and ")))
                .help("add `allow(subnet_mismatch)` if that is the point of the test");
        }
    }
}

impl Draft {
    /// The bridge, by its node's name and its own, that repeats what comes to an end of a cable, without asking whether
    /// that was there before.
    fn repeats(&self, end: &LinkEnd) -> Option<(&str, &str)> {
        let node = self.node(&end.node)?;
        let port = node.interface(&end.interface).filter(|port| port.up)?;
        let bridge = node.interface(port.master.as_ref()?).filter(|bridge| bridge.up)?;
        match &bridge.kind {
            Kind::Bridge(options) if options.stp != Some(true) => Some((&node.name, &bridge.name)),
            _ => None,
        }
    }

    /// The interfaces that one broadcast reaches, LAN by LAN, each in the order of the draft.
    pub(crate) fn lans(&self) -> Vec<Vec<Member>> {
        let mut members: Vec<Member> = Vec::new();
        let mut number: HashMap<(&str, &str), usize> = HashMap::new();
        for (n, node) in self.nodes.iter().enumerate() {
            for (i, interface) in node.interfaces.iter().enumerate() {
                number.entry((&*node.name, &*interface.name)).or_insert(members.len());
                members.push((n, i));
            }
        }
        let mut lan: Vec<usize> = (0..members.len()).collect();
        let mut join = |a: Option<&usize>, b: Option<&usize>| {
            if let (Some(&a), Some(&b)) = (a, b) {
                let (a, b) = (root(&mut lan, a), root(&mut lan, b));
                lan[a.max(b)] = a.min(b);
            }
        };
        for link in &self.links {
            let ends = [&link.a, &link.b].map(|end| number.get(&(&*end.node, &*end.interface)));
            join(ends[0], ends[1]);
        }
        for node in &self.nodes {
            for port in &node.interfaces {
                if let Kind::Macvlan(macvlan) = &port.kind {
                    let parent = (&**macvlan.parent_node.as_ref().unwrap_or(&node.name), &*macvlan.parent);
                    join(number.get(&(&*node.name, &*port.name)), number.get(&parent));
                }
                let Some(master) = &port.master else { continue };
                join(number.get(&(&*node.name, &*port.name)), number.get(&(&*node.name, &**master)));
            }
        }
        let mut lans: BTreeMap<usize, Vec<Member>> = BTreeMap::new();
        for (m, &member) in members.iter().enumerate() {
            lans.entry(root(&mut lan, m)).or_default().push(member);
        }
        lans.into_values().collect()
    }
}

fn root(lan: &mut [usize], mut at: usize) -> usize {
    while lan[at] != at {
        lan[at] = lan[lan[at]];
        at = lan[at];
    }
    at
}
