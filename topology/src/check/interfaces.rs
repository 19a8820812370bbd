//! Interfaces: names, kinds, addresses, MAC, MTU, bridges and their ports.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use super::{Check, Checker, Item, Part, listed};
use crate::{BridgeOptions, Cidr, Interface, Kind, Node};

/// The ports a bridge can have (`BR_MAX_PORTS`).
const MAX_PORTS: usize = 1023;

/// What is to be said of an MTU that is too small.
const IPV6_NEEDS: &str = "IPv6 needs an MTU of 1280 bytes or more; below it the kernel switches IPv6 off";

impl<'a> Checker<'a> {
    pub(super) fn check_interfaces(&mut self, n: usize, node: &'a Node) {
        let mut names = HashSet::new();
        for (i, interface) in node.interfaces.iter().enumerate() {
            let item = Item::Interface(n, i);
            if !names.insert(&*interface.name) {
                let message = format!("node `{}` has two interfaces named `{}`", node.name, interface.name);
                self.report(Check::DUPLICATE_INTERFACE, item, Part::Name, message)
                    .help("give one of them another name");
            }
            self.check_kind(item, node, interface);
            self.check_overlay(item, node, interface);
            self.check_master(item, node, interface);
            self.check_mac(item, interface);
            self.check_mtu(item, node, interface);
            self.check_addresses((n, i), node, interface);
        }
    }

    fn check_kind(&mut self, item: Item, node: &Node, interface: &Interface) {
        let name = &interface.name;
        match (&interface.kind, &**name) {
            (Kind::Loopback, "lo") => {}
            (Kind::Loopback, _) => {
                self.report(
                    Check::LOOPBACK_NAME,
                    item,
                    Part::Name,
                    format!("`{name}` cannot be the loopback interface"),
                )
                .help("call it `lo`, as in every node");
            }
            (_, "lo") => {
                self.report(
                    Check::LOOPBACK_NAME,
                    item,
                    Part::Name,
                    "`lo` is the loopback interface, and exists already",
                )
                .help("give this interface another name");
            }
            _ => {}
        }
        let Kind::Bridge(options) = &interface.kind else { return };
        let ports = node.ports(name).count();
        if ports > MAX_PORTS {
            let message = format!("bridge `{name}` has {ports} ports, a bridge holds at most {MAX_PORTS}");
            self.report(Check::TOO_MANY_PORTS, item, Part::Whole, message).help("join two bridges by a link");
        }
        for time in [options.forward_delay, options.ageing].into_iter().flatten() {
            if BridgeOptions::hundredths(time).is_none() {
                self.report(Check::BRIDGE_OPTION, item, Part::Options, format!("{time:?} is no time of a bridge"))
                    .help("write whole hundredths of a second, up to 42949672.95s");
            }
        }
        let possible = Duration::from_secs(2)..=Duration::from_secs(30);
        if let Some(delay) = options.forward_delay.filter(|d| options.stp == Some(true) && !possible.contains(d)) {
            let message = format!("a forward delay of {delay:?} is not possible with STP");
            self.report(Check::BRIDGE_OPTION, item, Part::Options, message)
                .help("with STP on, the forward delay is 2 to 30 seconds; without it, ports forward at once");
        }
    }

    fn check_master(&mut self, item: Item, node: &'a Node, port: &'a Interface) {
        let Some(master) = &port.master else { return };
        match node.interface(master).map(|m| &m.kind) {
            None => self.report_unknown(Check::UNKNOWN_INTERFACE, item, Part::Master, node, master),
            Some(Kind::Bridge(_)) => {}
            Some(_) => {
                let message = format!("`{master}` is not a bridge, so `{}` cannot be its port", port.name);
                let bridges: Vec<&str> = node.bridges().map(|b| &*b.name).collect();
                self.report(Check::MASTER_NOT_BRIDGE, item, Part::Master, message).help(match bridges.is_empty() {
                    true => format!("declare a bridge: node `{}` has none", node.name),
                    false => format!("name a bridge of node `{}`: {}", node.name, listed(&bridges)),
                });
            }
        }
        let (what, help) = match &port.kind {
            Kind::Bridge(_) => ("a bridge", "join two bridges by a link whose ends are their ports"),
            Kind::Loopback => ("the loopback interface", "leave it out: a port is an end of a link or a tunnel"),
            Kind::Veth => return,
            Kind::Vxlan(_) | Kind::Macvlan(_) => {
                if node.interface(master).is_some_and(|bridge| self.is_on(node, port, bridge)) {
                    let message = format!("`{}` is made on `{master}`, and cannot be its port", port.name);
                    self.report(Check::BAD_PORT, item, Part::Master, message).help("name another bridge, or none");
                }
                return;
            }
        };
        self.report(Check::BAD_PORT, item, Part::Master, format!("{what} cannot be a port of a bridge")).help(help);
    }

    fn check_mac(&mut self, item: Item, interface: &Interface) {
        let Some(mac) = interface.mac else { return };
        if matches!(interface.kind, Kind::Loopback) {
            self.report(Check::LOOPBACK_MAC, item, Part::Mac, "the loopback interface has no MAC address")
                .help("leave it out");
        } else if !mac.is_unicast() {
            let kind = if mac.octets() == [0; 6] { "zero" } else { "a group address" };
            let mut single = mac.octets();
            single[0] = (single[0] & !1) | 2;
            self.report(Check::BAD_MAC, item, Part::Mac, format!("`{mac}` is {kind}, no interface can have it"))
                .help(format!("an address of your own has an even first byte, such as `{}`", crate::Mac::new(single)));
        }
    }

    /// The kernel has no IPv6 on such an interface, and refuses what is to use it there.
    pub(super) fn check_ipv6_over(&mut self, item: Item, part: Part, node: &Node, dev: &str, what: &str) {
        if let Some(interface) = node.interface(dev).filter(|interface| !self.draft.has_ipv6(node, interface)) {
            let mtu = self.draft.mtu(node, interface);
            let message = format!("the MTU of `{dev}`, {mtu} bytes, is too small for an IPv6 {what}");
            self.report(Check::MTU_BELOW_IPV6, item, part, message).help(IPV6_NEEDS);
        }
    }

    fn check_mtu(&mut self, item: Item, node: &Node, interface: &Interface) {
        if let Some(mtu) = interface.mtu.filter(|mtu| !(68..=65_535).contains(mtu)) {
            self.report(Check::MTU_RANGE, item, Part::Mtu, format!("an MTU of {mtu} bytes is not possible"))
                .help("the MTU of an interface is 68 to 65535 bytes");
        } else if let Some(address) =
            interface.addresses.iter().find(|a| a.is_ipv6() && !self.draft.has_ipv6(node, interface))
        {
            let mtu = self.draft.mtu(node, interface);
            let message = format!("an MTU of {mtu} bytes is too small for the IPv6 address `{address}`");
            let mut problem = self.report(Check::MTU_BELOW_IPV6, item, Part::Mtu, message);
            if interface.mtu.is_none() {
                let whose = match interface.kind {
                    Kind::Bridge(_) => "the lowest MTU of its ports",
                    Kind::Macvlan(_) => "the MTU of its parent",
                    _ => "what the MTU of its underlay has room for",
                };
                problem = problem.note(format!("`{}` takes {whose}", interface.name));
            }
            problem.help(IPV6_NEEDS);
        }
    }

    fn check_addresses(&mut self, (n, i): (usize, usize), node: &Node, interface: &Interface) {
        let loopback = matches!(interface.kind, Kind::Loopback);
        for (a, &address) in interface.addresses.iter().enumerate() {
            let item = Item::Address(n, i, a);
            let same = |other: &&Cidr| match address.is_ipv6() {
                true => other.addr() == address.addr(),
                false => **other == address,
            };
            if interface.addresses[..a].iter().any(|other| same(&other)) {
                let message = format!("`{}` has the address `{}` twice", interface.name, address.addr());
                self.report(Check::DUPLICATE_ADDRESS, item, Part::Whole, message).help("leave one out");
            }
            if self.check_special(item, interface, loopback, address) {
                continue;
            }
            self.check_host_part(item, address);
        }
        let earlier = if interface.addresses.is_empty() { &[] } else { &node.interfaces[..i] };
        let conflict = earlier.iter().find_map(|earlier| {
            let taken = |a: &Cidr| earlier.addresses.iter().any(|b| a.addr() == b.addr() && !is_link_local(a.addr()));
            Some((earlier, interface.addresses.iter().position(taken)?))
        });
        if let Some((earlier, a)) = conflict {
            let address = interface.addresses[a].addr();
            let message = format!(
                "`{}` and `{}` of node `{}` have the same address `{address}`",
                earlier.name, interface.name, node.name
            );
            self.report(Check::ADDRESS_CONFLICT, Item::Address(n, i, a), Part::Whole, message)
                .help("add `allow(address_conflict)` if that is the point of the test");
        }
        if let (Some(master), Some(address)) = (&interface.master, interface.addresses.first()) {
            let message = format!("`{}` is a port of `{master}` and has the address `{address}`", interface.name);
            self.report(Check::PORT_WITH_ADDRESS, Item::Address(n, i, 0), Part::Whole, message)
                .help(format!("give the address to `{master}`: the bridge takes all packets of its ports"));
        }
    }

    /// Whether the address is one that no host should have, whatever its network.
    fn check_special(&mut self, item: Item, interface: &Interface, loopback: bool, address: Cidr) -> bool {
        let addr = address.addr();
        let host = "write the address of a host";
        let (wrong, help) = match addr {
            _ if addr.is_multicast() => {
                ("is a multicast address", "write the address of a host: programs join groups by themselves")
            }
            IpAddr::V6(v6) if v6.is_unspecified() => ("is the unspecified address", host),
            IpAddr::V6(v6) if v6.is_loopback() && !loopback => {
                ("is the loopback address", "leave it out: `lo` has it by itself")
            }
            IpAddr::V4(v4) if v4.octets()[0] == 0 => ("is in 0.0.0.0/8, which means this network", host),
            IpAddr::V4(v4) if v4.is_broadcast() => ("is the broadcast address", host),
            IpAddr::V4(v4) if v4.is_loopback() && !loopback => {
                ("is in 127.0.0.0/8, which stays inside a host", "give it to `lo`, or write another")
            }
            _ => return false,
        };
        let check = if addr.is_ipv6() { Check::REFUSED_ADDRESS } else { Check::SPECIAL_ADDRESS };
        self.report(check, item, Part::Whole, format!("`{addr}` {wrong}, `{}` cannot use it", interface.name))
            .help(help);
        true
    }

    /// The first and the last address of a network belong to no host.
    fn check_host_part(&mut self, item: Item, address: Cidr) {
        let (addr, network) = (address.addr(), address.network());
        let longest_shared = if address.is_ipv6() { 126 } else { 30 };
        if address.prefix() > longest_shared {
            return;
        }
        if address == network {
            let message = format!("`{addr}` is the network address of `{network}`, not a host in it");
            self.report(Check::NETWORK_ADDRESS, item, Part::Whole, message).help(format!(
                "the first host is `{}/{}`",
                step(addr, 1),
                address.prefix()
            ));
        } else if !address.is_ipv6() && addr == address.last() {
            let message = format!("`{addr}` is the broadcast address of `{network}`, not a host in it");
            self.report(Check::BROADCAST_ADDRESS, item, Part::Whole, message).help(format!(
                "the last host is `{}/{}`",
                step(addr, -1),
                address.prefix()
            ));
        }
    }
}

/// Whether the address is valid on its own link only.
pub(super) fn is_link_local(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// The next address, or the one before; both are in the network that this is asked for.
fn step(addr: IpAddr, by: i8) -> IpAddr {
    match addr {
        IpAddr::V4(v4) => IpAddr::V4(v4.to_bits().wrapping_add_signed(by.into()).into()),
        IpAddr::V6(v6) => IpAddr::V6(v6.to_bits().wrapping_add_signed(by.into()).into()),
    }
}
