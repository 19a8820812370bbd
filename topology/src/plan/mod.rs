//! A topology as an ordered list of kernel steps: pure, deterministic, comparable.

mod firewall;
mod indexes;
mod order;
mod overlay;
mod profile;
mod state;
mod text;

use std::time::Duration;

pub(crate) use state::States;

pub use firewall::{FirewallTable, firewall_tables};

use crate::{
    BridgeOptions, Chain, Cidr, Departure, FdbEntry, IfName, Mac, Macvlan, Neighbour, NodeName, Role, Route, Rule,
    Sysctl, Topology, Vxlan,
};

/// The kernel steps that build a network, in an order in which each step finds what it needs.
///
/// Its display form has one readable line a step, fit for snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

impl Plan {
    /// Plans a topology. The same topology always gives the same plan.
    pub fn of(topology: &Topology) -> Self {
        Self { steps: order::steps(topology) }
    }

    /// The steps, first to last.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Topology {
    /// Plans this topology; see [`Plan::of`].
    pub fn plan(&self) -> Plan {
        Plan::of(self)
    }
}

/// One change of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The node whose kernel state it changes; for a cable, the node of its first end.
    pub node: NodeName,
    /// What is done.
    pub action: Action,
    /// The departure from the kernel's defaults that asked for it, if one did.
    pub departure: Option<Departure>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Makes the node: a network and a mount namespace.
    CreateNode {
        /// What it stands for.
        role: Role,
    },
    /// Sets a kernel setting of the node.
    ///
    /// Changes nothing where a new namespace already has the value: the profile's settings guard against a host
    /// whose own values new namespaces inherit.
    SetSysctl(Sysctl),
    /// Makes a bridge, down.
    CreateBridge {
        /// Its name.
        name: IfName,
        /// Its Ethernet address.
        mac: Option<Mac>,
        /// Its settings; what is `None` keeps the kernel's default.
        options: BridgeOptions,
    },
    /// Makes a cable with each end in its place; both ends are down afterwards.
    CreateVeth {
        /// The end in the step's node.
        end: VethEnd,
        /// The node of the other end; may be the same.
        peer_node: NodeName,
        /// The other end.
        peer: VethEnd,
    },
    /// Makes a VXLAN device, down.
    CreateVxlan {
        /// Its name.
        name: IfName,
        /// Its Ethernet address.
        mac: Option<Mac>,
        /// Its MTU in bytes.
        mtu: Option<u32>,
        /// Its settings, among them the node that carries it.
        vxlan: Vxlan,
    },
    /// Makes a macvlan interface, down.
    CreateMacvlan {
        /// Its name.
        name: IfName,
        /// Its Ethernet address.
        mac: Option<Mac>,
        /// Its MTU in bytes.
        mtu: Option<u32>,
        /// Its parent and mode.
        macvlan: Macvlan,
    },
    /// Makes an interface a port of a bridge of the same node.
    SetMaster {
        /// The port.
        interface: IfName,
        /// The bridge.
        master: IfName,
    },
    /// Sets the MTU, in bytes, of `lo` or a bridge; ends of a cable are made with theirs.
    ///
    /// A bridge forgets the MTU it was created with as soon as it gets a port, and keeps one that was set.
    SetMtu {
        /// The interface.
        interface: IfName,
        /// The MTU.
        mtu: u32,
    },
    /// Sets how an interface asks for the link addresses of its neighbours, for one family (`RTM_SETNEIGHTBL`).
    ///
    /// A namespace other than the first has no defaults of its own for these (`net.ipv4.neigh.default` is missing).
    SetNeighbourTimers {
        /// The interface.
        interface: IfName,
        /// IPv6 (the `ndisc_cache`) instead of IPv4 (the `arp_cache`).
        v6: bool,
        /// The values.
        timers: NeighbourTimers,
    },
    /// Adds an address.
    AddAddress {
        /// The interface.
        interface: IfName,
        /// The address with its prefix.
        address: Cidr,
        /// Skips duplicate address detection (`IFA_F_NODAD`).
        no_dad: bool,
    },
    /// Sets an interface up.
    SetUp {
        /// The interface.
        interface: IfName,
    },
    /// Adds a permanent neighbour entry.
    AddNeighbour(Neighbour),
    /// Adds a forwarding entry to a VXLAN device or a bridge.
    AddFdb(FdbEntry),
    /// Waits until the interface has the state that this plan gives it.
    AwaitLink {
        /// The interface.
        interface: IfName,
        /// The state to wait for.
        state: LinkState,
        /// How long the kernel takes by design: zero, but twice the forward delay for a bridge with STP.
        delay: Duration,
    },
    /// Waits until an IPv6 address has passed duplicate address detection, because a route prefers it as source.
    AwaitAddress {
        /// The address.
        address: std::net::Ipv6Addr,
    },
    /// Adds a route.
    AddRoute(Route),
    /// Adds a policy routing rule.
    AddRule(Rule),
    /// Tells programs on the node whom to ask for names: `/etc/resolv.conf` ([resolv.conf(5)]).
    ///
    /// [resolv.conf(5)]: https://man7.org/linux/man-pages/man5/resolv.conf.5.html
    SetNameServers(Vec<std::net::IpAddr>),
    /// Loads the firewall, in one transaction.
    SetFirewall {
        /// Base chains with their rules.
        chains: Vec<Chain>,
        /// Named counters.
        counters: Vec<String>,
    },
}

/// One end of a cable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VethEnd {
    /// The interface's name.
    pub name: IfName,
    /// Its Ethernet address; chosen by the kernel if `None`.
    pub mac: Option<Mac>,
    /// Its MTU in bytes.
    pub mtu: Option<u32>,
    /// Its interface index; chosen by the kernel if `None`. The kernel honours the peer's only if both are given.
    pub index: Option<u32>,
}

/// How an interface asks for its neighbours' link addresses ([arp(7)]).
///
/// [arp(7)]: https://man7.org/linux/man-pages/man7/arp.7.html
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighbourTimers {
    /// The time between two requests (`retrans_time_ms`, `NDTPA_RETRANS_TIME`), rounded up to the kernel's tick.
    pub retransmit: Duration,
    /// How many requests are broadcast or multicast before an address counts as failed (`mcast_solicit`).
    pub multicast_probes: u32,
    /// How many requests go to a known but unconfirmed link address (`ucast_solicit`).
    pub unicast_probes: u32,
    /// How long the answer for an address that is proxied (`proxy_arp`, `proxy_ndp`) may be put off (`proxy_delay`).
    pub proxy_delay: Duration,
}

impl NeighbourTimers {
    /// A failure after about 50 ms: one request each. A proxy answers at once, or it would come too late.
    pub const SHORT: Self = Self {
        retransmit: Duration::from_millis(50),
        multicast_probes: 1,
        unicast_probes: 1,
        proxy_delay: Duration::ZERO,
    };
    /// The kernel's own values: three requests, a second apart.
    pub const KERNEL: Self = Self {
        retransmit: Duration::from_secs(1),
        multicast_probes: 3,
        unicast_probes: 3,
        proxy_delay: Duration::from_millis(800),
    };
}

/// The state of a link that its plan implies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// Up with a carrier, and able to send and receive: operational state UP (UNKNOWN for lo and bare bridges).
    Running,
    /// Up without a carrier: the far end is down, or a bridge has no running port.
    NoCarrier,
    /// Administratively down.
    Down,
}
