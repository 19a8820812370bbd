//! As the tests of name servers, forwarders and mDNS responders, as hickory-dns, dnsmasq-like caches and mdns-sd have
//! them: on port 53 or 5353, with multicast, and with an /etc/resolv.conf that leads to the server under test.

use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use netns_test::netns_test;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, Question, RCODE, ResourceRecord, TYPE, rdata::RData};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket as AsyncUdpSocket},
};

const AUTHORITY: &str = "127.0.0.2:53";
const FORWARDER: &str = "127.0.0.1:53";

fn question(id: u16, name: &str) -> Vec<u8> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new_unchecked(name);
    packet.questions.push(Question::new(name, QTYPE::TYPE(TYPE::A), CLASS::IN.into(), false));
    packet.build_bytes_vec().unwrap()
}

/// Answers a question for an address that a zone has, and with NXDOMAIN otherwise.
fn answer(question: &[u8], zone: &HashMap<&str, Ipv4Addr>) -> Vec<u8> {
    let question = Packet::parse(question).unwrap();
    let mut reply = question.clone().into_reply();
    let asked = question.questions[0].clone();
    match zone.get(asked.qname.to_string().as_str()) {
        Some(address) if asked.qtype == QTYPE::TYPE(TYPE::A) => {
            reply.answers.push(ResourceRecord::new(asked.qname, CLASS::IN, 60, RData::A((*address).into())));
        }
        Some(_) => {}
        None => *reply.rcode_mut() = RCODE::NameError,
    }
    reply.build_bytes_vec().unwrap()
}

fn addresses(reply: &[u8]) -> Vec<Ipv4Addr> {
    let reply = Packet::parse(reply).unwrap();
    let address = |record: &ResourceRecord<'_>| match &record.rdata {
        RData::A(found) => Some(Ipv4Addr::from(found.address)),
        _ => None,
    };
    reply.answers.iter().filter_map(address).collect()
}

/// A name server that counts what it was asked.
async fn authority(asked: Arc<AtomicUsize>) {
    let zone = HashMap::from([("www.example", Ipv4Addr::new(192, 0, 2, 7))]);
    let socket = AsyncUdpSocket::bind(AUTHORITY).await.unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            asked.fetch_add(1, Ordering::SeqCst);
            socket.send_to(&answer(&buffer[..length], &zone), from).await.unwrap();
        }
    });
}

/// Asks the authority what it has no answer to yet; the id alone is another in the answer.
async fn forward(question: &[u8], cache: &Mutex<HashMap<Vec<u8>, Vec<u8>>>) -> Vec<u8> {
    let known = cache.lock().unwrap().get(&question[2..]).cloned();
    let answer = match known {
        Some(answer) => answer,
        None => {
            let upstream = AsyncUdpSocket::bind("0.0.0.0:0").await.unwrap();
            upstream.connect(AUTHORITY).await.unwrap();
            upstream.send(question).await.unwrap();
            let mut buffer = vec![0; 512];
            let length = upstream.recv(&mut buffer).await.unwrap();
            buffer.truncate(length);
            cache.lock().unwrap().insert(question[2..].to_vec(), buffer[2..].to_vec());
            buffer[2..].to_vec()
        }
    };
    [&question[..2], &answer].concat()
}

async fn forwarder() {
    let cache = Arc::new(Mutex::default());
    let (udp, tcp) = (AsyncUdpSocket::bind(FORWARDER).await.unwrap(), TcpListener::bind(FORWARDER).await.unwrap());
    let of_udp = cache.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            udp.send_to(&forward(&buffer[..length], &of_udp).await, from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let answer = forward(&question, &cache).await;
            stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
}

#[netns_test]
async fn a_forwarder_answers_on_udp_and_tcp_and_asks_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    authority(asked.clone()).await;
    forwarder().await;

    let client = AsyncUdpSocket::bind("0.0.0.0:0").await.unwrap();
    client.connect(FORWARDER).await.unwrap();
    let mut buffer = [0; 512];
    client.send(&question(7, "www.example")).await.unwrap();
    let length = client.recv(&mut buffer).await.unwrap();
    assert_eq!(Packet::parse(&buffer[..length]).unwrap().id(), 7);
    assert_eq!(addresses(&buffer[..length]), [Ipv4Addr::new(192, 0, 2, 7)]);

    let mut stream = TcpStream::connect(FORWARDER).await.unwrap();
    let again = question(8, "www.example");
    stream.write_u16(again.len().try_into().unwrap()).await.unwrap();
    stream.write_all(&again).await.unwrap();
    let mut reply = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(addresses(&reply), [Ipv4Addr::new(192, 0, 2, 7)]);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the second answer was in the cache");
}

#[netns_test]
async fn the_resolver_of_the_system_asks_the_server_under_test() {
    fs::write("/etc/resolv.conf", "nameserver 127.0.0.1\n").unwrap();
    authority(Arc::default()).await;
    forwarder().await;

    let found: Vec<_> = tokio::net::lookup_host("www.example:443").await.unwrap().collect();
    assert_eq!(found, ["192.0.2.7:443".parse::<SocketAddr>().unwrap()]);
    let unknown = tokio::task::spawn_blocking(|| ("no.example", 443).to_socket_addrs().map(drop)).await.unwrap();
    assert!(unknown.is_err());
}

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// A socket of an mDNS responder or querier: several of a machine share the port.
fn multicast() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5353)).into()).unwrap();
    socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    OwnedFd::from(socket).into()
}

#[netns_test]
fn a_service_is_found_by_multicast() {
    let (responder, querier) = (multicast(), multicast());
    let responding = thread::spawn(move || {
        let zone = HashMap::from([("printer.local", Ipv4Addr::new(127, 0, 0, 9))]);
        let mut buffer = [0; 512];
        let (length, _) = responder.recv_from(&mut buffer).unwrap();
        responder.send_to(&answer(&buffer[..length], &zone), (GROUP, 5353)).unwrap();
    });
    querier.send_to(&question(0, "printer.local"), (GROUP, 5353)).unwrap();
    let mut buffer = [0; 512];
    let found = loop {
        // Its own question comes back as well.
        let (length, _) = querier.recv_from(&mut buffer).unwrap();
        if Packet::parse(&buffer[..length]).unwrap().has_flags(PacketFlag::RESPONSE) {
            break addresses(&buffer[..length]);
        }
    };
    assert_eq!(found, [Ipv4Addr::new(127, 0, 0, 9)]);
    responding.join().unwrap();
}
