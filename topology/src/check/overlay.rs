//! Interfaces on top of others, and forwarding entries: VXLAN, macvlan, FDB.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv6Addr},
};

use super::{Check, Checker, Item, Part};
use crate::{Interface, Kind, Macvlan, MacvlanMode, Node, NodeName, Vxlan};

impl<'a> Checker<'a> {
    pub(super) fn check_overlay(&mut self, item: Item, node: &'a Node, interface: &'a Interface) {
        match &interface.kind {
            Kind::Vxlan(vxlan) => self.check_vxlan(item, node, interface, vxlan),
            Kind::Macvlan(macvlan) => self.check_macvlan(item, node, interface, macvlan),
            _ => {}
        }
    }

    fn check_vxlan(&mut self, item: Item, node: &'a Node, interface: &Interface, vxlan: &Vxlan) {
        let name = &interface.name;
        if let (Some(local), Some(remote)) = (vxlan.local, vxlan.remote)
            && local.is_ipv6() != remote.is_ipv6()
        {
            let message = format!("`{name}` would send from {local} to {remote}, which is another family");
            self.report(Check::VXLAN_FAMILIES, item, Part::Remote, message)
                .help("give both ends addresses of the underlay's one family");
        }
        if let Some(local) = vxlan.local.filter(IpAddr::is_multicast) {
            let message = format!("`{name}` cannot send from the group {local}");
            self.report(Check::VXLAN_OPTION, item, Part::Source, message)
                .help("write an address that the underlay has, and the group as the tunnel's `group`");
        }
        self.check_tunnel_scopes(item, interface, vxlan);
        if let Some(group) = vxlan.remote.filter(|remote| remote.is_multicast() && vxlan.dev.is_none()) {
            let message = format!("`{name}` sends to the group {group}, but not by any interface");
            self.report(Check::GROUP_WITHOUT_DEVICE, item, Part::Remote, message)
                .help("name the interface of the underlay that leads to the group as its `dev`");
        }
        if let Some(ageing) =
            vxlan.ageing.filter(|time| time.subsec_nanos() != 0 || u32::try_from(time.as_secs()).is_err())
        {
            let message = format!("`{name}` cannot forget addresses after {ageing:?}");
            self.report(Check::VXLAN_OPTION, item, Part::Options, message)
                .help("write whole seconds, up to 4294967295, or zero for never");
        }
        if vxlan.port == 0 {
            self.report(Check::VXLAN_OPTION, item, Part::Options, format!("`{name}` cannot have the port 0"))
                .help(format!("leave it out for the port of VXLAN, {}", Vxlan::PORT));
        }
        let Some(underlay) = self.lower_node(item, node, vxlan.underlay.as_ref()) else { return };
        if let Some(dev) = &vxlan.dev {
            match underlay.interface(dev) {
                None if *dev != *"lo" => {
                    self.report_unknown(Check::UNKNOWN_INTERFACE, item, Part::Lower, underlay, dev)
                }
                Some(dev) if std::ptr::eq(dev, interface) => {
                    self.report(Check::UNKNOWN_INTERFACE, item, Part::Lower, format!("`{name}` cannot carry itself"))
                        .help("name the interface of the underlay");
                }
                _ => {}
            }
        }
        let has = |local: &IpAddr| underlay.interfaces.iter().flat_map(|i| &i.addresses).any(|a| a.addr() == *local);
        if let Some(local) = vxlan.local.filter(|local| !local.is_unspecified() && !has(local)) {
            let message = format!("`{name}` sends from {local}, which node `{}` does not have", underlay.name);
            self.report(Check::FOREIGN_TUNNEL_END, item, Part::Source, message)
                .help("add `allow(foreign_tunnel_end)` if that is the point of the test");
        }
        self.check_overlay_mtu(item, node, interface, vxlan);
    }

    /// Link-local IPv6 addresses go together, and mean something on one interface only.
    fn check_tunnel_scopes(&mut self, item: Item, interface: &Interface, vxlan: &Vxlan) {
        let name = &interface.name;
        let of_a_link = |end: Option<IpAddr>| match end {
            Some(IpAddr::V6(end)) => end.is_unicast_link_local(),
            _ => false,
        };
        match (vxlan.local, vxlan.remote) {
            (Some(local), Some(IpAddr::V6(remote)))
                if of_a_link(vxlan.local) && !remote.is_unspecified() && !is_of_one_link(remote) =>
            {
                let message =
                    format!("`{name}` would send from {local}, which is of one link, to {remote}, which is not");
                self.report(Check::VXLAN_SCOPES, item, Part::Remote, message)
                    .help("give both ends link-local addresses, or neither");
            }
            (local, Some(remote)) if of_a_link(Some(remote)) && !of_a_link(local) => {
                let message =
                    format!("`{name}` would send to {remote}, which is of one link, from an address that is not");
                self.report(Check::VXLAN_SCOPES, item, Part::Remote, message)
                    .help("give both ends link-local addresses, or neither");
            }
            (Some(local), remote)
                if of_a_link(vxlan.local) && vxlan.dev.is_none() && !remote.is_some_and(|r| r.is_multicast()) =>
            {
                let message = format!("`{name}` sends from {local}, but does not say on which link");
                self.report(Check::VXLAN_SCOPES, item, Part::Source, message)
                    .help("name the interface of the underlay that has the address as its `dev`");
            }
            _ => {}
        }
    }

    /// The kernel refuses what the named interface cannot carry, and finds out packet by packet without one.
    fn check_overlay_mtu(&mut self, item: Item, node: &Node, interface: &Interface, vxlan: &Vxlan) {
        let (Some(mtu), Some(room)) = (interface.mtu, self.draft.overlay_mtu(node, interface)) else { return };
        if mtu <= room {
            return;
        }
        let (name, overhead) = (&interface.name, vxlan.overhead());
        let help = format!("encapsulation takes {overhead} bytes: set an MTU of {room} or less");
        match &vxlan.dev {
            Some(dev) => {
                let message = format!("an MTU of {mtu} bytes is not possible for `{name}` over `{dev}`");
                self.report(Check::MTU_RANGE, item, Part::Mtu, message).help(help);
            }
            None => {
                let message = format!("`{name}` takes packets of {mtu} bytes, and its underlay carries {room}");
                let help = format!("{help}, or add `allow(overlay_mtu)` if that is the point of the test");
                self.report(Check::OVERLAY_MTU, item, Part::Mtu, message).help(help);
            }
        }
    }

    fn check_macvlan(&mut self, item: Item, node: &'a Node, interface: &Interface, macvlan: &Macvlan) {
        let Some(owner) = self.lower_node(item, node, macvlan.parent_node.as_ref()) else { return };
        let (name, parent_name) = (&interface.name, &macvlan.parent);
        let wrong = |checker: &mut Self, message: String, help: &str| {
            checker.report(Check::MACVLAN_PARENT, item, Part::Lower, message).help(help);
        };
        let parent = match owner.interface(parent_name) {
            _ if *parent_name == "lo" => {
                return wrong(
                    self,
                    "a macvlan cannot share the loopback interface".into(),
                    "name an Ethernet interface",
                );
            }
            None => return self.report_unknown(Check::UNKNOWN_INTERFACE, item, Part::Lower, owner, parent_name),
            Some(parent) => parent,
        };
        let circle = || interface.master.is_none() && self.is_on(owner, parent, interface);
        if std::ptr::eq(parent, interface) || circle() {
            return wrong(self, format!("`{name}` would be its own parent"), "name an interface below it");
        }
        if let Some(bridge) = &parent.master {
            let message = format!("`{parent_name}` is a port of `{bridge}`, which takes all its packets");
            wrong(self, message, "name the bridge as parent");
        }
        if let Some(mtu) = interface.mtu.filter(|mtu| *mtu > self.draft.mtu(owner, parent)) {
            let message = format!("an MTU of {mtu} bytes is above that of the parent `{parent_name}`");
            self.report(Check::MTU_RANGE, item, Part::Mtu, message).help("set that of the parent too, or a lower one");
        }
        let shared = self.below_macvlans(owner, parent);
        let all = self.draft.nodes.iter().flat_map(|n| n.interfaces.iter().map(move |i| (n, i)));
        let modes: Vec<(bool, MacvlanMode)> = all
            .filter_map(|(n, i)| match &i.kind {
                Kind::Macvlan(m) if std::ptr::eq(self.below_macvlans(n, i), shared) => {
                    Some((std::ptr::eq(i, interface), m.mode))
                }
                _ => None,
            })
            .collect();
        let first = modes.first().is_some_and(|(own, _)| *own);
        if !first && modes.iter().any(|(_, mode)| *mode == MacvlanMode::Passthru) {
            let message = format!("`{name}` shares `{parent_name}` with one that passes through");
            wrong(self, message, "name another parent: one that passes through has its own to itself");
        }
    }

    /// What the kernel makes a macvlan on: a macvlan of a macvlan shares the interface below both.
    fn below_macvlans(&self, node: &'a Node, interface: &'a Interface) -> &'a Interface {
        let (mut node, mut at) = (node, interface);
        // Circles are told elsewhere.
        for _ in 0..=self.draft.nodes.iter().map(|node| node.interfaces.len()).sum::<usize>() {
            let Kind::Macvlan(macvlan) = &at.kind else { break };
            let owner = macvlan.parent_node.as_ref().map_or(Some(node), |name| self.find_node(name));
            let Some((owner, parent)) = owner.and_then(|owner| Some((owner, owner.interface(&macvlan.parent)?))) else {
                break;
            };
            (node, at) = (owner, parent);
        }
        at
    }

    /// Whether `wanted` is somewhere below an interface: among what it is made on, and the ports of bridges.
    pub(super) fn is_on(&self, node: &'a Node, interface: &'a Interface, wanted: &Interface) -> bool {
        let (mut seen, mut rest) = (HashSet::new(), vec![(node, interface)]);
        while let Some((node, interface)) = rest.pop() {
            if !seen.insert(std::ptr::from_ref(interface)) {
                continue;
            }
            let lower = interface.kind.lower().and_then(|(owner, lower)| {
                let owner = owner.map_or(Some(node), |name| self.find_node(name))?;
                Some((owner, owner.interface(lower)?))
            });
            let ports = node.interfaces.iter().filter(|port| port.master.as_ref() == Some(&interface.name));
            let below = lower.into_iter().chain(ports.map(|port| (node, port)));
            for (owner, below) in below {
                if std::ptr::eq(below, wanted) {
                    return true;
                }
                rest.push((owner, below));
            }
        }
        false
    }

    /// The node that an interface is made on: its own, or the one that it names.
    fn lower_node(&mut self, item: Item, node: &'a Node, named: Option<&NodeName>) -> Option<&'a Node> {
        let Some(name) = named else { return Some(node) };
        let found = self.find_node(name);
        if found.is_none() {
            self.report_unknown_node(item, Part::Underlay, name);
        }
        found
    }

    fn find_node(&self, name: &NodeName) -> Option<&'a Node> {
        self.nodes.get(&**name).map(|&n| &self.draft.nodes[n])
    }

    /// Devices that one node carries are told apart by identifier, port and family.
    pub(super) fn check_tunnels(&mut self) {
        let draft = self.draft;
        let mut carried = HashMap::new();
        for (n, node) in draft.nodes.iter().enumerate() {
            for (i, interface) in node.interfaces.iter().enumerate() {
                let Kind::Vxlan(vxlan) = &interface.kind else { continue };
                let carrier = vxlan.underlay.as_ref().unwrap_or(&node.name);
                let key = (carrier, vxlan.id, vxlan.port, vxlan.is_ipv6());
                if let Some(earlier) = carried.insert(key, &interface.name) {
                    let message = format!(
                        "`{earlier}` and `{}` are both carried by node `{carrier}` and have the identifier {}",
                        interface.name, vxlan.id
                    );
                    self.report(Check::VXLAN_CONFLICT, Item::Interface(n, i), Part::Whole, message)
                        .help("give one of them another identifier or port");
                }
            }
        }
    }

    pub(super) fn check_fdb(&mut self, n: usize, node: &Node) {
        let mut seen = HashSet::new();
        for (e, entry) in node.fdb.iter().enumerate() {
            let item = Item::Fdb(n, e);
            let (name, dst) = (&entry.dev, entry.dst);
            let Some(dev) = node.interface(name) else {
                self.report_unknown(Check::UNKNOWN_INTERFACE, item, Part::Device(0), node, name);
                continue;
            };
            match (&dev.kind, dst) {
                (Kind::Vxlan(vxlan), Some(dst)) if vxlan.is_ipv6() != dst.is_ipv6() => {
                    let message = format!("the tunnel end {dst} is not of the family of `{name}`");
                    self.report(Check::VXLAN_FAMILIES, item, Part::Whole, message)
                        .help("give it the family of the device's own addresses; without any that is IPv4");
                }
                (Kind::Vxlan(_), Some(_)) => {}
                (_, Some(_)) => {
                    let message = format!("`{name}` is no VXLAN device, it leads to no tunnel end");
                    self.report(Check::FDB_DEVICE, item, Part::Device(0), message)
                        .help("leave out `dst` for a port of a bridge");
                }
                (_, None) if dev.master.is_none() => {
                    let message = format!("`{name}` is no port of a bridge, and the entry has no tunnel end");
                    self.report(Check::FDB_DEVICE, item, Part::Device(0), message)
                        .help("write the tunnel end of a VXLAN device, such as `dst 192.0.2.2`");
                }
                (_, None) if entry.mac.octets() == [0; 6] => {
                    let message = format!("the bridge of `{name}` has no entry for `{}`", entry.mac);
                    self.report(Check::BAD_FDB_MAC, item, Part::Whole, message).help(
                        "leave it out: a bridge sends frames for addresses that it does not know to all its ports",
                    );
                }
                (_, None) => {}
            }
            if !seen.insert((name, entry.mac, dst.is_some(), dst.filter(|_| entry.adds_up()))) {
                let message = format!("`{name}` has two forwarding entries for `{}`", entry.mac);
                self.report(Check::DUPLICATE_FDB, item, Part::Whole, message).help("leave one out");
            }
        }
    }
}

/// Whether an address is link-local, or a group's on one link ([RFC 4291], section 2.7).
///
/// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291#section-2.7
fn is_of_one_link(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local() || (address.is_multicast() && address.octets()[1] & 0xf == 2)
}
