//! Switches: a node with one bridge for each LAN that was declared without saying who bridges it.

use super::{BridgeBuilder, End, TopologyBuilder, errors::Errors};
use crate::{IfName, Interface, Kind, Link, LinkEnd, Node, NodeName, Role, check::Item};

/// A switch whose ends are not plugged in yet, because their nodes may come later.
#[derive(Debug)]
pub(super) struct Switch {
    /// The position of its node in the draft.
    node: usize,
    ends: Vec<End>,
}

/// The node of a switch with its bridge.
pub(super) fn begin(
    name: NodeName,
    position: usize,
    ends: Vec<End>,
    build: impl FnOnce(BridgeBuilder) -> BridgeBuilder,
    errors: &mut Errors,
) -> (Node, Switch) {
    let mut node = Node { role: Role::Switch, ..Node::new(name) };
    let mut at_switch = Errors::at(format!("switch `{}`", node.name));
    if let Some(bridge) = at_switch.take::<IfName>(node.name.as_str()) {
        let built = build(BridgeBuilder::new(&bridge));
        node.interfaces.push(built.interface(bridge));
        at_switch.absorb(built.errors);
    }
    errors.absorb(at_switch);
    (node, Switch { node: position, ends })
}

impl TopologyBuilder {
    /// Plugs each end into a port of the switch that is called after it.
    pub(super) fn plug(&mut self, switch: Switch) {
        let mut errors = Errors::at(format!("switch `{}`", self.draft.nodes[switch.node].name));
        for (n, end) in switch.ends.into_iter().enumerate() {
            let Some(end) = errors.keep(self.read(end)) else { continue };
            let mtu = self.draft.node(&end.node).and_then(|node| node.interface(&end.interface)).and_then(|i| i.mtu);
            let node = &mut self.draft.nodes[switch.node];
            // Without a bridge the name of the switch was no interface's, and that is reported.
            let Some(bridge) = node.interfaces.first().map(|bridge| bridge.name.clone()) else { continue };
            let port = port_name(node, &end, n);
            let interface = Interface { master: Some(bridge), mtu, ..Interface::new(port.clone(), Kind::Veth) };
            node.interfaces.push(interface);
            let a = LinkEnd { node: node.name.clone(), interface: port };
            self.draft.links.push(Link { a, b: end });
        }
        self.errors.push((Item::Node(switch.node), errors));
    }
}

/// Node and interface that the port leads to, or its number where that is too long or taken.
fn port_name(node: &Node, end: &LinkEnd, n: usize) -> IfName {
    let free = |name: &IfName| node.interface(name).is_none();
    IfName::new(format!("{}-{}", end.node, end.interface))
        .ok()
        .filter(free)
        .or_else(|| (n + 1..).find_map(|n| IfName::new(format!("port{n}")).ok().filter(free)))
        .expect("a number that is not taken can be found, and fits")
}
