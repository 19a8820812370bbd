//! Probes that fail on the way: who says so, and with which reason.

use netns_test::prelude::*;

use crate::networks::Path;

#[netns_test]
fn a_closed_port_is_refused_by_the_host(net: Path) {
    for (to, by) in [("10.0.1.2:81", "10.0.1.2"), ("[fd01::2]:81", "fd01::2")] {
        net.a.cannot_reach(tcp(to), by::Refused.by(by));
        net.a.cannot_reach(udp(to), by::Refused.by(by));
    }
    net.a.cannot_reach(tcp("127.0.0.1:81"), by::Refused.local());
    net.a.cannot_reach(udp("[::1]:81"), by::Refused.local());
}

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
