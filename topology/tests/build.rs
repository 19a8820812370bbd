//! The builder: what it takes, and what it makes of it.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use netns_test_topology::{
    BridgeOptions, ChainKind, Cidr, ConnState, Family, Hook, Kind, LinkEnd, Match, Node, Policy, Profile, Protocol,
    Reject, Role, Topology, build::NodeBuilder,
};

/// A node that nothing is plugged into.
fn node(build: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Node {
    let (mut draft, invalid) = Topology::builder().node("a", build).into_draft();
    assert_eq!(invalid, []);
    draft.nodes.remove(0)
}

fn chains(node: &Node) -> Vec<String> {
    node.chains.iter().map(ToString::to_string).collect()
}

#[test]
fn text_and_typed_values_are_taken_alike() {
    let address: Cidr = "10.0.0.1/24".parse().unwrap();
    let typed = node(|n| {
        n.interface("eth0", address)
            .interface("eth1", [address])
            .interface("eth2", vec!["10.0.0.1/24".to_owned()])
            .neighbour(Ipv4Addr::new(10, 0, 0, 2), "02:00:00:00:00:02", "eth0")
    });
    let text = node(|n| {
        n.interface(String::from("eth0"), "10.0.0.1/24")
            .interface("eth1", ["10.0.0.1/24"])
            .interface("eth2", vec![address])
            .neighbour("10.0.0.2", "2:0:0:0:0:2", "eth0")
    });
    assert_eq!(typed, text);
}

#[test]
fn everything_that_cannot_be_read_is_reported_with_its_place() {
    let problems = Topology::builder()
        .node("a b", |n| n)
        .node("a", |n| {
            n.interface_with("eth0", |i| i.address(["10.0.0.1", "10.0.0.2/24"]).mac("02:00"))
                .interface("a:b", ())
                .bridge("br0", |b| b.port("p/0").address("x"))
                .route("nowhere")
                .firewall(Hook::Input, |c| c.drop(Match::tcp(443).from("10.0.0.0/33")))
                .dnat(Match::any().input("a b"), "10.0.0.2:99999")
        })
        .switch("a-very-long-name-for-a-lan", ["a.eth0", "eth7"])
        .link("a", ("a", "eth\t9"))
        .build()
        .unwrap_err();
    let found: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.place, p.message)).collect();
    assert_eq!(
        found,
        [
            "the topology: the node name `a b` contains ' '",
            "node `a`, interface `eth0`: `10.0.0.1` has no prefix length",
            "node `a`, interface `eth0`: `02:00` is not a MAC address",
            "node `a`: the interface name `a:b` contains ':'",
            "node `a`, bridge `br0`: the interface name `p/0` contains '/'",
            "node `a`, bridge `br0`: `x` is not an address",
            "node `a`: `nowhere` is not an address",
            "node `a`, inet filter chain at input: `10.0.0.0/33` has a prefix longer than an IPv4 address",
            "node `a`: the interface name `a b` contains ' '",
            "node `a`: `10.0.0.2:99999` is neither an address nor one with a port",
            "switch `a-very-long-name-for-a-lan`: the interface name `a-very-long-name-for-a-lan` has 26 bytes",
            "switch `a-very-long-name-for-a-lan`: `eth7` is not the end of a link",
            "link: `a` is not the end of a link",
            "link: the interface name `eth\t9` contains '\\t'",
        ]
    );
}

#[test]
fn a_port_that_is_not_declared_is_made_without_addresses() {
    let node = node(|n| n.interface("p0", ()).bridge("br0", |b| b.ports(["p0", "p1"])));
    let ports: Vec<&str> = node.ports("br0").map(|i| &*i.name).collect();
    assert_eq!(ports, ["p0", "p1"]);
    assert_eq!(node.interfaces.len(), 3);
}

#[test]
fn a_bridge_keeps_its_settings() {
    let node = node(|n| {
        n.bridge("br0", |b| {
            b.address("10.0.0.1/24")
                .mac("02:00:00:00:00:01")
                .mtu(1400)
                .down()
                .stp()
                .forward_delay(Duration::from_secs(4))
                .ageing(Duration::from_secs(5))
                .multicast_snooping(true)
                .nf_call_iptables(true)
                .nf_call_ip6tables(false)
                .nf_call_arptables(true)
        })
    });
    let bridge = node.interface("br0").unwrap();
    let options = BridgeOptions {
        stp: Some(true),
        forward_delay: Some(Duration::from_secs(4)),
        ageing: Some(Duration::from_secs(5)),
        multicast_snooping: Some(true),
        nf_call_iptables: Some(true),
        nf_call_ip6tables: Some(false),
        nf_call_arptables: Some(true),
    };
    assert_eq!(bridge.kind, Kind::Bridge(options));
    assert_eq!((bridge.mtu, bridge.up, bridge.addresses.len()), (Some(1400), false, 1));
}

#[test]
fn a_switch_is_a_node_with_one_bridge_and_a_port_for_each_interface() {
    let lan = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
        .switch("lan", ["a.eth0", "b.a-long-name", "b-a.long-name"])
        .node("b", |n| n.interface_with("a-long-name", |i| i.address("10.0.0.2/24").mtu(1400)))
        .node("b-a", |n| n.interface("long-name", "10.0.0.3/24"))
        .build()
        .unwrap();
    let switch = lan.node("lan").unwrap();
    assert_eq!(switch.role, Role::Switch);
    let ports: Vec<(&str, Option<u32>)> = switch.ports("lan").map(|i| (&*i.name, i.mtu)).collect();
    // The second and the third would have the same name.
    assert_eq!(ports, [("a-eth0", None), ("b-a-long-name", Some(1400)), ("port3", None)]);
    let names: Vec<&str> = lan.nodes.iter().map(|n| &*n.name).collect();
    assert_eq!(names, ["a", "lan", "b", "b-a"]);
}

#[test]
fn an_end_is_parted_at_the_dot_that_makes_sense() {
    let topology = Topology::builder()
        .node("r1.lan", |n| n.interface("eth0.7", ()))
        .node("r1", |n| n.interface("lan.eth0", ()))
        .link("r1.lan.eth0.7", "r1.lan.eth0")
        .build()
        .unwrap();
    let LinkEnd { node, interface } = &topology.links[0].a;
    assert_eq!((node.as_str(), interface.as_str()), ("r1.lan", "eth0.7"));
    let LinkEnd { node, interface } = &topology.links[0].b;
    assert_eq!((node.as_str(), interface.as_str()), ("r1", "lan.eth0"));
}

#[test]
fn a_link_with_an_mtu_gives_it_to_both_ends() {
    let topology = Topology::builder()
        .node("a", |n| n.interface("eth0", ()))
        .node("b", |n| n.interface("eth0", ()))
        .link_with_mtu("a.eth0", ("b", "eth0"), 1400)
        .build()
        .unwrap();
    assert!(topology.nodes.iter().all(|n| n.interfaces[0].mtu == Some(1400)));
}

#[test]
fn translation_goes_to_the_chains_that_can_do_it() {
    let node = node(|n| {
        n.masquerade("wan")
            .masquerade_from("10.0.0.0/24")
            .masquerade_from("fd00::/64")
            .snat(Match::udp(53).output("wan"), "203.0.113.1")
            .forward_tcp("wan", 8080, "10.0.0.2:80")
            .forward_udp("wan", 53, "[fd00::2]:5353")
            .dnat(Match::any().to("203.0.113.7"), "10.0.0.7")
    });
    assert_eq!(
        chains(&node),
        [
            "ip nat postrouting priority 100 policy accept { oifname \"wan\" masquerade; ip saddr 10.0.0.0/24 \
             masquerade; oifname \"wan\" udp dport 53 snat to 203.0.113.1 }",
            "ip6 nat postrouting priority 100 policy accept { ip6 saddr fd00::/64 masquerade }",
            "ip nat prerouting priority -100 policy accept { iifname \"wan\" tcp dport 8080 dnat to 10.0.0.2:80; ip \
             daddr 203.0.113.7 dnat to 10.0.0.7 }",
            "ip6 nat prerouting priority -100 policy accept { iifname \"wan\" udp dport 53 dnat to [fd00::2]:5353 }",
        ]
    );
}

#[test]
fn rules_read_as_nft_prints_them() {
    let source: IpAddr = "10.0.0.9".parse().unwrap();
    let node = node(|n| {
        n.policy(Hook::Forward, Policy::Drop)
            .firewall(Hook::Forward, |c| {
                c.accept(Match::any().state(ConnState::Established).state(ConnState::Related))
                    .accept(Match::tcp(8000..=8010).input("lan").not_output("wan").from(source).not_to("10.1.0.0/16"))
                    .reject(Match::icmp().not_from("10.0.0.0/8").not_input("lan"))
                    .rule(Match::udp(53).source_port(1024..=65535).reject_with(Reject::AdminProhibited))
                    .rule(Match::tcp(25).reject_with(Reject::TcpReset).counter("smtp").comment("no mail"))
                    .rule(Match::protocol(Protocol::Other(47)).count("gre"))
            })
            .bridge_firewall(Hook::Forward, |c| c.priority(-5).drop(Match::any().ethertype(0x0806)))
            .chain(Family::Ip6, ChainKind::Filter, Hook::Input, |c| c.drop(Match::icmpv6().to("fd00::1")))
    });
    assert_eq!(
        chains(&node),
        [
            "inet filter forward priority 0 policy drop { ct state established,related accept; iifname \"lan\" oifname != \
             \"wan\" ip saddr 10.0.0.9 ip daddr != 10.1.0.0/16 tcp dport 8000-8010 accept; iifname != \"lan\" ip saddr != \
             10.0.0.0/8 meta l4proto icmp reject; udp sport 1024-65535 udp dport 53 reject with icmpx admin-prohibited; \
             tcp dport 25 counter name \"smtp\" reject with tcp reset comment \"no mail\"; meta l4proto 47 counter name \
             \"gre\" }",
            "bridge filter forward priority -5 policy accept { ether type 0x0806 drop }",
            "ip6 filter input priority 0 policy accept { ip6 daddr fd00::1 meta l4proto ipv6-icmp drop }",
        ]
    );
}

#[test]
fn a_match_that_cannot_be_read_does_not_become_a_wider_one() {
    let problems = Topology::builder()
        .node("a", |n| n.forward().masquerade("a b").snat(Match::any().from("x"), "10.0.0.1"))
        .build();
    assert_eq!(problems.unwrap_err().len(), 2);
    assert_eq!(Match::any().to("x").build().unwrap_err().message(), "`x` is not an address");
}

#[test]
fn a_node_keeps_the_rest_of_what_is_said() {
    let node = node(|n| {
        n.forward_v6()
            .sysctl("net.ipv4.ip_default_ttl", 7)
            .rule("from all lookup 7")
            .counter("idle")
            .profile(Profile::Kernel)
    });
    assert_eq!((node.forward_v4, node.forward_v6), (false, true));
    assert_eq!(node.sysctls[0].to_string(), "net.ipv4.ip_default_ttl = 7");
    assert_eq!((node.rules.len(), node.counters.len(), node.profile), (1, 1, Some(Profile::Kernel)));
}

#[test]
fn a_topology_can_be_changed_and_checked_again() {
    let topology = Topology::builder().node("a", |n| n).build().unwrap();
    let mut draft = topology.clone().into_draft();
    draft.nodes.push(draft.nodes[0].clone());
    assert_eq!(draft.check().unwrap_err().len(), 1);
    assert_eq!(topology.nodes.len(), 1);
}

#[test]
fn a_chain_takes_no_policy_from_one_of_another_priority() {
    let topology = Topology::builder().node("a", |n| {
        n.policy(Hook::Input, Policy::Drop)
            .firewall(Hook::Input, |chain| chain.priority(10).accept(Match::tcp(443)))
            .firewall(Hook::Input, |chain| chain.accept(Match::tcp(80)))
    });
    let topology = topology.build().unwrap();
    let policies: Vec<_> = topology.nodes[0].chains.iter().map(|chain| (chain.priority.0, chain.policy)).collect();
    assert_eq!(policies, [(0, Policy::Drop), (10, Policy::Accept)]);
}

#[test]
fn unwrap_prints_what_is_wrong_in_words() {
    let problems = Topology::builder().node("a", |n| n.interface("eth0", "10.0.0.1/24")).build().unwrap_err();
    assert_eq!(format!("{problems:?}"), format!("\n{problems}"));
    let invalid = "10.0.0.1".parse::<Cidr>().unwrap_err();
    assert_eq!(format!("{invalid:?}"), invalid.to_string());
}
