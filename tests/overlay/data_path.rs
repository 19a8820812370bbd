//! The data path: what fails, and how, while entries are missing, and what is on the wire when they are there.

use netns_test::{Miss, Packet, capture::Transport, prelude::*};

use crate::{
    common::claim,
    model::{C0, C1, Shape, Swarm, VTEP0, VTEP1, tell},
    seen,
};

/// The tunnel's packets.
fn tunnelled() -> netns_test::Traffic {
    udp(4789)
}

/// What is missing, in the words of `ip monitor neigh`; what the containers' IPv6 looks for has no part in it.
fn words(misses: &[Miss]) -> Vec<String> {
    let v6 = |miss: &&Miss| matches!(miss, Miss::Neighbour(address) if address.is_ipv6());
    misses.iter().filter(|miss| !v6(miss)).map(ToString::to_string).collect()
}

/// With all entries the same ping arrives, so that a capture which was silent without them could have seen it.
fn assert_reached_once_learned(swarm: &Swarm) -> Result {
    swarm.learn_far()?;
    swarm.learn_near()?;
    swarm.c0.flush_neighbours()?;
    swarm.c0.reaches(ping("192.168.200.4"));
    Ok(())
}

#[netns_test]
fn without_entries_a_request_is_asked_for_three_times_and_not_sent() -> Result {
    let swarm = Swarm::bare(Shape { patient: true, ..Shape::default() })?;
    let misses = swarm.ov0.interface("vxlan1")?.misses()?;
    let (underlay, far) = (swarm.underlay()?.capture(tunnelled())?, swarm.c1.interface("eth0")?.capture(arp())?);

    let report = swarm.c0.probe(ping("192.168.200.4")).run()?;
    let by = report.answer().reporter.map(|by| by.to_string()).unwrap_or_default();
    let told = words(&misses.all()?);
    claim(
        "overlay-dp-c1",
        "host unreachable by 192.168.200.3, 3 requests",
        format!("{} by {by}, {} requests", report.outcome(), report.answer().sent.solicitations),
    );
    claim("overlay-dp-c2", vec!["miss 192.168.200.4"; 3], told.iter().map(String::as_str).collect::<Vec<_>>());
    claim(
        "overlay-dp-c3",
        (0, 0),
        (underlay.count(any())?, swarm.ov0.fdb()?.iter().filter(|e| e.destination.is_some()).count()),
    );
    claim("overlay-dp-c3b", 0, far.count(any())?);

    assert_reached_once_learned(&swarm)?;
    underlay.saw(any());
    // The answer needs the asking container's MAC.
    far.saw(any());
    Ok(())
}

#[netns_test]
fn a_neighbour_entry_alone_answers_and_sends_nothing() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    swarm.ov0.add_neighbour("192.168.200.4", C1, "vxlan1")?;
    let misses = swarm.ov0.interface("vxlan1")?.misses()?;
    let underlay = swarm.underlay()?.capture(tunnelled())?;

    claim("overlay-dp-c4", "timeout", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    let told = swarm.c0.neighbour("192.168.200.4".parse()?)?.and_then(|entry| entry.mac);
    claim("overlay-dp-c5", Some(C1.to_owned()), told.map(|mac| mac.to_string()));
    let told = words(&misses.all()?);
    claim("overlay-dp-c6", Some("miss lladdr 02:42:c0:a8:c8:04"), told.first().map(String::as_str));
    claim("overlay-dp-c6b", 0, told.iter().filter(|miss| !miss.contains("lladdr")).count());
    claim("overlay-dp-c6c", 0, underlay.count(any())?);

    let bridged = |fdb: &netns_test::kernel::FdbInfo| fdb.mac.to_string() == C1;
    let (entries, vxlan1) = (swarm.ov0.fdb()?, swarm.ov0.interface("vxlan1")?.index()?);
    let learned: Vec<(bool, bool)> = entries
        .iter()
        .filter(|e| bridged(e))
        .map(|e| (e.port == vxlan1 && e.master.is_some(), e.destination.is_some()))
        .collect();
    claim("overlay-dp-c6d", vec![(true, false)], learned);

    assert_reached_once_learned(&swarm)?;
    underlay.saw(any());
    Ok(())
}

#[netns_test]
fn a_forwarding_entry_alone_is_no_use() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    swarm.ov0.add_fdb(format!("{C1} dev vxlan1 dst {VTEP1}"))?;
    let misses = swarm.ov0.interface("vxlan1")?.misses()?;
    claim("overlay-dp-c7", "host unreachable", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    let told = words(&misses.all()?);
    claim("overlay-dp-c7b", Some("miss 192.168.200.4"), told.first().map(String::as_str));
    Ok(())
}

#[netns_test]
fn entries_on_one_side_send_a_request_that_nobody_answers() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    swarm.learn_far()?;
    let underlay = swarm.underlay()?.capture(tunnelled())?;
    let far = swarm.c1.interface("eth0")?.capture(icmp())?;
    claim("overlay-dp-c8", "timeout", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    let packets = underlay.packets()?;
    claim("overlay-dp-c8b", vec![8], carried_icmp(&packets, VTEP0));
    claim("overlay-dp-c8c", (vec![], 0), (carried_icmp(&packets, VTEP1), far.count(icmp().replies())?));

    let learned = swarm.ov1.fdb()?.into_iter().find(|e| e.mac.to_string() == C0 && e.destination.is_some());
    let learned = learned.expect("the far side has learned");
    claim("overlay-dp-c9", VTEP0, learned.destination.map(|end| end.to_string()).unwrap_or_default());
    claim("overlay-dp-c9b", false, learned.permanent);

    swarm.ov1.add_neighbour("192.168.200.3", C0, "vxlan1")?;
    swarm.c1.flush_neighbours()?;
    claim("overlay-dp-c10", "reached", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    Ok(())
}

/// The types of the ICMP messages for IPv4 that a tunnel end sends.
fn carried_icmp(packets: &[Packet], end: &str) -> Vec<u8> {
    let sent = packets.iter().filter(|packet| packet.source().is_some_and(|source| source.to_string() == end));
    let kind = |packet: &Packet| match packet.vxlan()?.frame.ip()? {
        ip if ip.source.is_ipv6() => None,
        ip => match ip.transport {
            Transport::Icmp { kind, .. } => Some(kind),
            _ => None,
        },
    };
    sent.filter_map(kind).collect()
}

/// The request of a ping as the underlay carries it.
fn carried_request(packets: &[Packet]) -> Packet {
    let is_request = |packet: &&Packet| {
        let inner = packet.vxlan().and_then(|carried| carried.frame.ip().cloned());
        matches!(inner.map(|ip| ip.transport), Some(Transport::Icmp { kind: 8, .. }))
    };
    packets.iter().find(is_request).expect("the request was carried").clone()
}

#[netns_test]
fn with_all_entries_the_containers_are_on_one_segment() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let underlay = swarm.underlay()?.capture(any())?;
    let there = swarm.c0.probe(ping("192.168.200.4")).run()?;
    let back = seen::outcome(&swarm.c1, ping("192.168.200.3"))?;
    claim("overlay-dp-c11", ("reached".to_owned(), "reached".to_owned()), (there.outcome().to_string(), back));

    let packets = underlay.packets()?;
    let outer = carried_request(&packets);
    let ip = outer.ip().expect("it is IP");
    let carried = outer.vxlan().expect("it is VXLAN");
    let Transport::Udp { source: source_port, destination } = ip.transport else { panic!("it is no UDP") };
    claim(
        "overlay-dp-c12",
        format!("{VTEP0} > {VTEP1} UDP 4789"),
        format!("{} > {} UDP {destination}", ip.source, ip.destination),
    );
    claim("overlay-dp-c12b", (0x08, 4097), (carried.flags, carried.id));
    let (frame, inner) = (carried.frame.ethernet.expect("it is Ethernet"), carried.frame.ip().expect("it is IP"));
    claim(
        "overlay-dp-c12c",
        format!("{C0} > {C1}, 192.168.200.3 > 192.168.200.4"),
        format!("{} > {}, {} > {}", frame.source, frame.destination, inner.source, inner.destination),
    );
    claim("overlay-dp-c12d", 50, ip.length - inner.length);
    // The checksum of the UDP header, behind 14 bytes of Ethernet and 20 of IPv4.
    let checksum = u16::from_be_bytes([outer.bytes()[40], outer.bytes()[41]]);
    let ports = swarm.node0.sysctl("net.ipv4.ip_local_port_range")?;
    let range: Vec<u16> = ports.split_whitespace().map(|port| port.parse().unwrap_or_default()).collect();
    let seen = (ip.ttl, ip.dont_fragment, checksum != 0, range[0] <= source_port && source_port <= range[1]);
    claim("overlay-dp-c12e", (64, false, true, true), seen);

    claim("overlay-dp-c13", Some(64), there.ttl());
    let asked =
        packets.iter().filter(|p| p.arp().is_some_and(|arp| arp.target.to_string().starts_with("192.168.200.")));
    claim("overlay-dp-c14", 0, asked.count());
    let known = swarm.c0.neighbour("192.168.200.4".parse()?)?.and_then(|entry| entry.mac).map(|mac| mac.to_string());
    claim("overlay-dp-c15", Some(C1.to_owned()), known);
    Ok(())
}

#[netns_test]
fn the_entries_are_permanent() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let entry = swarm.ov0.fdb()?.into_iter().find(|e| e.mac.to_string() == C1 && e.destination.is_some());
    let entry =
        entry.map(|e| format!("{} dst {} permanent {}", e.mac, e.destination.expect("it has one"), e.permanent));
    claim("overlay-dp-c16", Some(format!("{C1} dst {VTEP1} permanent true")), entry);
    let neighbour = swarm.ov0.neighbour("192.168.200.4".parse()?)?;
    let neighbour = neighbour.map(|n| format!("{} {}", n.mac.map(|mac| mac.to_string()).unwrap_or_default(), n.state));
    claim("overlay-dp-c16b", Some(format!("{C1} PERMANENT")), neighbour);
    Ok(())
}

#[netns_test]
fn flows_have_source_ports_of_their_own() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    swarm.c1.serve(udp(7000))?;
    let underlay = swarm.underlay()?.capture(tunnelled().to(VTEP1))?;
    for port in 40_000..40_008 {
        swarm.c0.reaches(udp("192.168.200.4:7000").source_port(port));
    }
    let carries_udp = |packet: &&Packet| {
        let inner = packet.vxlan().and_then(|carried| carried.frame.ip().cloned());
        matches!(inner.map(|ip| ip.transport), Some(Transport::Udp { .. }))
    };
    let packets = underlay.packets()?;
    let ports: std::collections::BTreeSet<u16> = packets
        .iter()
        .filter(carries_udp)
        .filter_map(|packet| match packet.ip()?.transport {
            Transport::Udp { source, .. } => Some(source),
            _ => None,
        })
        .collect();
    claim("overlay-dp-c17", true, ports.len() > 1);
    Ok(())
}

#[netns_test]
fn tcp_works_and_keeps_its_source() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    swarm.c1.serve(tcp(80))?;
    let wire = swarm.c1.interface("eth0")?.capture(tcp(80))?;
    swarm.c0.reaches(tcp("192.168.200.4:80"));
    claim("overlay-dp-c18", Some("192.168.200.3".parse()?), wire.saw(tcp(80)).source());
    Ok(())
}

#[netns_test]
fn the_firewalls_of_the_node_and_of_the_overlay_see_different_packets() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    // The node's policy for what it forwards is to drop.
    let policy = swarm.node0.firewall_chains()?.into_iter().find(|chain| chain.hook == Some(Hook::Forward));
    assert_eq!(policy.and_then(|chain| chain.policy), Some(Policy::Drop));
    claim("overlay-dp-c19", "reached", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);

    let rule = swarm.node1.add_firewall_rule(Family::Inet, Hook::Input, Match::udp(4789).drop())?;
    claim("overlay-dp-c19b", "timeout", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    rule.remove()?;
    swarm.c0.reaches(ping("192.168.200.4"));

    swarm.ov0.set_policy(Family::Inet, Hook::Forward, Policy::Drop)?;
    claim("overlay-dp-c19c", "timeout", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    Ok(())
}

#[netns_test]
fn a_device_that_goes_down_forgets_its_neighbours_and_keeps_its_forwarding_entries() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    swarm.c0.reaches(ping("192.168.200.4"));
    let vxlan1 = swarm.ov1.interface("vxlan1")?;
    let refused = swarm.node1.interface("enp0s3")?.capture(icmp().to(VTEP0))?;
    vxlan1.down()?;
    claim("overlay-dp-c20", "timeout", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    let told = refused.saw(icmp()).ip().map(|ip| ip.transport.clone());
    let told = match told {
        Some(Transport::Icmp { kind, code, .. }) => (kind, code),
        _ => (0, 0),
    };
    claim("overlay-dp-c20b", (3, 3), told);

    let kept = swarm.ov1.fdb()?.iter().any(|e| e.mac.to_string() == C0 && e.destination.is_some() && e.permanent);
    claim("overlay-dp-c20c", (false, true), (swarm.ov1.neighbour("192.168.200.3".parse()?)?.is_some(), kept));
    vxlan1.up()?;
    swarm.c1.flush_neighbours()?;
    swarm.c0.cannot_reach(ping("192.168.200.4"), by::Timeout);

    swarm.learn_near()?;
    swarm.c1.flush_neighbours()?;
    let again = eventually(Duration::from_secs(5), || swarm.c0.probe(ping("192.168.200.4")));
    claim("overlay-dp-c20d", "reached", again.outcome().to_string());
    Ok(())
}

#[netns_test]
fn the_underlay_can_go_down_and_come_back() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let underlay = swarm.underlay()?;
    swarm.c0.reaches(ping("192.168.200.4"));
    underlay.down()?;
    claim("overlay-dp-c21", "timeout", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    underlay.up()?;
    let again = eventually(Duration::from_secs(10), || swarm.c0.probe(ping("192.168.200.4")));
    claim("overlay-dp-c21b", "reached", again.outcome().to_string());
    Ok(())
}

#[netns_test]
fn a_node_has_no_part_in_the_overlay_that_it_carries() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    claim("overlay-dp-c22", "timeout", seen::outcome(&swarm.node0, ping("192.168.200.3"))?);
    claim("overlay-dp-c22b", "reached", seen::outcome(&swarm.c0, ping("192.168.200.1"))?);
    Ok(())
}

#[netns_test]
fn a_stale_forwarding_entry_loses_packets_and_nothing_is_missed() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    tell(&swarm.ov0, "192.168.200.4", C1, "192.168.10.99")?;
    let misses = swarm.ov0.interface("vxlan1")?.misses()?;
    let outcome = seen::outcome(&swarm.c0, ping("192.168.200.4"))?;
    claim("overlay-dp-c24", ("timeout".to_owned(), 0), (outcome, words(&misses.all()?).len()));

    swarm.ov0.remove_fdb(format!("{C1} dev vxlan1 dst 192.168.10.99"))?;
    swarm.c0.cannot_reach(ping("192.168.200.4"), by::Timeout);
    assert_eq!(words(&misses.all()?).first().map(String::as_str), Some("miss lladdr 02:42:c0:a8:c8:04"));
    Ok(())
}

#[netns_test]
fn an_entry_for_whatever_is_unknown_is_no_use_to_a_proxy() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    swarm.ov0.add_fdb(format!("00:00:00:00:00:00 dev vxlan1 dst {VTEP1}"))?;
    claim("overlay-dp-c25", "host unreachable", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    Ok(())
}

#[netns_test]
fn without_a_proxy_requests_are_flooded() -> Result {
    let swarm = Swarm::bare(Shape { proxy: false, ..Shape::default() })?;
    swarm.ov0.add_fdb(format!("00:00:00:00:00:00 dev vxlan1 dst {VTEP1}"))?;
    swarm.ov1.add_fdb(format!("00:00:00:00:00:00 dev vxlan1 dst {VTEP0}"))?;
    let underlay = swarm.underlay()?.capture(tunnelled())?;
    let outcome = seen::outcome(&swarm.c0, ping("192.168.200.4"))?;
    let asked = underlay.packets()?.iter().filter_map(Packet::vxlan).any(|carried| {
        carried.frame.arp().is_some_and(|arp| arp.operation == 1 && arp.target.to_string() == "192.168.200.4")
    });
    claim("overlay-dp-c27", ("reached".to_owned(), true), (outcome, asked));
    Ok(())
}

#[netns_test]
fn overlays_of_different_numbers_do_not_meet() -> Result {
    let swarm = Swarm::new(Shape { ids: [4097, 4098], ..Shape::default() })?;
    let arrived = swarm.node1.interface("enp0s3")?.capture(tunnelled())?;
    claim("overlay-dp-c28", "timeout", seen::outcome(&swarm.c0, ping("192.168.200.4"))?);
    let request = carried_request(&arrived.packets()?);
    assert_eq!(request.vxlan().map(|carried| carried.id), Some(4097), "it arrived, and was not taken");
    Ok(())
}
