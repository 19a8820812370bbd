//! Which state each interface comes to, given who is up.

use std::{collections::HashMap, time::Duration};

use super::{LinkState, profile::bridge_options};
use crate::{Draft, Interface, Kind, Node, Profile};

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
        let state = match &interface.kind {
            _ if !interface.up => LinkState::Down,
            Kind::Loopback => LinkState::Running,
            Kind::Veth => match self.peers.get(&(&*node.name, &*interface.name)) {
                Some(peer) if peer.up => LinkState::Running,
                _ => LinkState::NoCarrier,
            },
            Kind::Vxlan(_) => LinkState::Running,
            Kind::Macvlan(macvlan) => {
                let owner = macvlan.parent_node.as_ref().map_or(Some(node), |name| self.draft.node(name));
                let parent = owner.and_then(|owner| Some((owner, owner.interface(&macvlan.parent)?)));
                match parent.map(|(owner, parent)| self.state(owner, parent)) {
                    Some((LinkState::Running, delay)) => return (LinkState::Running, delay),
                    _ => LinkState::NoCarrier,
                }
            }
            Kind::Bridge(options) => {
                let options = bridge_options(options, node, self.profile);
                let stp = options.stp == Some(true);
                let mut ports = node.ports(&interface.name).peekable();
                // A bridge has its carrier from the start, and loses it when it first looks at its ports: when one is
                // added, when its own address is set, or when STP starts.
                let never_looked = ports.peek().is_none() && interface.mac.is_none() && !stp;
                if ports.any(|port| self.state(node, port).0 == LinkState::Running) {
                    let delay = options.forward_delay.unwrap_or(Duration::from_secs(15));
                    return (LinkState::Running, if stp { delay * 2 } else { Duration::ZERO });
                }
                if never_looked { LinkState::Running } else { LinkState::NoCarrier }
            }
        };
        (state, Duration::ZERO)
    }
}
