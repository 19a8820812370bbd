//! As the tests of ping libraries, surge-ping for one: over raw sockets, and over those for ICMP without privileges,
//! which the kernel gives only to the groups of `net.ipv4.ping_group_range`.

use std::{io::Read, net::SocketAddr};

use netns_test::netns_test;
use pnet::packet::{
    Packet,
    icmp::{IcmpPacket, IcmpTypes, checksum, echo_reply::EchoReplyPacket, echo_request::MutableEchoRequestPacket},
    ipv4::Ipv4Packet,
};
use socket2::{Domain, Protocol, Socket, Type};

fn request(identifier: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8 + payload.len()];
    let mut packet = MutableEchoRequestPacket::new(&mut bytes).unwrap();
    packet.set_icmp_type(IcmpTypes::EchoRequest);
    packet.set_identifier(identifier);
    packet.set_sequence_number(sequence);
    packet.set_payload(payload);
    let sum = checksum(&IcmpPacket::new(packet.packet()).unwrap());
    packet.set_checksum(sum);
    bytes
}

fn reply(message: &[u8]) -> Option<(u16, u16, Vec<u8>)> {
    let packet = EchoReplyPacket::new(message)?;
    let fields = (packet.get_identifier(), packet.get_sequence_number(), packet.payload().to_vec());
    (packet.get_icmp_type() == IcmpTypes::EchoReply).then_some(fields)
}

#[netns_test]
fn an_echo_comes_back_to_a_raw_socket() {
    let mut socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
    socket.send_to(&request(42, 1, b"payload"), &SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let mut buffer = [0; 128];
    let found = loop {
        // It sees the request as well.
        let length = socket.read(&mut buffer).unwrap();
        let packet = Ipv4Packet::new(&buffer[..length]).unwrap();
        if let Some(found) = reply(packet.payload()) {
            break found;
        }
    };
    assert_eq!(found, (42, 1, b"payload".to_vec()));
}

#[netns_test]
fn an_echo_comes_back_to_a_datagram_socket() {
    let mut socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4)).unwrap();
    socket.connect(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.send(&request(0, 7, b"payload")).unwrap();
    let mut buffer = [0; 128];
    let length = socket.read(&mut buffer).unwrap();
    // The kernel chooses the identifier, which is the socket's port.
    let identifier = socket.local_addr().unwrap().as_socket().unwrap().port();
    assert_eq!(reply(&buffer[..length]), Some((identifier, 7, b"payload".to_vec())));
}
