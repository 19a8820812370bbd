//! How much the overlay carries, to the byte.

use netns_test::{Packet, capture::Transport, prelude::*};

use crate::{
    common::claim,
    model::{Shape, Swarm, VTEP0},
    seen,
};

/// A ping from one replica to the other that may not be fragmented.
fn whole(swarm: &Swarm, size: usize) -> Result<String> {
    seen::outcome(&swarm.c0, ping("192.168.200.4").size(size).dont_fragment())
}

fn is_fragment(packet: &&Packet) -> bool {
    packet.ip().is_some_and(|ip| ip.transport == Transport::Fragment)
}

#[netns_test]
fn the_overlay_carries_1450_bytes() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    claim("overlay-mtu-c1", "reached", whole(&swarm, 1422)?);
    claim("overlay-mtu-c2", "packet too big (mtu 1450)", whole(&swarm, 1423)?);

    let underlay = swarm.underlay()?.capture(any())?;
    swarm.c0.reaches(ping("192.168.200.4").size(1422).dont_fragment());
    let packets = underlay.packets()?;
    let largest = packets.iter().filter_map(|packet| packet.vxlan().and(packet.ip()).map(|ip| ip.length)).max();
    claim("overlay-mtu-c4", (Some(1500), 0), (largest, packets.iter().filter(is_fragment).count()));
    Ok(())
}

#[netns_test]
fn larger_packets_are_fragmented_inside() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let is_from_c0 = |packet: &&Packet| {
        let source = packet.vxlan().and_then(|carried| Some(carried.frame.ip()?.source));
        source.is_some_and(|source| source.to_string() == "192.168.200.3")
    };
    let (mut seen, mut packets) = (Vec::new(), Vec::new());
    for size in [1423, 8000] {
        let underlay = swarm.underlay()?.capture(any())?;
        let outcome = seen::outcome(&swarm.c0, ping("192.168.200.4").size(size))?;
        let passed = underlay.packets()?;
        seen.push((outcome, passed.iter().filter(is_from_c0).count()));
        packets.extend(passed);
    }
    // 1,424 bytes each, a multiple of eight, but for the last.
    claim("overlay-mtu-c3", [("reached".to_owned(), 2), ("reached".to_owned(), 6)].to_vec(), seen);
    claim("overlay-mtu-c4b", 0, packets.iter().filter(is_fragment).count());
    Ok(())
}

#[netns_test]
fn the_way_out_carries_1500_bytes() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let out = |to: &str, size| seen::outcome(&swarm.c0, ping(to).size(size).dont_fragment());
    claim("overlay-mtu-c5", ["reached", "reached"], [out("172.18.0.1", 1472)?, out("8.8.8.8", 1472)?]);
    let too_big = "packet too big (mtu 1500)";
    claim("overlay-mtu-c6", [too_big, too_big], [out("172.18.0.1", 1473)?, out("8.8.8.8", 1473)?]);
    Ok(())
}

#[netns_test]
fn datagrams_meet_the_same_limit() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    swarm.c1.serve(udp(9000))?;
    let sent = |size| seen::outcome(&swarm.c0, udp("192.168.200.4:9000").size(size).dont_fragment());
    claim("overlay-mtu-c7", ["reached", "packet too big (mtu 1450)"], [sent(1422)?, sent(1423)?]);
    Ok(())
}

#[netns_test]
fn what_a_containers_end_alone_would_carry_is_lost_on_its_cable() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let eth0 = swarm.c0.interface("eth0")?;
    eth0.set_mtu(1500)?;
    let before = eth0.counters()?.tx_dropped;
    // A cable leaves room for the tag of a VLAN: 4 bytes more than its MTU.
    let sizes = [1422, 1427, 1472].map(|size| whole(&swarm, size));
    let [fits, larger, largest] = sizes;
    let lost = "dropped on the node itself (No buffer space available (os error 105))".to_owned();
    claim("overlay-mtu-c8", ("reached".to_owned(), lost.clone(), lost), (fits?, larger?, largest?));
    claim("overlay-mtu-c8b", 2, eth0.counters()?.tx_dropped - before);
    Ok(())
}

/// An overlay that leaves no room for encapsulation.
fn without_room() -> Shape {
    Shape { mtu: 1500, bridge_mtu: 1500, ..Shape::default() }
}

#[netns_test]
fn a_tunnel_without_room_answers_in_the_name_of_the_destination() -> Result {
    let swarm = Swarm::new(without_room())?;
    let underlay = swarm.underlay()?.capture(udp(4789))?;
    let report = swarm.c0.probe(ping("192.168.200.4").size(1472).dont_fragment()).run()?;
    claim("overlay-mtu-c10", "packet too big (mtu 1450)", report.outcome().to_string());
    claim("overlay-mtu-c10b", "192.168.200.4", report.origin().to_string());
    claim("overlay-mtu-c10c", 0, underlay.count(any())?);

    let again = swarm.c0.probe(ping("192.168.200.4").size(1472).dont_fragment()).run()?;
    claim(
        "overlay-mtu-c10d",
        "packet too big (mtu 1450) by the node itself",
        format!("{} by {}", again.outcome(), again.origin()),
    );
    swarm.c0.reaches(ping("192.168.200.4"));
    underlay.saw(any());
    Ok(())
}

#[netns_test]
fn a_tunnel_without_room_has_its_own_packets_fragmented() -> Result {
    let swarm = Swarm::new(without_room())?;
    let underlay =
        swarm.underlay()?.capture(|packet: &Packet| packet.source().is_some_and(|from| from.to_string() == VTEP0))?;
    let outcome = seen::outcome(&swarm.c0, ping("192.168.200.4").size(1472).may_fragment())?;
    let packets = underlay.packets()?;
    let (first, later): (Vec<&Packet>, Vec<&Packet>) = packets.iter().partition(|packet| !is_fragment(packet));
    let lengths: Vec<usize> = first.iter().filter_map(|packet| packet.ip()).map(|ip| ip.length).collect();
    claim("overlay-mtu-c11", ("reached".to_owned(), vec![1500], 1), (outcome, lengths, later.len()));
    Ok(())
}

#[netns_test]
fn an_overlay_over_jumbo_frames_carries_8950_bytes() -> Result {
    let shape = Shape { mtu: 8950, bridge_mtu: 8950, underlay_mtu: 9000, ..Shape::default() };
    let swarm = Swarm::new(shape)?;
    let both = [whole(&swarm, 8922)?, whole(&swarm, 8923)?];
    claim("overlay-mtu-c12", ["reached", "packet too big (mtu 8950)"], both);
    Ok(())
}

#[netns_test]
fn a_bridge_that_carries_less_than_its_ports_drops_in_silence() -> Result {
    let swarm = Swarm::new(Shape { mtu: 1500, ..Shape::default() })?;
    let wire = swarm.c0.interface("eth0")?.capture(icmp().replies())?;
    swarm.c0.reaches(ping("192.168.200.4"));
    let seen = (whole(&swarm, 1472)?, wire.packets()?.len());
    claim("overlay-mtu-c9", ("timeout".to_owned(), 1), seen);
    Ok(())
}
