//! The private network and the internet: a route, forwarding and translation, each of which is needed.

use std::{fs, net::UdpSocket};

use netns_test::{Error, prelude::*};

use crate::{
    common::claim,
    seen::{self, SILENCE, outcome, source_seen_by},
    tutorial::{Addressed, PRIVATE, Routed, translate},
};

#[netns_test]
fn without_a_default_route_containers_send_nothing_to_the_internet(net: Addressed) -> Result {
    let report = net.red.probe(ping("8.8.8.8")).run()?;
    claim("container-network-2.4-c1", "network unreachable", report.outcome().to_string());
    let sent = report.answer().sent;
    claim("container-network-2.4-c1b", (0, 0, 0), (sent.accepted, sent.left, sent.solicitations));
    // Ping asks for a route by connecting a datagram socket, and prints the error.
    let refused = net.red.run(|| UdpSocket::bind("0.0.0.0:0")?.connect("8.8.8.8:1025"));
    let refused = refused.err().map_or("no error".to_owned(), |error| format!("connect: {error}"));
    claim("container-network-2.4-c1c", "connect: Network is unreachable (os error 101)", refused);

    claim("container-network-2.4-c2", "reached", outcome(&net.host, ping("8.8.8.8"))?);
    Ok(())
}

#[netns_test]
fn the_default_route_leads_to_the_hosts_address_on_the_bridge(net: Addressed) -> Result {
    let refusal = match net.red.add_route("default via 192.168.16.3") {
        Err(Error::Kernel { source, .. }) => source.message().unwrap_or_default().to_owned(),
        other => format!("{other:?}"),
    };
    claim("container-network-2.4-c3d", "Nexthop has invalid gateway", refusal);

    net.red.add_route("default via 192.168.15.3")?;
    net.blue.add_route("default via 192.168.15.3")?;
    let defaults = |node: &Node| -> Result<Vec<String>> {
        Ok(seen::routes(node)?.into_iter().filter(|route| route.starts_with("default")).collect())
    };
    let expected = [["default via 192.168.15.3 dev veth-red"], ["default via 192.168.15.3 dev veth-blue"]];
    claim("container-network-2.4-c3", expected.map(Vec::from), [defaults(&net.red)?, defaults(&net.blue)?]);

    let table = net.red.run(|| fs::read_to_string("/proc/thread-self/net/route"))?;
    claim("container-network-2.4-c3b", vec!["UG"], table.lines().filter_map(flags_of_default).collect::<Vec<_>>());
    claim("container-network-2.4-c3c", "reached", outcome(&net.red, ping("192.168.15.3"))?);
    Ok(())
}

#[netns_test]
fn without_the_route_no_translation_helps(net: Routed) -> Result {
    translate(&net.host)?;
    net.red.reaches(ping("8.8.8.8"));

    net.red.remove_route("default via 192.168.15.3")?;
    let report = net.red.probe(ping("8.8.8.8")).run()?;
    claim("container-network-2.4-c3z", "network unreachable by the node itself, nothing sent", seen::verdict(&report));
    Ok(())
}

#[netns_test]
fn a_host_that_does_not_forward_lets_nothing_out(net: Routed) -> Result {
    let inside = net.host.interface("v-net-0")?.capture(icmp().requests())?;
    let outside = net.host.interface("eth0")?.capture(icmp().requests())?;

    claim("container-network-2.4-c4", "timeout", outcome(&net.red, ping("8.8.8.8").within(SILENCE))?);
    // The host's own request shows that the capture outside would have seen red's.
    net.host.reaches(ping("8.8.8.8"));
    outside.saw(icmp().from("172.31.5.10"));
    let of_red = || icmp().from(PRIVATE);
    claim(
        "container-network-2.4-c4b",
        ("in", 1, "out", 0),
        ("in", inside.count(of_red())?, "out", outside.count(of_red())?),
    );
    Ok(())
}

#[netns_test]
fn without_translation_the_internet_does_not_know_whom_to_answer(net: Routed) -> Result {
    net.host.set_forward(true)?;
    let wire = net.inet.interface("eth0")?.capture(icmp())?;

    claim("container-network-2.4-c5", "timeout", outcome(&net.red, ping("8.8.8.8").within(SILENCE))?);
    let request = wire.saw(icmp().requests());
    let expected = (Some("192.168.15.1 > 8.8.8.8".to_owned()), Some(63));
    claim("container-network-2.4-c6", expected, (seen::ends(&request), request.ttl()));
    // The answer to the host shows that the capture would have seen one to red.
    net.host.reaches(ping("8.8.8.8"));
    wire.saw(icmp().replies().to("172.31.5.10"));
    claim("container-network-2.4-c6b", 0, wire.count(icmp().replies().to(PRIVATE))?);

    net.inet.add_route("192.168.15.0/24 via 172.31.5.10")?;
    claim("container-network-2.4-c7", "reached", outcome(&net.red, ping("8.8.8.8"))?);
    let source = source_seen_by(&net.inet, "eth0", &net.red, ping("8.8.8.8"))?;
    claim("container-network-2.4-c7b", "192.168.15.1", source);
    Ok(())
}

#[netns_test]
fn translation_needs_forwarding_and_forwarding_a_policy_that_lets_it(net: Routed) -> Result {
    net.host.masquerade_matching(Match::any().from(PRIVATE))?;
    claim("container-network-2.4-c9", "timeout", outcome(&net.red, ping("8.8.8.8").within(SILENCE))?);

    net.host.set_forward(true)?;
    claim("container-network-2.4-c10", "reached", outcome(&net.red, ping("8.8.8.8"))?);
    claim("container-network-2.4-c11", "reached", outcome(&net.blue, ping("8.8.8.8"))?);

    net.host.set_policy(Family::Inet, Hook::Forward, Policy::Drop)?;
    claim("container-network-2.4-c13", "timeout", outcome(&net.red, ping("8.8.8.8").within(SILENCE))?);
    Ok(())
}

#[netns_test]
fn the_internet_sees_the_host_one_hop_away_and_cannot_begin(net: Routed) -> Result {
    translate(&net.host)?;
    let wire = net.inet.interface("eth0")?.capture(icmp().requests())?;

    let reply = net.red.reaches(ping("8.8.8.8"));
    let request = wire.saw(icmp());
    let expected = (Some("172.31.5.10 > 8.8.8.8".to_owned()), Some(63));
    claim("container-network-2.4-c12", expected, (seen::ends(&request), request.ttl()));
    claim("container-network-2.4-c15", Some(63), reply.report().ttl());

    let report = net.inet.probe(ping("192.168.15.1")).run()?;
    claim("container-network-2.4-c14", "network unreachable by the node itself, nothing sent", seen::verdict(&report));
    Ok(())
}

#[netns_test]
fn tcp_and_udp_are_translated_as_well(net: Routed) -> Result {
    translate(&net.host)?;
    let (over_tcp, over_udp) = (net.inet.serve(tcp(53))?, net.inet.serve(udp(53))?);

    net.red.reaches(tcp("8.8.8.8:53"));
    net.red.reaches(udp("8.8.8.8:53"));

    let peers = [&over_tcp, &over_udp]
        .map(|server| server.peers().iter().map(|peer| peer.ip().to_string()).collect::<Vec<_>>());
    claim("container-network-2.4-c18t", [vec!["172.31.5.10"], vec!["172.31.5.10"]], peers);
    Ok(())
}

#[netns_test]
fn the_host_stays_itself_and_all_of_it_is_reached_through_the_gateway(net: Routed) -> Result {
    translate(&net.host)?;

    let own = source_seen_by(&net.inet, "eth0", &net.host, ping("8.8.8.8"))?;
    claim("container-network-2.4-c19", "172.31.5.10", own);
    let others = [outcome(&net.red, ping("172.31.5.10"))?, outcome(&net.red, ping("172.17.0.1"))?];
    claim("container-network-2.4-c19b", ["reached", "reached"], others);
    Ok(())
}

/// `route`'s letters for the flags in a line of /proc/net/route that is about the default route.
fn flags_of_default(line: &str) -> Option<String> {
    // Interface, destination, gateway, flags in hexadecimal.
    let fields: Vec<&str> = line.split_whitespace().collect();
    let flags = u16::from_str_radix(fields.get(3)?, 16).ok().filter(|_| fields[1] == "00000000")?;
    let letters = ["U", "G", "H", "R", "D", "M"].iter().enumerate();
    Some(letters.filter(|(bit, _)| flags & (1 << bit) != 0).map(|(_, letter)| *letter).collect())
}
