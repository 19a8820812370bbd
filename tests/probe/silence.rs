//! What a silence is worth: whose it is, and what it cannot tell.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use netns_test::{
    ProbeError,
    prelude::*,
    topology::{Nth, build::NodeBuilder},
};

use crate::{assertions::refused, networks::Path};

/// Has the router drop every second packet to b.
fn lose_half(net: &Path) -> Result {
    let second = Match::any().to("10.0.1.2").nth(Nth::new(2, 1)?).drop();
    net.r.add_firewall_rule(Family::Inet, Hook::Forward, second)?;
    Ok(())
}

#[netns_test]
fn some_answers_are_not_none(net: Path) -> Result {
    lose_half(&net)?;
    let text = refused(|| net.a.cannot_reach(ping("10.0.1.2").count(4), by::Timeout));
    assert!(text.starts_with("a does not always reach 10.0.1.2: timeout"), "{text}");
    assert!(
        text.contains("4 echo requests sent, 2 came back") && text.contains("some packets were answered"),
        "{text}"
    );
    Ok(())
}

#[netns_test]
fn every_datagram_is_sent_and_counted(net: Path) -> Result {
    net.b.serve(udp(53))?;
    lose_half(&net)?;
    let few = udp("10.0.1.2:53").count(4).interval(Duration::from_millis(20)).within(Duration::from_millis(300));
    let report = net.a.probe(few.clone()).run()?;
    let answer = report.answer();
    assert_eq!((answer.outcome, answer.sent.accepted, answer.sent.left, answer.received), (Outcome::Timeout, 4, 4, 2));
    let text = refused(|| net.a.cannot_reach(few, by::Timeout));
    assert!(text.contains("4 datagrams sent, 2 came back"), "{text}");
    Ok(())
}

#[netns_test]
fn an_old_failure_of_another_neighbour_explains_nothing(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    net.a.reaches(net.b.tcp(80));
    net.a.cannot_reach(ping("10.0.0.77"), by::HostUnreachable.local());
    net.a.set_policy(Family::Inet, Hook::Output, Policy::Drop)?;
    net.a.cannot_reach(tcp("10.0.1.2:80"), by::LocalDrop.local());
    Ok(())
}

#[netns_test]
fn a_drop_behind_a_route_that_a_mark_chooses_is_known_as_one(net: Path) -> Result {
    net.a.add_route("default via 10.0.0.1 table 100")?;
    net.a.add_rule("from all fwmark 7 lookup 100")?;
    net.a.remove_route("default via 10.0.0.1")?;
    net.a.reaches(ping("10.0.1.2").mark(7));
    net.a.set_policy(Family::Inet, Hook::Output, Policy::Drop)?;
    net.a.cannot_reach(tcp("10.0.1.2:80").mark(7), by::LocalDrop.local());
    Ok(())
}

#[netns_test]
fn what_others_send_meanwhile_is_not_the_probes(net: Path) -> Result {
    net.r.reaches(ping("10.0.1.2"));
    net.r.set_policy(Family::Inet, Hook::Output, Policy::Drop)?;
    // a's requests pass the router all the while.
    let passing = net.r.interface("right")?.capture(tcp(80).from("10.0.0.2"))?;
    let (done, a) = (Arc::new(AtomicBool::new(false)), net.a.clone());
    let ended = done.clone();
    let others = std::thread::spawn(move || {
        while !ended.load(Relaxed) {
            // Not a port that the router might choose.
            a.probe(tcp("10.0.1.2:80").source_port(5000)).run()?;
            a.probe(ping("10.0.1.2")).run()?;
        }
        std::result::Result::<_, ProbeError>::Ok(())
    });
    passing.saw(tcp(80));
    for target in [tcp("10.0.1.2:80"), ping("10.0.1.2")] {
        let before = passing.count(tcp(80))?;
        // Once more, if nobody else sent anything meanwhile.
        while passing.count(tcp(80))? == before {
            net.r.cannot_reach(target.clone(), by::LocalDrop.local());
        }
    }
    done.store(true, Relaxed);
    others.join().expect("it does not panic")?;
    Ok(())
}

#[netns_test]
fn a_first_segment_that_offers_ecn_is_seen_to_leave(net: Path) -> Result {
    net.a.reaches(ping("10.0.1.2"));
    net.a.set_sysctl("net.ipv4.tcp_ecn", 1)?;
    net.r.set_policy(Family::Inet, Hook::Forward, Policy::Drop)?;
    let seen = net.a.cannot_reach(tcp("10.0.1.2:80"), by::Timeout);
    assert!(seen.report().answer().sent.left > 0, "{seen:?}");
    Ok(())
}

#[netns_test]
fn an_interface_that_somebody_else_made_counts_among_the_neighbours(net: Path) -> Result {
    net.r.set_policy(Family::Inet, Hook::Forward, Policy::Drop)?;
    net.a.cannot_reach(udp("10.0.1.2:53"), by::Timeout);
    // Made from outside of the lab, it has the kernel's own timers.
    let other = Topology::builder().node("other", |n| n).build()?.up()?;
    other.attach("a", net.a.netns_path()?)?.add_bridge("br9")?.up()?;
    let error = net.a.probe(udp("10.0.1.2:53")).run().expect_err("it takes 3 s to know");
    assert!(matches!(error, ProbeError::TooShort { needed, .. } if needed > Duration::from_secs(3)), "{error}");
    // Now it is known.
    net.a.cannot_reach(udp("10.0.1.2:53"), by::Timeout);
    Ok(())
}

#[netns_test]
fn a_proxy_answers_in_time() -> Result {
    let lab = behind_a_proxy(|n| n)?;
    let (eth0, left) = (lab.node("a")?.interface("eth0")?, lab.node("r")?.interface("left")?);
    for _ in 0..4 {
        lab.node("a")?.flush_neighbours()?;
        lab.node("a")?.reaches(ping("10.0.1.2"));
        assert_eq!(eth0.who_has("10.0.1.2")?.mac(), Some(left.mac()?));
    }
    Ok(())
}

#[netns_test]
fn a_proxy_that_takes_its_time_is_waited_for() -> Result {
    let lab = behind_a_proxy(|n| n.without(Departure::ShortNeighbourTimers))?;
    let (eth0, left) = (lab.node("a")?.interface("eth0")?, lab.node("r")?.interface("left")?);
    for _ in 0..4 {
        assert_eq!(eth0.who_has("10.0.1.2")?.mac(), Some(left.mac()?));
    }
    Ok(())
}

/// a takes b for a neighbour, and the router answers for it.
fn behind_a_proxy(router: fn(NodeBuilder) -> NodeBuilder) -> Result<Lab> {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.2/16"))
        .node("r", |n| {
            router(n)
                .interface("left", "10.0.0.1/24")
                .interface("right", "10.0.1.1/24")
                .forward_v4()
                .sysctl("net.ipv4.conf.left.proxy_arp", 1)
        })
        .node("b", |n| n.interface("eth0", "10.0.1.2/24").route("default via 10.0.1.1"))
        .link("a.eth0", "r.left")
        .link("r.right", "b.eth0")
        .build()?;
    Ok(lab.up()?)
}

#[netns_test]
fn what_cannot_be_heard_or_honoured_is_refused(net: Path) {
    let why = |target| net.a.probe(target).run().expect_err("it makes no sense").to_string();
    for group in [ping("224.0.0.1"), ping("ff02::1").on("eth0"), udp("239.1.1.1:53")] {
        assert!(why(group).contains("is a group: its members answer from addresses of their own"));
    }
    assert!(why(udp("10.0.1.2:53").size(65_508)).contains("more than IP carries (65507)"));
    assert!(why(ping("10.0.1.2").size(65_508)).contains("more than IP carries (65507)"));
    assert!(why(ping("10.0.1.2").source_port(7)).contains("`source_port` has no meaning"));
    assert!(why(ping("0.0.0.0")).contains("0.0.0.0 is nobody's address"));
    assert!(why(tcp("10.0.1.2:80").ttl(0)).contains("`ttl` is 1 to 255"));
    assert!(why(udp("10.0.1.2:53").count(0)).contains("`count` is at least 1"));
    assert!(why(ping("10.0.1.2").count(65_537)).contains("their 16-bit sequence numbers tell apart (65536)"));
    for target in [ping("10.0.1.2").on("eht0"), ping("fe80::1").on("eht0")] {
        assert_eq!(why(target), "the prober has no interface `eht0` to send by");
    }
    let source = why(ping("10.0.1.2").source([10, 0, 0, 50]));
    assert_eq!(source, "the prober cannot send from 10.0.0.50: it is none of its addresses");
}

#[netns_test]
fn every_one_of_many_is_seen_to_leave(net: Path) -> Result {
    let report = net.a.probe(ping("10.0.1.2").count(8_000).interval(Duration::ZERO)).run()?;
    let answer = report.answer();
    assert_eq!((answer.sent.accepted, answer.sent.left), (8_000, 8_000));
    Ok(())
}

#[netns_test]
fn echoes_with_one_identifier_have_numbers_of_their_own(net: Path) -> Result {
    let wire = net.b.interface("eth0")?.capture(icmp().requests())?;
    net.a.reaches(ping("10.0.1.2").id(7).count(2));
    net.a.reaches(ping("10.0.1.2").id(7));
    // Behind the headers of Ethernet and IPv4, and type, code, checksum and identifier.
    let numbers: BTreeSet<_> = wire.packets()?.iter().map(|packet| packet.bytes()[40..42].to_vec()).collect();
    assert_eq!(numbers.len(), 3);
    Ok(())
}

#[netns_test]
fn whose_filter_rejects_is_told(net: Path) -> Result {
    net.r.add_firewall_rule(Family::Inet, Hook::Forward, Match::any().to("10.0.1.2").reject())?;
    let text = refused(|| net.a.reaches(ping("10.0.1.2")));
    assert!(
        text.contains("refused, said 10.0.0.1") && text.contains("help: a filter at 10.0.0.1 rejects it"),
        "{text}"
    );
    net.a.add_firewall_rule(Family::Inet, Hook::Output, Match::any().to("10.0.1.2").reject())?;
    let text = refused(|| net.a.reaches(udp("10.0.1.2:53")));
    assert!(text.contains("said the node itself") && text.contains("help: a filter of a rejects it"), "{text}");
    Ok(())
}
