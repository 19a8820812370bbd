//! Probes that the asking node itself does not let out.

use netns_test::{ProbeError, prelude::*};
use std::net::IpAddr;

use crate::networks::Path;

#[netns_test]
fn an_own_route_that_refuses_is_told_apart_by_its_kind(net: Path) -> Result {
    for (kind, v4, v6, reason) in [
        ("prohibit", "198.51.100.4", "2001:db8:1::4", by::Prohibited),
        ("unreachable", "198.51.100.5", "2001:db8:1::5", by::HostUnreachable),
        ("blackhole", "198.51.100.6", "2001:db8:1::6", by::Blackhole),
    ] {
        net.a.add_route(&*format!("{kind} {v4}"))?;
        net.a.add_route(&*format!("{kind} {v6}"))?;
        for ip in [v4, v6] {
            let ip: IpAddr = ip.parse()?;
            for target in [ping(ip), tcp((ip, 1)), udp((ip, 1))] {
                let seen = net.a.cannot_reach(target, reason.local());
                let answer = seen.report().answer();
                assert_eq!((answer.sent.left, answer.sent.solicitations), (0, 0), "{answer:?}");
            }
        }
    }
    Ok(())
}

#[netns_test]
fn without_a_route_nothing_is_sent(net: Path) -> Result {
    net.a.remove_route("default via 10.0.0.1")?;
    net.a.remove_route("default via fd00::1")?;
    for target in [ping("192.0.2.1"), tcp("192.0.2.1:1"), udp("192.0.2.1:1"), ping("2001:db8::1"), tcp("[fd01::2]:1")] {
        let seen = net.a.cannot_reach(target, by::NetworkUnreachable.local());
        let sent = seen.report().answer().sent;
        assert_eq!((sent.accepted, sent.left, sent.solicitations), (0, 0, 0));
    }
    Ok(())
}

#[netns_test]
fn a_broadcast_address_is_not_probed(net: Path) {
    net.a.cannot_reach(ping("10.0.0.255"), by::BroadcastRefused.local());
    net.a.cannot_reach(udp("10.0.0.255:9"), by::BroadcastRefused.local());
    // TCP knows no broadcast.
    net.a.cannot_reach(tcp("10.0.0.255:9"), by::NetworkUnreachable.local() | by::BroadcastRefused.local());
}

#[netns_test]
fn a_source_address_of_another_node_is_an_error_and_no_verdict(net: Path) {
    let elsewhere: IpAddr = [10, 0, 1, 2].into();
    let error = net.a.probe(ping("10.0.1.2").source(elsewhere)).run().expect_err("it is b's");
    assert!(matches!(error, ProbeError::Target(_)), "{error}");
}

#[netns_test]
fn a_node_without_any_ipv6_address_has_no_source_for_ipv6() -> Result {
    let lab = Topology::builder().node("bare", |n| n).build()?.up()?;
    let bare = lab.node("bare")?;
    bare.reaches(ping("::1"));
    bare.cannot_reach(ping("2001:db8::1"), by::NetworkUnreachable.local());
    bare.interface("lo")?.down()?;
    for target in [ping("::1"), tcp("[::1]:1"), udp("[::1]:1"), ping("2001:db8::1")] {
        bare.cannot_reach(target, by::NoSourceAddress.local());
    }
    Ok(())
}

#[netns_test]
fn loopback_down_drops_what_a_node_sends_to_itself(net: Path) -> Result {
    net.a.reaches(ping("10.0.0.2"));
    net.a.interface("lo")?.down()?;
    let seen = net.a.cannot_reach(ping("10.0.0.2"), by::Timeout);
    let answer = seen.report().answer();
    assert_eq!((answer.sent.left, &*answer.detail), (0, "lo is down"));
    net.a.cannot_reach(ping("127.0.0.1"), by::Timeout);
    Ok(())
}

#[netns_test]
fn loopback_down_hides_the_failure_of_a_neighbour(net: Path) -> Result {
    net.a.cannot_reach(ping("10.0.0.77"), by::HostUnreachable.local());
    net.a.flush_neighbours()?;
    net.a.interface("lo")?.down()?;
    let seen = net.a.cannot_reach(ping("10.0.0.77"), by::Timeout);
    assert_eq!(seen.report().answer().sent.solicitations, 1);
    Ok(())
}

#[netns_test]
fn a_link_that_is_down_leaves_no_route(net: Path) -> Result {
    net.a.interface("eth0")?.down()?;
    for target in [ping("10.0.0.1"), ping("fd00::1"), tcp("10.0.0.1:80"), udp("[fd00::1]:53")] {
        net.a.cannot_reach(target, by::NetworkUnreachable.local());
    }
    Ok(())
}

#[netns_test]
fn what_a_filter_of_the_node_itself_drops_is_a_local_drop(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    net.b.serve(udp(53))?;
    for target in [net.b.ping(), net.b.tcp(80), net.b.udp(53)] {
        net.a.reaches(target);
    }
    net.a.set_policy(Family::Inet, Hook::Output, Policy::Drop)?;
    for target in [ping("10.0.1.2"), udp("10.0.1.2:53"), tcp("10.0.1.2:80"), ping("fd01::2"), udp("[fd01::2]:53")] {
        let seen = net.a.cannot_reach(target, by::LocalDrop.local());
        assert_eq!(seen.report().answer().sent.left, 0);
    }
    Ok(())
}

#[netns_test]
fn a_packet_larger_than_the_own_link_is_too_big_at_once(net: Path) {
    net.a.reaches(ping("10.0.1.2").size(1472).dont_fragment());
    net.a.cannot_reach(
        ping("10.0.1.2").size(1473).dont_fragment(),
        by::PacketTooBig.local() | by::PacketTooBig.mtu(1500),
    );
    let seen = net.a.cannot_reach(ping("10.0.1.2").size(1473).dont_fragment(), by::PacketTooBig.mtu(1500));
    assert_eq!(seen.report().answer().sent.left, 0);
    net.a.reaches(ping("fd01::2").size(1452).dont_fragment());
    net.a.cannot_reach(ping("fd01::2").size(1453).dont_fragment(), by::PacketTooBig.mtu(1500).local());
    // Without the flag it goes in pieces.
    net.a.reaches(ping("10.0.1.2").size(3000));
    net.a.reaches(ping("fd01::2").size(3000));
}
