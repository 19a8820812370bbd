//! Which packets are meant.

use std::{fmt, net::IpAddr};

use netns_test_topology::Cidr;

use super::{Body, Packet, Transport};
use crate::probe::{Part, Protocol, Traffic};

/// What tells packets apart: [`Traffic`], or a closure over [`Packet`].
#[diagnostic::on_unimplemented(message = "expected traffic, such as `icmp().from(addr)`, or a closure over a packet")]
pub trait Filter {
    /// Whether this packet is meant.
    fn matches(&self, packet: &Packet) -> bool;

    /// What reports call it.
    fn describe(&self) -> String;

    /// The same as a description, if it is one: two of them can be compared.
    fn traffic(&self) -> Option<&Traffic> {
        None
    }
}

impl<F: Fn(&Packet) -> bool> Filter for F {
    fn matches(&self, packet: &Packet) -> bool {
        self(packet)
    }

    fn describe(&self) -> String {
        "packet of the given condition".to_owned()
    }
}

impl Filter for Traffic {
    fn matches(&self, packet: &Packet) -> bool {
        let within = |cidr: Option<Cidr>, addr: Option<IpAddr>| {
            cidr.is_none_or(|cidr| addr.is_some_and(|addr| cidr.contains(addr)))
        };
        self.is_of_the_protocol(packet) && within(self.from, packet.source()) && within(self.to, packet.destination())
    }

    fn describe(&self) -> String {
        self.to_string()
    }

    fn traffic(&self) -> Option<&Traffic> {
        Some(self)
    }
}

impl Filter for &Traffic {
    fn matches(&self, packet: &Packet) -> bool {
        (**self).matches(packet)
    }

    fn describe(&self) -> String {
        self.to_string()
    }

    fn traffic(&self) -> Option<&Traffic> {
        Some(self)
    }
}

impl Traffic {
    /// Whether no packet is of both descriptions.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        let apart =
            |one: Option<Cidr>, other: Option<Cidr>| one.zip(other).is_some_and(|(one, other)| !one.overlaps(&other));
        let is_ipv6 = |traffic: &Self| traffic.from.or(traffic.to).map(|network| network.is_ipv6());
        let any = [self.protocol, other.protocol].contains(&Protocol::Any);
        (!any && self.protocol != other.protocol)
            || differ(self.port, other.port)
            || differ(self.source_port, other.source_port)
            || differ(self.part, other.part)
            || differ(is_ipv6(self), is_ipv6(other))
            || apart(self.from, other.from)
            || apart(self.to, other.to)
    }

    fn is_of_the_protocol(&self, packet: &Packet) -> bool {
        let half = |requests: bool, replies: bool| match self.part {
            None => true,
            Some(Part::Requests) => requests,
            Some(Part::Replies) => replies,
        };
        match (&packet.body, self.protocol) {
            (_, Protocol::Any) => true,
            (Body::Arp(arp), Protocol::Arp) => half(arp.operation == 1, arp.operation == 2),
            (Body::Ip(ip), wanted) => match (&ip.transport, wanted) {
                (Transport::Icmp { kind, .. }, Protocol::Icmp) if ip.source.is_ipv4() => half(*kind == 8, *kind == 0),
                (Transport::Icmp { kind, .. }, Protocol::Icmp) => {
                    !(130..=137).contains(kind) && *kind != 143 && half(*kind == 128, *kind == 129)
                }
                (Transport::Icmp { kind, .. }, Protocol::Ndp) => {
                    ip.source.is_ipv6() && matches!(kind, 135 | 136) && half(*kind == 135, *kind == 136)
                }
                (Transport::Tcp { source, destination, .. }, Protocol::Tcp)
                | (Transport::Udp { source, destination }, Protocol::Udp) => {
                    self.port.is_none_or(|p| p == *destination) && self.source_port.is_none_or(|p| p == *source)
                }
                _ => false,
            },
            _ => false,
        }
    }
}

impl fmt::Debug for dyn Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::{any, arp, icmp, ndp, tcp, udp};

    #[test]
    fn descriptions_contradict_each_other_where_no_packet_is_of_both() {
        let from = |network| icmp().from(network);
        for (one, other) in [
            (icmp(), udp(53)),
            (icmp(), ndp()),
            (udp(53), udp(54)),
            (udp(53).source_port(1), udp(53).source_port(2)),
            (arp().requests(), arp().replies()),
            (from("10.0.0.0/24"), from("10.0.1.0/24")),
            (from("10.0.0.1"), any().from("10.0.0.2")),
            (from("10.0.0.1"), icmp().to("fd00::1")),
        ] {
            assert!(one.contradicts(&other) && other.contradicts(&one), "{one}, {other}");
        }
        for (one, other) in [
            (any(), tcp(80)),
            (any().from("10.0.0.1"), arp()),
            (udp(53), udp(53).source_port(53)),
            (from("10.0.0.0/16"), from("10.0.1.0/24")),
            (from("10.0.0.1"), icmp().to("10.0.0.2")),
            (icmp().requests(), icmp()),
        ] {
            assert!(!one.contradicts(&other) && !other.contradicts(&one), "{one}, {other}");
        }
    }
}
