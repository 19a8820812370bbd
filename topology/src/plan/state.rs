//! Which state each interface comes to, given who is up.

use std::{collections::HashMap, time::Duration};

use super::{LinkState, profile::bridge_options};
use crate::{Draft, Interface, Kind, Node, Profile};

/// More interfaces than can be made on top of each other: the kernel stops at 8.
const MOST_LAYERS: u32 = 16;

/// The interfaces of a topology by node and name, with the far end of each cable.
pub(crate) struct States<'a> {
    profile: Profile,
    peers: HashMap<(&'a str, &'a str), &'a Interface>,
    draft: &'a Draft,
}

impl<'a> States<'a> {
    pub(crate) fn of(draft: &'a Draft) -> Self {
        let interfaces: HashMap<(&str, &str), &Interface> =
            draft.nodes.iter().flat_map(|n| n.interfaces.iter().map(|i| ((&*n.name, &*i.name), i))).collect();
        let mut peers = HashMap::new();
        for link in &draft.links {
            let (a, b) = ((&*link.a.node, &*link.a.interface), (&*link.b.node, &*link.b.interface));
            if let (Some(at_a), Some(at_b)) = (interfaces.get(&a), interfaces.get(&b)) {
                peers.insert(a, *at_b);
                peers.insert(b, *at_a);
            }
        }
        Self { profile: draft.profile, peers, draft }
    }

    /// The state, and how long the kernel takes by design to get there.
    pub(crate) fn state(&self, node: &Node, interface: &Interface) -> (LinkState, Duration) {
        match self.carrier(node, interface, MOST_LAYERS) {
            _ if !interface.up => (LinkState::Down, Duration::ZERO),
            Some(delay) => (LinkState::Running, delay),
            None => (LinkState::NoCarrier, Duration::ZERO),
        }
    }

    /// How long the kernel takes by design until the interface has a carrier, if it gets one.
    ///
    /// Interfaces that are on top of each other in a circle, which the checker refuses, have no end: `layers` are looked
    /// at.
    fn carrier(&self, node: &Node, interface: &Interface, layers: u32) -> Option<Duration> {
        if layers == 0 {
            return None;
        }
        match &interface.kind {
            Kind::Loopback | Kind::Vxlan(_) => Some(Duration::ZERO),
            Kind::Veth => {
                let peer = self.peers.get(&(&*node.name, &*interface.name))?;
                (interface.up && peer.up).then_some(Duration::ZERO)
            }
            // As its parent, also where that is down and has a carrier none the less.
            Kind::Macvlan(macvlan) => {
                let owner = macvlan.parent_node.as_ref().map_or(Some(node), |name| self.draft.node(name))?;
                self.carrier(owner, owner.interface(&macvlan.parent)?, layers - 1)
            }
            Kind::Bridge(options) => {
                let options = bridge_options(options, node, self.profile);
                let stp = options.stp == Some(true);
                let mut ports = node.ports(&interface.name).peekable();
                // A bridge has its carrier from the start, and loses it when it first looks at its ports: when one is
                // added, when its own address is set, or when STP starts.
                let never_looked = ports.peek().is_none() && interface.mac.is_none() && !(stp && interface.up);
                if interface.up && ports.any(|port| port.up && self.carrier(node, port, layers - 1).is_some()) {
                    let delay = options.forward_delay.unwrap_or(Duration::from_secs(15));
                    return Some(if stp { delay * 2 } else { Duration::ZERO });
                }
                never_looked.then_some(Duration::ZERO)
            }
        }
    }
}
