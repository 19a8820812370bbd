//! A topology as an ordered list of kernel steps: pure, deterministic, comparable.

use crate::{BridgeOptions, Chain, Cidr, Departure, IfName, Mac, Neighbour, NodeName, Role, Route, Rule, Sysctl};

/// The kernel steps that build a network, in an order in which each step finds what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

impl Plan {
    /// The steps, first to last.
    pub fn steps(&self) -> &[Step] {
        &self.steps
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
    SetSysctl(Sysctl),
    /// Makes a bridge, down.
    CreateBridge {
        /// Its name.
        name: IfName,
        /// Its Ethernet address.
        mac: Option<Mac>,
        /// Its MTU in bytes.
        mtu: Option<u32>,
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
    /// Makes an interface a port of a bridge of the same node.
    SetMaster {
        /// The port.
        interface: IfName,
        /// The bridge.
        master: IfName,
    },
    /// Sets the MTU, in bytes (of `lo`; others are made with theirs).
    SetMtu {
        /// The interface.
        interface: IfName,
        /// The MTU.
        mtu: u32,
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
    /// Waits until the interface has the state that this plan gives it.
    AwaitLink {
        /// The interface.
        interface: IfName,
        /// The state to wait for.
        state: LinkState,
    },
    /// Adds a route.
    AddRoute(Route),
    /// Adds a policy routing rule.
    AddRule(Rule),
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
