//! Interfaces and bridges.

use std::time::Duration;

use super::{
    errors::Errors,
    value::{IntoAddresses, IntoValue},
};
use crate::{BridgeOptions, Cidr, IfName, Interface, Kind, Mac};

/// Builds an interface of a node; see [`NodeBuilder::interface_with`](super::NodeBuilder::interface_with).
#[derive(Debug)]
#[must_use]
pub struct InterfaceBuilder {
    pub(super) interface: Interface,
    pub(super) errors: Errors,
}

impl InterfaceBuilder {
    pub(super) fn new(name: IfName, kind: Kind) -> Self {
        Self { errors: Errors::at(format!("interface `{name}`")), interface: Interface::new(name, kind) }
    }

    /// Adds an address, or several.
    pub fn address(mut self, addresses: impl IntoAddresses) -> Self {
        self.errors.addresses(&mut self.interface.addresses, addresses);
        self
    }

    /// Sets the Ethernet address; without, the kernel chooses one.
    pub fn mac(mut self, mac: impl IntoValue<Mac>) -> Self {
        self.interface.mac = self.errors.take(mac);
        self
    }

    /// Sets the largest packet it sends, in bytes; without, 1500.
    pub fn mtu(mut self, bytes: u32) -> Self {
        self.interface.mtu = Some(bytes);
        self
    }

    /// Leaves it down.
    pub fn down(mut self) -> Self {
        self.interface.up = false;
        self
    }

    /// Makes it a port of a bridge of the same node.
    pub fn master(mut self, bridge: impl IntoValue<IfName>) -> Self {
        self.interface.master = self.errors.take(bridge);
        self
    }
}

/// Builds a bridge; see [`NodeBuilder::bridge`](super::NodeBuilder::bridge) and
/// [`TopologyBuilder::switch_with`](super::TopologyBuilder::switch_with).
#[derive(Debug)]
#[must_use]
pub struct BridgeBuilder {
    pub(crate) options: BridgeOptions,
    pub(crate) addresses: Vec<Cidr>,
    pub(crate) mac: Option<Mac>,
    pub(crate) mtu: Option<u32>,
    pub(crate) up: bool,
    pub(super) ports: Vec<IfName>,
    pub(super) errors: Errors,
}

impl BridgeBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            options: BridgeOptions::default(),
            addresses: Vec::new(),
            mac: None,
            mtu: None,
            up: true,
            ports: Vec::new(),
            errors: Errors::at(format!("bridge `{name}`")),
        }
    }

    pub(super) fn interface(&self, name: IfName) -> Interface {
        let kind = Kind::Bridge(self.options.clone());
        let addresses = self.addresses.clone();
        Interface { addresses, mac: self.mac, mtu: self.mtu, up: self.up, ..Interface::new(name, kind) }
    }

    /// Adds a port: an interface of the node, made without addresses if it is not declared.
    pub fn port(mut self, interface: impl IntoValue<IfName>) -> Self {
        let port = self.errors.take(interface);
        self.ports.extend(port);
        self
    }

    /// Adds several ports.
    pub fn ports<V: IntoValue<IfName>>(self, interfaces: impl IntoIterator<Item = V>) -> Self {
        interfaces.into_iter().fold(self, Self::port)
    }

    /// Adds an address, or several: the node speaks to the LAN as this.
    pub fn address(mut self, addresses: impl IntoAddresses) -> Self {
        self.errors.addresses(&mut self.addresses, addresses);
        self
    }

    /// Sets the Ethernet address; without, it is the lowest of the ports' and can change with them.
    pub fn mac(mut self, mac: impl IntoValue<Mac>) -> Self {
        self.mac = self.errors.take(mac);
        self
    }

    /// Sets the MTU in bytes; without, it is the lowest of the ports'.
    pub fn mtu(mut self, bytes: u32) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// Leaves it down.
    pub fn down(mut self) -> Self {
        self.up = false;
        self
    }

    /// Switches the spanning tree protocol on.
    pub fn stp(mut self) -> Self {
        self.options.stp = Some(true);
        self
    }

    /// Sets how long a port listens, and again learns, before it forwards, with STP: 2 to 30 s.
    pub fn forward_delay(mut self, delay: Duration) -> Self {
        self.options.forward_delay = Some(delay);
        self
    }

    /// Sets after how long an unseen address is forgotten.
    pub fn ageing(mut self, ageing: Duration) -> Self {
        self.options.ageing = Some(ageing);
        self
    }

    /// Switches IGMP and MLD snooping on or off.
    pub fn multicast_snooping(mut self, on: bool) -> Self {
        self.options.multicast_snooping = Some(on);
        self
    }

    /// Says whether bridged IPv4 frames pass the `ip` netfilter hooks.
    pub fn nf_call_iptables(mut self, on: bool) -> Self {
        self.options.nf_call_iptables = Some(on);
        self
    }

    /// Says whether bridged IPv6 frames pass the `ip6` netfilter hooks.
    pub fn nf_call_ip6tables(mut self, on: bool) -> Self {
        self.options.nf_call_ip6tables = Some(on);
        self
    }

    /// Says whether bridged ARP frames pass the `arp` netfilter hooks.
    pub fn nf_call_arptables(mut self, on: bool) -> Self {
        self.options.nf_call_arptables = Some(on);
        self
    }
}
