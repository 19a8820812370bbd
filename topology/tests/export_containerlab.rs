//! Topologies written as containerlab files: what cannot be said, and that the rest reads back as it was.

use netns_test_topology::{
    Departure, Draft, Hook, IfName, Interface, Kind, Match, Profile, Role, RouteKind, Topology,
    arbitrary::{Options, topologies},
    import::containerlab,
};
use proptest::prelude::*;

/// The topology as far as a containerlab file says it: without order among interfaces, and with the kernel's values
/// where it says none.
fn canonical(draft: &Draft) -> Draft {
    let mut draft = Draft { allow: Vec::new(), ..draft.clone() };
    for node in &mut draft.nodes {
        node.role = Role::Host;
        let forwarding = |key: &str| match key {
            "net.ipv4.ip_forward" | "net.ipv4.conf.all.forwarding" => Some(false),
            "net.ipv6.conf.all.forwarding" => Some(true),
            _ => None,
        };
        for sysctl in &node.sysctls {
            match forwarding(&sysctl.key) {
                Some(false) => node.forward_v4 = sysctl.value != "0",
                Some(true) => node.forward_v6 = sysctl.value != "0",
                None => {}
            }
        }
        let all = std::mem::take(&mut node.sysctls);
        let last = |n: usize| !all[n + 1..].iter().any(|later| later.key == all[n].key);
        node.sysctls = all
            .iter()
            .enumerate()
            .filter(|(n, s)| last(*n) && forwarding(&s.key).is_none())
            .map(|(_, s)| s.clone())
            .collect();
        node.sysctls.sort_by_key(|sysctl| sysctl.interface().is_some());
        let referred = node.chains.iter().flat_map(|chain| &chain.rules).filter_map(|rule| rule.counter.clone());
        node.counters.extend(referred);
        node.counters.sort();
        node.counters.dedup();
        for interface in node.interfaces.iter_mut().filter(|interface| matches!(interface.kind, Kind::Veth)) {
            interface.mtu = interface.mtu.filter(|mtu| *mtu != 1500);
        }
        for route in &mut node.routes {
            // The share of a hop among one hop is all.
            if let RouteKind::Unicast(hops) = &mut route.kind
                && let [only] = hops.as_mut_slice()
            {
                only.weight = 1;
            }
        }
        node.routes.sort_by_key(
            |route| matches!(&route.kind, RouteKind::Unicast(hops) if hops.iter().any(|hop| hop.via.is_some())),
        );
        let lo = Interface::new(IfName::new("lo").unwrap(), Kind::Loopback);
        node.interfaces.retain(|interface| *interface != lo);
        node.interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    }
    draft
}

/// A topology without what containerlab cannot express; `None` if it is none any more.
fn expressible(topology: Topology) -> Option<Topology> {
    let mut draft = topology.into_draft();
    (draft.name, draft.profile) = ("lab".to_owned(), Profile::Ready);
    for node in &mut draft.nodes {
        node.profile = None;
        node.departures.clear();
        for chain in &mut node.chains {
            chain.rules.retain(|rule| rule.verdict.is_some() || rule.counter.is_some());
        }
    }
    draft.check().ok().filter(|topology| containerlab::write(topology, "alpine:3").is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 60_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_as_it_was(
        topology in topologies(Options::default()).prop_filter_map("not expressible", expressible)
    ) {
        let text = containerlab::write(&topology, "alpine:3").expect("it is expressible");
        let read = containerlab::parse("lab.clab.yml", text.clone(), &[]);
        let read = read.unwrap_or_else(|refused| panic!("{refused}\n{text}"));
        prop_assert_eq!(canonical(&read.topology), canonical(&topology), "{}", text);
    }
}

#[test]
fn most_random_topologies_are_expressible() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let strategy = topologies(Options::default());
    let drawn = (0..200).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let expressible = drawn.filter_map(expressible).count();
    assert!(expressible > 60, "{expressible} of 200");
}

#[test]
fn a_switch_is_a_bridge_of_the_host_and_says_how_to_make_it() {
    let lan = Topology::builder()
        .name("lan")
        .node("a", |n| n.interface("eth1", "10.0.0.1/24"))
        .node("b", |n| n.interface("eth1", "10.0.0.2/24"))
        .switch("sw", ["a.eth1", "b.eth1"])
        .build()
        .unwrap();
    let text = containerlab::write(&lan, "alpine:3").unwrap();
    assert_eq!(
        text,
        r#"# before deploying: ip link add name sw type bridge; ip link set dev sw up
name: "lan"
topology:
  nodes:
    "a":
      kind: linux
      image: "alpine:3"
      network-mode: none
      sysctls:
        net.ipv4.ip_forward: "0"
        net.ipv6.conf.all.forwarding: "0"
      exec:
        - "ip address add 10.0.0.1/24 dev eth1"
    "b":
      kind: linux
      image: "alpine:3"
      network-mode: none
      sysctls:
        net.ipv4.ip_forward: "0"
        net.ipv6.conf.all.forwarding: "0"
      exec:
        - "ip address add 10.0.0.2/24 dev eth1"
    "sw":
      kind: bridge
  links:
    - endpoints: ["sw:a-eth1", "a:eth1"]
      mtu: 1500
    - endpoints: ["sw:b-eth1", "b:eth1"]
      mtu: 1500
"#
    );
    assert_eq!(containerlab::parse("lan.clab.yml", text, &[]).unwrap().topology, lan);
}

#[test]
fn every_part_of_a_node_has_its_command() {
    let topology = Topology::builder()
        .name("all")
        .node("a", |n| {
            n.bridge("br0", |b| b.port("eth1").address("10.0.0.1/24").mac("02:00:00:00:00:01").stp())
                .interface("lo", "10.9.9.9/32")
                .sysctl("net.ipv4.conf.eth1.rp_filter", 1)
                .route("default via 10.0.0.2")
                .route("::/0 dev br0")
                .rule("inet6 from all lookup 9")
                .neighbour("10.0.0.3", "02:00:00:00:00:03", "br0")
                .forward_v4()
                .masquerade("br0")
                .firewall(Hook::Forward, |chain| chain.rule(Match::tcp(25).drop().counter("mail")))
        })
        .node("b", |n| n.interface_with("eth1", |i| i.address("10.0.0.2/24").mtu(1400).down()))
        .link("a.eth1", "b.eth1")
        .build()
        .unwrap();
    let text = containerlab::write(&topology, "alpine:3").unwrap();
    for line in [
        r#"- "ip link add name br0 type bridge stp_state 1""#,
        r#"- "ip link set dev br0 address 02:00:00:00:00:01""#,
        r#"- "ip link set dev eth1 master br0""#,
        r#"- "ip link set dev br0 up""#,
        r#"- "ip address add 10.9.9.9/32 dev lo""#,
        r#"- "ip route add default via 10.0.0.2""#,
        r#"- "ip -6 route add ::/0 dev br0""#,
        r#"- "ip -6 rule add from all lookup 9""#,
        r#"- "ip neighbour add 10.0.0.3 lladdr 02:00:00:00:00:03 dev br0 nud permanent""#,
        r#"- "sysctl -w net.ipv4.conf.eth1.rp_filter=1""#,
        r#"net.ipv4.ip_forward: "1""#,
        r#"- "nft 'add chain ip lab chain0 { type nat hook postrouting priority 100 ; policy accept ; }'""#,
        r#"- "nft 'add rule ip lab chain0 oifname \"br0\" masquerade'""#,
        r#"- "nft 'add rule inet lab chain1 tcp dport 25 counter name \"mail\" drop'""#,
        r#"- "nft add counter inet lab mail""#,
        r#"- "ip link set dev eth1 down""#,
        r#"- "ip link set dev eth1 mtu 1400""#,
    ] {
        assert!(text.lines().any(|written| written.trim() == line), "{line}\n{text}");
    }
}

#[test]
fn what_containerlab_cannot_express_is_an_error_by_name() {
    let parts = |topology: Topology| containerlab::write(&topology, "alpine:3").unwrap_err().parts().to_vec();
    let one = |build: fn(netns_test_topology::build::NodeBuilder) -> netns_test_topology::build::NodeBuilder| {
        parts(Topology::builder().node("a", build).build().unwrap())
    };
    assert_eq!(
        parts(Topology::builder().profile(Profile::Kernel).node("a", |n| n).build().unwrap()),
        ["the profile `kernel` of the topology"]
    );
    assert_eq!(one(|n| n.with(Departure::NoDad)), ["the profile of node `a` and its departures"]);
    assert_eq!(one(|n| n.bridge("br=x", |b| b)), ["the interface name `br=x` of node `a`"]);
    assert_eq!(
        parts(Topology::builder().node("host", |n| n).build().unwrap()),
        ["the node name `host`, which means something else in a link"]
    );
    let both = Topology::builder().profile(Profile::Kernel).node("host", |n| n).build().unwrap();
    assert_eq!(
        containerlab::write(&both, "alpine:3").unwrap_err().to_string(),
        "containerlab cannot express the profile `kernel` of the topology, nor the node name `host`, which means something else in a link"
    );
}
