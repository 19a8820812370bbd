//! What captures see, and what their silence is worth.

mod networks;

use netns_test::{
    capture::{CaptureError, Direction, Transport},
    prelude::*,
};
use networks::Path;
use std::{
    net::{IpAddr, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
};

const MOMENT: Duration = Duration::from_millis(10);

#[netns_test]
fn a_capture_sees_both_ways_with_their_direction(net: Path) -> Result {
    let wire = net.r.interface("left")?.capture(icmp())?;
    net.a.reaches(ping("10.0.1.2"));
    let request = wire.saw(icmp().requests().from("10.0.0.2").to("10.0.1.2"));
    let reply = wire.saw(icmp().replies().from("10.0.1.2").to("10.0.0.2"));
    assert_eq!((request.direction, reply.direction), (Direction::In, Direction::Out));
    assert_eq!(request.ip().map(|ip| ip.ttl), Some(64));
    assert_eq!(reply.ip().map(|ip| ip.ttl), Some(63));
    assert!(request.time <= reply.time);
    assert_eq!(wire.count(icmp())?, 2);
    Ok(())
}

#[netns_test]
fn a_captured_frame_carries_the_macs_of_its_hop(net: Path) -> Result {
    let wire = net.b.interface("eth0")?.capture(icmp().requests())?;
    net.a.reaches(ping("10.0.1.2"));
    let ethernet = wire.saw(icmp()).ethernet.ok_or("a cable carries Ethernet")?;
    assert_eq!(ethernet.source, net.r.interface("right")?.mac()?);
    assert_eq!(ethernet.destination, net.b.interface("eth0")?.mac()?);
    assert_eq!(ethernet.kind, 0x0800);
    Ok(())
}

#[netns_test]
fn arp_is_seen_with_what_it_asks_and_answers(net: Path) -> Result {
    net.a.flush_neighbours()?;
    let wire = net.r.interface("left")?.capture(arp())?;
    net.a.reaches(ping("10.0.0.1"));
    let asked = *wire.saw(arp().requests().to("10.0.0.1")).arp().ok_or("no ARP")?;
    let answered = *wire.saw(arp().replies().from("10.0.0.1")).arp().ok_or("no ARP")?;
    assert_eq!((asked.operation, asked.sender.to_string()), (1, "10.0.0.2".to_owned()));
    assert_eq!(answered.sender_mac, net.r.interface("left")?.mac()?);
    assert_eq!(answered.target_mac, net.a.interface("eth0")?.mac()?);
    Ok(())
}

#[netns_test]
fn neighbour_discovery_is_told_apart_from_echoes(net: Path) -> Result {
    net.a.flush_neighbours()?;
    let wire = net.r.interface("left")?.capture(any())?;
    net.a.reaches(ping("fd00::1"));
    let asked = wire.saw(ndp().requests().from("fd00::2"));
    let Some(Transport::Icmp { kind: 135, neighbour, .. }) = asked.ip().map(|ip| ip.transport.clone()) else {
        panic!("{asked}")
    };
    assert_eq!(neighbour, Some("fd00::1".parse()?));
    wire.saw(ndp().replies());
    assert_eq!(wire.count(icmp().from("fd00::2"))?, 1, "the echo alone is ICMP");
    Ok(())
}

#[netns_test]
fn who_has_an_address_is_asked_on_the_link(net: Path) -> Result {
    let (eth0, left) = (net.a.interface("eth0")?, net.r.interface("left")?);
    for address in ["10.0.0.1", "fd00::1"] {
        let answers = eth0.who_has(address)?.answers;
        assert_eq!(answers.iter().map(|answer| answer.mac).collect::<Vec<_>>(), [left.mac()?], "{address}");
    }
    assert!(eth0.who_has("10.0.0.77")?.answers.is_empty());
    for address in ["10.0.0.77", "fd00::77"] {
        let error = net.a.interface("lo")?.who_has(address).expect_err("it leads nowhere").to_string();
        assert!(error.contains("`a.lo` is no Ethernet interface"), "{error}");
    }
    eth0.down()?;
    let error = eth0.who_has("10.0.0.1").expect_err("nothing can be asked on an interface that is down").to_string();
    assert!(error.contains("send a frame for a.eth0: "), "{error}");
    eth0.up()?;
    eth0.wait_until_running()?;
    left.down()?;
    eventually(Duration::from_secs(5), || eth0.info().is_ok_and(|info| !info.flags.running()));
    for address in ["10.0.0.1", "fd00::1"] {
        let error = eth0.who_has(address).expect_err("without a carrier nothing leaves").to_string();
        assert!(error.contains("no verdict: ") && error.contains("a.eth0 has no carrier"), "{error}");
    }
    Ok(())
}

#[netns_test]
fn masquerade_is_seen_on_the_wire(net: Path) -> Result {
    // b does not know the way back to a, only to the router.
    net.b.remove_route("default via 10.0.1.1")?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Timeout);
    net.r.masquerade("right")?;
    let (left, right) = (net.r.interface("left")?.capture(icmp())?, net.r.interface("right")?.capture(icmp())?);

    net.a.reaches(ping("10.0.1.2"));

    right.saw(icmp().requests().from("10.0.1.1").to("10.0.1.2"));
    right.saw(icmp().replies().from("10.0.1.2").to("10.0.1.1"));
    right.stays_quiet(icmp().from("10.0.0.2"), MOMENT);
    left.saw(icmp().replies().from("10.0.1.2").to("10.0.0.2"));
    left.stays_quiet(icmp().from("10.0.1.1"), MOMENT);
    Ok(())
}

#[netns_test]
fn ports_and_networks_narrow_a_filter(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    net.b.serve(udp(53))?;
    let wire = net.b.interface("eth0")?.capture(any())?;
    net.a.reaches(tcp("10.0.1.2:80").source_port(5000));
    net.a.reaches(udp("10.0.1.2:53"));
    wire.saw(tcp(80).source_port(5000).from("10.0.0.0/24"));
    wire.saw(udp(53).to("10.0.1.2"));
    wire.saw(|packet: &netns_test::Packet| packet.ip().is_some_and(|ip| ip.ttl == 63));
    wire.stays_quiet(tcp(81), MOMENT);
    wire.stays_quiet(udp(53).from("10.0.9.0/24"), MOMENT);
    wire.stays_quiet(tcp(53), MOMENT);
    Ok(())
}

#[netns_test]
fn the_payload_is_what_was_sent(net: Path) -> Result {
    let wire = net.b.interface("eth0")?.capture(udp(7000))?;
    net.a.run(|| UdpSocket::bind("0.0.0.0:0")?.send_to(b"hello", "10.0.1.2:7000"))?;
    assert_eq!(wire.saw(udp(7000)).payload(), b"hello");
    Ok(())
}

#[netns_test]
fn what_passed_before_does_not_count(net: Path) -> Result {
    net.a.reaches(ping("10.0.1.2"));
    let mut wire = net.r.interface("left")?.capture(icmp())?;
    wire.stays_quiet(icmp(), MOMENT);
    net.a.reaches(ping("10.0.1.2"));
    assert_eq!(wire.packets()?.len(), 2);
    wire.clear()?;
    wire.stays_quiet(icmp(), MOMENT);
    net.a.reaches(ping("10.0.1.2"));
    assert_eq!(wire.count(icmp())?, 2);
    Ok(())
}

#[netns_test]
fn a_capture_waits_for_what_comes_later(net: Path) -> Result {
    let wire = net.b.interface("eth0")?.capture(udp(7000))?;
    std::thread::scope(|scope| -> Result {
        let waiting = scope.spawn(|| wire.saw(udp(7000)));
        net.a.run(|| UdpSocket::bind("0.0.0.0:0")?.send_to(b"later", "10.0.1.2:7000"))?;
        assert_eq!(waiting.join().expect("it comes").payload(), b"later");
        Ok(())
    })
}

#[netns_test]
fn nothing_is_lost_of_ten_thousand_packets(net: Path) -> Result {
    const PACKETS: usize = 10_000;
    // What the kernel queues for a capture that gets no processor for a while.
    const AT_ONCE: usize = 100;
    let wire = net.b.interface("eth0")?.capture(udp(7000))?;
    let socket = net.a.run(|| UdpSocket::bind("0.0.0.0:0"))?;
    socket.connect("10.0.1.2:7000")?;
    for n in 0..PACKETS {
        // The port is closed: an answer from there is an error of one of the sends.
        if socket.send(&n.to_be_bytes()).is_err() {
            socket.send(&n.to_be_bytes())?;
        }
        if n % AT_ONCE == AT_ONCE - 1 {
            eventually(Duration::from_secs(2), || wire.count(udp(7000)).map(|seen| seen > n).unwrap_or(false));
        }
    }
    let seen = wire.packets()?;
    let numbers: Vec<usize> =
        seen.iter().map(|packet| usize::from_be_bytes(packet.payload().try_into().expect("eight bytes"))).collect();
    assert!(numbers.iter().copied().eq(0..PACKETS), "{} packets", numbers.len());
    Ok(())
}

#[netns_test]
fn a_capture_changes_nothing() -> Result {
    // IPv6 speaks of its own accord.
    let quiet = "net.ipv6.conf.all.disable_ipv6";
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24").sysctl(quiet, 1))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24").sysctl(quiet, 1))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    let eth0 = b.interface("eth0")?;
    a.reaches(b.ping());
    let state = || -> Result<_> {
        let counters = eth0.counters()?;
        Ok((counters.tx_packets, counters.rx_packets, b.neighbours()?, b.has_no_firewall()?, b.connections()?))
    };
    let before = state()?;
    let wire = eth0.capture(icmp())?;
    wire.stays_quiet(icmp(), MOMENT);
    drop(wire);
    assert_eq!(state()?, before);
    Ok(())
}

// ---- quiet that proves nothing

#[netns_test]
fn quiet_fails_where_such_a_packet_passed(net: Path) -> Result {
    let wire = net.r.interface("left")?.capture(icmp())?;
    net.a.reaches(ping("10.0.1.2"));
    let error = wire.quiet(icmp().from("10.0.0.2"), MOMENT).expect_err("it passed");
    assert!(matches!(&error, CaptureError::NotQuiet { seen, .. } if seen.len() == 1), "{error}");
    let panic = catch_unwind(AssertUnwindSafe(|| wire.stays_quiet(icmp(), MOMENT))).expect_err("it passed");
    let text = panic.downcast::<String>().expect("a text");
    assert!(text.starts_with("r.left saw 2 icmp"), "{text}");
    Ok(())
}

#[netns_test]
fn quiet_of_an_interface_that_can_carry_nothing_proves_nothing(net: Path) -> Result {
    let left = net.r.interface("left")?;
    let wire = left.capture(icmp())?;
    wire.quiet(icmp(), MOMENT)?;
    let dead = |reason: &str| match wire.quiet(icmp(), MOMENT) {
        Err(CaptureError::Dead { reason: seen, .. }) => assert_eq!(seen, reason),
        other => panic!("{other:?}"),
    };
    net.a.interface("eth0")?.down()?;
    eventually(Duration::from_secs(1), || wire.quiet(icmp(), MOMENT).is_err());
    dead("it has no carrier");
    left.down()?;
    dead("it is down");
    left.delete()?;
    dead("it is gone");
    Ok(())
}

#[netns_test]
fn what_did_not_come_is_an_error_that_shows_what_did(net: Path) -> Result {
    let wire = net.r.interface("left")?.capture(icmp())?;
    net.a.reaches(ping("10.0.1.2"));
    let other: IpAddr = [192, 0, 2, 7].into();
    let error = wire.wait_for(icmp().from(other), MOMENT).expect_err("nobody has that address");
    assert!(matches!(&error, CaptureError::Unseen { instead, .. } if instead.len() == 2), "{error}");
    assert!(error.to_string().starts_with("r.left saw no icmp from 192.0.2.7 within 10ms"), "{error}");
    Ok(())
}

#[netns_test]
fn a_capture_does_not_speak_of_what_its_filter_left_out(net: Path) -> Result {
    net.b.serve(udp(53))?;
    let wire = net.b.interface("eth0")?.capture(icmp().requests().from("10.0.9.9"))?;
    net.a.reaches(net.b.udp(53));
    net.a.reaches(ping("10.0.1.2"));
    let left_out =
        [udp(53), arp(), icmp().replies(), icmp().from("10.0.0.2"), any().from("10.0.8.0/24"), icmp().to("fd01::2")];
    for unwanted in left_out {
        let error = wire.quiet(&unwanted, MOMENT).expect_err("it was not kept");
        assert!(matches!(error, CaptureError::NotKept { .. }), "{unwanted}: {error}");
        assert!(wire.count(&unwanted).is_err() && wire.wait_for(&unwanted, MOMENT).is_err(), "{unwanted}");
    }
    let error = wire.quiet(udp(53), MOMENT).expect_err("it was not kept").to_string();
    assert_eq!(
        error,
        "the capture on b.eth0 keeps icmp requests from 10.0.9.9 alone, so it cannot tell of udp port 53 (help: begin one \
         with a filter that keeps it, such as `any()`)"
    );
    // These mean: of what this capture keeps.
    for unwanted in [any(), icmp(), icmp().from("10.0.0.0/16"), any().to("10.0.1.2")] {
        wire.quiet(unwanted, MOMENT)?;
    }
    let error = wire.wait_for(icmp(), MOMENT).expect_err("the other echoes were not kept").to_string();
    let kept = "nothing that this capture keeps (icmp requests from 10.0.9.9) passed";
    assert_eq!(error, format!("b.eth0 saw no icmp within 10ms; {kept}"));
    let quiet = net.a.interface("lo")?.capture(any())?;
    let error = quiet.wait_for(tcp(80), MOMENT).expect_err("nobody is on lo").to_string();
    assert_eq!(error, "a.lo saw no tcp port 80 within 10ms; nothing passed");
    Ok(())
}

#[netns_test]
fn an_interface_that_does_not_exist_cannot_be_captured(net: Path) -> Result {
    let left = net.r.interface("left")?;
    left.delete()?;
    let error = left.capture(any()).expect_err("it is gone");
    assert!(error.to_string().starts_with("find the interface on r.left: "), "{error}");
    Ok(())
}

#[netns_test]
fn another_interface_of_the_same_name_is_not_the_captured_one(net: Path) -> Result {
    let old = net.a.add_bridge("br9")?;
    let wire = old.capture(any())?;
    old.delete()?;
    net.a.add_bridge("br9")?.up()?;
    let error = wire.quiet(any(), MOMENT).expect_err("it is blind").to_string();
    assert_eq!(error, "nothing could have passed a.br9: it is gone, and another has its name");
    Ok(())
}
