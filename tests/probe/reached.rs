//! Probes that reach their target, and what is told of them.

use netns_test::{ProbeError, prelude::*};
use std::net::{IpAddr, SocketAddr};

use crate::networks::Path;

#[netns_test]
fn an_echo_comes_back_with_the_ttl_of_its_way(net: Path) {
    net.a.reaches(net.b.ping());
    for (to, ttl) in [("10.0.1.2", 63), ("fd01::2", 63), ("10.0.0.1", 64), ("fd00::1", 64), ("127.0.0.1", 64)] {
        let seen = net.a.reaches(ping(to));
        let answer = seen.report().answer();
        let Outcome::Reached { ttl: left, source, .. } = answer.outcome else { panic!("{answer:?}") };
        assert_eq!((left, source.to_string()), (Some(ttl), to.to_owned()));
        assert_eq!((answer.sent.accepted, answer.received), (1, 1), "{to}");
    }
}

#[netns_test]
fn a_node_reaches_its_own_addresses_over_lo(net: Path) -> Result {
    let lo = net.a.interface("lo")?.capture(icmp())?;
    let eth0 = net.a.interface("eth0")?.capture(icmp())?;
    for own in ["10.0.0.2", "fd00::2", "127.0.0.1", "::1"] {
        net.a.reaches(ping(own));
    }
    // Four requests and four answers, each of which lo both sends and receives.
    assert_eq!(lo.count(icmp().requests())?, 8);
    eth0.stays_quiet(icmp(), Duration::from_millis(10));
    Ok(())
}

#[netns_test]
fn size_and_count_are_what_is_sent(net: Path) -> Result {
    let wire = net.b.interface("eth0")?.capture(icmp().requests())?;
    let seen = net.a.reaches(ping("10.0.1.2").size(100).count(3));
    assert_eq!((seen.report().answer().sent.left, seen.report().answer().received), (3, 3));
    let lengths: Vec<_> = wire.packets()?.iter().filter_map(|packet| Some(packet.ip()?.length)).collect();
    // IPv4 header, ICMP header, payload.
    assert_eq!(lengths, [20 + 8 + 100; 3]);
    Ok(())
}

#[netns_test]
fn a_datagram_is_exchanged_with_its_size(net: Path) -> Result {
    let dns = net.b.serve(udp(53))?;
    for to in ["10.0.1.2:53", "[fd01::2]:53"] {
        net.a.reaches(udp(to).size(200).count(2));
    }
    assert_eq!(dns.bytes(), 4 * 200);
    net.a.reaches(net.b.udp(53));
    Ok(())
}

#[netns_test]
fn whom_a_probe_has_reached_knows_of_it(net: Path) -> Result {
    let web = net.b.serve(tcp(80))?;

    // Each has the same small chance to ask too early.
    for count in 1..=100 {
        net.a.reaches(tcp("10.0.1.2:80"));
        assert_eq!(web.peers().len(), count);
    }
    Ok(())
}

#[netns_test]
fn source_address_and_port_are_as_asked(net: Path) -> Result {
    net.a.interface("eth0")?.add_address("10.0.0.3/24")?;
    net.a.interface("eth0")?.add_address("fd00::3/64")?;
    let (web, dns) = (net.b.serve(tcp(80))?, net.b.serve(udp(53))?);
    let other: IpAddr = "10.0.0.3".parse()?;
    let other6: IpAddr = "fd00::3".parse()?;

    net.a.reaches(tcp("10.0.1.2:80").source(other).source_port(5000));
    net.a.reaches(udp("[fd01::2]:53").source(other6).source_port(5001));
    assert_eq!(web.peers(), [SocketAddr::new(other, 5000)]);
    assert_eq!(dns.peers(), [SocketAddr::new(other6, 5001)]);

    let seen = net.a.reaches(ping("10.0.1.2").source(other));
    assert_eq!(seen.report().answer().local.map(|local| local.ip()), Some(other));
    Ok(())
}

#[netns_test]
fn a_link_local_address_needs_its_interface(net: Path) -> Result {
    let mut there = net.r.interface("left")?.addresses()?.into_iter().map(|info| info.address.addr());
    let there = there.find(|addr| matches!(addr, IpAddr::V6(v6) if v6.is_unicast_link_local())).ok_or("none")?;
    net.a.reaches(ping(there).on("eth0"));
    let error = net.a.probe(ping(there)).run().expect_err("it could be on any link");
    assert!(matches!(error, ProbeError::Target(_)), "{error}");
    Ok(())
}
