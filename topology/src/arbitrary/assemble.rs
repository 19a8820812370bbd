//! Choices put together to a draft.

use std::collections::BTreeMap;

use super::{
    Options,
    address::{Families, host, of_lan},
    name,
    recipe::{Bridge, End, Network, Switch},
    route::pick_name,
};
use crate::{
    Cidr, Draft, IfName, Interface, Kind, Link, LinkEnd, Neighbour, Node, NodeName, Role, Sysctl,
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
            recipe.settings
        })
        .collect();
    for ends in network.cables {
        let [a, b] = ends.map(|end| site.end(end, recipes.len()));
        site.link(a, b);
    }
    for switch in network.switches {
        site.switch(switch, recipes.len());
    }
    site.give_addresses();
    for (node, settings) in site.draft.nodes.iter_mut().zip(recipes) {
        node.routes = settings.routes.into_iter().map(|route| route.assemble(node)).collect();
        node.rules = settings.rules.into_iter().map(|rule| rule.assemble(node)).collect();
        node.chains = settings.chains.into_iter().map(|chain| chain.assemble(node)).collect();
        node.counters = settings.counters.into_iter().map(str::to_owned).collect();
        node.nameservers = settings.nameservers.into_iter().map(|server| server.addr()).collect();
        for neighbour in settings.neighbours {
            let (address, mac) = (neighbour.address.addr(), neighbour.mac);
            node.neighbours.push(Neighbour { address, mac, dev: pick_name(node, neighbour.interface) });
        }
        for sysctl in settings.sysctls {
            let interface = pick_name(node, sysctl.interface).replace('.', "/");
            node.sysctls.push(Sysctl { key: sysctl.key.replace('*', &interface), value: sysctl.value.to_owned() });
        }
    }
    let mistakes = Check::ALL.iter().filter(|check| options.mistakes && check.severity == Severity::Mistake);
    let allow = mistakes.map(|check| check.name.to_owned()).collect();
    Draft { name: network.name, profile: network.profile, allow, ..site.draft }
}

/// What is put together so far.
#[derive(Default)]
struct Site {
    draft: Draft,
    /// Which families of its LAN's addresses each interface gets.
    families: BTreeMap<Member, Families>,
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

impl Families {
    fn has(self, v6: bool) -> bool {
        if v6 { self.v6 } else { self.v4 }
    }
}
