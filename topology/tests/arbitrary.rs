//! Random topologies: what they cover, and what failures shrink to.

use std::collections::BTreeMap;

use netns_test_topology::{
    ChainKind, Departure, Family, Hook, Kind, Profile, Role, RouteKind, RuleAction, Topology, Verdict,
    arbitrary::{Options, topologies},
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestError, TestRunner},
};

/// The smallest topology of which the property is found not to hold.
fn smallest(holds: impl Fn(&Topology) -> bool) -> Topology {
    // Networks have many parts to shrink.
    let config = Config { failure_persistence: None, max_shrink_iters: 100_000, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, proptest::test_runner::TestRng::deterministic_rng(Default::default()));
    match runner.run(&topologies(Options::default()), |topology| match holds(&topology) {
        true => Ok(()),
        false => Err(proptest::test_runner::TestCaseError::fail("it does not hold")),
    }) {
        Err(TestError::Fail(_, topology)) => topology,
        other => panic!("no topology was found: {other:?}"),
    }
}

#[test]
fn a_failure_of_every_network_shrinks_to_one_bare_node() {
    let topology = smallest(|_| false);
    let bare = Topology::builder().node("n0", |n| n).build().unwrap();
    assert_eq!(topology, bare);
}

#[test]
fn a_failure_of_cables_shrinks_to_one_cable() {
    let topology = smallest(|topology| topology.links.is_empty());
    assert_eq!(topology.links.len(), 1);
    assert!(topology.nodes.len() <= 2, "{topology:#?}");
    assert!(topology.nodes.iter().all(|node| node.chains.is_empty() && node.routes.is_empty()), "{topology:#?}");
    assert!(topology.nodes.iter().flat_map(|node| &node.interfaces).all(|i| i.addresses.is_empty()), "{topology:#?}");
}

#[test]
fn a_failure_of_multipath_routes_shrinks_to_one_such_route() {
    let multipath = |kind: &RouteKind| matches!(kind, RouteKind::Unicast(hops) if hops.len() > 1);
    let topology = smallest(|topology| !topology.nodes.iter().flat_map(|n| &n.routes).any(|r| multipath(&r.kind)));
    let routes: Vec<_> = topology.nodes.iter().flat_map(|node| &node.routes).collect();
    assert_eq!(routes.len(), 1, "{topology:#?}");
    assert!(topology.links.len() <= 1, "{topology:#?}");
}

/// Counts in how many topologies each thing occurs.
#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    fn note(&mut self, what: impl Into<String>, occurs: bool) {
        *self.0.entry(what.into()).or_default() += usize::from(occurs);
    }

    fn look_at(&mut self, topology: &Topology) {
        let nodes = &topology.nodes;
        let interfaces = || nodes.iter().flat_map(|node| &node.interfaces);
        let routes = || nodes.iter().flat_map(|node| &node.routes);
        let rules = || nodes.iter().flat_map(|node| &node.rules);
        let chains = || nodes.iter().flat_map(|node| &node.chains);
        let firewall = || chains().flat_map(|chain| &chain.rules);
        let bridges =
            || interfaces().filter_map(|i| if let Kind::Bridge(options) = &i.kind { Some(options) } else { None });
        let hops = || routes().filter_map(|r| if let RouteKind::Unicast(hops) = &r.kind { Some(hops) } else { None });
        let mut note = |what: &str, occurs: bool| self.note(what, occurs);

        note("cable within a node", topology.links.iter().any(|link| link.a.node == link.b.node));
        note("cable between nodes", topology.links.iter().any(|link| link.a.node != link.b.node));
        note("switch with ports", nodes.iter().any(|n| n.role == Role::Switch && n.interfaces.len() > 1));
        note(
            "bridge with a port and an address",
            nodes.iter().any(|node| {
                node.bridges().any(|bridge| !bridge.addresses.is_empty() && node.ports(&bridge.name).next().is_some())
            }),
        );
        note("bridge with STP", bridges().any(|options| options.stp == Some(true)));
        note("bridge with a forward delay", bridges().any(|options| options.forward_delay.is_some()));
        note("bridge with an ageing time", bridges().any(|options| options.ageing.is_some()));
        note("bridge with snooping on", bridges().any(|options| options.multicast_snooping == Some(true)));
        note("bridge that calls iptables", bridges().any(|options| options.nf_call_iptables == Some(true)));
        note("declared lo", interfaces().any(|i| i.kind == Kind::Loopback));
        note("IPv4 address", interfaces().any(|i| i.addresses.iter().any(|a| !a.is_ipv6())));
        note("IPv6 address", interfaces().any(|i| i.addresses.iter().any(|a| a.is_ipv6())));
        note("several addresses", interfaces().any(|i| i.addresses.len() > 2));
        note("MAC", interfaces().any(|i| i.mac.is_some()));
        note("MTU", interfaces().any(|i| i.mtu.is_some()));
        note("interface that is down", interfaces().any(|i| !i.up));
        note("hard name", interfaces().any(|i| i.name.contains(['\'', '"', '<', '$', '`', '*', '-'])));
        note("plain route", hops().any(|hops| hops.len() == 1 && hops[0].via.is_some()));
        note("device route", hops().any(|hops| hops.len() == 1 && hops[0].via.is_none()));
        note("on-link route", hops().any(|hops| hops.iter().any(|hop| hop.onlink)));
        note("multipath route", hops().any(|hops| hops.len() > 1));
        note("multipath route with weights", hops().any(|hops| hops.len() > 1 && hops.iter().any(|h| h.weight > 1)));
        note("IPv6 route", routes().any(|route| route.to.is_ipv6()));
        note("default route", routes().any(|route| route.to.prefix() == 0));
        for kind in [RouteKind::Blackhole, RouteKind::Unreachable, RouteKind::Prohibit] {
            note(&format!("route {kind:?}"), routes().any(|route| route.kind == kind));
        }
        note("route with a metric", routes().any(|route| route.metric.is_some()));
        note("route with a table", routes().any(|route| route.table.is_some()));
        note("route with a source", routes().any(|route| route.source.is_some()));
        note("route with an MTU", routes().any(|route| route.mtu.is_some()));
        note("rule to a table", rules().any(|rule| matches!(rule.action, RuleAction::Lookup(_))));
        note("rule that discards", rules().any(|rule| !matches!(rule.action, RuleAction::Lookup(_))));
        note("IPv6 rule", rules().any(|rule| rule.v6));
        note("rule with a mark", rules().any(|rule| rule.mark.is_some()));
        note("rule with an interface", rules().any(|rule| rule.input.is_some() || rule.output.is_some()));
        let vxlans = || interfaces().filter_map(|i| if let Kind::Vxlan(vxlan) = &i.kind { Some(vxlan) } else { None });
        note("VXLAN device", vxlans().next().is_some());
        note("VXLAN device with an underlay", vxlans().any(|vxlan| vxlan.underlay.is_some()));
        note("VXLAN device with a group", vxlans().any(|v| v.remote.is_some_and(|remote| remote.is_multicast())));
        note("VXLAN device with a far end", vxlans().any(|v| v.remote.is_some_and(|remote| !remote.is_multicast())));
        note("VXLAN device with an address", vxlans().any(|vxlan| vxlan.local.is_some()));
        note("VXLAN device over IPv6", vxlans().any(|vxlan| vxlan.is_ipv6()));
        note("macvlan", interfaces().any(|i| matches!(i.kind, Kind::Macvlan(_))));
        note("overlay in a bridge", interfaces().any(|i| i.kind.is_overlay() && i.master.is_some()));
        let entries = || nodes.iter().flat_map(|node| &node.fdb);
        note("forwarding entry of a tunnel", entries().any(|entry| entry.dst.is_some()));
        note("forwarding entry of a port", entries().any(|entry| entry.dst.is_none()));
        note("neighbour", nodes.iter().any(|node| !node.neighbours.is_empty()));
        note("sysctl of the node", nodes.iter().flat_map(|n| &n.sysctls).any(|s| s.interface().is_none()));
        note("sysctl of an interface", nodes.iter().flat_map(|n| &n.sysctls).any(|s| s.interface().is_some()));
        note("name server", nodes.iter().any(|node| !node.nameservers.is_empty()));
        note("forwarding", nodes.iter().any(|node| node.forward_v4 != node.forward_v6));
        note("declared counter", nodes.iter().any(|node| !node.counters.is_empty()));
        note("counter in a rule", firewall().any(|rule| rule.counter.is_some()));
        note("comment", firewall().any(|rule| rule.comment.is_some()));
        note("connection state", firewall().any(|rule| !rule.matches.states.is_empty()));
        note("ports", firewall().any(|rule| rule.matches.port.is_some()));
        note("EtherType", firewall().any(|rule| rule.matches.ethertype.is_some()));
        note("rule that only counts", firewall().any(|rule| rule.verdict.is_none()));
        for family in [Family::Inet, Family::Ip, Family::Ip6, Family::Bridge] {
            note(&format!("filter {family}"), chains().any(|c| c.family == family && c.kind == ChainKind::Filter));
        }
        for hook in [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting] {
            note(&format!("chain at {hook}"), chains().any(|chain| chain.hook == hook));
        }
        let verdict = |is: fn(&Verdict) -> bool| firewall().any(|rule| rule.verdict.as_ref().is_some_and(is));
        note("reject", verdict(|verdict| matches!(verdict, Verdict::Reject(_))));
        note("masquerade", verdict(|verdict| matches!(verdict, Verdict::Masquerade)));
        note("snat", verdict(|verdict| matches!(verdict, Verdict::Snat { .. })));
        note("dnat", verdict(|verdict| matches!(verdict, Verdict::Dnat { .. })));
        note("one of every so many", firewall().any(|rule| rule.matches.nth.is_some()));
        note("ready profile", topology.profile == Profile::Ready);
        note("kernel profile", topology.profile == Profile::Kernel);
        note("profile of a node", nodes.iter().any(|node| node.profile.is_some()));
        for departure in Departure::ALL {
            for on in [true, false] {
                note(&format!("{departure} {on}"), nodes.iter().any(|n| n.departures.get(&departure) == Some(&on)));
            }
        }
    }
}

#[test]
fn every_part_of_the_model_occurs_among_300() {
    let mut runner = TestRunner::deterministic();
    let strategy = topologies(Options::default());
    let mut seen = Seen::default();
    for _ in 0..300 {
        seen.look_at(&strategy.new_tree(&mut runner).unwrap().current());
    }
    let missing: Vec<_> = seen.0.iter().filter(|(_, count)| **count < 5).collect();
    assert!(missing.is_empty(), "too rare: {missing:?}\nall: {:#?}", seen.0);
}

#[test]
fn mistakes_occur_only_where_they_are_asked_for() {
    let mut runner = TestRunner::deterministic();
    let mut has_mistakes = |options: Options| {
        let mut draft = topologies(options).new_tree(&mut runner).unwrap().current().into_draft();
        draft.allow.clear();
        !draft.problems().is_empty()
    };
    let mut count = |options: Options| (0..50).filter(|_| has_mistakes(options)).count();
    assert_eq!(count(Options::default()), 0);
    let with_mistakes = count(Options::default().with_mistakes());
    assert!(with_mistakes > 25, "{with_mistakes} of 50");
}
