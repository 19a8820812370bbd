//! Interfaces that are made on top of others: VXLAN and macvlan.

use std::{net::IpAddr, time::Duration};

use super::{
    InterfaceBuilder,
    value::{IntoAddresses, IntoValue},
};
use crate::{IfName, Kind, Mac, Macvlan, MacvlanMode, NodeName, Vni, Vxlan, multicast, source, unicast};

/// Builds a VXLAN device; see [`NodeBuilder::vxlan`](super::NodeBuilder::vxlan).
#[derive(Debug)]
#[must_use]
pub struct VxlanBuilder {
    pub(super) interface: InterfaceBuilder,
    vxlan: Vxlan,
}

/// Builds a macvlan interface; see [`NodeBuilder::macvlan`](super::NodeBuilder::macvlan).
#[derive(Debug)]
#[must_use]
pub struct MacvlanBuilder {
    pub(super) interface: InterfaceBuilder,
    macvlan: Macvlan,
}

/// What every interface can be given.
macro_rules! interface_settings {
    ($builder:ty) => {
        impl $builder {
            /// Adds an address, or several.
            pub fn address(mut self, addresses: impl IntoAddresses) -> Self {
                self.interface = self.interface.address(addresses);
                self
            }

            /// Sets the Ethernet address; without, the kernel chooses one.
            pub fn mac(mut self, mac: impl IntoValue<Mac>) -> Self {
                self.interface = self.interface.mac(mac);
                self
            }

            /// Leaves it down.
            pub fn down(mut self) -> Self {
                self.interface = self.interface.down();
                self
            }

            /// Makes it a port of a bridge of the same node.
            pub fn master(mut self, bridge: impl IntoValue<IfName>) -> Self {
                self.interface = self.interface.master(bridge);
                self
            }
        }
    };
}

interface_settings!(VxlanBuilder);
interface_settings!(MacvlanBuilder);

impl VxlanBuilder {
    pub(super) fn new(name: IfName, id: Vni) -> Self {
        let vxlan = Vxlan::new(id);
        Self { interface: InterfaceBuilder::new(name, Kind::Vxlan(vxlan.clone())), vxlan }
    }

    /// Sets the largest packet it sends, in bytes; without, in the ready profile what the underlay can carry.
    pub fn mtu(mut self, bytes: u32) -> Self {
        self.interface = self.interface.mtu(bytes);
        self
    }

    /// Sets the source address of the packets that carry frames; without, the route chooses it.
    pub fn local(mut self, address: impl IntoValue<IpAddr>) -> Self {
        self.vxlan.local = self.interface.errors.keep(address.into_value().and_then(source));
        self
    }

    /// Sets the far end of the tunnel, which gets the frames whose destination is not known.
    pub fn remote(mut self, address: impl IntoValue<IpAddr>) -> Self {
        self.vxlan.remote = self.interface.errors.keep(address.into_value().and_then(unicast));
        self
    }

    /// Sets the multicast group that gets the frames whose destination is not known; it needs a [`dev`](Self::dev).
    pub fn group(mut self, address: impl IntoValue<IpAddr>) -> Self {
        self.vxlan.remote = self.interface.errors.keep(address.into_value().and_then(multicast));
        self
    }

    /// Names the interface of the underlay that carries the tunnel; without, any does.
    pub fn dev(mut self, interface: impl IntoValue<IfName>) -> Self {
        self.vxlan.dev = self.interface.errors.take(interface);
        self
    }

    /// Sets the UDP port of all ends; without, 4789.
    pub fn port(mut self, port: u16) -> Self {
        self.vxlan.port = port;
        self
    }

    /// Has it not learn from incoming packets behind which tunnel end a MAC address is.
    pub fn no_learning(mut self) -> Self {
        self.vxlan.learning = false;
        self
    }

    /// Has it answer ARP requests and neighbour solicitations itself, from its neighbour entries.
    pub fn proxy(mut self) -> Self {
        self.vxlan.proxy = true;
        self
    }

    /// Has it tell programs of a MAC address whose tunnel end it does not know.
    pub fn l2miss(mut self) -> Self {
        self.vxlan.l2miss = true;
        self
    }

    /// Has it tell programs of an address whose MAC address it does not know; with [`proxy`](Self::proxy).
    pub fn l3miss(mut self) -> Self {
        self.vxlan.l3miss = true;
        self
    }

    /// Sets after how long a learned MAC address is forgotten, in whole seconds; zero for never.
    pub fn ageing(mut self, ageing: Duration) -> Self {
        self.vxlan.ageing = Some(ageing);
        self
    }

    /// Has another node carry the tunnel: its addresses and routes are used, and the UDP socket is there.
    ///
    /// This is how container engines keep an overlay network apart from the host that carries it.
    ///
    /// ```
    /// # use netns_test_topology::Topology;
    /// # let topology = Topology::builder()
    /// #     .node("host", |n| n.interface("eth0", "192.0.2.1/24"))
    /// #     .node("other", |n| n.interface("eth0", "192.0.2.2/24"))
    /// #     .link("host.eth0", "other.eth0")
    /// .node("overlay", |n| {
    ///     n.vxlan("vxlan1", 4097, |v| v.remote("192.0.2.2").underlay("host").address("10.99.0.1/24"))
    /// })
    /// # .build()?;
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn underlay(mut self, node: impl IntoValue<NodeName>) -> Self {
        self.vxlan.underlay = self.interface.errors.take(node);
        self
    }

    pub(super) fn finish(mut self) -> InterfaceBuilder {
        self.interface.interface.kind = Kind::Vxlan(self.vxlan);
        self.interface
    }
}

impl MacvlanBuilder {
    pub(super) fn new(name: IfName, parent: IfName) -> Self {
        let macvlan = Macvlan::new(parent);
        Self { interface: InterfaceBuilder::new(name, Kind::Macvlan(macvlan.clone())), macvlan }
    }

    /// Sets the largest packet it sends, in bytes; without, that of its parent.
    pub fn mtu(mut self, bytes: u32) -> Self {
        self.interface = self.interface.mtu(bytes);
        self
    }

    /// Says how it deals with the others of the same parent; without, they reach each other.
    pub fn mode(mut self, mode: MacvlanMode) -> Self {
        self.macvlan.mode = mode;
        self
    }

    /// Says that the parent is an interface of another node.
    pub fn parent_node(mut self, node: impl IntoValue<NodeName>) -> Self {
        self.macvlan.parent_node = self.interface.errors.take(node);
        self
    }

    pub(super) fn finish(mut self) -> InterfaceBuilder {
        self.interface.interface.kind = Kind::Macvlan(self.macvlan);
        self.interface
    }
}
