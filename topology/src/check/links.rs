//! Links: both ends exist, are free, and share a subnet.

use std::collections::{HashMap, HashSet};

use super::{Check, Checker, Item, Part, interfaces::is_link_local, suggest::MOST_SEARCHES};
use crate::{Cidr, Interface, Kind, Link, Node};

impl<'a> Checker<'a> {
    pub(super) fn check_links(&mut self) {
        let draft = self.draft;
        let mut plugged: HashMap<(&str, &str), usize> = HashMap::new();
        // What a misspelt end was to be is not told again that it has no link.
        let mut meant: HashSet<(&str, &str)> = HashSet::new();
        for (l, link) in draft.links.iter().enumerate() {
            let ends = [self.find_end(l, link, 0, &mut meant), self.find_end(l, link, 1, &mut meant)];
            if link.a == link.b {
                let message = format!("both ends of this link are `{}`", link.a);
                self.report(Check::PLUGGED_TWICE, Item::Link(l), Part::Whole, message)
                    .help("name another interface at one end, of another node or of the same");
                plugged.insert((&*link.a.node, &*link.a.interface), l);
                continue;
            }
            for (e, end) in [&link.a, &link.b].into_iter().enumerate() {
                if let Some(earlier) = plugged.insert((&*end.node, &*end.interface), l) {
                    let (a, b) = (&draft.links[earlier].a, &draft.links[earlier].b);
                    self.report(
                        Check::PLUGGED_TWICE,
                        Item::Link(l),
                        Part::EndInterface(e),
                        format!("`{end}` is plugged in twice"),
                    )
                    .note(format!("it is an end of the link {a} -- {b} already"))
                    .help("a cable has two ends: use a switch to join more than two interfaces");
                }
            }
            if let [Some(a), Some(b)] = ends {
                self.check_subnets(l, link, a.1, b.1);
            }
        }
        // So many ends are unknown that it is not known what they were to be.
        if self.unknown <= MOST_SEARCHES {
            self.check_unplugged(&plugged.into_keys().chain(meant).collect());
        }
    }

    /// The interface at an end of a link, if it exists and can be one.
    fn find_end(
        &mut self,
        l: usize,
        link: &'a Link,
        e: usize,
        meant: &mut HashSet<(&'a str, &'a str)>,
    ) -> Option<(&'a Node, &'a Interface)> {
        let end = [&link.a, &link.b][e];
        let draft = self.draft;
        let Some(&n) = self.nodes.get(&*end.node) else {
            let near = self.report_unknown_node(Item::Link(l), Part::EndNode(e), &end.node);
            meant.extend(near.map(|near| (near, &*end.interface)));
            return None;
        };
        let node = &draft.nodes[n];
        let item = Item::Link(l);
        match self.interfaces.get(&(&*end.node, &*end.interface)).copied() {
            None => {
                let part = Part::EndInterface(e);
                let near = self.report_unknown_interface(Check::UNKNOWN_INTERFACE, item, part, node, &end.interface);
                meant.extend(near.map(|near| (&*node.name, near)));
                None
            }
            Some(interface) => {
                let (what, port) = match &interface.kind {
                    Kind::Veth => return Some((node, interface)),
                    Kind::Loopback => ("loopback interface", String::new()),
                    Kind::Vxlan(_) => ("VXLAN device", String::new()),
                    Kind::Macvlan(_) => ("macvlan interface", String::new()),
                    Kind::Bridge(_) => ("bridge", format!(", make it a port of `{}`", end.interface)),
                };
                let message = format!("`{end}` is a {what}, no cable fits it");
                self.report(Check::NOT_A_CABLE_END, item, Part::EndInterface(e), message)
                    .help(format!("add an interface to `{}`{port}, and link that", end.node));
                None
            }
        }
    }

    fn check_unplugged(&mut self, plugged: &HashSet<(&str, &str)>) {
        for (n, node) in self.draft.nodes.iter().enumerate() {
            for (i, interface) in node.interfaces.iter().enumerate() {
                if matches!(interface.kind, Kind::Veth) && !plugged.contains(&(&*node.name, &*interface.name)) {
                    // The loopback interface under a wrong kind has a problem of its own.
                    if *interface.name == *"lo" {
                        continue;
                    }
                    let message = format!("interface `{}` of node `{}` has no link", interface.name, node.name);
                    self.report(Check::UNPLUGGED, Item::Interface(n, i), Part::Name, message)
                        .help("plug it in with a link or a switch");
                }
            }
        }
    }

    /// A cable between two interfaces with addresses of their own; what hangs on a bridge is looked at as a LAN.
    fn check_subnets(&mut self, l: usize, link: &Link, a: &Interface, b: &Interface) {
        if a.master.is_some() || b.master.is_some() || a.addresses.is_empty() || b.addresses.is_empty() {
            return;
        }
        let of = |interface: &Interface, v6: bool| -> Vec<Cidr> {
            interface.addresses.iter().copied().filter(|x| x.is_ipv6() == v6).collect()
        };
        let families = [false, true].map(|v6| (of(a, v6), of(b, v6)));
        let shared: Vec<_> = families.iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).collect();
        if shared.is_empty() {
            let family = |interface: &Interface| if interface.addresses[0].is_ipv6() { "IPv6" } else { "IPv4" };
            self.report(
                Check::MIXED_FAMILIES,
                Item::Link(l),
                Part::Whole,
                "the two ends of this link speak different families",
            )
            .note(format!("`{}` has only {} addresses", link.a, family(a)))
            .note(format!("`{}` has only {} addresses", link.b, family(b)))
            .help("add `allow(mixed_families)` if that is the point of the test");
            return;
        }
        let meet = |(a, b): &&(Vec<Cidr>, Vec<Cidr>)| a.iter().any(|a| b.iter().any(|b| share_subnet(*a, *b)));
        if !shared.iter().any(meet) {
            self.report(
                Check::SUBNET_MISMATCH,
                Item::Link(l),
                Part::Whole,
                "the two ends of this link are in different subnets",
            )
            .note(format!("`{}` is in {}", link.a, networks(a)))
            .note(format!("`{}` is in {}", link.b, networks(b)))
            .help(
                "without a shared subnet neither end can reach the other; add `allow(subnet_mismatch)` if that \
                       is the point of the test",
            );
        }
    }
}

/// Whether each can take the other for a neighbour. A host address (/32, /128) says nothing about neighbours.
pub(super) fn share_subnet(a: Cidr, b: Cidr) -> bool {
    let silent = |c: Cidr| c.prefix() == if c.is_ipv6() { 128 } else { 32 } || is_link_local(c.addr());
    silent(a) || silent(b) || (a.contains(b.addr()) && b.contains(a.addr()))
}

/// The networks of an interface, in words.
pub(super) fn networks(interface: &Interface) -> String {
    let mut networks: Vec<String> = interface.addresses.iter().map(|a| a.network().to_string()).collect();
    networks.dedup();
    networks.join(" and ")
}
