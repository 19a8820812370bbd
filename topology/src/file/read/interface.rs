//! Interfaces and bridges of a node.

use std::{collections::HashMap, time::Duration};

use super::{
    Reader,
    expand::{Form, Port},
};
use crate::{
    BridgeOptions, Cidr, IfName, Interface, Kind, Mac, Node,
    check::{Item, Part, nearest},
    file::{
        Span,
        keys::{self, NODE},
        shape::unknown_key,
        tree::{Data, Table, Value},
    },
    parse_duration,
};

/// The interfaces of a node that only the list of a bridge's ports has named so far, with that bridge.
type Ports = HashMap<IfName, IfName>;

impl Reader<'_> {
    pub(super) fn interfaces(&mut self, n: usize, ports: &[Port], node: &mut Node) {
        let mut undeclared = Ports::new();
        for port in ports {
            let count = port.settings.get("count");
            self.members(count, |reader, _| {
                let name = reader.member_name(&port.key, count, "")?;
                let name = reader.understood(&name, |text| IfName::new(text))?;
                match port.form {
                    Form::Bridge => reader.bridge(n, name, port, node, &mut undeclared),
                    Form::Interface | Form::Vxlan | Form::Macvlan => {
                        reader.interface(n, name, port, node, &mut undeclared);
                    }
                }
                Some(())
            });
        }
    }

    fn interface(&mut self, n: usize, name: IfName, port: &Port, node: &mut Node, undeclared: &mut Ports) {
        if self.is_misspelt(port) {
            return;
        }
        let kind = match port.form {
            Form::Vxlan => self.vxlan(&port.settings),
            Form::Macvlan => self.macvlan(&port.settings),
            Form::Interface | Form::Bridge => Some(plain(&name)),
        };
        let Some(kind) = kind else { return };
        let bridge = undeclared.remove(&name);
        let i = match bridge.as_ref().and_then(|_| node.interfaces.iter().position(|i| i.name == name)) {
            Some(i) => {
                node.interfaces[i].kind = kind;
                i
            }
            None => {
                node.interfaces.push(Interface::new(name.clone(), kind));
                node.interfaces.len() - 1
            }
        };
        self.place_interface(n, i, &port.key.span);
        self.common(n, i, &port.settings, &mut node.interfaces[i]);
        self.place_overlay(n, i, &port.settings);
        if let Some(value) = port.settings.get("master") {
            let master = self.value::<IfName>(value);
            if let (Some(master), Some(bridge)) = (&master, bridge.filter(|bridge| master.as_ref() != Some(bridge))) {
                let message = format!("`{name}` has the master `{master}`, and is a port of `{bridge}`");
                self.contradiction(value.span.clone(), message, "an interface is a port of one bridge at most");
            }
            self.places.set(Item::Interface(n, i), Part::Master, value.span.clone());
            node.interfaces[i].master = master;
        }
    }

    /// Whether this is no interface but a setting by a wrong name or in a wrong place: its value is no address.
    fn is_misspelt(&mut self, port: &Port) -> bool {
        let values = port.settings.get("address").map(Value::elements).unwrap_or_default();
        let wrong =
            |value: &Value| value.text().is_some_and(|text| !text.contains('{') && text.parse::<Cidr>().is_err());
        let name = &port.key.name;
        let misspelt = !values.is_empty()
            && values.iter().all(wrong)
            && (nearest(name, NODE.iter().map(|field| field.name)).is_some()
                || crate::check::synonym(name).is_some()
                || keys::owners(name).is_some());
        if misspelt {
            self.found.push(unknown_key(&port.key, &NODE, &[]));
        }
        misspelt
    }

    fn bridge(&mut self, n: usize, name: IfName, bridge: &Port, node: &mut Node, undeclared: &mut Ports) {
        let options = self.bridge_options(&bridge.settings);
        let i = node.interfaces.len();
        node.interfaces.push(Interface::new(name.clone(), Kind::Bridge(options)));
        self.place_interface(n, i, &bridge.key.span);
        self.common(n, i, &bridge.settings, &mut node.interfaces[i]);
        for value in bridge.settings.get("ports").into_iter().flat_map(Value::elements) {
            let Some(port) = self.value::<IfName>(value) else { continue };
            let p = node.interfaces.iter().position(|i| i.name == port).unwrap_or_else(|| {
                node.interfaces.push(Interface::new(port.clone(), plain(&port)));
                undeclared.insert(port.clone(), name.clone());
                node.interfaces.len() - 1
            });
            if undeclared.get(&port) == Some(&name) && node.interfaces[p].master.is_none() {
                self.place_interface(n, p, &value.span);
            }
            if let Some(other) = node.interfaces[p].master.replace(name.clone()) {
                let message = match other == name {
                    true => format!("`{port}` is a port of `{name}` twice"),
                    false => format!("`{port}` is a port of `{name}`, and of `{other}`"),
                };
                self.contradiction(
                    value.span.clone(),
                    message,
                    "an interface is a port of one bridge at most, and once",
                );
            }
            self.places.set(Item::Interface(n, p), Part::Master, value.span.clone());
        }
    }

    /// Reads what interfaces and bridges have in common.
    pub(super) fn common(&mut self, n: usize, i: usize, settings: &Table, interface: &mut Interface) {
        for value in settings.get("address").into_iter().flat_map(Value::elements) {
            if let Some(address) = self.value(value) {
                self.places.set(Item::Address(n, i, interface.addresses.len()), Part::Whole, value.span.clone());
                interface.addresses.push(address);
            }
        }
        if let Some(value) = settings.get("mac") {
            interface.mac = self.value::<Mac>(value);
            self.places.set(Item::Interface(n, i), Part::Mac, value.span.clone());
        }
        if let Some(Value { span, data: Data::Number(bytes) }) = settings.get("mtu") {
            interface.mtu = u32::try_from(*bytes).ok();
            self.places.set(Item::Interface(n, i), Part::Mtu, span.clone());
        }
        interface.up = flag(settings, "down") != Some(true);
        if let Some(value) = settings.get("forward_delay").or(settings.get("stp")) {
            self.places.set(Item::Interface(n, i), Part::Options, value.span.clone());
        }
    }

    pub(super) fn bridge_options(&mut self, settings: &Table) -> BridgeOptions {
        let mut time = |name| settings.get(name).and_then(|value| self.read::<Duration>(value, parse_duration));
        BridgeOptions {
            stp: flag(settings, "stp"),
            forward_delay: time("forward_delay"),
            ageing: time("ageing"),
            multicast_snooping: flag(settings, "multicast_snooping"),
            nf_call_iptables: flag(settings, "nf_call_iptables"),
            nf_call_ip6tables: flag(settings, "nf_call_ip6tables"),
            nf_call_arptables: flag(settings, "nf_call_arptables"),
        }
    }

    pub(super) fn place_interface(&mut self, n: usize, i: usize, span: &Span) {
        self.places.set(Item::Interface(n, i), Part::Whole, span.clone());
    }
}

/// What an interface is of which a file says no more than its name.
fn plain(name: &IfName) -> Kind {
    if *name == *"lo" { Kind::Loopback } else { Kind::Veth }
}

pub(super) fn flag(settings: &Table, name: &str) -> Option<bool> {
    match settings.get(name)?.data {
        Data::Flag(flag) => Some(flag),
        _ => None,
    }
}
