//! What the host remembers of connections, and which it translates therefore.

use netns_test::{Report, Target, prelude::*, topology::Protocol};

use crate::{
    common::claim,
    seen::{SILENCE, outcome},
    tutorial::{PRIVATE, Routed, translate},
};

/// The identifier of a ping that goes on while the host's rules change.
const RUNNING: u16 = 4711;

#[netns_test]
fn a_tracked_connection_shows_both_addresses(net: Routed) -> Result {
    translate(&net.host)?;
    net.red.reaches(ping("8.8.8.8"));

    // The host may have said meanwhile which multicast groups it is in, which is tracked as well.
    let pings = net.host.connections()?.into_iter().filter(|entry| entry.protocol == Protocol::Icmp);
    let entries = pings.map(|entry| {
        let [there, back] =
            [entry.original, entry.reply].map(|way| format!("src={} dst={}", way.source, way.destination));
        format!("{there} … {back}")
    });
    let expected = vec!["src=192.168.15.1 dst=8.8.8.8 … src=8.8.8.8 dst=172.31.5.10"];
    claim("container-network-2.4-c16", expected, entries.collect::<Vec<_>>());
    Ok(())
}

#[netns_test]
fn a_ping_that_was_tracked_before_the_rule_is_never_translated(net: Routed) -> Result {
    net.host.set_forward(true)?;
    net.host.add_firewall_rule(Family::Ip, Hook::Forward, Match::any().state(ConnState::New).count("new"))?;
    assert!(net.host.tracks_connections()?);
    net.red.cannot_reach(running(), by::Timeout);

    net.host.masquerade_matching(Match::any().from(PRIVATE))?;
    let report = net.red.probe(running().count(5)).run()?;
    claim("container-network-2.4-c17", "timeout, 0 of 5 answered", answered(&report));

    let fresh = outcome(&net.red, ping("8.8.8.8").id(RUNNING + 1))?;
    let still = outcome(&net.red, running())?;
    net.host.flush_connections()?;
    let cured = outcome(&net.red, running())?;
    claim("container-network-2.4-c17c", ["reached", "timeout", "reached"], [fresh, still, cured]);
    Ok(())
}

#[netns_test]
fn a_ping_that_nobody_tracked_is_translated_at_once(net: Routed) -> Result {
    net.host.set_forward(true)?;
    assert!(!net.host.tracks_connections()?);
    net.red.cannot_reach(running(), by::Timeout);

    net.host.masquerade_matching(Match::any().from(PRIVATE))?;
    let report = net.red.probe(running().count(5)).run()?;
    claim("container-network-2.4-c17b", "reached, 5 of 5 answered", answered(&report));
    Ok(())
}

/// One more request of the ping that goes on.
fn running() -> Target {
    ping("8.8.8.8").id(RUNNING).within(SILENCE)
}

fn answered(report: &Report) -> String {
    let answer = report.answer();
    format!("{}, {} of {} answered", answer.outcome, answer.received, answer.sent.accepted)
}
