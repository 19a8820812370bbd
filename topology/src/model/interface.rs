use std::{fmt, time::Duration};

use super::{Cidr, IfName, Mac, Macvlan, NodeName, Vxlan};

/// A network interface of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name in the kernel.
    pub name: IfName,
    /// What kind of interface it is.
    pub kind: Kind,
    /// Its addresses, in the order in which they are added.
    pub addresses: Vec<Cidr>,
    /// The Ethernet address; chosen by the kernel if `None`.
    pub mac: Option<Mac>,
    /// The largest packet it sends, in bytes; the kernel's default (1500 for Ethernet) if `None`.
    pub mtu: Option<u32>,
    /// Whether it is set up when the network is built.
    pub up: bool,
    /// The bridge of the same node that it is a port of.
    pub master: Option<IfName>,
}

impl Interface {
    /// An interface without addresses that will be up.
    pub fn new(name: IfName, kind: Kind) -> Self {
        Self { name, kind, addresses: Vec::new(), mac: None, mtu: None, up: true, master: None }
    }
}

/// What kind of interface it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The node's loopback interface, `lo`; it exists in every node.
    Loopback,
    /// One end of a [`Link`]: a virtual cable ([veth(4)]).
    ///
    /// [veth(4)]: https://man7.org/linux/man-pages/man4/veth.4.html
    Veth,
    /// A learning Ethernet bridge ([IEEE 802.1D]); its ports are the interfaces that name it as `master`.
    ///
    /// [IEEE 802.1D]: https://docs.kernel.org/networking/bridge.html
    Bridge(BridgeOptions),
    /// An end of a tunnel that carries Ethernet frames over an IP network ([RFC 7348]).
    ///
    /// [RFC 7348]: https://www.rfc-editor.org/rfc/rfc7348
    Vxlan(Vxlan),
    /// An interface with an Ethernet address of its own on the link of another.
    Macvlan(Macvlan),
}

impl Kind {
    /// Whether it is made on top of interfaces that are there already.
    pub fn is_overlay(&self) -> bool {
        matches!(self, Kind::Vxlan(_) | Kind::Macvlan(_))
    }

    /// The node, if not its own, and the interface that it is made on.
    pub fn lower(&self) -> Option<(Option<&NodeName>, &IfName)> {
        match self {
            Kind::Vxlan(vxlan) => vxlan.dev.as_ref().map(|dev| (vxlan.underlay.as_ref(), dev)),
            Kind::Macvlan(macvlan) => Some((macvlan.parent_node.as_ref(), &macvlan.parent)),
            _ => None,
        }
    }
}

/// The settings of a bridge; `None` leaves the kernel's default of the node's profile. Times are in whole hundredths of
/// a second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BridgeOptions {
    /// The spanning tree protocol; off by default.
    pub stp: Option<bool>,
    /// How long a port listens and learns before it forwards, with STP on. Kernel default: 15 s.
    pub forward_delay: Option<Duration>,
    /// After how long an unseen address is forgotten. Kernel default: 300 s.
    pub ageing: Option<Duration>,
    /// IGMP and MLD snooping. On by default in the kernel, off in the ready profile.
    pub multicast_snooping: Option<bool>,
    /// Whether bridged IPv4 frames pass the `ip` netfilter hooks, for this bridge; OR-ed with the node's
    /// `net.bridge.bridge-nf-call-iptables`.
    pub nf_call_iptables: Option<bool>,
    /// The same for IPv6 frames and the `ip6` hooks.
    pub nf_call_ip6tables: Option<bool>,
    /// The same for ARP frames and the `arp` hooks.
    pub nf_call_arptables: Option<bool>,
}

impl BridgeOptions {
    /// A time in hundredths of a second, in which a bridge keeps its times; `None` if it has none of that length.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use netns_test_topology::BridgeOptions;
    /// assert_eq!(BridgeOptions::hundredths(Duration::from_millis(70)), Some(7));
    /// assert_eq!(BridgeOptions::hundredths(Duration::from_millis(75)), None);
    /// ```
    pub fn hundredths(time: Duration) -> Option<u32> {
        const NANOSECONDS: u128 = 10_000_000;
        let whole = time.as_nanos().is_multiple_of(NANOSECONDS);
        whole.then(|| u32::try_from(time.as_nanos() / NANOSECONDS).ok()).flatten()
    }
}

/// A virtual cable between two interfaces, of two nodes or of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// One end.
    pub a: LinkEnd,
    /// The other end.
    pub b: LinkEnd,
}

/// An end of a [`Link`]: an interface of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkEnd {
    /// The node's name.
    pub node: NodeName,
    /// The interface's name.
    pub interface: IfName,
}

impl fmt::Display for LinkEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.node, self.interface))
    }
}
