//! A captured frame, taken apart.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
    time::SystemTime,
};

use netns_test_topology::Mac;
use pnet::packet::{
    arp::{ArpOperation, ArpOperations, ArpPacket},
    ethernet::{EtherType, EtherTypes, EthernetPacket},
    icmp::IcmpPacket,
    icmpv6::Icmpv6Packet,
    ip::{IpNextHeaderProtocol, IpNextHeaderProtocols},
    ipv4::{Ipv4Flags, Ipv4Packet},
    ipv6::Ipv6Packet,
    tcp::TcpPacket,
    udp::UdpPacket,
    vxlan::VxlanPacket,
};
use pnet::util::MacAddr;

/// Which way a frame passed an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The interface received it.
    In,
    /// The interface sent it.
    Out,
}

/// A frame that passed an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet {
    /// When it passed, by the kernel's clock.
    pub time: SystemTime,
    /// The index of the interface.
    pub interface: u32,
    /// Which way it went.
    pub direction: Direction,
    /// The frame's length in bytes; an offloaded one is longer than the MTU.
    pub length: usize,
    /// The Ethernet header, if the interface has one.
    pub ethernet: Option<Ethernet>,
    /// What it carries.
    pub body: Body,
    bytes: Vec<u8>,
    payload: Range<usize>,
}

/// An Ethernet header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ethernet {
    /// From whom.
    pub source: Mac,
    /// To whom.
    pub destination: Mac,
    /// The EtherType.
    pub kind: u16,
}

/// What a frame carries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// ARP for IPv4 over Ethernet.
    Arp(Arp),
    /// IPv4 or IPv6.
    Ip(Ip),
    /// Something else, or too short to be what it says; its EtherType.
    Other(u16),
}

/// An ARP packet ([RFC 826](https://www.rfc-editor.org/rfc/rfc826)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arp {
    /// 1 for a request, 2 for a reply.
    pub operation: u16,
    /// Who speaks.
    pub sender_mac: Mac,
    /// The address the speaker claims.
    pub sender: Ipv4Addr,
    /// Who is spoken to; all zero in a request.
    pub target_mac: Mac,
    /// The address asked for, or the asker's.
    pub target: Ipv4Addr,
}

/// An IPv4 or IPv6 packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ip {
    /// From whom.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// The TTL or hop limit.
    pub ttl: u8,
    /// The protocol number of what it carries, past the extension headers of IPv6.
    pub protocol: u8,
    /// The packet's length in bytes, its own header included.
    pub length: usize,
    /// The don't-fragment flag; never set in IPv6.
    pub dont_fragment: bool,
    /// What it carries.
    pub transport: Transport,
}

/// A frame in a tunnel: a VXLAN header ([RFC 7348](https://www.rfc-editor.org/rfc/rfc7348)) and what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encapsulated {
    /// The number of the overlay network (VNI).
    pub id: u32,
    /// The flags; 0x08 says that the number counts.
    pub flags: u8,
    /// The frame, with the time, interface and direction of the packet that carried it.
    pub frame: Packet,
}

/// What an IP packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// ICMP or ICMPv6.
    Icmp {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// The identifier of an echo.
        id: u16,
        /// The sequence number of an echo.
        sequence: u16,
        /// The address asked about, in neighbour discovery.
        neighbour: Option<Ipv6Addr>,
    },
    /// TCP.
    Tcp {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
        /// The flags, FIN the lowest bit.
        flags: u8,
    },
    /// UDP.
    Udp {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
    },
    /// A fragment other than the first.
    Fragment,
    /// Another protocol, or too short to be what it says.
    Other,
}

impl Packet {
    /// Takes a frame apart; `ether` says whether it begins with an Ethernet header, `kind` what it carries otherwise.
    pub(crate) fn parse(
        time: SystemTime,
        interface: u32,
        direction: Direction,
        length: usize,
        bytes: Vec<u8>,
        ether: bool,
        kind: u16,
    ) -> Self {
        let header = if ether { EthernetPacket::new(&bytes) } else { None };
        let ethernet = header.map(|eth| Ethernet {
            source: mac(eth.get_source()),
            destination: mac(eth.get_destination()),
            kind: eth.get_ethertype().0,
        });
        let start = if ethernet.is_some() { EthernetPacket::minimum_packet_size() } else { 0 };
        let kind = ethernet.map_or(kind, |e| e.kind);
        let (body, payload) = body(EtherType(kind), &bytes, start);
        Self { time, interface, direction, length, ethernet, body, bytes, payload }
    }

    /// The whole frame; at most 65,600 bytes of it are kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What follows the innermost header that was understood.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.payload.clone()]
    }

    /// The IP packet in it.
    pub fn ip(&self) -> Option<&Ip> {
        match &self.body {
            Body::Ip(ip) => Some(ip),
            _ => None,
        }
    }

    /// The ARP packet in it.
    pub fn arp(&self) -> Option<&Arp> {
        match &self.body {
            Body::Arp(arp) => Some(arp),
            _ => None,
        }
    }

    /// The source of the IP packet, or the sender of the ARP packet, in it.
    pub fn source(&self) -> Option<IpAddr> {
        match &self.body {
            Body::Ip(ip) => Some(ip.source),
            Body::Arp(arp) => Some(arp.sender.into()),
            Body::Other(_) => None,
        }
    }

    /// The destination of the IP packet, or the address that the ARP packet is about.
    pub fn destination(&self) -> Option<IpAddr> {
        match &self.body {
            Body::Ip(ip) => Some(ip.destination),
            Body::Arp(arp) => Some(arp.target.into()),
            Body::Other(_) => None,
        }
    }

    /// The TTL or hop limit.
    pub fn ttl(&self) -> Option<u8> {
        self.ip().map(|ip| ip.ttl)
    }

    /// The frame in it, if it is a VXLAN packet: UDP to port 4789, or to 8472, the kernel's own.
    ///
    /// ```no_run
    /// # use netns_test_runtime::{capture::Listener, probe::{icmp, udp}};
    /// # fn f(underlay: Listener) {
    /// let carried = underlay.saw(udp(4789)).vxlan().expect("a whole frame");
    /// assert_eq!((carried.id, carried.frame.destination()), (42, "10.99.0.2".parse().ok()));
    /// # }
    /// ```
    pub fn vxlan(&self) -> Option<Encapsulated> {
        let Transport::Udp { destination: 4789 | 8472, .. } = self.ip()?.transport else { return None };
        let header = VxlanPacket::new(self.payload())?;
        let inner = self.payload().get(VxlanPacket::minimum_packet_size()..)?.to_vec();
        let length = inner.len();
        let frame = Packet::parse(self.time, self.interface, self.direction, length, inner, true, 0);
        frame.ethernet?;
        Some(Encapsulated { id: header.get_vni(), flags: header.get_flags(), frame })
    }

    /// Whether a node asks for a neighbour's MAC, by ARP or by neighbour discovery (not for an address of its own).
    pub(crate) fn is_solicitation(&self) -> bool {
        match &self.body {
            Body::Arp(arp) => arp.operation == 1,
            Body::Ip(Ip { source, transport: Transport::Icmp { neighbour: Some(_), kind: 135, .. }, .. }) => {
                !source.is_unspecified()
            }
            _ => false,
        }
    }
}

fn body(kind: EtherType, bytes: &[u8], start: usize) -> (Body, Range<usize>) {
    let rest = &bytes[start..];
    let parsed = match kind {
        EtherTypes::Arp => arp(rest).map(|arp| (Body::Arp(arp), ArpPacket::minimum_packet_size()..rest.len())),
        EtherTypes::Ipv4 => ipv4(rest).map(|(ip, payload)| (Body::Ip(ip), payload)),
        EtherTypes::Ipv6 => ipv6(rest).map(|(ip, payload)| (Body::Ip(ip), payload)),
        _ => None,
    };
    let (body, payload) = parsed.unwrap_or((Body::Other(kind.0), 0..rest.len()));
    (body, start + payload.start..start + payload.end)
}

fn arp(bytes: &[u8]) -> Option<Arp> {
    let arp = ArpPacket::new(bytes)?;
    // pnet reads every ARP packet as one for IPv4 over Ethernet.
    if (arp.get_hw_addr_len(), arp.get_proto_addr_len()) != (6, 4) {
        return None;
    }
    let ArpOperation(operation) = arp.get_operation();
    debug_assert_eq!(ArpOperations::Request.0, 1);
    Some(Arp {
        operation,
        sender_mac: mac(arp.get_sender_hw_addr()),
        sender: arp.get_sender_proto_addr(),
        target_mac: mac(arp.get_target_hw_addr()),
        target: arp.get_target_proto_addr(),
    })
}

fn ipv4(bytes: &[u8]) -> Option<(Ip, Range<usize>)> {
    let ip = Ipv4Packet::new(bytes)?;
    let header = usize::from(ip.get_header_length()) * 4;
    let length = usize::from(ip.get_total_length());
    // An offloaded frame of more than 65,535 bytes says 0.
    let end = if length < header { bytes.len() } else { length.min(bytes.len()) };
    if header < Ipv4Packet::minimum_packet_size() || header > end {
        return None;
    }
    let protocol = ip.get_next_level_protocol();
    let (transport, used) = match ip.get_fragment_offset() {
        0 => transport(protocol, &bytes[header..end]),
        _ => (Transport::Fragment, 0),
    };
    let parsed = Ip {
        source: ip.get_source().into(),
        destination: ip.get_destination().into(),
        ttl: ip.get_ttl(),
        protocol: protocol.0,
        length: end,
        dont_fragment: ip.get_flags() & Ipv4Flags::DontFragment != 0,
        transport,
    };
    Some((parsed, header + used..end))
}

fn ipv6(bytes: &[u8]) -> Option<(Ip, Range<usize>)> {
    let ip = Ipv6Packet::new(bytes)?;
    let mut at = Ipv6Packet::minimum_packet_size();
    let length = usize::from(ip.get_payload_length());
    let end = if length == 0 { bytes.len() } else { (at + length).min(bytes.len()) };
    let mut protocol = ip.get_next_header();
    let mut later = false;
    // Hop-by-hop options, routing, destination options: next header, length in units of 8 bytes beyond the first 8.
    while matches!(protocol.0, 0 | 43 | 44 | 60) && end >= at + 8 {
        let fragment = protocol.0 == 44;
        later |= fragment && u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]) >> 3 != 0;
        protocol = IpNextHeaderProtocol(bytes[at]);
        at += if fragment { 8 } else { 8 + usize::from(bytes[at + 1]) * 8 };
    }
    let at = at.min(end);
    let (transport, used) = if later { (Transport::Fragment, 0) } else { transport(protocol, &bytes[at..end]) };
    let parsed = Ip {
        source: ip.get_source().into(),
        destination: ip.get_destination().into(),
        ttl: ip.get_hop_limit(),
        protocol: protocol.0,
        length: end,
        dont_fragment: false,
        transport,
    };
    Some((parsed, at + used..end))
}

/// The transport header, and how many bytes of it are not payload.
fn transport(protocol: IpNextHeaderProtocol, bytes: &[u8]) -> (Transport, usize) {
    let word = |at: usize| bytes.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    let parsed = match protocol {
        IpNextHeaderProtocols::Icmp => IcmpPacket::new(bytes).map(|icmp| {
            let (kind, code) = (icmp.get_icmp_type().0, icmp.get_icmp_code().0);
            (Transport::Icmp { kind, code, id: word(4), sequence: word(6), neighbour: None }, 8)
        }),
        IpNextHeaderProtocols::Icmpv6 => Icmpv6Packet::new(bytes).map(|icmp| {
            let (kind, code) = (icmp.get_icmpv6_type().0, icmp.get_icmpv6_code().0);
            let neighbour = matches!(kind, 135 | 136).then(|| bytes.get(8..24)).flatten();
            let neighbour = neighbour.and_then(|b| <[u8; 16]>::try_from(b).ok()).map(Ipv6Addr::from);
            (Transport::Icmp { kind, code, id: word(4), sequence: word(6), neighbour }, 8)
        }),
        IpNextHeaderProtocols::Tcp => TcpPacket::new(bytes).map(|tcp| {
            let header = usize::from(tcp.get_data_offset()) * 4;
            let (source, destination, flags) = (tcp.get_source(), tcp.get_destination(), tcp.get_flags());
            (Transport::Tcp { source, destination, flags }, header)
        }),
        IpNextHeaderProtocols::Udp => UdpPacket::new(bytes)
            .map(|udp| (Transport::Udp { source: udp.get_source(), destination: udp.get_destination() }, 8)),
        _ => None,
    };
    let (transport, used) = parsed.unwrap_or((Transport::Other, 0));
    (transport, used.min(bytes.len()))
}

fn mac(addr: MacAddr) -> Mac {
    Mac::new(addr.octets())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(hex: &str) -> Packet {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hex");
        let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
        Packet::parse(SystemTime::UNIX_EPOCH, 2, Direction::In, bytes.len(), bytes, true, 0)
    }

    const ECHO: &str =
        "020000000002 020000000001 0800 4500001e0001400040012697 0a000001 0a000002 0800f7fc00010002 6869";

    #[test]
    fn an_echo_request_is_taken_apart() {
        let packet = parse(ECHO);
        assert_eq!(packet.to_string(), "in 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, ttl 64, length 44");
        assert_eq!(packet.payload(), b"hi");
        assert!(packet.ip().expect("it is IP").dont_fragment);
    }

    #[test]
    fn padding_is_no_payload() {
        let padded = format!("{ECHO} 000000000000000000000000000000");
        assert_eq!(parse(&padded).payload(), b"hi");
    }

    #[test]
    fn an_arp_request_reads_as_tcpdump_prints_it() {
        let packet =
            parse("ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002");
        assert_eq!(packet.to_string(), "in ARP, who-has 10.0.0.2 tell 10.0.0.1, length 42");
        assert!(packet.is_solicitation());
    }

    #[test]
    fn a_frame_in_a_tunnel_is_taken_out() {
        let outer = "020000000004 020000000003 0800 45000052000000004011b6a5 c0000201 c0000202 c000 12b5 003e 0000";
        let packet = parse(&format!("{outer} 08000000 001001 00 {ECHO}"));
        let carried = packet.vxlan().expect("it is VXLAN");
        assert_eq!((carried.id, carried.flags), (4097, 0x08));
        assert_eq!(carried.frame.to_string(), parse(ECHO).to_string());
        assert!(parse(ECHO).vxlan().is_none());
        assert!(parse(outer).vxlan().is_none(), "the frame is cut off");
    }

    #[test]
    fn extension_headers_are_skipped() {
        let packet = parse(
            "333300000016 020000000001 86dd 60000000 0010 00 01 fe800000000000000000000000000001 ff020000000000000000000000000016 \
             3a00050200000100 8f000000 00000000",
        );
        assert!(matches!(packet.ip().map(|ip| &ip.transport), Some(Transport::Icmp { kind: 143, .. })), "{packet:?}");
    }

    #[test]
    fn no_prefix_of_a_frame_makes_the_parser_fail() {
        let whole = parse(ECHO);
        for cut in 0..whole.bytes().len() {
            let bytes = whole.bytes()[..cut].to_vec();
            let packet = Packet::parse(SystemTime::UNIX_EPOCH, 2, Direction::Out, cut, bytes, true, 0);
            assert!(packet.payload().len() <= cut);
        }
    }
}
