//! Addresses and ports that a router translates, and the connections that it tracks.

mod networks;

use netns_test::{Server, kernel::ConntrackFlow, prelude::*, topology::Protocol};
use networks::Path;
use std::net::IpAddr;

/// The addresses that so many clients of a server came from, in order.
#[track_caller]
fn clients(server: &Server, number: usize) -> Vec<String> {
    let all = || server.peers().iter().map(|peer| peer.ip().to_string()).collect::<Vec<_>>();
    // A connection is its client's a moment before it is the server's.
    eventually(Duration::from_secs(2), || all().len() >= number);
    all()
}

#[netns_test]
fn masquerade_takes_the_address_of_the_interface(net: Path) -> Result {
    let (web, dns) = (net.b.serve(tcp(80))?, net.b.serve(udp(53))?);
    net.a.reaches(udp("10.0.1.2:53"));
    let rule = net.r.masquerade("right")?;
    net.a.reaches(tcp("10.0.1.2:80"));
    net.a.reaches(tcp("[fd01::2]:80"));
    assert_eq!(clients(&dns, 1), ["10.0.0.2"]);
    assert_eq!(clients(&web, 2), ["10.0.1.1", "fd01::1"]);
    // The other way it does not.
    let back = net.a.serve(tcp(80))?;
    net.b.reaches(tcp("10.0.0.2:80"));
    assert_eq!(clients(&back, 1), ["10.0.1.2"]);
    // A rule of NAT sees the first packet of a connection alone.
    assert_eq!(rule.packets()?, 2);
    Ok(())
}

#[netns_test]
fn masquerade_of_a_network_works_on_every_interface(net: Path) -> Result {
    let web = net.b.serve(tcp(80))?;
    net.a.interface("eth0")?.add_address("10.0.0.3/24")?;
    net.r.masquerade_matching(Match::any().from("10.0.0.2"))?;
    net.a.reaches(tcp("10.0.1.2:80"));
    net.a.reaches(tcp("10.0.1.2:80").source(IpAddr::from([10, 0, 0, 3])));
    assert_eq!(clients(&web, 2), ["10.0.1.1", "10.0.0.3"]);
    Ok(())
}

#[netns_test]
fn snat_gives_the_address_that_it_names(net: Path) -> Result {
    let web = net.b.serve(tcp(80))?;
    net.r.interface("right")?.add_address("10.0.1.9/24")?;
    net.r.snat(Match::any().output("right"), "10.0.1.9")?;
    net.a.reaches(tcp("10.0.1.2:80"));
    assert_eq!(clients(&web, 1), ["10.0.1.9"]);
    Ok(())
}

#[netns_test]
fn dnat_forwards_a_port(net: Path) -> Result {
    let web = net.b.serve(tcp(80))?;
    net.a.cannot_reach(tcp("10.0.0.1:8080"), by::Refused.by(&net.r));
    let rule = net.r.dnat(Match::tcp(8080).input("left"), "10.0.1.2", Some(80))?;
    net.a.reaches(tcp("10.0.0.1:8080"));
    assert_eq!(clients(&web, 1), ["10.0.0.2"]);
    assert_eq!(rule.packets()?, 1);
    net.b.cannot_reach(tcp("10.0.1.1:8080"), by::Refused.by(&net.r));
    net.r.dnat(Match::icmp().to("192.0.2.1"), "10.0.1.2", None)?;
    // The answer comes in the name of whom was asked.
    let seen = net.a.reaches(ping("192.0.2.1"));
    let Outcome::Reached { source, .. } = seen.report().outcome() else { panic!("{seen:?}") };
    assert_eq!(source, "192.0.2.1".parse::<IpAddr>()?);
    rule.remove()?;
    net.a.cannot_reach(tcp("10.0.0.1:8080"), by::Refused.by(&net.r));
    Ok(())
}

#[netns_test]
fn a_topology_brings_its_translations_up() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", ["10.0.0.2/24", "10.0.0.3/24"]).route("default via 10.0.0.1"))
        .node("r", |n| {
            n.interface("left", "10.0.0.1/24")
                .interface("right", ["10.0.1.1/24", "10.0.1.9/24"])
                .forward()
                .snat(Match::any().from("10.0.0.3").output("right"), "10.0.1.9")
                .masquerade_from("10.0.0.0/24")
                .dnat(Match::tcp(7000).to("10.0.0.1"), "10.0.1.2:80")
                .forward_tcp("left", 8080, "10.0.1.2:80")
                .forward_udp("left", 5353, "10.0.1.2:53")
        })
        .node("b", |n| n.interface("eth0", "10.0.1.2/24"))
        .link("a.eth0", "r.left")
        .link("r.right", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    let (web, dns) = (b.serve(tcp(80))?, b.serve(udp(53))?);
    let other: IpAddr = [10, 0, 0, 3].into();
    a.reaches(tcp("10.0.1.2:80"));
    a.reaches(tcp("10.0.1.2:80").source(other));
    a.reaches(tcp("10.0.0.1:7000"));
    a.reaches(tcp("10.0.0.1:8080").source(other));
    a.reaches(udp("10.0.0.1:5353"));
    assert_eq!(clients(&web, 4), ["10.0.1.1", "10.0.1.9", "10.0.1.1", "10.0.1.9"]);
    assert_eq!(clients(&dns, 1), ["10.0.1.1"]);
    Ok(())
}

#[netns_test]
fn connections_are_tracked_and_forgotten(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    net.a.reaches(tcp("10.0.1.2:80"));
    assert!(net.r.connections()?.is_empty(), "no rule tracks connections yet");
    net.r.masquerade("right")?;
    net.a.reaches(tcp("10.0.1.2:80").source_port(5000));
    net.a.reaches(ping("10.0.1.2").id(77));

    let all = net.r.connections()?;
    let web = all.iter().find(|entry| entry.protocol == Protocol::Tcp).ok_or("no TCP")?;
    assert_eq!((web.original.source, web.original.destination), ("10.0.0.2".parse()?, "10.0.1.2".parse()?));
    assert_eq!(web.original.flow, ConntrackFlow::Ports { source: 5000, destination: 80 });
    assert_eq!((web.reply.source, web.reply.destination), ("10.0.1.2".parse()?, "10.0.1.1".parse()?));
    assert!(web.status.seen_reply() && web.status.source_nat() && !web.status.destination_nat());
    let echo = all.iter().find(|entry| entry.protocol == Protocol::Icmp).ok_or("no ICMP")?;
    assert_eq!(echo.original.flow, ConntrackFlow::Icmp { kind: 8, code: 0, id: 77 });
    assert_eq!(all.len(), 2);

    net.r.flush_connections()?;
    assert!(net.r.connections()?.is_empty());
    assert!(net.a.connections()?.is_empty(), "each node has its own");
    Ok(())
}
