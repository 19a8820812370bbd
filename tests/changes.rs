//! Networks that change while they live.

mod networks;

use netns_test::{
    Error,
    kernel::{NeighbourState, RouteAction},
    prelude::*,
    topology::{BridgeOptions, Route, Rule},
};
use networks::Path;
use rtnetlink::packet_route::{
    IpProtocol,
    rule::{RuleAction as FibAction, RuleAttribute, RuleFlags, RuleMessage, RulePortRange, RuleUidRange},
};
use std::net::{IpAddr, TcpListener, TcpStream};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("a literal")
}

// ---- addresses

#[netns_test]
fn an_address_is_reached_while_it_is_there(net: Path) -> Result {
    let eth0 = net.b.interface("eth0")?;
    for address in ["10.0.1.7/24", "fd01::7/64"] {
        let target = || ping(address.split('/').next().unwrap_or_default());
        net.a.cannot_reach(target(), by::HostUnreachable.by(&net.r));
        eth0.add_address(address)?;
        net.r.flush_neighbours()?;
        net.a.reaches(target());
        assert!(eth0.add_address(address).is_err(), "it is there already");
        eth0.remove_address(address)?;
        net.a.cannot_reach(target(), by::HostUnreachable.by(&net.r) | by::Timeout | by::NetworkUnreachable);
        let error = eth0.remove_address(address).expect_err("it is gone");
        assert!(error.to_string().contains("EADDRNOTAVAIL"), "{error}");
    }
    assert!(matches!(eth0.add_address("10.0.1.7"), Err(Error::Invalid(_))));
    Ok(())
}

// ---- routes

#[netns_test]
fn a_default_route_leads_out_and_none_does_not(net: Path) -> Result {
    net.a.reaches(net.b.ping());
    net.a.remove_route("default via 10.0.0.1")?;
    net.a.cannot_reach(ping("10.0.1.2"), by::NetworkUnreachable.local());
    net.a.add_route("10.0.1.0/24 via 10.0.0.1")?;
    net.a.reaches(ping("10.0.1.2"));
    assert_eq!(net.a.route_to(ip("10.0.1.2"))?.via(), Some(ip("10.0.0.1")));
    net.a.remove_route("10.0.1.0/24 via 10.0.0.1")?;
    net.a.add_route("default via 10.0.0.1 dev eth0")?;
    net.a.reaches(ping("10.0.1.2"));
    net.a.remove_route("default via fd00::1")?;
    net.a.add_route("fd01::/64 via fd00::1")?;
    net.a.reaches(net.b.ping());
    Ok(())
}

#[netns_test]
fn the_kernel_says_in_its_own_words_why_it_refuses_a_route(net: Path) {
    let error = net.a.add_route("default via 10.9.9.9 metric 7").expect_err("nobody is there");
    assert_eq!(
        error.to_string(),
        "on node `a`: cannot add route default via 10.9.9.9 metric 7: Nexthop has invalid gateway (ENETUNREACH)"
    );
    let error = net.a.add_route("10.9.0.0/16 dev wlan0").expect_err("there is no such interface");
    assert!(error.to_string().contains("wlan0") && error.to_string().contains("ENODEV"), "{error}");
    let error = net.a.add_route("default via 10.0.0.1").expect_err("it is there");
    assert!(error.to_string().contains("EEXIST"), "{error}");
    let error = net.a.remove_route("192.0.2.0/24 via 10.0.0.1").expect_err("it is not there");
    assert!(error.to_string().contains("cannot remove route 192.0.2.0/24 via 10.0.0.1: "), "{error}");
    assert!(error.to_string().contains("ESRCH"), "{error}");
    assert!(matches!(net.a.add_route("somewhere via 10.0.0.1"), Err(Error::Invalid(_))));
}

#[netns_test]
fn an_on_link_gateway_needs_no_address_of_its_network(net: Path) -> Result {
    net.r.interface("left")?.add_address("192.0.2.1/32")?;
    net.a.remove_route("default via 10.0.0.1")?;
    assert!(net.a.add_route("default via 192.0.2.1 dev eth0").is_err());
    net.a.add_route("default via 192.0.2.1 dev eth0 onlink")?;
    net.a.reaches(ping("10.0.1.2"));
    Ok(())
}

#[netns_test]
fn the_lower_metric_wins(net: Path) -> Result {
    net.a.reaches(ping("10.0.1.2"));
    net.a.remove_route("default via 10.0.0.1")?;
    net.a.add_route("default via 10.0.0.1 metric 100")?;
    net.a.add_route("unreachable default metric 200")?;
    net.a.reaches(ping("10.0.1.2"));
    net.a.add_route("prohibit default metric 50")?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Prohibited.local());
    net.a.remove_route("prohibit default metric 50")?;
    net.a.reaches(ping("10.0.1.2"));
    net.a.remove_route("default via 10.0.0.1 metric 100")?;
    net.a.cannot_reach(ping("10.0.1.2"), by::HostUnreachable.local());
    Ok(())
}

#[netns_test]
fn routes_that_discard_are_told_apart(net: Path) -> Result {
    for (kind, reason, action) in [
        ("blackhole", by::Blackhole, RouteAction::Blackhole),
        ("unreachable", by::HostUnreachable, RouteAction::Unreachable),
        ("prohibit", by::Prohibited, RouteAction::Prohibit),
    ] {
        let route = format!("{kind} 10.0.1.0/24");
        net.a.add_route(&*route)?;
        net.a.cannot_reach(ping("10.0.1.2"), reason.local());
        assert!(net.a.routes()?.iter().any(|route| route.kind == action && route.hops.is_empty()));
        net.a.remove_route(&*route)?;
        net.a.reaches(ping("10.0.1.2"));
    }
    Ok(())
}

#[netns_test]
fn a_rule_chooses_the_table(net: Path) -> Result {
    net.a.interface("eth0")?.add_address("10.0.0.3/24")?;
    let other = || ping("10.0.1.2").source(ip("10.0.0.3"));
    net.a.add_route("unreachable default table 100")?;
    net.a.reaches(other());
    net.a.add_rule("from 10.0.0.3 lookup 100 priority 10")?;
    net.a.cannot_reach(other(), by::HostUnreachable.local());
    net.a.reaches(ping("10.0.1.2"));
    let rule: Rule = "from 10.0.0.3 lookup 100 priority 10".parse()?;
    assert!(net.a.rules()?.contains(&rule), "{:?}", net.a.rules());
    net.a.remove_rule("from 10.0.0.3 lookup 100 priority 10")?;
    net.a.reaches(other());
    assert!(net.a.remove_rule("from 10.0.0.3 lookup 100 priority 10").is_err());
    net.a.add_rule("to 10.0.1.2 prohibit priority 11")?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Prohibited.local());
    net.a.add_rule("fwmark 7 lookup main priority 9")?;
    net.a.reaches(ping("10.0.1.2").mark(7));
    Ok(())
}

#[netns_test]
fn a_rule_that_says_more_than_ours_can_hold_is_an_error(net: Path) -> Result {
    type More = fn(&mut RuleMessage);
    let change = |add: bool, more: More| {
        net.a.block_on(async || {
            let (connection, handle, _) = rtnetlink::new_connection()?;
            tokio::spawn(connection);
            let mut rule = handle.rule().add().v4().priority(7).action(FibAction::ToTable);
            let message = rule.message_mut();
            message.attributes.push(RuleAttribute::Table(100));
            message.header.table = 0;
            more(message);
            let message = message.clone();
            let done = if add { rule.execute().await } else { handle.rule().del(message).execute().await };
            done.map_err(std::io::Error::other)
        })
    };
    let cases: [(&str, More); 13] = [
        ("not", |rule| rule.header.flags |= RuleFlags::Invert),
        ("tos", |rule| rule.header.tos = 0x10),
        ("fwmark with a mask", |rule| {
            rule.attributes.extend([RuleAttribute::FwMark(7), RuleAttribute::FwMask(0xff)]);
        }),
        ("suppress_prefixlength", |rule| rule.attributes.push(RuleAttribute::SuppressPrefixLen(0))),
        ("suppress_ifgroup", |rule| rule.attributes.push(RuleAttribute::SuppressIfGroup(1))),
        ("ipproto", |rule| rule.attributes.push(RuleAttribute::IpProtocol(IpProtocol::Tcp))),
        ("sport", |rule| rule.attributes.push(RuleAttribute::SourcePortRange(RulePortRange { start: 1, end: 9 }))),
        ("dport", |rule| rule.attributes.push(RuleAttribute::DestinationPortRange(RulePortRange { start: 1, end: 9 }))),
        ("uidrange", |rule| rule.attributes.push(RuleAttribute::UidRange(RuleUidRange { start: 0, end: 0 }))),
        ("tun_id", |rule| rule.attributes.push(RuleAttribute::TunId(7))),
        ("l3mdev", |rule| rule.attributes[1] = RuleAttribute::L3MDev(true)),
        ("goto", |rule| {
            rule.header.action = FibAction::Goto;
            rule.attributes[1] = RuleAttribute::Goto(8);
        }),
        ("nop", |rule| rule.header.action = FibAction::Nop),
    ];
    for (word, more) in cases {
        change(true, more).map_err(|error| format!("{word}: {error}"))?;
        let refusal = net.a.rules().expect_err(word).to_string();
        assert_eq!(
            refusal,
            format!(
                "on node `a`: cannot list rules: the IPv4 rule of priority 7 has `{word}`, which a `Rule` cannot hold \
                 (EOPNOTSUPP) (help: list it with `ip rule` and `ip -6 rule`, or remove it)"
            )
        );
        assert_eq!(net.a.state().expect_err(word).to_string(), refusal);
        change(false, more).map_err(|error| format!("{word}: {error}"))?;
        net.a.rules()?;
    }
    Ok(())
}

#[netns_test]
fn what_a_node_has_learned_of_a_path_is_no_route_of_it(net: Path) -> Result {
    net.r.interface("right")?.set_mtu(1400)?;
    let before = net.a.all_routes()?;
    for target in ["10.0.1.2", "fd01::2"] {
        let large = || ping(target).size(1410).dont_fragment();
        net.a.cannot_reach(large(), by::PacketTooBig.mtu(1400).by(&net.r));
        net.a.cannot_reach(large(), by::PacketTooBig.mtu(1400).local());
    }
    assert_eq!(net.a.all_routes()?, before);
    Ok(())
}

#[netns_test]
fn a_multipath_route_uses_every_hop(net: Path) -> Result {
    net.r.interface("left")?.add_address("10.0.0.9/24")?;
    net.a.remove_route("default via 10.0.0.1")?;
    net.a.add_route("default nexthop via 10.0.0.1 weight 1 nexthop via 10.0.0.9 weight 3")?;
    let default = net.a.routes()?.into_iter().find(|route| route.hops.len() == 2).ok_or("no multipath route")?;
    let hops: Vec<_> = default.hops.iter().map(|hop| (hop.via, hop.weight)).collect();
    assert_eq!(hops, [(Some(ip("10.0.0.1")), 1), (Some(ip("10.0.0.9")), 3)]);
    net.a.reaches(ping("10.0.1.2"));
    let text = "default nexthop via 10.0.0.1 weight 1 nexthop via 10.0.0.9 weight 3";
    let route: Route = text.parse()?;
    net.a.remove_route(route)?;
    net.a.cannot_reach(ping("10.0.1.2"), by::NetworkUnreachable.local());
    Ok(())
}

// ---- neighbours, settings, forwarding

#[netns_test]
fn a_permanent_neighbour_is_not_asked_for(net: Path) -> Result {
    net.a.flush_neighbours()?;
    assert_eq!(net.a.neighbours()?.iter().filter(|entry| entry.address.is_ipv4()).count(), 0);
    let left = net.r.interface("left")?;
    net.a.add_neighbour("10.0.0.1", left.mac()?, "eth0")?;
    let wire = left.capture(arp().requests().from("10.0.0.2"))?;
    net.a.reaches(ping("10.0.0.1"));
    wire.stays_quiet(arp().requests().from("10.0.0.2"), Duration::from_millis(10));
    assert_eq!(net.a.neighbour(ip("10.0.0.1"))?.map(|entry| entry.state), Some(NeighbourState::Permanent));
    net.a.flush_neighbours()?;
    assert!(net.a.neighbour(ip("10.0.0.1"))?.is_some(), "a permanent entry stays");
    // The wrong MAC leads nowhere.
    net.a.add_neighbour("10.0.0.1", "02:00:00:00:00:99", "eth0")?;
    net.a.cannot_reach(ping("10.0.0.1"), by::Timeout);
    net.a.remove_neighbour("10.0.0.1", "eth0")?;
    net.a.reaches(ping("10.0.0.1"));
    assert!(net.a.remove_neighbour("10.0.0.77", "eth0").is_err());
    Ok(())
}

#[netns_test]
fn settings_are_the_nodes_own(net: Path) -> Result {
    net.b.set_sysctl("net.ipv4.icmp_echo_ignore_all", 1)?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Timeout);
    net.a.reaches(ping("10.0.0.1"));
    assert_eq!(net.b.sysctl("net.ipv4.icmp_echo_ignore_all")?, "1");
    assert_eq!(net.a.sysctl("net.ipv4.icmp_echo_ignore_all")?, "0");
    net.b.set_sysctl("net.ipv4.icmp_echo_ignore_all", 0)?;
    net.a.reaches(ping("10.0.1.2"));
    let error = net.a.set_sysctl("net.ipv4.no_such_thing", 1).expect_err("there is none");
    assert!(error.to_string().contains("net.ipv4.no_such_thing"), "{error}");
    assert!(net.a.set_sysctl("net.ipv4.ip_default_ttl", "many").is_err());
    Ok(())
}

#[netns_test]
fn a_setting_of_the_whole_machine_is_refused(net: Path) -> Result {
    // The value that it has: a write that went through would change nothing.
    let now = net.a.sysctl("vm.overcommit_memory")?;
    let refused = |key: &str| net.a.set_sysctl(key, &now).expect_err("it is refused").to_string();
    assert_eq!(
        refused("vm.overcommit_memory"),
        "`vm.overcommit_memory` is not a setting of a network namespace (help: a node has those whose name begins with \
         `net.`; all others are the whole machine's)"
    );
    for key in ["net.ipv4..ip_forward", "net.", "net.//.vm.overcommit_memory"] {
        assert_eq!(
            refused(key),
            format!(
                "`{key}` is not the name of a sysctl (help: write a dotted name, such as `net.ipv4.ip_forward`; a dot \
                 in an interface's name is a `/`)"
            )
        );
    }
    Ok(())
}

#[netns_test]
fn forwarding_is_switched_for_each_version(net: Path) -> Result {
    net.r.set_forward(false)?;
    net.a.cannot_reach(ping("10.0.1.2"), by::Timeout);
    net.a.reaches(ping("fd01::2"));
    net.r.set_forward(true)?;
    net.r.set_forward_v6(false)?;
    net.a.reaches(ping("10.0.1.2"));
    net.a.cannot_reach(ping("fd01::2"), by::Timeout);
    net.r.set_forward_v6(true)?;
    net.a.reaches(net.b.ping());
    Ok(())
}

// ---- bridges

#[netns_test]
fn a_bridge_keeps_time_in_hundredths_of_a_second(net: Path) -> Result {
    let bridge = net.a.add_bridge("br0")?;
    let ageing = || bridge.info().map(|info| info.bridge.map(|bridge| bridge.ageing));
    let set = |time| bridge.set_bridge(&BridgeOptions { ageing: Some(time), ..BridgeOptions::default() });
    set(Duration::from_millis(80))?;
    assert_eq!(ageing()?, Some(8));
    for time in [Duration::from_millis(5), Duration::from_millis(1234), Duration::from_secs(500 * 24 * 3600)] {
        assert_eq!(
            set(time).expect_err("it has no such time").to_string(),
            format!(
                "on node `a`: cannot change bridge br0: {time:?} is no time of a bridge (EINVAL) (help: write whole \
                 hundredths of a second, up to 42949672.95s)"
            )
        );
    }
    assert_eq!(ageing()?, Some(8));
    Ok(())
}

// ---- nodes

#[netns_test]
fn a_node_is_added_and_used() -> Result {
    let lab = Path::topology().up()?;
    let (a, new) = (lab.node("a")?, lab.add_node("new")?);
    assert_eq!(lab.node("new")?, new);
    assert_eq!(new.links()?.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["lo"]);
    new.reaches(ping("127.0.0.1"));
    let (here, there) = a.connect("to-new", &new, "eth0")?;
    for (end, address) in [(&here, "192.0.2.1/24"), (&there, "192.0.2.2/24")] {
        end.add_address(address)?;
        end.up()?;
    }
    here.wait_until_running()?;
    a.reaches(new.ping());
    assert!(matches!(lab.add_node("new"), Err(Error::NodeExists { .. })));
    let error = lab.add_node("one two").expect_err("that is no name");
    assert!(error.to_string().contains("the node name `one two` contains ' '"), "{error}");
    let error = lab.node("nwe").expect_err("there is none");
    assert_eq!(error.to_string(), "no node named `nwe` in this network; it has `a`, `r`, `b`, `new`");
    Ok(())
}

#[netns_test]
fn a_removed_node_takes_its_cables_along_whatever_was_done_on_it() -> Result {
    let lab = Path::topology().up()?;
    let (a, r, b) = (lab.node("a")?, lab.node("r")?, lab.node("b")?);
    // Everything that could hold a reference to its namespaces.
    a.serve(tcp(80))?;
    a.reaches(b.ping());
    a.run(|| ());
    a.spawn(async {}).join();
    drop(a.spawn(std::future::pending::<()>()));
    let program = a.command("sleep").arg("1000").spawn()?;
    a.drop_forwarded(icmp())?;
    drop(a.interface("eth0")?.capture(any())?);
    a.connect("extra", &b, "extra")?;
    a.connect("one", &a, "other")?;

    lab.remove_node(&a)?;

    assert_eq!(r.links()?.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["lo", "right"]);
    assert!(b.interface("extra").is_err());
    assert!(matches!(lab.node("a"), Err(Error::NoSuchNode { .. })));
    assert!(matches!(a.links(), Err(Error::Gone { .. })));
    assert!(matches!(lab.remove_node(&a), Err(Error::Gone { .. })));
    drop(program);
    r.reaches(b.ping());
    // Its name is free again.
    lab.add_node("a")?;
    Ok(())
}

#[netns_test(timeout = "30s")]
fn a_socket_that_is_kept_keeps_the_namespace_of_a_removed_node() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    let kept = a.run(|| TcpListener::bind("10.0.0.1:80"))?;
    let error = lab.remove_node(&a).expect_err("a socket of the node is open");
    assert!(error.to_string().contains("something holds its namespace"), "{error}");
    assert!(b.interface("eth0").is_ok());
    drop(kept);
    eventually(Duration::from_secs(5), || b.interface("eth0").is_err());
    Ok(())
}

#[netns_test(timeout = "30s")]
fn a_node_is_removed_although_nobody_answers_its_last_words() -> Result {
    let lab = Path::topology().up()?;
    let (a, r, b) = (lab.node("a")?, lab.node("r")?, lab.node("b")?);
    let listener = b.run(|| TcpListener::bind("10.0.1.2:80"))?;
    let client = a.run(|| TcpStream::connect("10.0.1.2:80"))?;
    let server = listener.accept()?.0;
    r.interface("right")?.down()?;
    // Its end of the connection has to tell the far one, which cannot hear.
    drop(server);
    drop(listener);
    lab.remove_node(&b)?;
    drop(client);
    assert_eq!(r.links()?.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["lo", "left"]);
    Ok(())
}

#[netns_test]
fn handles_of_a_network_that_has_ended_say_so() -> Result {
    let lab = Path::topology().up()?;
    let a = lab.node("a")?;
    let eth0 = a.interface("eth0")?;
    drop(lab);
    let gone = |error: Error| assert!(matches!(error, Error::Gone { .. }), "{error}");
    gone(a.links().expect_err("gone"));
    gone(a.add_route("default via 10.0.0.1").expect_err("gone"));
    gone(a.set_forward(true).expect_err("gone"));
    gone(a.sysctl("net.ipv4.ip_forward").expect_err("gone"));
    gone(a.serve(tcp(80)).expect_err("gone"));
    gone(a.drop_forwarded(icmp()).expect_err("gone"));
    gone(a.command("true").spawn().expect_err("gone"));
    gone(a.netns_fd().expect_err("gone"));
    gone(eth0.up().expect_err("gone"));
    gone(eth0.info().expect_err("gone"));
    gone(eth0.capture(any()).expect_err("gone"));
    assert!(a.probe(ping("127.0.0.1")).run().is_err());
    Ok(())
}
