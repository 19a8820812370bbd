//! What probes see: every outcome, and who said so.

mod networks;

use netns_test::{Probe, ProbeError, prelude::*};
use networks::Path;
use std::{
    net::{IpAddr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
};

// ---- the answer comes

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

// ---- the host answers that nobody listens

#[netns_test]
fn a_closed_port_is_refused_by_the_host(net: Path) {
    for (to, by) in [("10.0.1.2:81", "10.0.1.2"), ("[fd01::2]:81", "fd01::2")] {
        net.a.cannot_reach(tcp(to), by::Refused.by(by));
        net.a.cannot_reach(udp(to), by::Refused.by(by));
    }
    net.a.cannot_reach(tcp("127.0.0.1:81"), by::Refused.local());
    net.a.cannot_reach(udp("[::1]:81"), by::Refused.local());
}

// ---- somebody on the way says no

#[netns_test]
fn a_ttl_that_is_used_up_is_said_by_the_router(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    net.b.serve(udp(53))?;
    for target in [ping("10.0.1.2"), tcp("10.0.1.2:80"), udp("10.0.1.2:53")] {
        net.a.cannot_reach(target.clone().ttl(1), by::TtlExceeded.by("10.0.0.1"));
        net.a.reaches(target.ttl(2));
    }
    for target in [ping("fd01::2"), tcp("[fd01::2]:80"), udp("[fd01::2]:53")] {
        net.a.cannot_reach(target.clone().ttl(1), by::TtlExceeded.by(&net.r));
        net.a.reaches(target.ttl(2));
    }
    Ok(())
}

#[netns_test]
fn a_neighbour_that_does_not_answer_is_missed_here(net: Path) -> Result {
    for target in [ping("10.0.0.77"), tcp("10.0.0.77:1"), udp("10.0.0.77:1")] {
        let seen = net.a.cannot_reach(target, by::HostUnreachable.local());
        let sent = seen.report().answer().sent;
        assert_eq!((sent.left, sent.solicitations), (0, 1), "{seen:?}");
        net.a.flush_neighbours()?;
    }
    for target in [ping("fd00::77"), tcp("[fd00::77]:1"), udp("[fd00::77]:1")] {
        net.a.cannot_reach(target, by::HostUnreachable.local());
    }
    Ok(())
}

#[netns_test]
fn a_neighbour_that_does_not_answer_is_missed_by_the_router(net: Path) {
    for target in [ping("10.0.1.77"), tcp("10.0.1.77:1"), udp("10.0.1.77:1")] {
        let seen = net.a.cannot_reach(target, by::HostUnreachable.by(&net.r));
        assert!(seen.report().answer().sent.left > 0, "{seen:?}");
    }
    for target in [ping("fd01::77"), tcp("[fd01::77]:1"), udp("[fd01::77]:1")] {
        net.a.cannot_reach(target, by::HostUnreachable.by("fd00::1"));
    }
}

#[netns_test]
fn a_router_without_a_route_says_so(net: Path) {
    for target in [ping("192.0.2.1"), tcp("192.0.2.1:1"), udp("192.0.2.1:1")] {
        net.a.cannot_reach(target, by::NetworkUnreachable.by("10.0.0.1"));
    }
    for target in [ping("2001:db8::1"), tcp("[2001:db8::1]:1"), udp("[2001:db8::1]:1")] {
        net.a.cannot_reach(target, by::NetworkUnreachable.by("fd00::1"));
    }
}

#[netns_test]
fn a_router_says_that_its_route_prohibits(net: Path) -> Result {
    net.r.add_route("prohibit 198.51.100.1")?;
    net.r.add_route("prohibit 2001:db8:1::1")?;
    for target in [ping("198.51.100.1"), ping("2001:db8:1::1"), udp("198.51.100.1:1"), udp("[2001:db8:1::1]:1")] {
        net.a.cannot_reach(target, by::Prohibited.by(&net.r));
    }
    net.a.cannot_reach(tcp("198.51.100.1:1"), by::Prohibited.by(&net.r));
    Ok(())
}

#[netns_test]
fn a_router_says_that_its_route_is_unreachable(net: Path) -> Result {
    net.r.add_route("unreachable 198.51.100.2")?;
    net.r.add_route("unreachable 2001:db8:1::2")?;
    for target in [ping("198.51.100.2"), tcp("198.51.100.2:1"), udp("198.51.100.2:1")] {
        net.a.cannot_reach(target, by::HostUnreachable.by(&net.r));
    }
    // In IPv6 it says "no route".
    net.a.cannot_reach(ping("2001:db8:1::2"), by::NetworkUnreachable.by(&net.r));
    Ok(())
}

#[netns_test]
fn a_blackhole_of_the_router_is_silent(net: Path) -> Result {
    net.r.add_route("blackhole 198.51.100.3")?;
    net.r.add_route("blackhole 2001:db8:1::3")?;
    for target in [ping("198.51.100.3"), tcp("198.51.100.3:1"), udp("198.51.100.3:1"), ping("2001:db8:1::3")] {
        let seen = net.a.cannot_reach(target, by::Timeout);
        let answer = seen.report().answer();
        assert_eq!(answer.origin, Origin::None);
        assert!(answer.sent.left > 0, "silence counts only if something was sent: {answer:?}");
    }
    Ok(())
}

// ---- the prober's own node says no, and sends nothing

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
    assert!(matches!(error, ProbeError::System { .. }), "{error}");
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
fn a_cable_whose_far_end_is_down_carries_nothing(net: Path) -> Result {
    net.a.reaches(ping("10.0.0.1"));
    net.r.interface("left")?.down()?;
    // The kernel may say that the cable dropped it.
    let expected = by::Timeout | by::HostUnreachable.local() | by::LocalDrop;
    let seen = net.a.cannot_reach(ping("10.0.0.1"), expected);
    assert_eq!(seen.report().answer().received, 0);
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

// ---- too large

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

#[netns_test]
fn a_narrow_link_behind_the_router_is_told_with_its_mtu(net: Path) -> Result {
    net.r.interface("right")?.set_mtu(1400)?;
    net.a.cannot_reach(ping("10.0.1.2").size(1400).dont_fragment(), by::PacketTooBig.mtu(1400).by("10.0.0.1"));
    // It is remembered: nothing is sent the second time.
    let seen = net.a.cannot_reach(ping("10.0.1.2").size(1400).dont_fragment(), by::PacketTooBig.mtu(1400).local());
    assert_eq!(seen.report().answer().sent.left, 0);
    net.a.cannot_reach(ping("fd01::2").size(1400).dont_fragment(), by::PacketTooBig.mtu(1400).by("fd00::1"));
    net.a.reaches(ping("10.0.1.2").size(1372).dont_fragment());
    Ok(())
}

// ---- nothing comes back

#[netns_test]
fn a_router_that_does_not_forward_is_silent_but_for_an_ipv6_route_that_it_lacks(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    net.a.reaches(net.b.tcp(80));
    net.a.cannot_reach(ping("192.0.2.1"), by::NetworkUnreachable.by(&net.r));
    net.r.set_forward(false)?;
    net.r.set_forward_v6(false)?;
    for target in [ping("10.0.1.2"), tcp("10.0.1.2:80"), ping("192.0.2.1"), ping("fd01::2"), tcp("[fd01::2]:80")] {
        let seen = net.a.cannot_reach(target, by::Timeout);
        assert!(seen.report().answer().sent.left > 0, "silence counts only if something was sent: {seen:?}");
    }
    net.a.cannot_reach(ping("2001:db8::1"), by::NetworkUnreachable.by(&net.r));
    Ok(())
}

#[netns_test]
fn every_kind_of_reject_has_its_outcome(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    net.a.reaches(net.b.tcp(80));
    for (kind, v4, v6) in [
        (Reject::Port, by::Refused, by::Refused),
        (Reject::Host, by::HostUnreachable, by::HostUnreachable),
        (Reject::Network, by::NetworkUnreachable, by::NetworkUnreachable),
        (Reject::AdminProhibited, by::Prohibited, by::Prohibited),
    ] {
        let rule = FirewallRule::new(Match::tcp(80).build()?, Verdict::Reject(kind));
        let rule = net.r.add_firewall_rule(Family::Inet, Hook::Forward, rule)?;
        net.a.cannot_reach(tcp("10.0.1.2:80"), v4.by("10.0.0.1"));
        net.a.cannot_reach(tcp("[fd01::2]:80"), v6.by("fd00::1"));
        assert!(rule.packets()? >= 2);
        rule.remove()?;
    }
    // A reset comes in the server's name.
    let rule = FirewallRule::new(Match::tcp(80).build()?, Verdict::Reject(Reject::TcpReset));
    let rule = net.r.add_firewall_rule(Family::Inet, Hook::Forward, rule)?;
    net.a.cannot_reach(net.b.tcp(80), by::Refused.by(&net.b));
    rule.remove()?;
    net.a.reaches(net.b.tcp(80));
    Ok(())
}

// ---- expectations

#[netns_test]
fn an_expectation_names_the_speaker_and_a_wrong_one_fails(net: Path) {
    net.a.cannot_reach(ping("192.0.2.1"), by::NetworkUnreachable.by(&net.r) | by::Timeout);
    let other = refused(|| net.a.cannot_reach(ping("192.0.2.1"), by::NetworkUnreachable.by(&net.b)));
    assert!(other.contains("somebody else said it") && other.contains("said 10.0.0.1"), "{other}");
    let local = refused(|| net.a.cannot_reach(ping("192.0.2.1"), by::NetworkUnreachable.local()));
    assert!(local.contains("network unreachable by the node itself"), "{local}");
    let reason = refused(|| net.a.cannot_reach(ping("192.0.2.1"), by::Timeout | by::Refused));
    assert!(reason.contains("expected  timeout, or refused"), "{reason}");
    let reached = refused(|| net.a.cannot_reach(net.b.ping(), by::Anything));
    assert!(reached.contains("a reaches 10.0.1.2"), "{reached}");
    let missed = refused(|| net.a.reaches(ping("192.0.2.1")));
    assert!(missed.contains("a cannot reach 192.0.2.1: network unreachable"), "{missed}");
}

#[netns_test]
fn every_address_of_a_target_counts(net: Path) -> Result {
    net.a.remove_route("default via fd00::1")?;
    let report = net.a.probe(net.b.ping()).run()?;
    assert_eq!(report.answers.len(), 2);
    assert_eq!(report.outcome(), Outcome::NetworkUnreachable);
    net.a.reaches(net.b.ping().v4());
    net.a.cannot_reach(net.b.ping().v6(), by::NetworkUnreachable.local());
    let half = refused(|| net.a.cannot_reach(net.b.ping(), by::NetworkUnreachable));
    assert!(half.contains("a reaches 10.0.1.2"), "{half}");
    Ok(())
}

#[netns_test]
fn checks_report_every_wrong_fact(net: Path) {
    let text = refused(|| {
        check_all(|c| {
            c.reaches(&net.a, ping("10.0.1.2"));
            c.reaches(&net.a, ping("192.0.2.1"));
            c.cannot_reach(&net.a, ping("10.0.1.2"), by::Timeout);
        })
    });
    assert!(text.starts_with("2 of 3 checks failed"), "{text}");
    assert!(text.contains("192.0.2.1: network unreachable") && text.contains("a reaches 10.0.1.2"), "{text}");
}

// ---- what a probe must not do: give a verdict that proves nothing

#[netns_test]
fn a_timeout_before_a_neighbour_could_fail_is_no_verdict() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24").without(Departure::ShortNeighbourTimers))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let a = lab.node("a")?;
    a.reaches(lab.node("b")?.ping());
    let error = a.probe(ping("10.0.0.77").within(Duration::from_millis(50))).run().expect_err("it waits 3 s for ARP");
    assert!(matches!(error, ProbeError::TooShort { needed, .. } if needed == Duration::from_secs(3)), "{error}");
    // The same probe asserted is an error too, although "not reached" is all that was asked for.
    let text = refused(|| a.cannot_reach(ping("10.0.0.77").within(Duration::from_millis(50)), by::Anything));
    assert!(text.contains("cannot tell whether 10.0.0.77 is reached"), "{text}");
    Ok(())
}

#[netns_test]
fn a_probe_from_a_removed_node_is_an_error() -> Result {
    let lab = Path::topology().up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    a.reaches(b.ping());
    lab.remove_node(&a)?;
    let error = a.probe(ping("10.0.1.2")).run().expect_err("a is gone");
    assert!(error.to_string().contains("node `a` is gone"), "{error}");
    let text = refused(|| a.cannot_reach(ping("10.0.1.2"), by::Anything));
    assert!(text.contains("node `a` is gone"), "{text}");
    // Nor is a node without addresses out of reach of the others: there is nothing to send to.
    let bare = lab.add_node("bare")?;
    let text = refused(|| b.cannot_reach(bare.ping(), by::Anything));
    assert!(text.contains("`bare` has no address to send to"), "{text}");
    Ok(())
}

#[netns_test]
fn a_target_that_is_no_address_is_an_error(net: Path) {
    let text = refused(|| net.a.cannot_reach(tcp("10.0.1.2"), by::Anything));
    assert!(text.contains("not an address with a port"), "{text}");
}

// ---- probes in async code

#[netns_test]
fn what_cannot_be_served_is_told_with_the_node(net: Path) -> Result {
    let _taken = net.b.run(|| std::net::TcpListener::bind("0.0.0.0:80"))?;
    let refused = |traffic| net.b.serve(traffic).map(drop).unwrap_err().to_string();
    assert_eq!(refused(tcp(80)), "on node `b`: cannot listen for tcp port 80: Address already in use (os error 98)");
    let words = refused(icmp());
    assert!(words.starts_with("on node `b`: cannot serve `icmp`: a responder needs TCP or UDP and a port"), "{words}");
    Ok(())
}

#[netns_test]
async fn a_probe_is_awaited_beside_the_server_it_asks(net: Path) -> Result {
    let socket = net.b.spawn(async { tokio::net::UdpSocket::bind("10.0.1.2:7000").await }).await?;
    let serve = async {
        let mut buffer = [0; 100];
        let (length, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..length], from).await?;
        std::io::Result::Ok(from)
    };
    let probe: Probe = net.a.probe(udp("10.0.1.2:7000"));
    let (from, report) = tokio::join!(serve, probe);
    let report = report?;
    report.clone().expect(by::Reached);
    assert_eq!(report.answer().local, Some(from?));
    Ok(())
}

/// The message of an assertion that has to fail.
fn refused<R>(assertion: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(assertion)) {
        Ok(_) => panic!("the assertion held"),
        Err(panic) => *panic.downcast::<String>().expect("assertions panic with text"),
    }
}
