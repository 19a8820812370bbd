//! Neighbour discovery of IPv6: who answers for an address ([RFC 4861](https://www.rfc-editor.org/rfc/rfc4861)).

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use netns_test_topology::Mac;
use pnet::{
    packet::{
        ethernet::{EtherTypes, MutableEthernetPacket},
        icmpv6::{self, Icmpv6Packet, Icmpv6Types, ndp::MutableNeighborSolicitPacket},
        ip::IpNextHeaderProtocols,
        ipv6::MutableIpv6Packet,
    },
    util::MacAddr,
};

use super::{
    ProbeError,
    arp::{Resolution, ethernet, exchange},
    local,
};
use crate::{
    capture::{Packet, Transport},
    lab::Interface,
    netns::Netns,
};

/// A neighbour solicitation without options.
const SOLICITATION: usize = 24;

/// The option "source link-layer address" of Ethernet.
const OPTION: usize = 8;

/// Asks on an interface who has an address, from the interface's link-local address.
pub(crate) fn solicit(
    netns: &Netns,
    interface: &Interface,
    target: Ipv6Addr,
    within: Duration,
) -> Result<Resolution, ProbeError> {
    let ask = || {
        let (link, mac) = ethernet(interface)?;
        let own =
            local::addresses(Some(interface.name())).map_err(|e| ProbeError::system("read addresses", interface, e))?;
        let source = own.iter().find_map(|addr| match addr {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(*v6),
            _ => None,
        });
        let source = source.ok_or_else(|| {
            ProbeError::Target(format!("{interface} has no link-local address to send a solicitation from"))
        })?;
        let frame = solicitation(mac, source, target);
        exchange(netns, interface, target.into(), &frame, &link, within, move |p| advertised(p, target))
    };
    netns.run(ask).map_err(|e| ProbeError::system("enter the node", interface, e))?
}

/// The MAC that an advertisement for this address names, and the one it came from.
fn advertised(packet: &Packet, target: Ipv6Addr) -> Option<(Mac, Mac)> {
    let from = packet.ethernet?.source;
    match packet.ip()?.transport {
        Transport::Icmp { kind: 136, neighbour: Some(who), .. } if who == target => {}
        _ => return None,
    }
    // Past the target: options of type, length in units of 8 bytes, content; 2 is the target's link-layer address.
    let mut options = packet.payload().get(16..).unwrap_or_default();
    let mut named = None;
    while let [kind, units, ..] = *options
        && units > 0
    {
        if let ([2, 1, a, b, c, d, e, f, ..], 2) = (options, kind) {
            named = Some(Mac::new([*a, *b, *c, *d, *e, *f]));
        }
        options = options.get(usize::from(units) * 8..).unwrap_or_default();
    }
    Some((named.unwrap_or(from), from))
}

fn solicitation(mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let (link, net) = (MutableEthernetPacket::minimum_packet_size(), MutableIpv6Packet::minimum_packet_size());
    let mut frame = vec![0; link + net + SOLICITATION + OPTION];
    let [.., x, y, z] = target.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, x, y, z]);

    let mut ethernet = MutableEthernetPacket::new(&mut frame).expect("the buffer holds a header");
    ethernet.set_destination(MacAddr::new(0x33, 0x33, 0xff, x, y, z));
    ethernet.set_source(MacAddr::from(mac.octets()));
    ethernet.set_ethertype(EtherTypes::Ipv6);

    let mut ip = MutableIpv6Packet::new(&mut frame[link..]).expect("the buffer holds a header");
    ip.set_version(6);
    ip.set_payload_length(u16::try_from(SOLICITATION + OPTION).expect("32 bytes"));
    ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
    ip.set_hop_limit(255);
    ip.set_source(source);
    ip.set_destination(group);

    let icmp = &mut frame[link + net..];
    icmp[SOLICITATION..SOLICITATION + 2].copy_from_slice(&[1, 1]);
    icmp[SOLICITATION + 2..].copy_from_slice(&mac.octets());
    let mut ask = MutableNeighborSolicitPacket::new(icmp).expect("the buffer holds a solicitation");
    ask.set_icmpv6_type(Icmpv6Types::NeighborSolicit);
    ask.set_target_addr(target);
    let sum = icmpv6::checksum(&Icmpv6Packet::new(icmp).expect("the buffer holds a header"), &source, &group);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Direction;

    #[test]
    fn a_solicitation_asks_the_group_of_its_target() {
        let source = "fe80::1".parse().expect("ip");
        let frame = solicitation(Mac::new([2, 0, 0, 0, 0, 1]), source, "fd00::12:3456".parse().expect("ip"));
        let packet = Packet::parse(std::time::UNIX_EPOCH, 1, Direction::Out, frame.len(), frame, true, 0);
        assert!(packet.is_solicitation());
        assert_eq!(packet.destination(), "ff02::1:ff12:3456".parse().ok());
        assert_eq!(packet.ttl(), Some(255));
    }
}
