//! A captured frame in words.

use std::fmt;

use pnet::packet::tcp::TcpFlags;

use super::{Body, Direction, Ip, Packet, Transport};

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.direction == Direction::In { "in" } else { "out" };
        write!(f, "{way} ")?;
        match &self.body {
            Body::Arp(arp) if arp.operation == 1 => {
                write!(f, "ARP, who-has {} tell {}", arp.target, arp.sender)?;
            }
            Body::Arp(arp) if arp.operation == 2 => write!(f, "ARP, {} is-at {}", arp.sender, arp.sender_mac)?,
            Body::Arp(arp) => write!(f, "ARP, operation {} from {}", arp.operation, arp.sender)?,
            Body::Ip(ip) => write!(f, "{ip}, ttl {}", ip.ttl)?,
            Body::Other(kind) => write!(f, "ethertype 0x{kind:04x}")?,
        }
        write!(f, ", length {}", self.length)
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v6 = self.source.is_ipv6();
        match &self.transport {
            Transport::Tcp { source, destination, flags } => {
                let names = [(TcpFlags::SYN, 'S'), (TcpFlags::FIN, 'F'), (TcpFlags::RST, 'R'), (TcpFlags::PSH, 'P')];
                let mut text: String = names.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, c)| *c).collect();
                if flags & TcpFlags::ACK != 0 {
                    text.push('.');
                }
                write!(f, "{}:{source} > {}:{destination}: TCP [{text}]", self.source, self.destination)
            }
            Transport::Udp { source, destination } => {
                write!(f, "{}:{source} > {}:{destination}: UDP", self.source, self.destination)
            }
            Transport::Icmp { kind, code, id, sequence, neighbour } => {
                write!(f, "{} > {}: ", self.source, self.destination)?;
                let icmp = if v6 { "ICMPv6" } else { "ICMP" };
                match (v6, kind, neighbour) {
                    (false, 8, _) | (true, 128, _) => write!(f, "{icmp} echo request, id {id}, seq {sequence}"),
                    (false, 0, _) | (true, 129, _) => write!(f, "{icmp} echo reply, id {id}, seq {sequence}"),
                    (true, 133, _) => write!(f, "{icmp} router solicitation"),
                    (true, 134, _) => write!(f, "{icmp} router advertisement"),
                    (true, 135, Some(who)) => write!(f, "{icmp} neighbour solicitation, who has {who}"),
                    (true, 136, Some(who)) => write!(f, "{icmp} neighbour advertisement, {who} is here"),
                    (true, 130, _) => write!(f, "{icmp} MLD query"),
                    (true, 143, _) => write!(f, "{icmp} MLDv2 report"),
                    (false, 3, _) | (true, 1, _) => write!(f, "{icmp} destination unreachable, code {code}"),
                    (false, 11, _) | (true, 3, _) => write!(f, "{icmp} time exceeded"),
                    (true, 2, _) => write!(f, "{icmp} packet too big"),
                    _ => write!(f, "{icmp} type {kind}, code {code}"),
                }
            }
            Transport::Fragment => write!(f, "{} > {}: fragment", self.source, self.destination),
            Transport::Other => write!(f, "{} > {}: protocol {}", self.source, self.destination, self.protocol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ipv6_says_of_its_own_accord_has_a_name() {
        let told = |kind| {
            let transport = Transport::Icmp { kind, code: 0, id: 0, sequence: 0, neighbour: None };
            let (source, destination) = ("fe80::1".parse().expect("ip"), "ff02::16".parse().expect("ip"));
            Ip { source, destination, ttl: 1, protocol: 58, length: 0, dont_fragment: false, transport }.to_string()
        };
        assert_eq!(told(143), "fe80::1 > ff02::16: ICMPv6 MLDv2 report");
        assert_eq!(told(133), "fe80::1 > ff02::16: ICMPv6 router solicitation");
        assert_eq!(told(200), "fe80::1 > ff02::16: ICMPv6 type 200, code 0");
    }
}
