//! As the tests of packet capture and crafting on pnet or libpcap: a channel on an interface, which sees everything.

use std::net::UdpSocket;

use netns_test::netns_test;
use pnet::{
    datalink::{self, Channel},
    packet::{
        Packet,
        ethernet::{EtherTypes, EthernetPacket},
        ipv4::Ipv4Packet,
        udp::UdpPacket,
    },
};

#[netns_test]
fn a_channel_on_the_loopback_sees_a_datagram() {
    let loopback = datalink::interfaces().into_iter().find(|interface| interface.is_loopback()).unwrap();
    let Ok(Channel::Ethernet(_, mut frames)) = datalink::channel(&loopback, datalink::Config::default()) else {
        panic!("a channel of frames");
    };
    let _receiver = UdpSocket::bind("127.0.0.1:514").unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"<13>hello", "127.0.0.1:514").unwrap();

    // Nobody else is here, so that it is the first.
    let frame = EthernetPacket::new(frames.next().unwrap()).unwrap();
    assert_eq!(frame.get_ethertype(), EtherTypes::Ipv4);
    let packet = Ipv4Packet::new(frame.payload()).unwrap();
    let datagram = UdpPacket::new(packet.payload()).unwrap();
    assert_eq!((datagram.get_destination(), datagram.payload()), (514, &b"<13>hello"[..]));
}
