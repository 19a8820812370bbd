//! The MTU that interfaces come to.

use super::{Cidr, Departure, Draft, Interface, Kind, Node};

const ETHERNET: u32 = 1500;
const LOOPBACK: u32 = 65_536;

/// More interfaces than can be made on top of each other: the kernel stops at 8.
const MOST_LAYERS: u32 = 16;

/// Which ports of a bridge count for its MTU.
#[derive(Clone, Copy, PartialEq)]
enum Ports {
    /// All that it has in the end.
    All,
    /// Those that it has when a tunnel over it is made: none yet that is on top of something.
    Cables,
}

impl Draft {
    /// The MTU that an interface comes to, in bytes: its own; without, for a bridge the lowest of its ports', for a
    /// macvlan its parent's, for a VXLAN device what its underlay has room for.
    pub fn mtu(&self, node: &Node, interface: &Interface) -> u32 {
        self.mtu_within(node, interface, Ports::All, MOST_LAYERS)
    }

    /// Whether the kernel gives an interface IPv6 at all: its MTU holds the 1,280 bytes that every link must carry
    /// ([RFC 8200], section 5).
    ///
    /// [RFC 8200]: https://www.rfc-editor.org/rfc/rfc8200#section-5
    pub fn has_ipv6(&self, node: &Node, interface: &Interface) -> bool {
        self.mtu(node, interface) >= 1280
    }

    /// The largest packet that a VXLAN device can take for its underlay to carry, in bytes.
    ///
    /// The underlay is the interface that the device names, or else those that its own address and the far ends of its
    /// tunnels are on, or else all that have addresses of its family.
    pub(crate) fn overlay_mtu(&self, node: &Node, interface: &Interface) -> Option<u32> {
        self.overlay_mtu_within(node, interface, MOST_LAYERS)
    }

    /// Interfaces that are on top of each other in a circle, which the checker refuses, have no end.
    fn mtu_within(&self, node: &Node, interface: &Interface, counted: Ports, layers: u32) -> u32 {
        if interface.mtu.is_some() || layers == 0 {
            return interface.mtu.unwrap_or(ETHERNET);
        }
        let lower = |node: &Node, interface: &Interface| self.mtu_within(node, interface, counted, layers - 1);
        match &interface.kind {
            Kind::Loopback => LOOPBACK,
            Kind::Veth => ETHERNET,
            Kind::Bridge(_) => {
                let ports = node.ports(&interface.name);
                let ports = ports.filter(|port| counted == Ports::All || !port.kind.is_overlay());
                ports.map(|port| lower(node, port)).min().unwrap_or(ETHERNET)
            }
            Kind::Macvlan(macvlan) => {
                let owner = macvlan.parent_node.as_ref().map_or(Some(node), |name| self.node(name));
                let parent = owner.and_then(|owner| Some((owner, owner.interface(&macvlan.parent)?)));
                parent.map_or(ETHERNET, |(owner, parent)| lower(owner, parent))
            }
            Kind::Vxlan(vxlan) => {
                let fits = vxlan.dev.is_some() || node.departs(Departure::OverlayMtu, self.profile);
                let room = if fits { self.overlay_mtu_within(node, interface, layers - 1) } else { None };
                room.unwrap_or(ETHERNET)
            }
        }
    }

    fn overlay_mtu_within(&self, node: &Node, interface: &Interface, layers: u32) -> Option<u32> {
        let Kind::Vxlan(vxlan) = &interface.kind else { return None };
        let carrier = match &vxlan.underlay {
            Some(name) => self.node(name)?,
            None => node,
        };
        let far = node.fdb.iter().filter(|entry| entry.dev == interface.name).filter_map(|entry| entry.dst);
        let ends: Vec<_> = vxlan.local.into_iter().chain(vxlan.remote).chain(far).collect();
        let all = || carrier.interfaces.iter().filter(|i| !matches!(i.kind, Kind::Loopback | Kind::Vxlan(_)));
        let addressed = |i: &&Interface| i.addresses.iter().any(|a| a.is_ipv6() == vxlan.is_ipv6());
        let near = |i: &&Interface| i.addresses.iter().any(|a| ends.iter().any(|end| a.contains(*end)));
        let mtu = |carrying| self.mtu_within(carrier, carrying, Ports::Cables, layers.saturating_sub(1));
        let carried = match &vxlan.dev {
            // It is there without being declared.
            Some(dev) if *dev == *"lo" => carrier.interface(dev).map_or(LOOPBACK, mtu),
            Some(dev) => mtu(carrier.interface(dev)?),
            None if all().any(|i| near(&i)) => all().filter(near).map(mtu).min()?,
            None => all().filter(addressed).map(mtu).min()?,
        };
        let room = carried.saturating_sub(vxlan.overhead());
        // Nothing works with less; the kernel itself knows no such limit where it looks at one interface alone.
        let least = if vxlan.dev.is_none() && interface.addresses.iter().any(Cidr::is_ipv6) { 1280 } else { 68 };
        Some(room.max(least))
    }
}
