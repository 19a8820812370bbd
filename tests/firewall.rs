//! Firewall, NAT and connection tracking, moved by packets.

mod networks;

use netns_test::{
    Error, Packet, Target,
    capture::Transport,
    prelude::*,
    topology::{
        Nth, Protocol,
        build::{MatchBuilder, RuleBuilder},
    },
};
use networks::Path;
use std::{
    io::Write,
    net::{IpAddr, TcpStream},
};

const ARP: u16 = 0x0806;

// ---- matches: a router rejects what a rule takes, and passes a near miss

/// Adds a rule at the router's forward hook, sees it take `hit` and pass `miss`, and removes it.
#[track_caller]
fn takes(net: &Path, matches: MatchBuilder, hit: (&Node, Target), miss: (&Node, Target)) {
    hit.0.reaches(hit.1.clone());
    miss.0.reaches(miss.1.clone());
    let rule = net.r.add_firewall_rule(Family::Inet, Hook::Forward, matches.reject_with(Reject::AdminProhibited));
    let rule = rule.expect("the rule is valid");
    miss.0.reaches(miss.1);
    hit.0.cannot_reach(hit.1.clone(), by::Prohibited.by(&net.r));
    // Not exactly one: the last packets of a connection that was closed before may come late.
    assert!(rule.packets().expect("the rule is there") >= 1);
    rule.remove().expect("the rule is there");
    hit.0.reaches(hit.1);
}

#[netns_test]
fn rules_match_addresses_and_networks(net: Path) -> Result {
    net.a.interface("eth0")?.add_address("10.0.0.3/24")?;
    net.b.interface("eth0")?.add_address("10.0.1.3/24")?;
    let a = |target| (&net.a, target);
    let from_2 = || a(ping("10.0.1.2"));
    let from_3 = || a(ping("10.0.1.2").source(IpAddr::from([10, 0, 0, 3])));
    takes(&net, Match::any().from("10.0.0.2"), from_2(), from_3());
    takes(&net, Match::any().from("10.0.0.2/31").not_from("10.0.0.3"), from_2(), from_3());
    takes(&net, Match::icmp().not_from("10.0.0.2").not_from("10.0.0.2").to("10.0.1.2"), from_3(), from_2());
    takes(&net, Match::any().to("10.0.1.3"), a(ping("10.0.1.3")), a(ping("10.0.1.2")));
    takes(&net, Match::any().from("10.0.0.0/24").not_to("10.0.1.2"), a(ping("10.0.1.3")), a(ping("10.0.1.2")));
    takes(&net, Match::any().from("fd00::/64"), a(ping("fd01::2")), a(ping("10.0.1.2")));
    takes(&net, Match::any().to("10.0.1.0/24"), a(ping("10.0.1.2")), a(ping("fd01::2")));
    Ok(())
}

#[netns_test]
fn rules_match_interfaces(net: Path) {
    let new = || Match::any().state(ConnState::New);
    let (there, back) = (|| (&net.a, ping("10.0.1.2")), || (&net.b, ping("10.0.0.2")));
    takes(&net, new().input("left"), there(), back());
    takes(&net, new().output("left"), back(), there());
    takes(&net, new().not_input("left"), back(), there());
    takes(&net, new().not_output("left"), there(), back());
    takes(&net, new().input("right").output("left"), back(), there());
}

#[netns_test]
fn rules_match_protocols_and_ports(net: Path) -> Result {
    for port in [53, 80, 8000, 8002, 8003] {
        net.b.serve(tcp(port))?;
    }
    net.b.serve(udp(53))?;
    net.b.serve(udp(54))?;
    let a = |target| (&net.a, target);
    takes(&net, Match::tcp(80), a(tcp("10.0.1.2:80")), a(tcp("10.0.1.2:8000")));
    takes(&net, Match::tcp(80), a(tcp("[fd01::2]:80")), a(ping("fd01::2")));
    takes(&net, Match::tcp(8000..=8002), a(tcp("10.0.1.2:8002")), a(tcp("10.0.1.2:8003")));
    takes(&net, Match::tcp(8000..=8002), a(tcp("10.0.1.2:8000")), a(tcp("10.0.1.2:80")));
    takes(&net, Match::udp(53), a(udp("10.0.1.2:53")), a(tcp("10.0.1.2:53")));
    takes(&net, Match::udp(53), a(udp("[fd01::2]:53")), a(udp("[fd01::2]:54")));
    takes(
        &net,
        Match::udp(53).source_port(5000),
        a(udp("10.0.1.2:53").source_port(5000)),
        a(udp("10.0.1.2:53").source_port(5001)),
    );
    takes(
        &net,
        Match::protocol(Protocol::Udp).source_port(6000..=6001),
        a(udp("10.0.1.2:53").source_port(6001)),
        a(udp("10.0.1.2:53").source_port(6002)),
    );
    takes(&net, Match::protocol(Protocol::Tcp).port(80), a(tcp("10.0.1.2:80")), a(udp("10.0.1.2:53")));
    takes(&net, Match::icmp().from("10.0.0.2"), a(ping("10.0.1.2")), a(ping("fd01::2")));
    takes(&net, Match::icmp().from("10.0.0.2"), a(ping("10.0.1.2")), a(udp("10.0.1.2:53")));
    takes(&net, Match::icmpv6().from("fd00::2"), a(ping("fd01::2")), a(ping("10.0.1.2")));
    Ok(())
}

#[netns_test]
fn rules_match_the_state_of_a_connection(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    // Whoever is asked may answer, and nobody else may speak.
    net.r.set_policy(Family::Inet, Hook::Forward, Policy::Drop)?;
    let answers = Match::any().state(ConnState::Established).state(ConnState::Related).accept();
    let answers = net.r.add_firewall_rule(Family::Inet, Hook::Forward, answers)?;
    let begin = net.r.add_firewall_rule(
        Family::Inet,
        Hook::Forward,
        Match::any().input("left").state(ConnState::New).accept(),
    )?;
    net.a.reaches(net.b.ping());
    net.a.reaches(net.b.tcp(80));
    // An error about a connection is related to it.
    net.a.cannot_reach(udp("10.0.1.2:53"), by::Refused.by(&net.b));
    net.b.cannot_reach(ping("10.0.0.2"), by::Timeout);
    assert!(answers.packets()? >= 5 && begin.packets()? == 5, "{answers:?}");
    begin.remove()?;
    net.a.cannot_reach(net.b.ping().v4(), by::Timeout);
    Ok(())
}

#[netns_test]
fn a_packet_of_no_connection_is_invalid(net: Path) -> Result {
    let invalid = Match::any().state(ConnState::Invalid).drop();
    let invalid = net.r.add_firewall_rule(Family::Inet, Hook::Forward, invalid)?;
    net.b.serve(tcp(80))?;
    net.a.reaches(net.b.tcp(80));
    assert_eq!(invalid.packets()?, 0);
    // A connection that the router has forgotten, and whose beginning it would have to see.
    net.r.set_sysctl("net.netfilter.nf_conntrack_tcp_loose", 0)?;
    let mut client = net.a.run(|| TcpStream::connect("10.0.1.2:80"))?;
    net.r.flush_connections()?;
    client.write_all(b"in the middle")?;
    eventually(Duration::from_secs(2), || invalid.packets().map(|n| n > 0).unwrap_or(false));
    Ok(())
}

#[netns_test]
fn a_rule_takes_one_of_every_so_many_packets(net: Path) -> Result {
    let lost = Match::icmp().from("10.0.0.2").to("10.0.1.2").nth(Nth::new(3, 1)?).drop();
    let lost = net.r.add_firewall_rule(Family::Inet, Hook::Forward, lost)?;
    let outcomes =
        || -> Result<Vec<bool>> { (0..6).map(|_| Ok(net.a.probe(ping("10.0.1.2")).run()?.is_reached())).collect() };
    assert_eq!(outcomes()?, [true, false, true, true, false, true]);
    assert_eq!(lost.packets()?, 2);
    // What another part of the rule leaves out is not counted.
    net.a.reaches(ping("fd01::2"));
    assert_eq!(outcomes()?, [true, false, true, true, false, true]);
    Ok(())
}

#[netns_test]
fn connections_take_turns_among_servers(net: Path) -> Result {
    net.b.interface("eth0")?.add_address("10.0.1.3/24")?;
    let server = net.b.serve(tcp(80))?;
    // The second rule has what the first leaves, and no IPv6 packet counts.
    net.r.dnat(Match::tcp(8080).every(2), "10.0.1.2", Some(80))?;
    net.r.dnat(Match::tcp(8080), "10.0.1.3", Some(80))?;
    let wire = net.b.interface("eth0")?.capture(|packet: &Packet| is_syn(packet))?;
    for _ in 0..4 {
        net.a.cannot_reach(tcp("[fd01::1]:8080"), by::Refused);
        net.a.reaches(tcp("10.0.0.1:8080"));
    }
    let turns: Vec<String> = wire.packets()?.iter().filter_map(|p| Some(p.destination()?.to_string())).collect();
    assert_eq!(turns, ["10.0.1.2", "10.0.1.3", "10.0.1.2", "10.0.1.3"]);
    assert_eq!(server.peers().len(), 4);
    Ok(())
}

/// Whether it is the first segment of a connection.
fn is_syn(packet: &Packet) -> bool {
    packet.ip().is_some_and(|ip| matches!(ip.transport, Transport::Tcp { flags: 0x02 | 0xc2, .. }))
}

// ---- verdicts, hooks and policies

#[netns_test]
fn each_hook_sees_its_own_packets(net: Path) -> Result {
    let count = |node: &Node, hook| node.add_firewall_rule(Family::Ip, hook, Match::icmp().count("echo"));
    let hooks = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];
    let rules = hooks.map(|hook| count(&net.r, hook));
    let packets = || -> Result<Vec<u64>> {
        rules.iter().map(|rule| Ok(rule.as_ref().map_err(|error| error.to_string())?.packets()?)).collect()
    };
    net.a.reaches(ping("10.0.1.2"));
    assert_eq!(packets()?, [2, 0, 2, 0, 2], "what passes through");
    net.a.reaches(ping("10.0.0.1"));
    assert_eq!(packets()?, [3, 1, 2, 1, 3], "what is for the router itself");
    net.r.reaches(ping("10.0.1.2"));
    assert_eq!(packets()?, [4, 2, 2, 2, 4], "what the router sends itself");
    // The rules add to one counter of the node; an echo of 56 bytes is a packet of 84.
    let sum = net.r.counter("echo")?;
    assert_eq!((sum.packets, sum.bytes), (14, 14 * 84));
    Ok(())
}

#[netns_test]
fn the_first_rule_that_decides_wins(net: Path) -> Result {
    net.b.serve(tcp(80))?;
    let drop = net.r.add_firewall_rule(Family::Inet, Hook::Forward, Match::tcp(80).drop())?;
    net.a.cannot_reach(tcp("10.0.1.2:80"), by::Timeout);
    assert!(drop.packets()? >= 1);
    let accept = net.r.insert_firewall_rule(Family::Inet, Hook::Forward, Match::tcp(80).accept())?;
    net.a.reaches(net.b.tcp(80));
    accept.remove()?;
    drop.remove()?;
    // Behind a rule that accepts, none is asked.
    net.r.add_firewall_rule(Family::Inet, Hook::Forward, Match::tcp(80).accept())?;
    let drop = net.r.add_firewall_rule(Family::Inet, Hook::Forward, Match::tcp(80).drop())?;
    net.a.reaches(net.b.tcp(80));
    assert_eq!(drop.packets()?, 0);
    Ok(())
}

#[netns_test]
fn a_policy_holds_for_its_family_and_counts(net: Path) -> Result {
    net.b.set_policy(Family::Ip, Hook::Input, Policy::Drop)?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Timeout);
    net.a.reaches(ping("fd01::2"));
    assert_eq!(net.b.policy_counter(Family::Ip, Hook::Input)?.packets, 1);
    let error = net.b.policy_counter(Family::Ip6, Hook::Input).expect_err("there is no such chain");
    let error = error.to_string();
    assert!(error.contains("the node has no such chain (ENOENT) (help: at input it has `ip input"), "{error}");
    let error = net.b.policy_counter(Family::Ip, Hook::Forward).expect_err("there is no such chain").to_string();
    assert!(error.contains("help: it has none at forward; `set_policy` makes one"), "{error}");

    net.b.set_policy(Family::Ip6, Hook::Input, Policy::Accept)?;
    net.a.reaches(ping("fd01::2"));
    assert!(net.b.policy_counter(Family::Ip6, Hook::Input)?.packets >= 1);
    net.b.set_policy(Family::Ip, Hook::Input, Policy::Accept)?;
    net.a.reaches(ping("10.0.1.2"));
    assert_eq!(net.b.policy_counter(Family::Ip, Hook::Input)?.packets, 2, "what it counted stays");

    // What a rule decides is not the policy's.
    net.b.add_firewall_rule(Family::Ip, Hook::Input, Match::icmp().accept())?;
    net.a.reaches(ping("10.0.1.2"));
    assert_eq!(net.b.policy_counter(Family::Ip, Hook::Input)?.packets, 2);
    Ok(())
}

#[netns_test]
fn a_topology_brings_its_firewall_up() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", ["10.0.0.1/24", "fd00::1/64"]))
        .node("b", |n| {
            n.interface("eth0", ["10.0.0.2/24", "fd00::2/64"]).counter("spare").firewall(Hook::Input, |chain| {
                chain
                    .policy(Policy::Drop)
                    .accept(Match::any().state(ConnState::Established))
                    .accept(Match::icmpv6())
                    .rule(Match::tcp(80).from("10.0.0.0/24").accept().counter("web").comment("the web"))
                    .reject(Match::tcp(81))
            })
        })
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    b.serve(tcp(80))?;
    b.serve(tcp(81))?;
    a.reaches(tcp("10.0.0.2:80"));
    a.cannot_reach(tcp("[fd00::2]:80"), by::Timeout);
    a.cannot_reach(b.tcp(81), by::Refused.by(&b));
    a.reaches(ping("fd00::2"));
    a.cannot_reach(ping("10.0.0.2"), by::Timeout);
    b.reaches(ping("10.0.0.1"));
    assert_eq!(b.counter("web")?.packets, 1);
    assert_eq!(b.counter("spare")?.packets, 0);
    assert!(b.policy_counter(Family::Inet, Hook::Input)?.packets >= 2);
    let comments: Vec<_> = b.firewall_rules()?.into_iter().filter_map(|rule| rule.comment).collect();
    assert_eq!(comments, ["the web"]);
    assert!(a.has_no_firewall()?);
    b.clear_firewall()?;
    assert!(b.has_no_firewall()?);
    a.reaches(b.ping());
    Ok(())
}

#[netns_test]
fn a_rule_that_was_removed_has_no_count(net: Path) -> Result {
    let rule = net.r.add_firewall_rule(Family::Inet, Hook::Forward, Match::icmp().drop())?;
    let twin = rule.clone();
    net.a.cannot_reach(ping("10.0.1.2"), by::Timeout);
    assert_eq!((rule.packets()?, rule.count()?.bytes), (1, 84));
    rule.remove()?;
    net.a.reaches(ping("10.0.1.2"));
    assert!(twin.packets().is_err() && twin.remove().is_err());
    Ok(())
}

#[netns_test]
fn a_verdict_that_a_hook_does_not_know_is_refused(net: Path) -> Result {
    let masquerade = FirewallRule::new(Match::default(), Verdict::Masquerade);
    let error = net.r.add_firewall_rule(Family::Inet, Hook::Input, masquerade).expect_err("it is for postrouting");
    assert!(matches!(error, Error::Kernel { .. }), "{error}");
    let error = net.r.add_firewall_rule(Family::Inet, Hook::Input, Match::any().from("10.0.0").drop());
    assert!(matches!(error, Err(Error::Invalid(_))), "{error:?}");
    let error = net.r.counter("none").expect_err("there is none");
    assert!(error.to_string().contains("the node has no counter of that name"), "{error}");
    Ok(())
}

// ---- forwarding

#[netns_test]
fn drop_forwarded_drops_both_versions_until_it_is_removed(net: Path) -> Result {
    net.b.serve(tcp(25))?;
    net.r.serve(tcp(25))?;
    let smtp = net.r.drop_forwarded(tcp(25))?;
    net.a.cannot_reach(net.b.tcp(25), by::Timeout);
    assert!(smtp.packets()? >= 2);
    net.a.reaches(ping("10.0.1.2"));
    net.a.reaches(tcp("10.0.0.1:25"));
    smtp.remove()?;
    net.a.reaches(net.b.tcp(25));

    let echoes = net.r.drop_forwarded(icmp())?;
    net.a.cannot_reach(net.b.ping(), by::Timeout);
    assert_eq!(echoes.packets()?, 2);
    echoes.remove()?;
    let one = net.r.drop_forwarded(icmp().from("10.0.0.2"))?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Timeout);
    net.a.reaches(ping("fd01::2"));
    one.remove()?;
    net.r.drop_forwarded(any().to("10.0.1.2"))?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Timeout);
    let error = net.r.drop_forwarded(arp()).expect_err("a router does not forward ARP");
    assert!(matches!(error, Error::NotForwarded { .. }), "{error}");
    Ok(())
}

#[netns_test]
fn a_rule_that_can_never_match_is_refused_in_the_checkers_words(net: Path) -> Result {
    let add = |hook, rule: RuleBuilder| net.a.add_firewall_rule(Family::Inet, hook, rule);
    let error =
        add(Hook::Input, Match::any().output("eth0").drop()).expect_err("nothing is known to go out").to_string();
    assert!(error.contains("error[N0047]: at input no packet is known by the interface it goes out by"), "{error}");
    assert!(error.contains("help: match the incoming interface"), "{error}");
    for rule in [Match::any().from("10.0.0.1").to("fd00::1").drop(), Match::any().port(80).drop()] {
        assert!(matches!(add(Hook::Input, rule.clone()), Err(Error::Topology(_))), "{rule:?}");
        let inserted = net.a.insert_firewall_rule(Family::Inet, Hook::Input, rule);
        assert!(matches!(inserted, Err(Error::Topology(_))), "{inserted:?}");
    }
    assert!(net.a.has_no_firewall()?);
    // It may come later.
    add(Hook::Input, Match::any().input("wan0").drop())?;
    net.a.masquerade("wan0")?;
    Ok(())
}

// ---- bridges

#[netns_test]
fn a_bridge_drops_arp_and_passes_the_rest() -> Result {
    let lab = Topology::builder()
        .node("host", |n| n.bridge("br0", |b| b.ports(["to-a", "to-b"])))
        .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("host.to-a", "a.eth0")
        .link("host.to-b", "b.eth0")
        .build()?
        .up()?;
    let (host, a, b) = (lab.node("host")?, lab.node("a")?, lab.node("b")?);
    a.reaches(b.ping());
    let rule = host.add_firewall_rule(Family::Bridge, Hook::Forward, Match::any().ethertype(ARP).drop())?;
    a.flush_neighbours()?;
    let wire = b.interface("eth0")?.capture(arp())?;
    a.cannot_reach(b.ping(), by::HostUnreachable.local());
    assert!(rule.packets()? >= 1);
    wire.stays_quiet(arp().requests(), Duration::from_millis(10));
    // With the MAC known there is nothing to ask, and the echo passes.
    a.add_neighbour("10.0.0.2", b.interface("eth0")?.mac()?, "eth0")?;
    b.add_neighbour("10.0.0.1", a.interface("eth0")?.mac()?, "eth0")?;
    a.reaches(b.ping());
    rule.remove()?;
    let port = host.add_firewall_rule(Family::Bridge, Hook::Forward, Match::any().input("to-a").drop())?;
    a.cannot_reach(b.ping(), by::Timeout);
    assert!(port.packets()? >= 1);
    Ok(())
}

#[netns_test]
fn a_topology_brings_its_bridge_firewall_up() -> Result {
    let lab = Topology::builder()
        .node("host", |n| {
            n.bridge("br0", |b| b.ports(["to-a", "to-b"]))
                .bridge_firewall(Hook::Forward, |chain| chain.rule(Match::any().ethertype(ARP).drop().counter("arp")))
        })
        .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("host.to-a", "a.eth0")
        .link("host.to-b", "b.eth0")
        .build()?
        .up()?;
    lab.node("a")?.cannot_reach(lab.node("b")?.ping(), by::HostUnreachable.local());
    assert!(lab.node("host")?.counter("arp")?.packets >= 1);
    Ok(())
}
