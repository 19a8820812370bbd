//! Routes and policy rules.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

use super::{Check, Checker, Item, Part, interfaces::is_link_local, listed};
use crate::plan::States;
use crate::{Cidr, Departure, IfName, Interface, Kind, NextHop, Node, Route, RouteKind, Rule, RuleAction};

/// The number of the main routing table.
const MAIN: u32 = 254;

const NEXT_NODE: &str = "name the address of the next node on the way";
const NEXT_NODE_V6: &str = "name the IPv6 address of the next node on the way";

impl Checker<'_> {
    pub(super) fn check_routes(&mut self, n: usize, node: &Node) {
        let mut seen: HashMap<(Cidr, u32, u32), usize> = HashMap::new();
        for (r, route) in node.routes.iter().enumerate() {
            let item = Item::Route(n, r);
            self.check_destination(item, route);
            self.check_source(item, node, route);
            if route.table == Some(0) {
                self.report(Check::BAD_TABLE, item, Part::Table, "table 0 is no routing table")
                    .help("leave the table out for the main one, which is 254");
            }
            let v6 = route.to.is_ipv6();
            // For IPv6 the kernel takes zero for none.
            let metric = route.metric.filter(|metric| !v6 || *metric != 0).unwrap_or(if v6 { 1024 } else { 0 });
            let key = (route.to.network(), route.table.unwrap_or(MAIN), metric);
            if let Some(&earlier) = seen.get(&key) {
                let message = format!("node `{}` has another route to `{}` with metric {metric}", node.name, route.to);
                self.report(Check::DUPLICATE_ROUTE, item, Part::To, message)
                    .note(format!("the other is `{}`", node.routes[earlier]))
                    .help("give one of them another metric or table");
            } else if let Some(interface) = connected(node, key) {
                let message = format!("the address of `{}` brings a route to `{}` already", interface.name, route.to);
                self.report(Check::DUPLICATE_ROUTE, item, Part::To, message)
                    .help("leave it out, or give it another metric or table");
            }
            seen.entry(key).or_insert(r);
            let RouteKind::Unicast(hops) = &route.kind else { continue };
            if hops.is_empty() {
                self.report(Check::ROUTE_INCOMPLETE, item, Part::Whole, "this route has neither gateway nor interface")
                    .help("add `via ADDRESS`, `dev INTERFACE` or both");
            }
            for (h, hop) in hops.iter().enumerate() {
                if let Some(via) = hop
                    .via
                    .filter(|_| v6 && hops[..h].iter().any(|other| (other.via, &other.dev) == (hop.via, &hop.dev)))
                {
                    let message = format!("this IPv6 route has the hop over `{via}` twice");
                    self.report(Check::DUPLICATE_ROUTE, item, Part::Gateway(h), message)
                        .help("give the other a greater weight instead");
                }
                self.check_hop(item, node, route, (h, hop));
            }
        }
        for (r, rule) in node.rules.iter().enumerate() {
            self.check_rule(Item::Rule(n, r), node, rule);
        }
    }

    fn check_destination(&mut self, item: Item, route: &Route) {
        let network = route.to.network();
        if route.to != network {
            let message = format!("`{}` has host bits set, a route leads to a network", route.to);
            let check = if network.is_ipv6() { Check::IPV6_HOST_BITS } else { Check::ROUTE_HOST_BITS };
            self.report(check, item, Part::To, message)
                .help(format!("write the network `{network}`, or the host `{}`", Cidr::host(route.to.addr())));
        }
    }

    fn check_source(&mut self, item: Item, node: &Node, route: &Route) {
        let Some(source) = route.source else { return };
        if source.is_ipv6() != route.to.is_ipv6() {
            let message = format!("the source `{source}` is not of the address family of `{}`", route.to);
            self.report(Check::ROUTE_FAMILIES, item, Part::Source, message)
                .help("leave `src` out, or name an address of the other family");
        } else if !node.interfaces.iter().flat_map(|i| &i.addresses).any(|a| a.addr() == source) {
            let message = format!("`{source}` is not an address of node `{}`", node.name);
            let own: Vec<String> = node
                .interfaces
                .iter()
                .flat_map(|i| &i.addresses)
                .filter(|a| a.is_ipv6() == source.is_ipv6())
                .map(|a| a.addr().to_string())
                .collect();
            let own: Vec<&str> = own.iter().map(String::as_str).collect();
            self.report(Check::FOREIGN_SOURCE, item, Part::Source, message).help(match own.is_empty() {
                true => "leave `src` out, or give the address to an interface".to_owned(),
                false => format!("name an address of `{}`: {}", node.name, listed(&own)),
            });
        } else if matches!(source, IpAddr::V4(source) if is_no_source(source)) {
            let message = format!("nothing can be sent from `{source}`, which is no address of a host");
            self.report(Check::FOREIGN_SOURCE, item, Part::Source, message)
                .help("name another address, or leave `src` out");
        } else if is_link_local(source) && !leaves_only_by_its_interface(node, route, source) {
            let message = format!("the link-local source `{source}` belongs to another interface than the route");
            self.report(Check::FOREIGN_SOURCE, item, Part::Source, message)
                .help("name the interface that has it with `dev`");
        } else if source.is_ipv6() && !node.departs(Departure::NoDad, self.draft.profile) {
            self.check_usable(item, node, source);
        }
    }

    /// Duplicate address detection passes only on a link that carries packets.
    fn check_usable(&mut self, item: Item, node: &Node, source: IpAddr) {
        let states = States::of(self.draft);
        let has_it = |i: &&Interface| i.addresses.iter().any(|a| a.addr() == source);
        let usable = |i: &Interface| {
            matches!(i.kind, Kind::Loopback) || states.state(node, i).0 == crate::plan::LinkState::Running
        };
        let Some(interface) =
            node.interfaces.iter().find(has_it).filter(|_| !node.interfaces.iter().filter(has_it).any(usable))
        else {
            return;
        };
        let message = format!(
            "the source `{source}` stays tentative, because `{}` carries no packets: the kernel refuses it",
            interface.name
        );
        self.report(Check::TENTATIVE_SOURCE, item, Part::Source, message)
            .help("let both ends of its link be up, or skip duplicate address detection (`no-dad`)");
    }

    fn check_hop(&mut self, item: Item, node: &Node, route: &Route, (h, hop): (usize, &NextHop)) {
        let hops = if let RouteKind::Unicast(hops) = &route.kind { hops.len() } else { 0 };
        if !(1..=256).contains(&hop.weight) {
            let message = format!("a weight of {} is not possible", hop.weight);
            self.report(Check::HOP_WEIGHT, item, Part::Gateway(h), message).help("the weight of a hop is 1 to 256");
        }
        let incomplete = match (hop.via, &hop.dev) {
            (None, None) => Some((
                "this hop has neither gateway nor interface".to_owned(),
                "add `via ADDRESS`, `dev INTERFACE` or both",
            )),
            (None, Some(_)) if hop.onlink => {
                Some(("`onlink` needs a gateway".to_owned(), "leave it out, or add `via ADDRESS`"))
            }
            (Some(via), None) if hop.onlink => {
                Some((format!("the on-link gateway `{via}` needs an interface"), "add `dev INTERFACE`"))
            }
            (None, Some(_)) if route.to.is_ipv6() && hops > 1 => Some((
                "each hop of an IPv6 multipath route needs a gateway".to_owned(),
                "add `via ADDRESS`, or leave the hop out",
            )),
            (Some(via), None) if is_link_local(via) => {
                Some((format!("the link-local gateway `{via}` needs an interface"), "add `dev INTERFACE`"))
            }
            _ => None,
        };
        if let Some((message, help)) = incomplete {
            self.report(Check::ROUTE_INCOMPLETE, item, Part::Gateway(h), message).help(help);
            return;
        }
        if let Some(dev) = &hop.dev {
            let up = match node.interface(dev) {
                Some(interface) => interface.up,
                None if *dev == *"lo" => self.has_loopback(node),
                None => return self.report_unknown(Check::UNKNOWN_INTERFACE, item, Part::Device(h), node, dev),
            };
            if !up {
                return self.report_down(item, Part::Device(h), node, dev);
            }
            if route.to.is_ipv6() || hop.via.is_some_and(|via| via.is_ipv6()) {
                self.check_ipv6_over(item, Part::Device(h), node, dev, "route");
            }
        }
        let Some(via) = hop.via else { return };
        // An IPv4 route may have an IPv6 gateway (RFC 5549).
        if !via.is_ipv6() && route.to.is_ipv6() {
            let message = format!("the gateway `{via}` is not of the address family of `{}`", route.to);
            self.report(Check::ROUTE_FAMILIES, item, Part::Gateway(h), message).help(NEXT_NODE_V6);
        } else {
            self.check_gateway(item, node, route, (h, hop, via));
        }
    }

    /// Whether `lo` is up; it exists without being declared.
    fn has_loopback(&self, node: &Node) -> bool {
        let undeclared = || node.departs(Departure::LoopbackUp, self.draft.profile);
        node.interface("lo").map_or_else(undeclared, |lo| lo.up)
    }

    fn report_down(&mut self, item: Item, part: Part, node: &Node, interface: &str) {
        let message =
            format!("interface `{interface}` of node `{}` is down, the kernel refuses routes over it", node.name);
        self.report(Check::ROUTE_OVER_DOWN, item, part, message)
            .help("let the interface be up, or add the route in the test, after it was set up");
    }

    fn report_own(&mut self, check: Check, item: Item, part: Part, node: &Node, via: IpAddr) {
        let message = format!("gateway `{via}` is an address of node `{}` itself", node.name);
        self.report(check, item, part, message).help(NEXT_NODE);
    }

    fn check_gateway(&mut self, item: Item, node: &Node, route: &Route, (h, hop, via): (usize, &NextHop, IpAddr)) {
        let part = Part::Gateway(h);
        let addresses = || node.interfaces.iter().flat_map(|i| i.addresses.iter().map(move |a| (i, a)));
        let on_dev = |name: &str| hop.dev.as_ref().is_none_or(|dev| **dev == *name);
        // An IPv4 address is the node's own only while its interface is up.
        let own: Vec<_> = addresses().filter(|(i, a)| (i.up || via.is_ipv6()) && a.addr() == via).collect();
        if !own.is_empty() {
            let refused = via.is_ipv6() || hop.onlink;
            let check = if refused { Check::BROADCAST_GATEWAY } else { Check::OWN_GATEWAY };
            self.report_own(check, item, part, node, via);
            if refused || own.iter().any(|(i, _)| on_dev(&i.name)) {
                return;
            }
        }
        // Its route in the local table is there all the same, and leads over that interface.
        if let (None, Some((down, _))) =
            (&hop.dev, addresses().find(|(i, a)| !i.up && via.is_ipv4() && a.addr() == via))
            && own.is_empty()
        {
            return self.report_down(item, part, node, &down.name);
        }
        let nobodys = match via {
            _ if via.is_multicast() => Some("is a multicast address"),
            IpAddr::V4(v4) if v4.is_unspecified() => {
                self.report(Check::INVALID_VALUE, item, part, format!("gateway `{via}` stands for no gateway"))
                    .help("leave it out");
                return;
            }
            IpAddr::V6(v6) if v6.is_unspecified() => Some("is the unspecified address"),
            _ if via.is_loopback() && via.is_ipv4() && !hop.onlink && on_dev("lo") && self.has_loopback(node) => {
                return self.report_own(Check::OWN_GATEWAY, item, part, node, via);
            }
            _ if via.is_loopback() => Some("is a loopback address"),
            IpAddr::V4(v4) if v4.is_broadcast() => Some("is the broadcast address"),
            _ => None,
        };
        if let Some(wrong) = nobodys {
            let message = format!("gateway `{via}` {wrong}, no other node has it");
            self.report(Check::BROADCAST_GATEWAY, item, part, message).help(NEXT_NODE);
            return;
        }
        if via.is_ipv6() && hop.dev.as_deref() == Some("lo") {
            let message = format!("gateway `{via}` cannot be behind the loopback interface");
            self.report(Check::GATEWAY_OFF_LINK, item, part, message).help("name the interface that leads to it");
            return;
        }
        // All of a network on `lo` is the node's own.
        let on_lo = |(i, a): (&Interface, &Cidr)| {
            matches!(i.kind, Kind::Loopback) && i.up && !says_nothing(a) && a.contains(via)
        };
        if hop.onlink && via.is_ipv4() && addresses().any(on_lo) {
            return self.report_own(Check::BROADCAST_GATEWAY, item, part, node, via);
        }
        if hop.onlink && via.is_ipv4() && !self.has_loopback(node) && !addresses().any(|(_, a)| !a.is_ipv6()) {
            let message = format!(
                "node `{}` has no IPv4 address, not even that of `lo`: the kernel takes the on-link gateway `{via}` for a \
                 broadcast address",
                node.name
            );
            self.report(Check::BROADCAST_GATEWAY, item, part, message)
                .help("give the node an address, or let `lo` be up");
            return;
        }
        if hop.onlink || is_link_local(via) {
            return;
        }
        // A network on `lo` is the node's own. For IPv4 the kernel takes any address in it for a gateway all the same.
        let stays = |i: &Interface, a: &Cidr| a.is_ipv6() && matches!(i.kind, Kind::Loopback);
        let leads_out = |i: &Interface, a: &Cidr| !says_nothing(a) && !stays(i, a);
        let attached = || addresses().filter(|(i, a)| on_dev(&i.name) && a.network().contains(via) && leads_out(i, a));
        if let Some((_, network)) = attached().find(|(i, a)| i.up && !a.is_ipv6() && a.prefix() < 31 && a.last() == via)
        {
            let message = format!("gateway `{via}` is the broadcast address of `{}`", network.network());
            self.report(Check::BROADCAST_GATEWAY, item, part, message).help(NEXT_NODE);
            return;
        }
        // A route without gateway puts its whole network on the link, unless it is one of several hops.
        let by_route = node.routes.iter().any(|other| {
            let RouteKind::Unicast(hops) = &other.kind else { return false };
            let [hop] = hops.as_slice() else { return false };
            let direct = hop.via.is_none() && hop.dev.as_ref().is_some_and(|dev| on_dev(dev));
            // The more special one leads: a network of the node's own on `lo`.
            let stays = addresses().any(|(i, a)| {
                stays(i, a) && a.network().contains(via) && a.prefix() > other.to.prefix() && on_dev(&i.name)
            });
            other.to.contains(via)
                && direct
                && !stays
                && [MAIN, route.table.unwrap_or(MAIN)].contains(&other.table.unwrap_or(MAIN))
        });
        if by_route || attached().any(|(i, _)| i.up) {
            return;
        }
        if let Some((interface, _)) = attached().next() {
            return self.report_down(item, part, node, &interface.name);
        }
        let errno = if via.is_ipv6() { "No route to host" } else { "Network is unreachable" };
        let message =
            format!("gateway `{via}` is not on-link for node `{}`: the kernel would answer `{errno}`", node.name);
        let networks = |anywhere: bool| {
            let mut networks: Vec<String> = addresses()
                .filter(|(i, a)| {
                    i.up && a.is_ipv6() == via.is_ipv6() && leads_out(i, a) && (anywhere || on_dev(&i.name))
                })
                .map(|(_, a)| format!("`{}`", a.network()))
                .collect();
            networks.dedup();
            networks.join(", ")
        };
        let (here, anywhere) = (networks(false), networks(true));
        self.report(Check::GATEWAY_OFF_LINK, item, part, message).help(match &hop.dev {
            Some(dev) if !here.is_empty() => format!("`{dev}` is attached to {here}"),
            Some(dev) => format!("give `{dev}` an address in the gateway's network, or force the route with `onlink`"),
            None if anywhere.is_empty() => format!("give `{}` an address in the gateway's network", node.name),
            None => format!("`{}` is attached to {anywhere}", node.name),
        });
    }

    fn check_rule(&mut self, item: Item, node: &Node, rule: &Rule) {
        if rule.action == RuleAction::Lookup(0) {
            self.report(Check::BAD_TABLE, item, Part::Table, "table 0 is no routing table")
                .help("the main table is 254, tables of your own are 1 to 252 and from 256 on");
        }
        let v6: Vec<bool> = rule.from.iter().chain(&rule.to).map(Cidr::is_ipv6).collect();
        if v6.contains(&true) && v6.contains(&false) || rule.v6 && v6.contains(&false) {
            self.report(
                Check::RULE_FAMILIES,
                item,
                Part::Whole,
                "the networks of this rule are not of one address family",
            )
            .help("write one rule for IPv4 and one for IPv6");
        }
        for (part, name) in [(Part::Input, &rule.input), (Part::Output, &rule.output)] {
            if let Some(name) = name.as_ref().filter(|name| ***name != *"lo" && node.interface(name).is_none()) {
                self.report_unknown(Check::UNMATCHED_INTERFACE, item, part, node, name);
            }
        }
    }
}

/// Whether each hop of the route names an interface with this address.
fn leaves_only_by_its_interface(node: &Node, route: &Route, source: IpAddr) -> bool {
    let RouteKind::Unicast(hops) = &route.kind else { return false };
    let has_it = |name: &IfName| node.interface(name).is_some_and(|i| i.addresses.iter().any(|a| a.addr() == source));
    hops.iter().all(|hop| hop.dev.as_ref().is_some_and(has_it))
}

/// The interface whose address brings this very route with it; one of `lo` does so in the table of local addresses.
fn connected(node: &Node, (to, table, metric): (Cidr, u32, u32)) -> Option<&Interface> {
    let own_metric = if to.is_ipv6() { 256 } else { 0 };
    let brings = |i: &Interface, a: &Cidr| {
        let local = !to.is_ipv6() && matches!(i.kind, Kind::Loopback);
        i.up && a.network() == to && !says_nothing(a) && !local
    };
    let brought = table == MAIN && metric == own_metric;
    node.interfaces.iter().find(|i| brought && i.addresses.iter().any(|a| brings(i, a)))
}

/// Whether an address says nothing about what is on the link: a host's own alone, or one with which the kernel makes no
/// route to its network, because packets could not come from it or the network begins with `0.0.0.0/8`.
fn says_nothing(cidr: &Cidr) -> bool {
    match (cidr.addr(), cidr.network().addr()) {
        (IpAddr::V4(addr), IpAddr::V4(network)) => {
            cidr.prefix() == 32 || is_no_source(addr) || network.octets()[0] == 0
        }
        _ => cidr.prefix() == 128,
    }
}

/// Whether the kernel takes an IPv4 address for no host's: a group's, one of this network, or everybody's.
fn is_no_source(addr: Ipv4Addr) -> bool {
    addr.is_multicast() || addr.octets()[0] == 0 || addr.is_broadcast()
}
