//! Which packets are meant.

use std::{fmt, net::IpAddr};

use super::{Body, Packet, Transport};
use crate::probe::{Part, Protocol, Traffic};

/// What tells packets apart: [`Traffic`], or a closure over [`Packet`].
#[diagnostic::on_unimplemented(message = "expected traffic, such as `icmp().from(addr)`, or a closure over a packet")]
pub trait Filter {
    /// Whether this packet is meant.
    fn matches(&self, packet: &Packet) -> bool;

    /// What reports call it.
    fn describe(&self) -> String;
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
        let within = |cidr: Option<netns_test_topology::Cidr>, addr: Option<IpAddr>| {
            cidr.is_none_or(|cidr| addr.is_some_and(|addr| cidr.contains(addr)))
        };
        self.is_of_the_protocol(packet) && within(self.from, packet.source()) && within(self.to, packet.destination())
    }

    fn describe(&self) -> String {
        self.to_string()
    }
}

impl Filter for &Traffic {
    fn matches(&self, packet: &Packet) -> bool {
        (**self).matches(packet)
    }

    fn describe(&self) -> String {
        self.to_string()
    }
}

impl Traffic {
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
