//! Choices put together to a draft.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    Options,
    address::{Families, host, of_lan},
    name,
    recipe::{Bridge, End, Far, Network, Overlay, Switch},
    route::pick_name,
};
use crate::{
    Cidr, Draft, FdbEntry, IfName, Interface, Kind, Link, LinkEnd, Mac, Macvlan, Neighbour, Node, NodeName, Role,
    Sysctl, Vxlan,
    check::{Check, Severity},
};

/// The draft that these choices make; the checker may still find faults in it.
pub(super) fn draft(network: Network, options: Options) -> Draft {
    let mut site = Site::default();
    let recipes: Vec<_> = network
        .nodes
        .into_iter()
        .map(|recipe| {
            let n = site.node(recipe.name, "n", Role::Host);
            let node = &mut site.draft.nodes[n];
            (node.profile, node.departures) = (recipe.profile, recipe.departures.into_iter().collect());
            (node.forward_v4, node.forward_v6) = recipe.forward;
            if let Some(lo) = recipe.loopback {
                let name = IfName::new("lo").expect("`lo` is a name");
                let (addresses, mtu, up) = (lo.addresses, lo.mtu, lo.up);
                node.interfaces.push(Interface { addresses, mtu, up, ..Interface::new(name, Kind::Loopback) });
            }
            for bridge in recipe.bridges {
                site.bridge(n, bridge, None);
            }
            (recipe.overlays, recipe.settings)
        })
        .collect();
    for ends in network.cables {
        let [a, b] = ends.map(|end| site.end(end, recipes.len()));
        site.link(a, b);
    }
    for switch in network.switches {
        site.switch(switch, recipes.len());
    }
    for (n, (overlays, _)) in recipes.iter().enumerate() {
        overlays.iter().for_each(|overlay| site.overlay(n, overlay, recipes.len()));
    }
    site.give_addresses();
    site.give_tunnels(recipes.iter().flat_map(|(overlays, _)| overlays));
    for (node, (_, settings)) in site.draft.nodes.iter_mut().zip(recipes) {
        node.routes = settings.routes.into_iter().map(|route| route.assemble(node)).collect();
        node.rules = settings.rules.into_iter().map(|rule| rule.assemble(node)).collect();
        node.chains = settings.chains.into_iter().map(|chain| chain.assemble(node)).collect();
        node.counters = settings.counters.into_iter().map(str::to_owned).collect();
        node.nameservers = settings.nameservers.into_iter().map(|server| server.addr()).collect();
        for neighbour in settings.neighbours {
            let (address, mac) = (neighbour.address.addr(), neighbour.mac);
            node.neighbours.push(Neighbour { address, mac, dev: pick_name(node, neighbour.interface) });
        }
        for entry in settings.fdb {
            let dev = pick_name(node, entry.interface);
            let tunnel = node.interface(&dev).is_some_and(|interface| matches!(interface.kind, Kind::Vxlan(_)));
            let v6 = matches!(&node.interface(&dev).map(|i| &i.kind), Some(Kind::Vxlan(vxlan)) if vxlan.is_ipv6());
            let dst = tunnel.then(|| far_end(v6, entry.far.unwrap_or_default()));
            node.fdb.push(FdbEntry { mac: entry.mac.unwrap_or(Mac::new([0; 6])), dev, dst });
        }
        for sysctl in settings.sysctls {
            let interface = pick_name(node, sysctl.interface).replace('.', "/");
            node.sysctls.push(Sysctl { key: sysctl.key.replace('*', &interface), value: sysctl.value.to_owned() });
        }
    }
    // A circle of bridges leaves no time for anything else.
    let can_be_tried = |check: &&Check| check.severity == Severity::Mistake && **check != Check::BRIDGE_LOOP;
    let mistakes = Check::ALL.iter().filter(|check| options.mistakes && can_be_tried(check));
    let allow = mistakes.map(|check| check.name.to_owned()).collect();
    Draft { name: network.name, profile: network.profile, allow, ..site.draft }
}

/// What is put together so far.
#[derive(Default)]
struct Site {
    draft: Draft,
    /// Which families of its LAN's addresses each interface gets.
    families: BTreeMap<Member, Families>,
    /// The interfaces on top of others, in the order of their recipes.
    overlays: Vec<Member>,
}

/// An interface by node and position.
type Member = (usize, usize);

impl Site {
    fn node(&mut self, wanted: Option<NodeName>, plain: &str, role: Role) -> usize {
        let name = name::free(wanted, plain, |name| self.draft.node(name).is_some());
        self.draft.nodes.push(Node { role, ..Node::new(name) });
        self.draft.nodes.len() - 1
    }

    fn interface(&mut self, n: usize, wanted: Option<IfName>, plain: &str, kind: Kind) -> Member {
        let node = &mut self.draft.nodes[n];
        let name = name::free(wanted.filter(|name| *name != "lo"), plain, |name| node.interface(name).is_some());
        node.interfaces.push(Interface::new(name, kind));
        (n, node.interfaces.len() - 1)
    }

    fn at(&mut self, (n, i): Member) -> &mut Interface {
        &mut self.draft.nodes[n].interfaces[i]
    }

    fn bridge(&mut self, n: usize, bridge: Bridge, name: Option<IfName>) -> Member {
        let member = self.interface(n, name.or(bridge.name), "br", Kind::Bridge(bridge.options));
        let made = self.at(member);
        (made.mac, made.mtu, made.up) = (bridge.mac, bridge.mtu, bridge.up);
        self.families.insert(member, bridge.families);
        member
    }

    fn end(&mut self, end: End, hosts: usize) -> Member {
        let n = usize::from(end.node) % hosts;
        let member = self.interface(n, end.name, "eth", Kind::Veth);
        let bridges: Vec<IfName> = self.draft.nodes[n].bridges().map(|bridge| bridge.name.clone()).collect();
        let master = end.bridge.and_then(|pick| bridges.get(usize::from(pick) % bridges.len().max(1)).cloned());
        let made = self.at(member);
        (made.mac, made.mtu, made.up, made.addresses) = (end.mac, end.mtu, end.up, end.further);
        made.master = master;
        self.families.insert(member, end.families);
        member
    }

    /// A macvlan without an interface that it could be on is none.
    fn overlay(&mut self, n: usize, overlay: &Overlay, hosts: usize) {
        let owner = overlay.lower_node.map_or(n, |pick| usize::from(pick) % hosts);
        let below = &self.draft.nodes[owner];
        let names: Vec<IfName> = below.interfaces.iter().map(|interface| interface.name.clone()).collect();
        let lower = overlay.lower.filter(|_| !names.is_empty());
        let lower = lower.map(|pick| names[usize::from(pick) % names.len()].clone());
        let other = (owner != n).then(|| below.name.clone());
        let kind = match (overlay.macvlan, lower) {
            (Some(mode), Some(parent)) => Kind::Macvlan(Macvlan { parent, parent_node: other, mode }),
            (_, dev) => Kind::Vxlan(Vxlan { dev, underlay: other, ..overlay.vxlan.clone() }),
        };
        let member = self.interface(n, overlay.name.clone(), "over", kind);
        let bridges: Vec<IfName> = self.draft.nodes[n].bridges().map(|bridge| bridge.name.clone()).collect();
        let master = overlay.bridge.and_then(|pick| bridges.get(usize::from(pick) % bridges.len().max(1)).cloned());
        let made = self.at(member);
        (made.mac, made.mtu, made.up, made.master) = (overlay.mac, overlay.mtu, overlay.up, master);
        self.families.insert(member, overlay.families);
        self.overlays.push(member);
    }

    /// Gives tunnels their ends, once there are addresses.
    fn give_tunnels<'r>(&mut self, recipes: impl Iterator<Item = &'r Overlay>) {
        for (member, recipe) in std::mem::take(&mut self.overlays).into_iter().zip(recipes) {
            let Kind::Vxlan(mut vxlan) = self.at(member).kind.clone() else { continue };
            vxlan.remote = match recipe.far {
                Far::Nowhere => None,
                Far::End(pick) => Some(far_end(recipe.v6, pick)),
                Far::Group(pick) if recipe.v6 => Some(Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, pick.into()).into()),
                Far::Group(pick) => Some(Ipv4Addr::new(239, 1, 1, pick).into()),
            };
            let carrier = vxlan.underlay.as_ref().and_then(|name| self.draft.node(name));
            let carrier = carrier.unwrap_or(&self.draft.nodes[member.0]);
            let own: Vec<IpAddr> = carrier
                .interfaces
                .iter()
                .flat_map(|interface| &interface.addresses)
                .map(Cidr::addr)
                .filter(|address| address.is_ipv6() == recipe.v6)
                .collect();
            vxlan.local = recipe.local.and_then(|pick| own.get(usize::from(pick) % own.len().max(1)).copied());
            self.at(member).kind = Kind::Vxlan(vxlan);
        }
    }

    fn link(&mut self, a: Member, b: Member) {
        let [a, b] = [a, b].map(|(n, i)| {
            let node = &self.draft.nodes[n];
            LinkEnd { node: node.name.clone(), interface: node.interfaces[i].name.clone() }
        });
        self.draft.links.push(Link { a, b });
    }

    fn switch(&mut self, switch: Switch, hosts: usize) {
        let n = self.node(switch.name, "sw", Role::Switch);
        let bridge_name = IfName::new(self.draft.nodes[n].name.as_str()).ok();
        let bridge = self.bridge(n, switch.bridge, bridge_name);
        let name = self.at(bridge).name.clone();
        for end in switch.ends {
            let far = self.end(end, hosts);
            let port = self.interface(n, None, "port", Kind::Veth);
            (self.at(port).master, self.at(port).mtu) = (Some(name.clone()), self.at(far).mtu);
            self.link(port, far);
        }
    }

    /// Gives each interface addresses of its LAN's networks; ports have none.
    fn give_addresses(&mut self) {
        let lans = self.draft.lans();
        for (number, lan) in lans.iter().enumerate() {
            for (position, &member) in lan.iter().enumerate() {
                let Some(&families) = self.families.get(&member) else { continue };
                let interface = self.at(member);
                if interface.master.is_some() {
                    interface.addresses.clear();
                    continue;
                }
                let own = |v6| host(of_lan(number + 1, v6), position + 1);
                let own: Vec<Cidr> = [false, true].into_iter().filter(|v6| families.has(*v6)).map(own).collect();
                interface.addresses.splice(0..0, own);
            }
        }
    }
}

/// An address that nobody has.
fn far_end(v6: bool, pick: u8) -> IpAddr {
    match v6 {
        true => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, pick.into()).into(),
        false => Ipv4Addr::new(198, 51, 100, pick).into(),
    }
}

impl Families {
    fn has(self, v6: bool) -> bool {
        if v6 { self.v6 } else { self.v4 }
    }
}
