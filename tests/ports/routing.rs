//! As the tests of routing daemons: BGP speakers, which listen on port 179 and guard their sessions by TTL, and VRRP
//! routers, which send their own protocol to a multicast group.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
};

use netns_test::netns_test;
use pnet::packet::{Packet, ip::IpNextHeaderProtocol, ipv4::Ipv4Packet};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// An OPEN of RFC 4271, without options.
fn open(number: u16, id: Ipv4Addr) -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend([0, 29, 1, 4]);
    message.extend(number.to_be_bytes());
    message.extend(90_u16.to_be_bytes());
    message.extend(id.octets());
    message.push(0);
    message
}

const KEEPALIVE: [u8; 3] = [0, 19, 4];

/// Takes a session up to Established, and returns the peer's number and id.
fn establish(mut stream: TcpStream, number: u16, id: Ipv4Addr) -> (u16, Ipv4Addr) {
    stream.write_all(&open(number, id)).unwrap();
    let mut header = [0; 19];
    stream.read_exact(&mut header).unwrap();
    assert_eq!((header[..16].iter().all(|byte| *byte == 0xff), header[18]), (true, 1), "an OPEN");
    let mut body = [0; 10];
    stream.read_exact(&mut body).unwrap();
    stream.write_all(&[[0xff; 16].as_slice(), &KEEPALIVE].concat()).unwrap();
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[16..], KEEPALIVE);
    (u16::from_be_bytes([body[1], body[2]]), Ipv4Addr::new(body[5], body[6], body[7], body[8]))
}

#[netns_test]
fn two_speakers_establish_a_session_on_their_port() {
    let (left, right) = (Ipv4Addr::new(127, 0, 1, 1), Ipv4Addr::new(127, 0, 1, 2));
    let listener = TcpListener::bind((right, 179)).unwrap();
    let passive = thread::spawn(move || {
        let (stream, from) = listener.accept().unwrap();
        assert_eq!(from.ip(), left);
        // RFC 5082: a neighbour is one hop away, and cannot be imitated from afar.
        SockRef::from(&stream).set_ttl_v4(255).unwrap();
        establish(stream, 65002, right)
    });
    let active = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    active.set_ttl_v4(255).unwrap();
    active.bind(&SocketAddr::from((left, 0)).into()).unwrap();
    active.connect(&SocketAddr::from((right, 179)).into()).unwrap();
    assert_eq!(establish(active.into(), 65001, left), (65002, right));
    assert_eq!(passive.join().unwrap(), (65001, left));
}

const VRRP: i32 = 112;
const ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

#[netns_test]
fn an_advertisement_reaches_the_other_routers_with_the_full_ttl() {
    let router = || {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(VRRP))).unwrap();
        socket.join_multicast_v4(&ROUTERS, &Ipv4Addr::LOCALHOST).unwrap();
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        socket.set_multicast_ttl_v4(255).unwrap();
        socket
    };
    let (master, mut backup) = (router(), router());
    let advertisement = [0x21, 51, 200, 1, 0, 1, 0, 0, 10, 0, 0, 1];
    master.send_to(&advertisement, &SocketAddr::from((ROUTERS, 0)).into()).unwrap();

    let mut buffer = [0; 128];
    let length = backup.read(&mut buffer).unwrap();
    let packet = Ipv4Packet::new(&buffer[..length]).unwrap();
    assert_eq!((packet.get_ttl(), packet.get_destination()), (255, ROUTERS));
    assert_eq!(packet.get_next_level_protocol(), IpNextHeaderProtocol(112));
    assert_eq!(packet.payload(), advertisement);
}
