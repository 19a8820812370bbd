//! The room that the underlay of a VXLAN device leaves, and the order in which interfaces on top of others are made.

use crate::{Cidr, Draft, Interface, Kind, Node};

/// An Ethernet interface's MTU, if nothing is said.
const ETHERNET: u32 = 1500;

impl Draft {
    /// The largest packet that a VXLAN device can take for its underlay to carry, in bytes.
    ///
    /// The underlay is the interface that the device names, or else those that its own address and the far ends of its
    /// tunnels are on, or else all that have addresses of its family.
    pub(crate) fn overlay_mtu(&self, node: &Node, interface: &Interface) -> Option<u32> {
        let Kind::Vxlan(vxlan) = &interface.kind else { return None };
        let carrier = match &vxlan.underlay {
            Some(name) => self.node(name)?,
            None => node,
        };
        let far = node.fdb.iter().filter(|entry| entry.dev == interface.name).filter_map(|entry| entry.dst);
        let ends: Vec<_> = vxlan.local.into_iter().chain(vxlan.remote).chain(far).collect();
        let addressed = |i: &&Interface| i.addresses.iter().any(|a| a.is_ipv6() == vxlan.is_ipv6());
        let all =
            || carrier.interfaces.iter().filter(|i| !matches!(i.kind, Kind::Loopback) && i.name != interface.name);
        let near = |i: &&Interface| i.addresses.iter().any(|a| ends.iter().any(|end| a.contains(*end)));
        let carriers: Vec<&Interface> = match &vxlan.dev {
            Some(dev) => vec![carrier.interface(dev)?],
            None if all().any(|i| near(&i)) => all().filter(near).collect(),
            None => all().filter(addressed).collect(),
        };
        let least = carriers.into_iter().map(|i| mtu(carrier, i)).min()?;
        // Nothing works with less.
        let least_possible = if interface.addresses.iter().any(Cidr::is_ipv6) { 1280 } else { 68 };
        Some(least.saturating_sub(vxlan.overhead()).max(least_possible))
    }

    /// The interfaces on top of others, each after the one that it is on.
    pub(crate) fn overlays(&self) -> Vec<(&Node, &Interface)> {
        let mut rest: Vec<(&Node, &Interface)> = self
            .nodes
            .iter()
            .flat_map(|node| node.interfaces.iter().map(move |interface| (node, interface)))
            .filter(|(_, interface)| interface.kind.is_overlay())
            .collect();
        let mut ordered = Vec::new();
        while !rest.is_empty() {
            let waits = |(node, interface): &(&Node, &Interface)| {
                let Some((owner, lower)) = interface.kind.lower() else { return false };
                let owner = owner.unwrap_or(&node.name);
                rest.iter().any(|(n, i)| n.name == *owner && i.name == *lower)
            };
            let (later, now): (Vec<_>, Vec<_>) = rest.iter().copied().partition(waits);
            if now.is_empty() {
                // Devices that carry each other in a circle: the kernel says what is wrong with the first.
                ordered.extend(later);
                break;
            }
            ordered.extend(now);
            rest = later;
        }
        ordered
    }
}

/// The MTU that an interface has or will come to: a bridge's is the lowest of its ports'.
pub(crate) fn mtu(node: &Node, interface: &Interface) -> u32 {
    let of_ports = || match interface.kind {
        Kind::Bridge(_) => {
            let cables = node.ports(&interface.name).filter(|port| matches!(port.kind, Kind::Veth));
            cables.map(|port| port.mtu.unwrap_or(ETHERNET)).min()
        }
        _ => None,
    };
    interface.mtu.or_else(of_ports).unwrap_or(ETHERNET)
}
