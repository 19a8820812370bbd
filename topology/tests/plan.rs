//! The plan: which kernel steps, in which order.

#[path = "plan/overlay.rs"]
mod overlay;

use std::{collections::HashMap, time::Duration};

use netns_test_topology::{
    Departure, Hook, Match, Profile, Topology,
    build::TopologyBuilder,
    plan::{Action, LinkState, Plan},
};

/// The lines of the plan in which the filter sees a word, without their padding.
fn lines(plan: &Plan, words: &[&str]) -> Vec<String> {
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = plan.to_string();
    let of_interest = |line: &String| words.iter().any(|word| line.split(' ').nth(1) == Some(word));
    text.lines().map(squeeze).filter(of_interest).collect()
}

fn plan(builder: TopologyBuilder) -> Plan {
    builder.build().unwrap_or_else(|problems| panic!("{problems}")).plan()
}

fn nat() -> TopologyBuilder {
    Topology::builder()
        .name("Nat")
        .node("client", |n| n.interface("eth0", "10.0.0.2/24").route("default via 10.0.0.1"))
        .node("gateway", |n| {
            n.interface("lan", "10.0.0.1/24").interface("wan", "203.0.113.1/24").forward().masquerade("wan")
        })
        .node("server", |n| n.interface("eth0", "203.0.113.9/24"))
        .link("client.eth0", "gateway.lan")
        .link("gateway.wan", "server.eth0")
}

/// A cable between two nodes without addresses.
fn cable() -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| n.interface("eth0", ()))
        .node("b", |n| n.interface("eth0", ()))
        .link("a.eth0", "b.eth0")
}

fn states(plan: &Plan) -> HashMap<String, LinkState> {
    plan.steps()
        .iter()
        .filter_map(|step| match &step.action {
            Action::AwaitLink { interface, state, .. } => Some((format!("{}.{interface}", step.node), *state)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_masquerading_gateway_is_planned_phase_by_phase() {
    assert_eq!(
        plan(nat()).to_string(),
        "\
client   node
gateway  node
server   node
client   sysctl net.ipv4.conf.all.rp_filter = 0
client   sysctl net.ipv4.conf.default.rp_filter = 0
client   sysctl net.ipv6.conf.all.accept_dad = 0  (no-dad)
client   sysctl net.ipv6.conf.default.accept_dad = 0  (no-dad)
client   sysctl net.ipv4.icmp_ratemask = 0  (icmp-unlimited)
client   sysctl net.ipv6.icmp.ratemask = 255  (icmp-unlimited)
client   sysctl net.ipv4.ping_group_range = 0 0  (ping-sockets)
client   sysctl net.ipv4.ip_forward = 0
client   sysctl net.ipv6.conf.all.forwarding = 0
gateway  sysctl net.ipv4.conf.all.rp_filter = 0
gateway  sysctl net.ipv4.conf.default.rp_filter = 0
gateway  sysctl net.ipv6.conf.all.accept_dad = 0  (no-dad)
gateway  sysctl net.ipv6.conf.default.accept_dad = 0  (no-dad)
gateway  sysctl net.ipv4.icmp_ratemask = 0  (icmp-unlimited)
gateway  sysctl net.ipv6.icmp.ratemask = 255  (icmp-unlimited)
gateway  sysctl net.ipv4.ping_group_range = 0 0  (ping-sockets)
gateway  sysctl net.ipv4.ip_forward = 1
gateway  sysctl net.ipv6.conf.all.forwarding = 1
server   sysctl net.ipv4.conf.all.rp_filter = 0
server   sysctl net.ipv4.conf.default.rp_filter = 0
server   sysctl net.ipv6.conf.all.accept_dad = 0  (no-dad)
server   sysctl net.ipv6.conf.default.accept_dad = 0  (no-dad)
server   sysctl net.ipv4.icmp_ratemask = 0  (icmp-unlimited)
server   sysctl net.ipv6.icmp.ratemask = 255  (icmp-unlimited)
server   sysctl net.ipv4.ping_group_range = 0 0  (ping-sockets)
server   sysctl net.ipv4.ip_forward = 0
server   sysctl net.ipv6.conf.all.forwarding = 0
client   veth eth0 index 10 -- gateway.lan index 11  (distinct-indexes)
gateway  veth wan index 12 -- server.eth0 index 13  (distinct-indexes)
client   arp eth0 retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
client   ndisc eth0 retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
gateway  arp lan retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
gateway  ndisc lan retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
gateway  arp wan retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
gateway  ndisc wan retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
server   arp eth0 retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
server   ndisc eth0 retransmit 50ms multicast-probes 1 unicast-probes 1 proxy-delay 0ns  (short-neighbour-timers)
client   address eth0 10.0.0.2/24
gateway  address lan 10.0.0.1/24
gateway  address wan 203.0.113.1/24
server   address eth0 203.0.113.9/24
client   up lo  (loopback-up)
client   up eth0
gateway  up lo  (loopback-up)
gateway  up lan
gateway  up wan
server   up lo  (loopback-up)
server   up eth0
client   await eth0 running
gateway  await lan running
gateway  await wan running
server   await eth0 running
client   route default via 10.0.0.1
gateway  firewall ip nat postrouting priority 100 policy accept { oifname \"wan\" masquerade }
"
    );
}

#[test]
fn the_same_topology_has_the_same_plan() {
    assert_eq!(plan(nat()), plan(nat()));
}

#[test]
fn an_empty_topology_has_an_empty_plan() {
    assert_eq!(plan(Topology::builder()).steps(), []);
}

#[test]
fn a_switch_asks_for_its_cables_so_that_its_end_can_be_enslaved() {
    let plan = plan(
        Topology::builder()
            .node("a", |n| n.interface("eth0", ()))
            .node("host", |n| n.bridge("br0", |b| b.port("p0")))
            .node("b", |n| n.interface("eth0", ()))
            .switch("lan", ["a.eth0"])
            .link("b.eth0", "host.p0"),
    );
    assert_eq!(
        lines(&plan, &["veth", "port"]),
        [
            "host veth p0 index 11 -- b.eth0 index 10 (distinct-indexes)",
            "lan veth a-eth0 index 12 -- a.eth0 index 13 (distinct-indexes)",
            "host port p0 of br0",
            "lan port a-eth0 of lan",
        ]
    );
}

#[test]
fn a_bridge_is_made_before_its_ports_and_up_before_them() {
    let plan = plan(
        Topology::builder()
            .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
            .node("host", |n| n.interface("p0", ()).bridge("br0", |b| b.port("p0").address("10.0.0.2/24").mtu(1400)))
            .link("a.eth0", "host.p0"),
    );
    let of_host: Vec<String> = lines(&plan, &["bridge", "veth", "port", "mtu", "address", "up", "await"])
        .into_iter()
        .filter(|line| line.starts_with("host"))
        .collect();
    assert_eq!(
        of_host,
        [
            "host bridge br0 stp off multicast-snooping off forward-delay 0s",
            "host veth p0 index 11 -- a.eth0 index 10 (distinct-indexes)",
            "host port p0 of br0",
            "host mtu br0 1400",
            "host address br0 10.0.0.2/24",
            "host up lo (loopback-up)",
            "host up br0",
            "host up p0",
            "host await p0 running",
            "host await br0 running",
        ]
    );
}

#[test]
fn a_setting_that_names_an_interface_waits_for_it() {
    let plan = plan(
        Topology::builder()
            .node("a", |n| {
                n.interface("eth0", "10.0.0.1/24")
                    .sysctl("net.ipv4.conf.eth0.rp_filter", 2)
                    .sysctl("net.ipv4.ip_default_ttl", 7)
                    .profile(Profile::Ready)
            })
            .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
            .link("a.eth0", "b.eth0"),
    );
    let position = |what: &str| plan.steps().iter().position(|step| step.to_string().contains(what)).unwrap();
    assert!(position("ip_default_ttl") < position("veth"));
    assert!(position("veth") < position("eth0.rp_filter"));
    assert!(position("eth0.rp_filter") < position("address"));
    assert!(position("conf.default.rp_filter") < position("ip_default_ttl"), "the profile comes before the user");
}

#[test]
fn a_cable_runs_when_both_ends_are_up() {
    let with = |a_up: bool, b_up: bool| {
        let builder = Topology::builder()
            .node("a", |n| n.interface_with("eth0", |i| if a_up { i } else { i.down() }))
            .node("b", |n| n.interface_with("eth0", |i| if b_up { i } else { i.down() }))
            .link("a.eth0", "b.eth0");
        let states = states(&plan(builder));
        (states["a.eth0"], states["b.eth0"])
    };
    use LinkState::{Down, NoCarrier, Running};
    assert_eq!(with(true, true), (Running, Running));
    assert_eq!(with(true, false), (NoCarrier, Down));
    assert_eq!(with(false, true), (Down, NoCarrier));
    assert_eq!(with(false, false), (Down, Down));
}

#[test]
fn a_bridge_runs_when_a_port_does_or_when_it_never_looked_at_its_ports() {
    let plan = plan(
        Topology::builder()
            .node("far", |n| n.interface("up", ()).interface_with("down", |i| i.down()))
            .node("host", |n| {
                n.bridge("bare", |b| b)
                    .bridge("mac", |b| b.mac("02:00:00:00:00:01"))
                    .bridge("stp", |b| b.stp())
                    .bridge("off", |b| b.down().port("p0"))
                    .bridge("idle", |b| b.port("p1"))
                    .bridge("busy", |b| b.port("p2"))
                    .interface_with("x1", |i| i.down())
                    .interface("x2", ())
            })
            .link("far.up", "host.p0")
            .link("far.down", "host.x1")
            .link("host.x2", "host.p2")
            .node("other", |n| n.interface_with("eth0", |i| i.down()))
            .link("other.eth0", "host.p1"),
    );
    let states = states(&plan);
    use LinkState::{Down, NoCarrier, Running};
    for (bridge, state) in [
        ("bare", Running),
        ("mac", NoCarrier),
        ("stp", NoCarrier),
        ("off", Down),
        ("idle", NoCarrier),
        ("busy", Running),
    ] {
        assert_eq!(states[&format!("host.{bridge}")], state, "{bridge}");
    }
}

#[test]
fn a_bridge_with_stp_is_given_twice_its_forward_delay() {
    let delay = |profile| {
        let builder = Topology::builder().profile(profile).node("a", |n| n.interface("eth0", ())).switch_with(
            "lan",
            ["a.eth0"],
            |bridge| bridge.stp(),
        );
        plan(builder).steps().iter().find_map(|step| match &step.action {
            Action::AwaitLink { interface, delay, .. } if *interface == *"lan" => Some(*delay),
            _ => None,
        })
    };
    assert_eq!(delay(Profile::Ready), Some(Duration::from_secs(4)));
    assert_eq!(delay(Profile::Kernel), Some(Duration::from_secs(30)));
}

#[test]
fn no_index_is_given_twice_nor_to_what_the_kernel_numbers_itself() {
    let mut builder = Topology::builder().node("hub", |mut n| {
        for bridge in 0..20 {
            n = n.bridge(format!("br{bridge}"), |b| b.port(format!("p{bridge}")));
        }
        n
    });
    for spoke in 0..20 {
        builder = builder
            .node(format!("n{spoke}"), |n| n.interface("eth0", ()))
            .link(format!("n{spoke}.eth0"), format!("hub.p{spoke}"));
    }
    let mut indexes: Vec<u32> = plan(builder)
        .steps()
        .iter()
        .filter_map(|step| match &step.action {
            Action::CreateVeth { end, peer, .. } => Some([end.index.unwrap(), peer.index.unwrap()]),
            _ => None,
        })
        .flatten()
        .collect();
    indexes.sort_unstable();
    // `lo` is 1, the bridges are 2 to 21.
    assert_eq!(indexes, (22..62).collect::<Vec<u32>>());
}

#[test]
fn the_kernel_profile_departs_in_nothing_and_says_what_a_host_could_have_changed() {
    let plan = plan(nat().profile(Profile::Kernel));
    assert!(plan.steps().iter().all(|step| step.departure.is_none()));
    let text = plan.to_string();
    for set in [
        "net.ipv4.conf.default.promote_secondaries = 0",
        "net.ipv4.conf.all.arp_ignore = 0",
        "net.ipv4.conf.default.accept_source_route = 1",
        "net.ipv6.conf.default.accept_dad = 1",
        "net.ipv4.conf.default.rp_filter = 0",
        "client   sysctl net.ipv4.ip_forward = 0",
        "gateway  sysctl net.ipv4.ip_forward = 1",
    ] {
        assert!(text.contains(set), "{set}");
    }
    for left_alone in ["up lo", "index", "  arp ", "nodad", "ratemask"] {
        assert!(!text.contains(left_alone), "{left_alone}");
    }
}

#[test]
fn each_departure_can_be_overridden_alone() {
    // Without a tunnel there is none to make room for.
    for departure in Departure::ALL.into_iter().filter(|departure| *departure != Departure::OverlayMtu) {
        let without = plan(
            cable()
                .node("c", |n| n.interface("eth0", ()).without(departure))
                .node("d", |n| n.interface("eth0", ()).without(departure))
                .link("c.eth0", "d.eth0"),
        );
        let has =
            |node: &str| without.steps().iter().any(|step| *step.node == *node && step.departure == Some(departure));
        assert!(has("a") && !has("c"), "{departure}");

        let with = plan(
            cable()
                .profile(Profile::Kernel)
                .node("c", |n| n.interface("eth0", ()).with(departure))
                .node("d", |n| n.interface("eth0", ()).with(departure))
                .link("c.eth0", "d.eth0"),
        );
        let nodes: Vec<&str> =
            with.steps().iter().filter(|s| s.departure == Some(departure)).map(|s| &*s.node).collect();
        assert!(!nodes.is_empty() && nodes.iter().all(|n| ["c", "d"].contains(n)), "{departure}: {nodes:?}");
        assert!(with.steps().iter().all(|step| step.departure.is_none_or(|d| d == departure)), "{departure}");
    }
}

#[test]
fn one_end_in_a_kernel_node_leaves_both_indexes_to_the_kernel() {
    let plan = plan(
        Topology::builder()
            .node("a", |n| n.interface("eth0", ()))
            .node("b", |n| n.interface("eth0", ()).profile(Profile::Kernel))
            .link("a.eth0", "b.eth0"),
    );
    assert_eq!(lines(&plan, &["veth"]), ["a veth eth0 -- b.eth0"]);
}

#[test]
fn a_loopback_interface_that_is_declared_follows_its_declaration() {
    let up = |builder: TopologyBuilder| lines(&plan(builder), &["up"]);
    let builder = || Topology::builder().profile(Profile::Kernel);
    assert_eq!(up(builder().node("a", |n| n)), [""; 0]);
    assert_eq!(up(builder().node("a", |n| n.interface("lo", "10.0.0.1/32"))), ["a up lo"]);
    let down = Topology::builder().node("a", |n| n.interface_with("lo", |i| i.down()));
    assert_eq!(up(down), [""; 0]);
}

#[test]
fn an_ipv6_address_skips_detection_only_where_the_node_departs_so() {
    let with = |profile| {
        let builder = cable().profile(profile).node("c", |n| n.interface("lo", ["10.9.0.1/32", "fd00::1/128"]));
        lines(&plan(builder), &["address"])
    };
    assert_eq!(with(Profile::Ready), ["c address lo 10.9.0.1/32", "c address lo fd00::1/128 nodad"]);
    assert_eq!(with(Profile::Kernel), ["c address lo 10.9.0.1/32", "c address lo fd00::1/128"]);
}

#[test]
fn routes_without_gateway_come_first_because_a_gateway_may_need_them() {
    let plan = plan(
        Topology::builder()
            .node("a", |n| {
                n.interface("eth0", "10.0.0.1/24").route("default via 10.9.0.1").route("10.9.0.0/16 dev eth0")
            })
            .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
            .link("a.eth0", "b.eth0"),
    );
    assert_eq!(lines(&plan, &["route"]), ["a route 10.9.0.0/16 dev eth0", "a route default via 10.9.0.1"]);
}

#[test]
fn a_route_that_prefers_an_ipv6_source_waits_for_its_detection() {
    let with = |profile| {
        let builder = Topology::builder()
            .profile(profile)
            .node("a", |n| n.interface("eth0", "fd00::1/64").route("default via fd00::2 src fd00::1"))
            .node("b", |n| n.interface("eth0", "fd00::2/64"))
            .link("a.eth0", "b.eth0");
        lines(&plan(builder), &["await", "route"])
    };
    let (cables, route) = (["a await eth0 running", "b await eth0 running"], "a route default via fd00::2 src fd00::1");
    assert_eq!(with(Profile::Ready), [cables[0], cables[1], route]);
    assert_eq!(with(Profile::Kernel), [cables[0], cables[1], "a await fd00::1 not tentative", route]);
}

#[test]
fn a_counter_that_a_rule_refers_to_is_made_without_being_declared() {
    let plan = plan(Topology::builder().node("a", |n| {
        n.counter("idle").firewall(Hook::Input, |c| {
            c.rule(Match::tcp(25).drop().counter("smtp")).rule(Match::udp(25).drop().counter("smtp"))
        })
    }));
    let counters = plan.steps().iter().find_map(|step| match &step.action {
        Action::SetFirewall { counters, .. } => Some(counters.clone()),
        _ => None,
    });
    assert_eq!(counters.unwrap(), ["idle", "smtp"]);
}

#[test]
fn a_cable_within_one_node_is_one_step() {
    let plan = plan(Topology::builder().node("a", |n| n.interface("x", ()).interface("y", ())).link("a.x", "a.y"));
    assert_eq!(lines(&plan, &["veth"]), ["a veth x index 10 -- a.y index 11 (distinct-indexes)"]);
}

#[test]
fn name_servers_come_last_and_in_their_order() {
    let plan =
        plan(Topology::builder().node("a", |n| n.nameserver("10.0.0.53").nameserver("fd00::53")).node("b", |n| n));
    assert_eq!(plan.steps().last().unwrap().to_string(), "a  nameserver 10.0.0.53 fd00::53");
    assert_eq!(lines(&plan, &["nameserver"]).len(), 1);
}
