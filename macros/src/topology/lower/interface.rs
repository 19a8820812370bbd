//! Interfaces, bridges and switches, through the builder.

use netns_test_topology::{
    Cidr, IfName, Mac,
    build::{BridgeBuilder, InterfaceBuilder, NodeBuilder},
};

use super::{Lower, substitute};
use crate::topology::{
    flat::FlatNode,
    places::InterfacePlaces,
    scope::{Position, kernel_name, positions},
    tree::{Form, InterfaceItem, Setting, SwitchItem, Value},
};

impl Lower {
    pub(super) fn interface(&mut self, mut n: NodeBuilder, item: &InterfaceItem, node: &FlatNode<'_>) -> NodeBuilder {
        let first = self.node().interfaces.len();
        for position in positions(item.count) {
            let of_name = position.or(node.position.filter(|_| item.name.renamed));
            let name = kernel_name(&item.name, of_name).and_then(IfName::new);
            let before = self.faults.len();
            let name = self.read(item.name.place, name);
            let Some(name) = name.or_else(|| IfName::new(substitute(&item.name.kernel, 15)).ok()) else { break };
            let position = position.or(node.position);
            let mut places = InterfacePlaces::new(self.at(item.name.place), first, &name);
            places.bare = item.form == Form::Plain && item.addresses.is_empty() && item.settings.is_empty();
            self.setting_places(&mut places, &item.settings);
            let mut addresses = Vec::new();
            for text in &item.addresses {
                if let Some(address) = self.value::<Cidr>(text, position) {
                    addresses.push(address);
                    places.addresses.push(self.at(text.place));
                }
            }
            self.node().interfaces.push(places);
            if item.is_bridge() {
                let before = n.as_node().interfaces.len() + 1;
                n = n.bridge(name, |bridge| self.bridge(bridge.address(addresses), &item.settings, position, node));
                // Ports that were not declared have been made by the bridge.
                for made in n.as_node().interfaces.iter().skip(before) {
                    let port = item.settings.iter().find_map(|setting| match &setting.value {
                        Value::Ports(ports) => ports.iter().find(|port| port.word.text == *made.name),
                        _ => None,
                    });
                    let place = self.at(port.map_or(item.name.place, |port| port.word.place));
                    let index = self.node().interfaces.len();
                    self.node().interfaces.push(InterfacePlaces::new(place, index, &made.name));
                }
            } else {
                n = match item.form {
                    Form::Vxlan => self.vxlan(n, name, addresses, item, (position, node)),
                    Form::Macvlan => self.macvlan(n, name, addresses, item, (position, node)),
                    Form::Plain | Form::Bridge => {
                        n.interface_with(name, |i| self.settings(i.address(addresses), &item.settings, position, node))
                    }
                };
            }
            let nodes = self.places.nodes.len();
            self.once(before, (nodes, Some(first)));
        }
        n
    }

    fn settings(
        &mut self,
        mut i: InterfaceBuilder,
        settings: &[Setting],
        position: Position,
        node: &FlatNode<'_>,
    ) -> InterfaceBuilder {
        for setting in settings {
            i = match &setting.value {
                Value::Mac(text) => self.value(text, position).into_iter().fold(i, |i, mac: Mac| i.mac(mac)),
                Value::Mtu(bytes) => i.mtu(*bytes),
                Value::Down => i.down(),
                Value::Master(word) => self.name(word, position, node).into_iter().fold(i, InterfaceBuilder::master),
                // The parser takes no others here.
                _ => i,
            };
        }
        i
    }

    fn bridge(
        &mut self,
        mut b: BridgeBuilder,
        settings: &[Setting],
        position: Position,
        node: &FlatNode<'_>,
    ) -> BridgeBuilder {
        for setting in settings {
            b = match &setting.value {
                Value::Mac(text) => self.value(text, position).into_iter().fold(b, |b, mac: Mac| b.mac(mac)),
                Value::Mtu(bytes) => b.mtu(*bytes),
                Value::Down => b.down(),
                Value::Ports(ports) => ports
                    .iter()
                    .fold(b, |b, port| self.name(&port.word, position, node).into_iter().fold(b, BridgeBuilder::port)),
                Value::Stp(true) => b.stp(),
                Value::Stp(false) => b,
                Value::ForwardDelay(text) => self.time(text).into_iter().fold(b, BridgeBuilder::forward_delay),
                Value::Ageing(text) => self.time(text).into_iter().fold(b, BridgeBuilder::ageing),
                Value::MulticastSnooping(on) => b.multicast_snooping(*on),
                Value::NfCallIptables(on) => b.nf_call_iptables(*on),
                Value::NfCallIp6tables(on) => b.nf_call_ip6tables(*on),
                Value::NfCallArptables(on) => b.nf_call_arptables(*on),
                // The parser takes no others here.
                _ => b,
            };
        }
        b
    }

    pub(super) fn switch(&mut self, bridge: BridgeBuilder, switch: &SwitchItem, node: &FlatNode<'_>) -> BridgeBuilder {
        let mut places = InterfacePlaces::new(self.at(switch.name.place), 0, &switch.name.kernel);
        self.setting_places(&mut places, &switch.settings);
        let mut addresses = Vec::new();
        for text in &switch.addresses {
            if let Some(address) = self.value::<Cidr>(text, None) {
                addresses.push(address);
                places.addresses.push(self.at(text.place));
            }
        }
        self.node().interfaces.push(places);
        self.bridge(bridge.address(addresses), &switch.settings, None, node)
    }

    fn setting_places(&self, places: &mut InterfacePlaces, settings: &[Setting]) {
        for setting in settings {
            let place = Some(self.at(setting.place));
            match &setting.value {
                Value::Mac(_) => places.mac = place,
                Value::Mtu(_) => places.mtu = place,
                Value::Master(_) => places.master = place,
                Value::ForwardDelay(_) | Value::Ageing(_) | Value::UdpPort(_) => places.options = place,
                Value::Remote(_) | Value::Group(_) => places.remote = place,
                Value::Local(_) => places.local = place,
                Value::Dev(_) | Value::Parent(_) => places.lower = place,
                Value::Underlay(_) | Value::ParentNode(_) => places.underlay = place,
                _ => {}
            }
        }
    }
}
