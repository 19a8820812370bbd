//! What two builds of the same network do not have in common by nature, each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use netns_test::topology::{
    Interface, Kind, MacvlanMode, Node, Topology,
    plan::{Action, LinkState},
};
use serde_json::Value;

/// Fields that are left out: section (or `*`), field, reason.
const FIELDS: &[(&str, &str, &str)] = &[
    ("address", "tentative", "duplicate address detection ends in its own time"),
    ("timers", "reachable", "chosen at random around the base value"),
    ("timers", "refcnt", "how many entries the kernel holds at the moment"),
    ("link", "link_netnsid", "the kernel's number for the peer's namespace, in the order of first use"),
    ("fdb", "linkNetNsId", "the kernel's number for the namespace of the underlay, in the order of first use"),
    ("fdb", "viaIfIndex", "an index on the node of the underlay, in the order of creation"),
    ("link", "link_index", "compared as the index of the far end itself"),
    ("link", "hello_timer", "a running timer"),
    ("link", "tcn_timer", "a running timer"),
    ("link", "topology_change_timer", "a running timer"),
    ("link", "gc_timer", "a running timer"),
    ("link", "hold_timer", "a running timer"),
    ("link", "message_age_timer", "a running timer"),
    ("link", "forward_delay_timer", "a running timer"),
    ("link", "bridge_id", "repeats the address of the bridge"),
    ("link", "root_id", "repeats the address of the bridge"),
];

/// Values that are taken for others: section, field, value, what it is taken for, reason.
const VALUES: &[(&str, &str, &str, &str, &str)] = &[(
    "link",
    "operstate",
    "LOWERLAYERDOWN",
    "DOWN",
    "depends on whether an unrelated interface of the node happens to have the far end's index",
)];

/// Settings that are left out: end of the key, reason.
const SYSCTLS: &[(&str, &str)] = &[("netfilter/nf_conntrack_count", "how many connections are tracked at the moment")];

/// How random values are named after what they belong to, and which values are expected as they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Naming {
    /// Interfaces whose Ethernet address the topology gives.
    macs: BTreeSet<String>,
    /// Interfaces whose index the plan gives.
    indexes: BTreeSet<String>,
    /// Bridges that take the address of one of their ports, and macvlan interfaces that take such an address, or a random
    /// one of another node.
    bridges: BTreeSet<String>,
    /// Addresses that the topology gives, as text, or that are made of Ethernet addresses that it gives.
    addresses: BTreeSet<String>,
    /// The addresses of interfaces among them.
    declared: BTreeSet<String>,
    /// Bridges that come to have no carrier.
    without_carrier: BTreeSet<String>,
    /// Tunnels whose packets another node carries.
    carried_elsewhere: BTreeSet<String>,
    /// Interfaces that a macvlan of another node shares, which has a random Ethernet address.
    shared: BTreeSet<String>,
    /// Ethernet addresses that the topology gives, on any node.
    given: BTreeSet<String>,
    /// Random Ethernet addresses with the interface that has each.
    random: BTreeMap<String, String>,
}

impl Naming {
    pub(crate) fn of(topology: &Topology, node: &Node) -> Self {
        let mut naming = Self::default();
        for interface in &node.interfaces {
            let name = interface.name.to_string();
            let declared: Vec<String> = interface.addresses.iter().map(|address| address.addr().to_string()).collect();
            naming.declared.extend(declared.clone());
            naming.addresses.extend(declared);
            naming.addresses.extend(interface.mac.map(|mac| mac.link_local().to_string()));
            match (interface.mac, &interface.kind) {
                (Some(_), _) | (None, Kind::Loopback) => drop(naming.macs.insert(name)),
                (None, Kind::Bridge(_)) => drop(naming.bridges.insert(name)),
                (None, Kind::Macvlan(macvlan)) if macvlan.mode == MacvlanMode::Passthru => {
                    let random = |(owner, below): (&Node, &Interface)| {
                        below.mac.is_none() && (owner.name != node.name || matches!(below.kind, Kind::Bridge(_)))
                    };
                    if below(topology, node, interface).is_some_and(random) {
                        naming.bridges.insert(name);
                    }
                }
                (None, _) => {}
            }
            if matches!(&interface.kind, Kind::Vxlan(vxlan) if vxlan.underlay.is_some()) {
                naming.carried_elsewhere.insert(interface.name.to_string());
            }
        }
        for node in &topology.nodes {
            let of_interfaces = node.interfaces.iter().filter_map(|interface| interface.mac);
            naming.given.extend(of_interfaces.chain(node.fdb.iter().map(|entry| entry.mac)).map(|mac| mac.to_string()));
        }
        naming.shared = shared_by_others(topology, node);
        naming.macs.insert("lo".into());
        for step in topology.plan().steps() {
            if let Action::AwaitLink { interface, state: LinkState::NoCarrier, .. } = &step.action
                && step.node == node.name
                && node.bridges().any(|bridge| bridge.name == *interface)
            {
                naming.without_carrier.insert(interface.to_string());
            }
            let Action::CreateVeth { end, peer_node, peer } = &step.action else { continue };
            for (at, end) in [(&step.node, end), (peer_node, peer)] {
                if *at == node.name && end.index.is_some() {
                    naming.indexes.insert(end.name.to_string());
                }
            }
        }
        naming
    }

    /// The same with the random addresses of these links.
    pub(crate) fn with(&self, links: &[Value]) -> Self {
        let mut naming = self.clone();
        for link in links {
            let [Some(name), Some(mac)] = ["ifname", "address"].map(|field| link[field].as_str()) else { continue };
            // A bridge has the address of a port, which is named after the port.
            if !self.macs.contains(name) && !self.bridges.contains(name) {
                naming.random.insert(mac.to_owned(), format!("<MAC of {name}>"));
            }
        }
        for link in links {
            let [Some(name), Some(mac)] = ["ifname", "address"].map(|field| link[field].as_str()) else { continue };
            if self.bridges.contains(name) && !self.given.contains(mac) {
                naming.random.entry(mac.to_owned()).or_insert_with(|| format!("<MAC of {name}>"));
            }
        }
        naming
    }

    /// An object without what is volatile; `None` if all of it is.
    pub(crate) fn object(&self, section: &str, object: &Value) -> Option<Value> {
        let mut object = object.clone();
        let name = object["ifname"].as_str().unwrap_or_default().to_owned();
        if let Some(fields) = object.as_object_mut() {
            if section == "link" && !self.indexes.contains(&name) && name != "lo" {
                // The kernel chooses it, by the order in which the interfaces of the namespace are made.
                fields.remove("ifindex");
            }
            if section == "link" && self.bridges.contains(&name) {
                // The lowest address of the ports, which may be random.
                fields.remove("address");
            }
            if let Some(info) = fields.get_mut("linkinfo").and_then(|info| info.get_mut("info_data")?.as_object_mut())
                && self.carried_elsewhere.contains(&name)
            {
                // An index on the other node, which `ip` takes for one of this.
                info.remove("link");
            }
            if section == "fdb" && !matches!(fields.get("state").and_then(Value::as_str), Some("permanent" | "static"))
            {
                // Learned from a packet that passed.
                return None;
            }
            if section == "timers" && !fields.contains_key("dev") {
                // Of the machine, and not of the namespace.
                return None;
            }
        }
        // A bridge's is made of the lowest Ethernet address of its ports, which may be random or given.
        let of_bridge = ["ifname", "dev"]
            .iter()
            .any(|field| object[field].as_str().is_some_and(|name| self.bridges.contains(name)));
        self.mend(section, if of_bridge { &self.declared } else { &self.addresses }, &mut object);
        let shared = section == "fdb" && self.shared.contains(&name);
        if let Some(mac) = object.get_mut("mac").filter(|mac| shared && self.is_random(mac)) {
            *mac = "<MAC of another node's interface>".into();
        }
        Some(object)
    }

    /// Whether it is a host's Ethernet address that the topology does not give, and not that of an interface of the node.
    fn is_random(&self, mac: &Value) -> bool {
        let mac = mac.as_str().unwrap_or_default();
        let first = mac.get(..2).and_then(|byte| u8::from_str_radix(byte, 16).ok());
        first.is_some_and(|byte| byte & 1 == 0) && !self.given.contains(mac)
    }

    /// Whether an entry of an interface is there by chance.
    ///
    /// A bridge that comes to have no carrier gets a link-local address, with what belongs to one, and the local routes of
    /// its IPv6 addresses, if it is set up before the kernel notices.
    pub(crate) fn is_by_chance(&self, interface: &Value, entry: &Value) -> bool {
        let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let name = [text(interface, "ifname"), text(interface, "dev")].concat();
        let link_local = |field: &str| {
            let address = text(entry, field);
            address == "<link-local>" || address.starts_with("fe80::") && !self.declared.contains(&address)
        };
        self.without_carrier.contains(&name)
            && (link_local("local")
                || link_local("dst")
                || text(entry, "dst") == "ff00::/8"
                || text(entry, "table") == "local" && text(entry, "dst").contains(':')
                || text(entry, "mac").starts_with("33:33:")
                || text(entry, "mac") == "<solicited-node group>")
    }

    /// A setting's value; `None` if it is volatile.
    pub(crate) fn sysctl<'v>(&self, key: &str, value: &'v str) -> Option<&'v str> {
        SYSCTLS.iter().all(|(end, _)| !key.ends_with(end)).then_some(value)
    }

    fn mend(&self, section: &str, link_local: &BTreeSet<String>, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let volatile =
                    |name: &str| FIELDS.iter().any(|(of, field, _)| (*of == section || *of == "*") && *field == name);
                fields.retain(|name, _| !volatile(name));
                for (of, field, value, other, _) in VALUES {
                    if let Some(found) = fields.get_mut(*field).filter(|found| *of == section && *found == value) {
                        *found = Value::from(*other);
                    }
                }
                fields.values_mut().for_each(|value| self.mend(section, link_local, value));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.mend(section, link_local, value)),
            Value::String(text) => {
                if let Some(name) = self.random.get(text.as_str()) {
                    *text = name.clone();
                } else if text.starts_with("33:33:ff:") {
                    // The group of an address that may be made of a random Ethernet address.
                    "<solicited-node group>".clone_into(text);
                } else if text.starts_with("fe80::") && text.contains("ff:fe") && !link_local.contains(text.as_str()) {
                    // Made of a random Ethernet address.
                    "<link-local>".clone_into(text);
                }
            }
            _ => {}
        }
    }
}

/// The interfaces of a node that receive for a macvlan of another one, whose random Ethernet address the kernel tells them.
fn shared_by_others(topology: &Topology, node: &Node) -> BTreeSet<String> {
    let others = topology.nodes.iter().filter(|other| other.name != node.name);
    let random = others.flat_map(|other| {
        let interfaces = other.interfaces.iter().filter(|interface| interface.mac.is_none());
        interfaces.filter_map(move |interface| below(topology, other, interface))
    });
    random.filter(|(owner, _)| owner.name == node.name).map(|(_, below)| below.name.to_string()).collect()
}

/// What the kernel makes a macvlan on, with its node: a macvlan of a macvlan shares the interface below both.
fn below<'t>(topology: &'t Topology, node: &'t Node, interface: &'t Interface) -> Option<(&'t Node, &'t Interface)> {
    let Kind::Macvlan(macvlan) = &interface.kind else { return None };
    let owner = macvlan.parent_node.as_ref().map_or(Some(node), |name| topology.node(name))?;
    let parent = owner.interface(&macvlan.parent)?;
    below(topology, owner, parent).or(Some((owner, parent)))
}
