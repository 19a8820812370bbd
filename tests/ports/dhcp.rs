//! As the tests of DHCP servers, clients and relays, which have the ports 67 and 68 to themselves and broadcast.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::OwnedFd,
    thread,
};

use netns_test::netns_test;
use socket2::{Domain, Protocol, Socket, Type};

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const MESSAGE_TYPE: u8 = 53;
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 8, 100);
const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// What matters of a message of RFC 2131.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    op: u8,
    kind: u8,
    transaction: u32,
    yours: Ipv4Addr,
    relay: Ipv4Addr,
}

impl Message {
    fn ask(kind: u8, transaction: u32) -> Self {
        Self { op: 1, kind, transaction, yours: Ipv4Addr::UNSPECIFIED, relay: Ipv4Addr::UNSPECIFIED }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 236];
        bytes[..4].copy_from_slice(&[self.op, 1, 6, 0]);
        bytes[4..8].copy_from_slice(&self.transaction.to_be_bytes());
        bytes[10] = 0x80;
        bytes[16..20].copy_from_slice(&self.yours.octets());
        bytes[24..28].copy_from_slice(&self.relay.octets());
        bytes[28..34].copy_from_slice(&CLIENT);
        bytes.extend([99, 130, 83, 99, MESSAGE_TYPE, 1, self.kind, 255]);
        bytes
    }

    fn decode(bytes: &[u8]) -> Self {
        assert_eq!(bytes[236..240], [99, 130, 83, 99], "the magic cookie");
        assert_eq!((bytes[240], &bytes[28..34]), (MESSAGE_TYPE, &CLIENT[..]));
        let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        let transaction = u32::from_be_bytes(bytes[4..8].try_into().unwrap());
        Self { op: bytes[0], kind: bytes[242], transaction, yours: address(16), relay: address(24) }
    }
}

/// A socket of a daemon that works before there are addresses: bound to an interface, and allowed to broadcast.
fn bind(address: Ipv4Addr, port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind_device(Some(b"lo"))?;
    socket.bind(&SocketAddrV4::new(address, port).into())?;
    Ok(OwnedFd::from(socket).into())
}

fn receive(socket: &UdpSocket) -> (Message, std::net::SocketAddr) {
    let mut buffer = [0; 1500];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    (Message::decode(&buffer[..length]), from)
}

/// Answers that many messages; whoever came by a relay gets the answer from there.
fn serve(socket: &UdpSocket, count: usize) {
    for _ in 0..count {
        let (message, _) = receive(socket);
        let kind = if message.kind == DISCOVER { OFFER } else { ACK };
        let answer = Message { op: 2, kind, yours: ADDRESS, ..message };
        let to = match answer.relay {
            Ipv4Addr::UNSPECIFIED => (Ipv4Addr::BROADCAST, 68),
            relay => (relay, 67),
        };
        socket.send_to(&answer.encode(), to).unwrap();
    }
}

fn lease(client: &UdpSocket, transaction: u32) -> (u8, u8, Ipv4Addr) {
    let exchange = |kind| {
        client.send_to(&Message::ask(kind, transaction).encode(), (Ipv4Addr::BROADCAST, 67)).unwrap();
        let (answer, _) = receive(client);
        assert_eq!((answer.op, answer.transaction), (2, transaction));
        answer
    };
    let offer = exchange(DISCOVER);
    let ack = exchange(REQUEST);
    assert_eq!(offer.yours, ack.yours);
    (offer.kind, ack.kind, ack.yours)
}

#[netns_test]
fn discover_offer_request_ack() {
    let server = bind(Ipv4Addr::UNSPECIFIED, 67).unwrap();
    let client = bind(Ipv4Addr::UNSPECIFIED, 68).unwrap();
    let server = thread::spawn(move || serve(&server, 2));
    assert_eq!(lease(&client, 0x1234), (OFFER, ACK, ADDRESS));
    server.join().unwrap();
}

#[netns_test]
fn a_relay_puts_its_address_in_and_brings_the_answer_back() {
    let relay_address = Ipv4Addr::new(127, 0, 0, 2);
    let server_address = Ipv4Addr::new(127, 0, 0, 3);
    let server = bind(server_address, 67).unwrap();
    // What is broadcast comes to those alone who are bound to no address.
    let listening = bind(Ipv4Addr::UNSPECIFIED, 67).unwrap();
    let relay = bind(relay_address, 67).unwrap();
    let client = bind(Ipv4Addr::UNSPECIFIED, 68).unwrap();
    let server = thread::spawn(move || serve(&server, 2));
    let relaying = thread::spawn(move || {
        for _ in 0..2 {
            let (question, _) = receive(&listening);
            assert_eq!(question.relay, Ipv4Addr::UNSPECIFIED);
            let question = Message { relay: relay_address, ..question };
            relay.send_to(&question.encode(), (server_address, 67)).unwrap();
            let (answer, from) = receive(&relay);
            assert_eq!((from, answer.relay), ((server_address, 67).into(), relay_address));
            relay.send_to(&answer.encode(), (Ipv4Addr::BROADCAST, 68)).unwrap();
        }
    });
    assert_eq!(lease(&client, 0x5678), (OFFER, ACK, ADDRESS));
    relaying.join().unwrap();
    server.join().unwrap();
}
