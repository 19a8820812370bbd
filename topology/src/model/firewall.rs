use std::{net::IpAddr, ops::RangeInclusive};

use super::{Cidr, IfName, InvalidValue};

/// A base chain: rules at a netfilter hook, and the policy for packets that no rule decides ([nft(8)]).
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Which packets come by.
    pub family: Family,
    /// Where on their way.
    pub hook: Hook,
    /// What the chain is for.
    pub kind: ChainKind,
    /// The order among chains at the same hook.
    pub priority: Priority,
    /// What happens to a packet that no rule decides.
    pub policy: Policy,
    /// The rules, first match first.
    pub rules: Vec<FirewallRule>,
}

impl Chain {
    /// The name of the nftables tables that hold the chains of a node, one for each family in use.
    pub const TABLE: &str = "netns-test";

    /// Its name in nftables: the hook, `-nat` for a NAT chain, and the priority unless it is the usual one.
    ///
    /// ```
    /// use netns_test_topology::{Chain, ChainKind, Family, Hook, Policy, Priority};
    ///
    /// let (family, hook, kind) = (Family::Inet, Hook::Forward, ChainKind::Filter);
    /// let chain = Chain { family, hook, kind, priority: Priority(-300), policy: Policy::Accept, rules: Vec::new() };
    /// assert_eq!(chain.name(), "forward.-300");
    /// assert_eq!(Chain { priority: Priority::usual(family, hook, kind), ..chain }.name(), "forward");
    /// ```
    pub fn name(&self) -> String {
        let nat = if self.kind == ChainKind::Nat { "-nat" } else { "" };
        let name = format!("{}{nat}", self.hook);
        if self.priority == Priority::usual(self.family, self.hook, self.kind) {
            name
        } else {
            format!("{name}.{}", self.priority.0)
        }
    }
}

/// The protocol family of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4 and IPv6.
    Inet,
    /// IPv4 alone.
    Ip,
    /// IPv6 alone.
    Ip6,
    /// Frames that a bridge forwards.
    Bridge,
}

/// A netfilter hook: a place on a packet's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// All that comes in, before routing.
    Prerouting,
    /// What is for the node itself.
    Input,
    /// What the node sends on.
    Forward,
    /// What the node itself sends.
    Output,
    /// All that goes out, after routing.
    Postrouting,
}

/// What a chain is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainKind {
    /// Accepting, dropping and rejecting.
    Filter,
    /// Address translation: sees the first packet of each connection.
    Nat,
}

/// The order among chains at one hook, lower first, in netfilter's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub i32);

impl Priority {
    /// Filtering: 0, and -200 in the bridge family.
    pub fn filter(family: Family) -> Self {
        Self(if family == Family::Bridge { -200 } else { 0 })
    }

    /// That of filtering, or of destination NAT where packets come in, or of source NAT where they go out.
    pub fn usual(family: Family, hook: Hook, kind: ChainKind) -> Self {
        match (kind, hook) {
            (ChainKind::Filter, _) => Self::filter(family),
            (ChainKind::Nat, Hook::Prerouting | Hook::Output) => Self::DSTNAT,
            (ChainKind::Nat, _) => Self::SRCNAT,
        }
    }

    /// Destination NAT: -100.
    pub const DSTNAT: Priority = Priority(-100);
    /// Source NAT: 100.
    pub const SRCNAT: Priority = Priority(100);
}

/// What happens to a packet that no rule of a chain decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Policy {
    /// It goes on.
    #[default]
    Accept,
    /// It is discarded in silence.
    Drop,
}

/// A rule: which packets, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallRule {
    /// Which packets it takes.
    pub matches: Match,
    /// What it does with them; `None` counts only.
    pub verdict: Option<Verdict>,
    /// The named counter of the node that it adds to.
    pub counter: Option<String>,
    /// A remark that listings and reports show, up to 128 bytes.
    pub comment: Option<String>,
}

impl FirewallRule {
    /// A rule with a verdict.
    pub fn new(matches: Match, verdict: Verdict) -> Self {
        Self { matches, verdict: Some(verdict), counter: None, comment: None }
    }
}

/// Which packets a rule takes; everything that is set must hold, and nothing set takes every packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Packets from this network.
    pub from: Option<Cidr>,
    /// Packets not from this network.
    pub not_from: Option<Cidr>,
    /// Packets to this network.
    pub to: Option<Cidr>,
    /// Packets not to this network.
    pub not_to: Option<Cidr>,
    /// Packets that came in by this interface.
    pub input: Option<IfName>,
    /// Packets that did not come in by this interface.
    pub not_input: Option<IfName>,
    /// Packets that go out by this interface.
    pub output: Option<IfName>,
    /// Packets that do not go out by this interface.
    pub not_output: Option<IfName>,
    /// Packets of this protocol.
    pub protocol: Option<Protocol>,
    /// Packets from these ports; needs [`Protocol::Tcp`] or [`Protocol::Udp`].
    pub source_port: Option<PortRange>,
    /// Packets to these ports; needs [`Protocol::Tcp`] or [`Protocol::Udp`].
    pub port: Option<PortRange>,
    /// Packets whose connection is in one of these states; empty takes all.
    pub states: Vec<ConnState>,
    /// Frames of this EtherType (bridge family), such as 0x0806 for ARP.
    pub ethertype: Option<u16>,
    /// One of every so many packets that all else takes.
    pub nth: Option<Nth>,
}

/// One of every so many packets: what they are counted by is the rule's own, and begins with 0.
///
/// In a NAT chain, which sees the first packet of each connection, it is one of so many connections: rules with a
/// destination each, the last without this, spread them over several servers. In a filter chain it loses packets by
/// count, the same ones in each run. It is `numgen inc` of [nft(8)] and `--mode nth` of [iptables-extensions(8)].
///
/// ```
/// use netns_test_topology::{Match, Nth};
///
/// let nth = Nth::new(3, 0)?;
/// assert_eq!((nth.every(), nth.packet()), (3, 0));
/// assert_eq!(Match::any().nth(nth).drop().build()?.to_string(), "numgen inc mod 3 0 drop");
/// assert!(Nth::new(3, 3).is_err());
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
/// [iptables-extensions(8)]: https://man7.org/linux/man-pages/man8/iptables-extensions.8.html
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nth {
    every: u32,
    packet: u32,
}

impl Nth {
    /// Takes the packet of that number, counted from 0, of every so many.
    ///
    /// # Errors
    ///
    /// If no packet has that number: it must be smaller than `every`.
    pub fn new(every: u32, packet: u32) -> Result<Self, InvalidValue> {
        if packet < every {
            return Ok(Self { every, packet });
        }
        let error = InvalidValue::new(format!("no packet of every {every} has the number {packet}"));
        Err(error.help("the first is 0, and the last one less than how many there are"))
    }

    /// How many packets a round has.
    pub fn every(self) -> u32 {
        self.every
    }

    /// Which one of them it takes, counted from 0.
    pub fn packet(self) -> u32 {
        self.packet
    }
}

/// A transport or control protocol, by its number in the IP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// ICMP for IPv4, 1.
    Icmp,
    /// TCP, 6.
    Tcp,
    /// UDP, 17.
    Udp,
    /// ICMP for IPv6, 58.
    Icmpv6,
    /// Any other, by number.
    Other(u8),
}

impl Protocol {
    /// The number ([IANA]).
    ///
    /// [IANA]: https://www.iana.org/assignments/protocol-numbers
    pub fn number(self) -> u8 {
        match self {
            Protocol::Icmp => 1,
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Icmpv6 => 58,
            Protocol::Other(number) => number,
        }
    }
}

/// A range of ports, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRange(pub RangeInclusive<u16>);

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        Self(port..=port)
    }
}

impl From<RangeInclusive<u16>> for PortRange {
    fn from(ports: RangeInclusive<u16>) -> Self {
        Self(ports)
    }
}

/// The state that connection tracking gives a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnState {
    /// It belongs to no connection.
    Invalid,
    /// It begins one.
    New,
    /// It belongs to one that has seen packets both ways.
    Established,
    /// It begins one that belongs to another, or is an ICMP error about one.
    Related,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Lets it go on to the next hook.
    Accept,
    /// Discards it in silence.
    Drop,
    /// Discards it and says so to its sender.
    Reject(Reject),
    /// Gives it the address of the interface it leaves by ([RFC 3022]); NAT chains at postrouting.
    ///
    /// [RFC 3022]: https://www.rfc-editor.org/rfc/rfc3022
    Masquerade,
    /// Gives it this source address, and a port of this range if any; NAT chains at postrouting or input.
    Snat {
        /// The new source address.
        to: IpAddr,
        /// The new source ports.
        ports: Option<PortRange>,
    },
    /// Gives it this destination; NAT chains at prerouting or output.
    Dnat {
        /// The new destination address.
        to: IpAddr,
        /// The new destination port; the old one if `None`.
        port: Option<u16>,
    },
}

/// How a rejected packet's sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reject {
    /// ICMP port unreachable (netfilter's default).
    #[default]
    Port,
    /// ICMP host unreachable (IPv6: address unreachable).
    Host,
    /// ICMP network unreachable (IPv6: no route).
    Network,
    /// ICMP communication administratively prohibited.
    AdminProhibited,
    /// A TCP segment with RST; needs [`Protocol::Tcp`].
    TcpReset,
}
