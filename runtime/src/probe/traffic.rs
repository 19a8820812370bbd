//! Descriptions of packets: what is served, filtered, dropped or looked for.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use netns_test_topology::Cidr;

/// A protocol that probes and descriptions of traffic name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Every packet.
    Any,
    /// ARP ([RFC 826](https://www.rfc-editor.org/rfc/rfc826)).
    Arp,
    /// IPv6 neighbour discovery's solicitations and advertisements of neighbours.
    Ndp,
    /// ICMP and ICMPv6, without neighbour and multicast-listener discovery.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// Whether its packets are either requests or replies.
    pub fn has_requests(self) -> bool {
        matches!(self, Self::Arp | Self::Ndp | Self::Icmp)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Arp => "arp",
            Self::Ndp => "ndp",
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A description of packets, such as `tcp(443).from("10.0.0.0/24")`.
///
/// A port is the destination's; [`Traffic::source_port`] names the other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    pub(crate) protocol: Protocol,
    pub(crate) port: Option<u16>,
    pub(crate) source_port: Option<u16>,
    pub(crate) from: Option<Cidr>,
    pub(crate) to: Option<Cidr>,
    pub(crate) part: Option<Part>,
}

/// One half of a question-and-answer protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Requests,
    Replies,
}

/// ICMP and ICMPv6: echoes and errors, but not neighbour or multicast-listener discovery.
pub fn icmp() -> Traffic {
    Traffic::new(Protocol::Icmp)
}

/// ARP requests and replies.
pub fn arp() -> Traffic {
    Traffic::new(Protocol::Arp)
}

/// Neighbour solicitations and advertisements of IPv6.
pub fn ndp() -> Traffic {
    Traffic::new(Protocol::Ndp)
}

/// Every packet.
pub fn any() -> Traffic {
    Traffic::new(Protocol::Any)
}

impl Traffic {
    pub(crate) const fn new(protocol: Protocol) -> Self {
        Self { protocol, port: None, source_port: None, from: None, to: None, part: None }
    }

    pub(crate) const fn with_port(protocol: Protocol, port: u16) -> Self {
        let mut traffic = Self::new(protocol);
        traffic.port = Some(port);
        traffic
    }

    /// Narrows it to packets from this address or network; in ARP, from this sender.
    ///
    /// # Panics
    ///
    /// If a text is neither an address nor a network.
    #[must_use]
    #[track_caller]
    pub fn from(mut self, network: impl IntoNetwork) -> Self {
        self.from = Some(network.into_network());
        self
    }

    /// Narrows it to packets to this address or network; in ARP, asking for this address.
    ///
    /// # Panics
    ///
    /// If a text is neither an address nor a network.
    #[must_use]
    #[track_caller]
    pub fn to(mut self, network: impl IntoNetwork) -> Self {
        self.to = Some(network.into_network());
        self
    }

    /// Narrows it to packets from this port.
    ///
    /// # Panics
    ///
    /// If the protocol has no ports: it has to be that of [`tcp`](super::tcp) or [`udp`](super::udp).
    #[must_use]
    #[track_caller]
    pub fn source_port(mut self, port: u16) -> Self {
        let protocol = self.protocol;
        assert!(
            matches!(protocol, Protocol::Tcp | Protocol::Udp),
            "`{protocol}` packets have no ports (help: narrow `tcp(port)` or `udp(port)`)"
        );
        self.source_port = Some(port);
        self
    }

    /// Narrows it to questions: echo requests, ARP requests, neighbour solicitations.
    ///
    /// # Panics
    ///
    /// If the protocol does not tell questions from answers: it has to be that of [`icmp`], [`arp`] or [`ndp`].
    #[must_use]
    #[track_caller]
    pub fn requests(self) -> Self {
        self.narrowed_to(Part::Requests)
    }

    /// Narrows it to answers: echo replies, ARP replies, neighbour advertisements.
    ///
    /// # Panics
    ///
    /// As [`Traffic::requests`].
    #[must_use]
    #[track_caller]
    pub fn replies(self) -> Self {
        self.narrowed_to(Part::Replies)
    }

    #[track_caller]
    fn narrowed_to(mut self, part: Part) -> Self {
        let protocol = self.protocol;
        assert!(
            protocol.has_requests(),
            "`{protocol}` packets are neither requests nor replies (help: say by `from` and `to` who sends them)"
        );
        self.part = Some(part);
        self
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The destination port, if it was given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The source port, if it was given.
    pub fn port_of_source(&self) -> Option<u16> {
        self.source_port
    }

    /// The network packets come from, if it was given.
    pub fn source(&self) -> Option<Cidr> {
        self.from
    }

    /// The network packets go to, if it was given.
    pub fn destination(&self) -> Option<Cidr> {
        self.to
    }

    /// Whether it was narrowed to requests or to replies, which only an instrument can tell apart.
    pub fn is_partial(&self) -> bool {
        self.part.is_some()
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.protocol.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, " port {port}")?;
        }
        match self.part {
            Some(Part::Requests) => f.write_str(" requests")?,
            Some(Part::Replies) => f.write_str(" replies")?,
            None => {}
        }
        if let Some(from) = self.from {
            write!(f, " from {}", Network(from))?;
        }
        if let Some(port) = self.source_port {
            write!(f, " from port {port}")?;
        }
        self.to.map_or(Ok(()), |to| write!(f, " to {}", Network(to)))
    }
}

/// A network as a reader wants it: a single host without its prefix.
struct Network(Cidr);

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Cidr::host(self.0.addr()) { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

/// What can name an address or a network: addresses, `Cidr`, and text.
#[diagnostic::on_unimplemented(message = "expected an address or a network, such as `\"10.0.0.0/24\"`")]
pub trait IntoNetwork {
    /// The network.
    ///
    /// # Panics
    ///
    /// If a text is neither an address nor a network.
    fn into_network(self) -> Cidr;
}

impl IntoNetwork for Cidr {
    fn into_network(self) -> Cidr {
        self
    }
}

impl IntoNetwork for IpAddr {
    fn into_network(self) -> Cidr {
        Cidr::host(self)
    }
}

impl IntoNetwork for Ipv4Addr {
    fn into_network(self) -> Cidr {
        Cidr::host(self.into())
    }
}

impl IntoNetwork for Ipv6Addr {
    fn into_network(self) -> Cidr {
        Cidr::host(self.into())
    }
}

impl IntoNetwork for &str {
    #[track_caller]
    fn into_network(self) -> Cidr {
        let parsed = self.parse::<IpAddr>().map(Cidr::host).ok().or_else(|| self.parse::<Cidr>().ok());
        match parsed {
            Some(network) => network,
            None => panic!("`{self}` is neither an address nor a network, such as `10.0.0.0/24`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_reads_like_one() {
        let traffic = Traffic::with_port(Protocol::Tcp, 443).from("10.0.0.0/24").to("192.0.2.1");
        assert_eq!(traffic.to_string(), "tcp port 443 from 10.0.0.0/24 to 192.0.2.1");
        assert_eq!(icmp().requests().from("::1").to_string(), "icmp requests from ::1");
    }

    #[test]
    #[should_panic(expected = "`10.0.0` is neither an address nor a network")]
    fn a_wrong_network_is_refused() {
        let _ = icmp().from("10.0.0");
    }

    #[test]
    #[should_panic(expected = "`tcp` packets are neither requests nor replies (help: say by `from` and `to`")]
    fn tcp_is_not_narrowed_to_replies() {
        let _ = Traffic::with_port(Protocol::Tcp, 80).replies();
    }

    #[test]
    #[should_panic(expected = "`icmp` packets have no ports (help: narrow `tcp(port)` or `udp(port)`)")]
    fn icmp_is_not_narrowed_to_a_port() {
        let _ = icmp().source_port(7);
    }
}
