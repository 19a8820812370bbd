//! Switches: a node with one bridge for each LAN that was declared without saying who bridges it.

use std::collections::HashSet;

use super::{BridgeBuilder, Declared, End, errors::Errors};
use crate::{Draft, IfName, Interface, Kind, Link, LinkEnd, Node, NodeName, Role};

/// A switch whose ends are not plugged in yet, because their nodes may come later.
#[derive(Debug)]
pub(super) struct Switch {
    /// The position of its node in the draft.
    pub(super) node: usize,
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
    if let Some(bridge) = at_switch.take::<IfName>(node.name.own()) {
        let built = build(BridgeBuilder::new(&bridge));
        node.interfaces.push(built.interface(bridge));
        at_switch.absorb(built.errors);
    }
    errors.absorb(at_switch);
    (node, Switch { node: position, ends })
}

impl Switch {
    /// Plugs each end into a port that is called after it.
    pub(super) fn plug(self, draft: &mut Draft, declared: &Declared) -> Errors {
        let mut errors = Errors::at(format!("switch `{}`", draft.nodes[self.node].name));
        let mut taken: HashSet<IfName> = draft.nodes[self.node].interfaces.iter().map(|i| i.name.clone()).collect();
        for (n, end) in self.ends.into_iter().enumerate() {
            let Some(b) = errors.keep(declared.read(end)) else { continue };
            let mtu = declared.position(&b).and_then(|(n, i)| draft.nodes[n].interfaces[i].mtu);
            let node = &mut draft.nodes[self.node];
            // Without a bridge the name of the switch was no interface's, and that is reported.
            let Some(bridge) = node.interfaces.first().map(|bridge| bridge.name.clone()) else { continue };
            let port = port_name(&taken, &b, n);
            taken.insert(port.clone());
            let a = LinkEnd { node: node.name.clone(), interface: port.clone() };
            node.interfaces.push(Interface { master: Some(bridge), mtu, ..Interface::new(port, Kind::Veth) });
            draft.links.push(Link { a, b });
        }
        errors
    }
}

/// Node and interface that the port leads to, or its number where that is too long or taken.
pub(crate) fn port_name(taken: &HashSet<IfName>, end: &LinkEnd, n: usize) -> IfName {
    let free = |name: &IfName| !taken.contains(name);
    IfName::new(format!("{}-{}", end.node.own(), end.interface))
        .ok()
        .filter(free)
        .or_else(|| (n + 1..).find_map(|n| IfName::new(format!("port{n}")).ok().filter(free)))
        .expect("a number that is not taken can be found, and fits")
}
