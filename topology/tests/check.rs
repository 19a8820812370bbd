//! Each check: a network in which it fires, with its exact words, and one that is nearly the same and passes.

use netns_test_topology::{
    ChainKind, Family, FirewallRule, Hook, Match, NextHop, PortRange, Profile, Protocol, Reject, Route, Rule,
    RuleAction, Topology, Verdict,
    build::{MatchBuilder, NodeBuilder, TopologyBuilder},
    check::{Check, Item, Part, Severity},
};

#[path = "check/overlay.rs"]
mod overlay;

/// The problems of a network as `name: message (help)`.
fn problems(builder: TopologyBuilder) -> Vec<String> {
    let Err(problems) = builder.build() else { return Vec::new() };
    problems
        .iter()
        .map(|p| {
            let notes: String = p.notes.iter().map(|note| format!(" | {note}")).collect();
            let help = p.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}: {}{notes}{help}", p.name(), p.message)
        })
        .collect()
}

#[track_caller]
fn fires(builder: TopologyBuilder, expected: &[&str]) {
    assert_eq!(problems(builder), expected);
}

#[track_caller]
fn passes(builder: TopologyBuilder) {
    assert_eq!(problems(builder), [""; 0]);
}

/// Two nodes on a cable, in 10.0.0.0/24; what is said about `a` comes on top.
fn pair(a: impl FnOnce(NodeBuilder) -> NodeBuilder) -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| a(n.interface("eth0", "10.0.0.1/24")))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("a.eth0", "b.eth0")
}

/// Two nodes on a cable with these addresses.
fn addressed(a: &[&str], b: &[&str]) -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| n.interface("eth0", a.to_vec()))
        .node("b", |n| n.interface("eth0", b.to_vec()))
        .link("a.eth0", "b.eth0")
}

/// A node alone with one rule at one place.
fn ruled(family: Family, kind: ChainKind, hook: Hook, matches: Match, verdict: Verdict) -> TopologyBuilder {
    let rule = FirewallRule::new(matches, verdict);
    pair(|n| n.forward().chain(family, kind, hook, |c| c.rule(rule)))
}

fn filtered(hook: Hook, matches: Match, verdict: Verdict) -> TopologyBuilder {
    ruled(Family::Inet, ChainKind::Filter, hook, matches, verdict)
}

#[test]
fn the_table_has_a_code_a_name_and_a_test_for_each_check() {
    for (n, check) in Check::ALL.iter().enumerate() {
        assert_eq!(check.code, format!("N{:04}", n + 1));
        assert_eq!(Check::named(check.name), Some(check), "two checks are named {}", check.name);
        assert!(check.explanation.ends_with('.') && !check.example.is_empty(), "{}", check.name);
        let tests = [include_str!("check.rs"), include_str!("check/overlay.rs")];
        let tested = tests.iter().any(|text| text.contains(&format!("\"{}: ", check.name)));
        assert!(tested, "no test sees {} fire", check.name);
    }
}

#[test]
fn an_empty_topology_is_fine() {
    passes(Topology::builder());
    passes(Topology::builder().node("a", |n| n));
}

#[test]
fn invalid_value() {
    fires(
        Topology::builder().node("a", |n| n.interface("eth0", "10.0.1.1")),
        &["invalid_value: `10.0.1.1` has no prefix length (write an address with its network, such as `10.0.1.1/24`)"],
    );
    fires(
        pair(|n| n.route("default vai 10.0.0.2")),
        &["invalid_value: unknown word `vai` in the route `default vai 10.0.0.2` (did you mean `via`?)"],
    );
    passes(pair(|n| n.route("default via 10.0.0.2")));
}

#[test]
fn what_could_not_be_read_brings_no_problems_that_follow_from_it() {
    // Without its address `a` has no subnet that the gateway is in, and that is not worth a word.
    let builder = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1").route("default via 10.0.0.2"))
        .node("b", |n| n.interface("eth0", ["10.0.0.0/24", "10.0.0.2/24"]))
        .link("a.eth0", "b.eth0");
    fires(
        builder,
        &[
            "invalid_value: `10.0.0.1` has no prefix length (write an address with its network, such as `10.0.0.1/24`)",
            "network_address: `10.0.0.0` is the network address of `10.0.0.0/24`, not a host in it (the first host is \
             `10.0.0.1/24`)",
        ],
    );
}

#[test]
fn unknown_allow() {
    fires(
        Topology::builder().allow("network_adress").allow("unplugged").allow("no such thing"),
        &[
            "unknown_allow: there is no check named `network_adress` (did you mean `network_address`?)",
            "unknown_allow: the check `unplugged` cannot be allowed: an interface is neither an end of a link nor \
             anything else that could be made (only what the kernel would accept can be allowed)",
            "unknown_allow: there is no check named `no such thing`",
        ],
    );
    passes(Topology::builder().allow("network_address"));
}

#[test]
fn every_mistake_can_be_allowed() {
    for check in Check::ALL {
        let expected = usize::from(check.severity != Severity::Mistake);
        assert_eq!(problems(Topology::builder().allow(check.name)).len(), expected, "{}", check.name);
    }
}

#[test]
fn duplicate_node() {
    fires(Topology::builder().node("a", |n| n).node("a", |n| n), &["duplicate_node: there are two nodes named `a`"]);
    passes(Topology::builder().node("a", |n| n).node("A", |n| n));
}

#[test]
fn duplicate_interface() {
    fires(pair(|n| n.interface("eth0", ())), &["duplicate_interface: node `a` has two interfaces named `eth0`"]);
    passes(Topology::builder().node("a", |n| n.interface("x", ()).interface("y", ())).link("a.x", "a.y"));
}

#[test]
fn duplicate_address() {
    fires(
        addressed(&["10.0.0.1/24", "10.0.0.1/24"], &[]),
        &["duplicate_address: `eth0` has the address `10.0.0.1` twice"],
    );
    fires(
        addressed(&["fd00::1/64", "fd00::1/80"], &[]),
        &["duplicate_address: `eth0` has the address `fd00::1` twice"],
    );
    passes(addressed(&["10.0.0.1/24", "10.0.0.1/25"], &[]));
}

#[test]
fn address_conflict() {
    let allow = "(add `allow(address_conflict)` if that is the point of the test)";
    fires(
        addressed(&["10.0.0.1/24"], &["10.0.0.1/24"]),
        &[&format!(
            "address_conflict: `a.eth0` and `b.eth0` are on one LAN and have the same address `10.0.0.1` {allow}"
        )],
    );
    fires(
        pair(|n| n.interface("lo", "10.0.0.1/32")),
        &[&format!("address_conflict: `eth0` and `lo` of node `a` have the same address `10.0.0.1` {allow}")],
    );
    passes(addressed(&["10.0.0.1/24"], &["10.0.0.1/24"]).allow("address_conflict"));
    // Two LANs may use the same addresses.
    passes(
        pair(|n| n)
            .node("c", |n| n.interface("eth0", "10.0.0.1/24"))
            .node("d", |n| n.interface("eth0", "10.0.0.2/24"))
            .link("c.eth0", "d.eth0"),
    );
}

#[test]
fn a_switch_makes_one_lan_of_its_cables() {
    let host = |address: &'static str| move |n: NodeBuilder| n.interface("eth0", address);
    let lan = |c| {
        Topology::builder()
            .node("a", host("10.0.0.1/24"))
            .node("b", host("10.0.0.2/24"))
            .node("c", host(c))
            .switch("lan", ["a.eth0", "b.eth0", "c.eth0"])
    };
    passes(lan("10.0.0.3/24"));
    fires(
        lan("10.0.0.1/24"),
        &["address_conflict: `a.eth0` and `c.eth0` are on one LAN and have the same address `10.0.0.1` (add \
           `allow(address_conflict)` if that is the point of the test)"],
    );
    fires(
        lan("10.0.1.1/24"),
        &["subnet_mismatch: `c.eth0` shares no subnet with the rest of its LAN | `c.eth0` is in 10.0.1.0/24 | the \
           others are in 10.0.0.0/24 (add `allow(subnet_mismatch)` if that is the point of the test)"],
    );
    passes(lan("10.0.0.3/16"));
}

#[test]
fn unknown_node() {
    fires(
        Topology::builder()
            .name("Nat")
            .node("gateway", |n| n.interface("lan", "10.0.0.1/24"))
            .node("client", |n| n.interface("eth0", "10.0.0.2/24"))
            .link("client.eth0", "gatway.lan"),
        &["unknown_node: no node named `gatway` in topology `Nat` (did you mean `gateway`?)"],
    );
    passes(
        Topology::builder()
            .node("gateway.lan", |n| n.interface("eth0.7", "10.0.0.1/24"))
            .node("client", |n| n.interface("eth0", "10.0.0.2/24"))
            .link("client.eth0", "gateway.lan.eth0.7"),
    );
}

#[test]
fn unknown_interface() {
    fires(
        Topology::builder()
            .node("a", |n| n.interface("eth0", ()))
            .node("b", |n| n.bridge("eth0", |b| b))
            .link("a.eth0", "b.eth1"),
        &["unknown_interface: node `b` has no interface `eth1` (did you mean `eth0`?)"],
    );
    for (build, expected) in [
        (
            (|n: NodeBuilder| n.route("default via 10.0.0.2 dev wan")) as fn(NodeBuilder) -> NodeBuilder,
            "unknown_interface: node `a` has no interface `wan` (node `a` has `eth0`)",
        ),
        (
            |n| n.neighbour("10.0.0.2", "02:00:00:00:00:02", "eht0"),
            "unknown_interface: node `a` has no interface `eht0` (did you mean `eth0`?)",
        ),
        (
            |n| n.sysctl("net.ipv6.conf.eth1.disable_ipv6", 1),
            "unknown_interface: node `a` has no interface `eth1` (did you mean `eth0`?)",
        ),
    ] {
        fires(pair(build), &[expected]);
    }
    fires(
        Topology::builder()
            .node("a", |n| n.interface_with("x", |i| i.master("br0")).interface("y", ()))
            .link("a.x", "a.y"),
        &["unknown_interface: node `a` has no interface `br0` (node `a` has `x`, `y`)"],
    );
    passes(pair(|n| n.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1).sysctl("net.ipv4.conf.lo.rp_filter", 1)));
}

#[test]
fn unmatched_interface() {
    fires(
        pair(|n| n.forward().interface("lo", ()).masquerade("eth1")),
        &["unmatched_interface: node `a` has no interface `eth1` (did you mean `eth0`?)"],
    );
    fires(
        pair(|n| n.rule("from all iif wan lookup 100")),
        &["unmatched_interface: node `a` has no interface `wan` (node `a` has `eth0`)"],
    );
    fires(
        Topology::builder().node("a", |n| n.firewall(Hook::Input, |c| c.drop(Match::any().input("eth0")))),
        &["unmatched_interface: node `a` has no interface `eth0` (node `a` has no interface but `lo`)"],
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c.accept(Match::any().input("lo")).drop(Match::any().input("eth0")))));
    passes(pair(|n| n.forward().masquerade("eth1")).allow("unmatched_interface"));
}

#[test]
fn unplugged() {
    fires(
        Topology::builder().node("a", |n| n.interface("eth0", "10.0.0.1/24")),
        &["unplugged: interface `eth0` of node `a` has no link (plug it in with a link or a switch)"],
    );
    passes(Topology::builder().node("a", |n| n.interface("lo", "10.0.0.1/32").bridge("br0", |b| b)));
}

#[test]
fn plugged_twice() {
    fires(
        pair(|n| n).node("c", |n| n.interface("eth0", "10.0.0.3/24")).link("c.eth0", "a.eth0"),
        &[
            "plugged_twice: `a.eth0` is plugged in twice | it is an end of the link a.eth0 -- b.eth0 already (a cable has \
           two ends: use a switch to join more than two interfaces)",
        ],
    );
    fires(
        Topology::builder().node("a", |n| n.interface("eth0", ())).link("a.eth0", "a.eth0"),
        &["plugged_twice: both ends of this link are `a.eth0` (a link has two ends, of two nodes or of one)"],
    );
    passes(
        pair(|n| n.interface("eth1", "10.0.1.1/24"))
            .node("c", |n| n.interface("eth0", "10.0.1.3/24"))
            .link("c.eth0", "a.eth1"),
    );
}

#[test]
fn not_a_cable_end() {
    let bridge = |end: &str| {
        Topology::builder()
            .node("a", |n| n.interface("lo", ()).bridge("br0", |b| b.port("p0")))
            .node("b", |n| n.interface("eth0", ()))
            .link("b.eth0", end)
    };
    let unplugged = "unplugged: interface `p0` of node `a` has no link (plug it in with a link or a switch)";
    fires(
        bridge("a.br0"),
        &[
            unplugged,
            "not_a_cable_end: `a.br0` is a bridge, no cable fits it (add an interface to `a`, make it a port of `br0`, \
             and link that)",
        ],
    );
    fires(bridge("a.lo"), &[unplugged, "not_a_cable_end: `a.lo` is a loopback interface, no cable fits it"]);
    passes(bridge("a.p0"));
}

#[test]
fn loopback_name() {
    fires(
        Topology::builder().node("a", |n| n.bridge("lo", |b| b)),
        &["loopback_name: `lo` is the loopback interface, and exists already (give this interface another name)"],
    );
    let mut draft = Topology::builder().node("a", |n| n.interface("lo", ())).build().unwrap().into_draft();
    draft.nodes[0].interfaces[0].name = "lo0".parse().unwrap();
    let problem = draft.problems().into_iter().next().unwrap();
    assert_eq!(problem.message, "`lo0` cannot be the loopback interface");
    passes(Topology::builder().node("a", |n| n.interface("lo", ())));
}

#[test]
fn subnet_mismatch() {
    fires(
        addressed(&["10.0.0.1/24"], &["10.0.1.1/24"]),
        &[
            "subnet_mismatch: the two ends of this link are in different subnets | `a.eth0` is in 10.0.0.0/24 | `b.eth0` \
           is in 10.0.1.0/24 (without a shared subnet neither end can reach the other; add `allow(subnet_mismatch)` if \
           that is the point of the test)",
        ],
    );
    passes(addressed(&["10.0.0.1/24"], &["10.0.1.1/24"]).allow("subnet_mismatch"));
    passes(addressed(&["10.0.0.1/24"], &["10.0.1.1/24", "10.0.0.2/24"]));
    passes(addressed(&["10.0.0.1/24", "fd00::1/64"], &["10.0.1.1/24", "fd00::2/64"]));
    passes(addressed(&["10.0.0.1/32"], &["10.0.1.1/32"]));
    passes(addressed(&["10.0.0.1/24"], &[]));
}

#[test]
fn network_address() {
    fires(
        addressed(&["10.0.0.0/24"], &[]),
        &["network_address: `10.0.0.0` is the network address of `10.0.0.0/24`, not a host in it (the first host is \
           `10.0.0.1/24`)"],
    );
    fires(
        addressed(&["fd00::/64"], &[]),
        &["network_address: `fd00::` is the network address of `fd00::/64`, not a host in it (the first host is \
           `fd00::1/64`)"],
    );
    passes(addressed(&["10.0.0.0/31"], &["10.0.0.1/31"]));
    passes(addressed(&["10.0.0.0/32"], &[]));
    passes(addressed(&["10.0.0.0/24"], &[]).allow("network_address"));
}

#[test]
fn broadcast_address() {
    fires(
        addressed(&["10.0.0.255/24"], &[]),
        &[
            "broadcast_address: `10.0.0.255` is the broadcast address of `10.0.0.0/24`, not a host in it (the last host is \
           `10.0.0.254/24`)",
        ],
    );
    passes(addressed(&["10.0.0.255/16", "fd00::ffff:ffff:ffff:ffff/64"], &[]));
}

#[test]
fn mixed_families() {
    fires(
        addressed(&["10.0.0.1/24"], &["fd00::1/64"]),
        &["mixed_families: the two ends of this link speak different families | `a.eth0` has only IPv4 addresses | \
           `b.eth0` has only IPv6 addresses (add `allow(mixed_families)` if that is the point of the test)"],
    );
    passes(addressed(&["10.0.0.1/24"], &["fd00::1/64", "10.0.0.2/24"]));
}

#[test]
fn refused_address() {
    for (address, what) in [
        ("ff02::5/64", "`ff02::5` is a multicast address"),
        ("::/64", "`::` is the unspecified address"),
        ("::1/128", "`::1` is the loopback address"),
    ] {
        fires(addressed(&[address], &[]), &[&format!("refused_address: {what}, `eth0` cannot use it")]);
    }
    passes(Topology::builder().node("a", |n| n.interface("lo", ["::1/128", "127.0.0.1/8"])));
}

#[test]
fn special_address() {
    for (address, what) in [
        ("224.0.0.5/24", "`224.0.0.5` is a multicast address"),
        ("0.0.0.1/24", "`0.0.0.1` is in 0.0.0.0/8, which means this network"),
        ("255.255.255.255/32", "`255.255.255.255` is the broadcast address"),
        ("127.0.0.5/8", "`127.0.0.5` is in 127.0.0.0/8, which stays inside a host"),
    ] {
        fires(addressed(&[address], &[]), &[&format!("special_address: {what}, `eth0` cannot use it")]);
        passes(addressed(&[address], &[]).allow("special_address"));
    }
    passes(addressed(&["240.0.0.1/24"], &[]));
}

#[test]
fn gateway_off_link() {
    fires(
        pair(|n| n.route("default via 10.0.9.1")),
        &["gateway_off_link: gateway `10.0.9.1` is not on-link for node `a`: the kernel would answer `Network is \
           unreachable` (`a` is attached to `10.0.0.0/24`)"],
    );
    fires(
        pair(|n| n.route("::/0 via fd00::1")),
        &[
            "gateway_off_link: gateway `fd00::1` is not on-link for node `a`: the kernel would answer `No route to host` \
           (`a` is attached to no network of that family)",
        ],
    );
    fires(
        pair(|n| n.interface("lo", "10.0.9.2/24").route("default via 10.0.9.1 dev eth0")),
        &["gateway_off_link: gateway `10.0.9.1` is not on-link for node `a`: the kernel would answer `Network is \
           unreachable` (`eth0` is attached to `10.0.0.0/24`)"],
    );
    // A host address says nothing about neighbours.
    fires(
        Topology::builder()
            .node("a", |n| n.interface("eth0", "10.0.9.1/32").route("default via 10.0.9.1 dev eth0"))
            .node("b", |n| n.interface("eth0", ()))
            .link("a.eth0", "b.eth0"),
        &[
            "own_gateway: gateway `10.0.9.1` is an address of node `a` itself (name the address of the next node on the \
           way)",
        ],
    );
    passes(pair(|n| n.route("default via 10.0.9.1 dev eth0 onlink")));
    passes(pair(|n| n.route("10.0.9.0/24 dev eth0").route("default via 10.0.9.1")));
    passes(pair(|n| n.route("10.0.9.0/24 dev eth0 table 7").route("default via 10.0.9.1 table 7")));
    passes(pair(|n| n.route("::/0 via fe80::1 dev eth0")));
}

#[test]
fn own_gateway() {
    fires(
        pair(|n| n.route("default via 10.0.0.1")),
        &[
            "own_gateway: gateway `10.0.0.1` is an address of node `a` itself (name the address of the next node on the \
           way)",
        ],
    );
    passes(pair(|n| n.route("default via 10.0.0.1")).allow("own_gateway"));
    passes(pair(|n| n.route("default via 127.0.0.1")).allow("own_gateway"));
    passes(pair(|n| n.route("default via 10.0.0.2")));
}

#[test]
fn a_gateway_of_zeros_is_none() {
    fires(
        pair(|n| n.route("default via 0.0.0.0 dev eth0")),
        &["invalid_value: gateway `0.0.0.0` stands for no gateway (leave it out)"],
    );
}

#[test]
fn an_own_gateway_that_is_not_on_the_link_is_told_as_both() {
    let problems = problems(pair(|n| n.route("default via 10.0.0.1 dev lo")));
    let names: Vec<_> = problems.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(names, ["gateway_off_link", "own_gateway"]);
}

#[test]
fn broadcast_gateway() {
    fires(
        pair(|n| n.route("default via 10.0.0.255")),
        &["broadcast_gateway: gateway `10.0.0.255` is the broadcast address of `10.0.0.0/24`"],
    );
    fires(
        pair(|n| n.route("default via 10.0.0.1 dev eth0 onlink")),
        &[
            "broadcast_gateway: gateway `10.0.0.1` is an address of node `a` itself (name the address of the next node on \
             the way)",
        ],
    );
    passes(pair(|n| n.route("default via 10.0.0.254")));
    let without_addresses = |a: fn(NodeBuilder) -> NodeBuilder| {
        Topology::builder()
            .profile(Profile::Kernel)
            .node("a", |n| a(n.interface("eth0", ()).route("default via 10.0.0.2 dev eth0 onlink")))
            .node("b", |n| n.interface("eth0", ()))
            .link("a.eth0", "b.eth0")
    };
    fires(
        without_addresses(|n| n),
        &[
            "broadcast_gateway: node `a` has no IPv4 address, not even that of `lo`: the kernel takes the on-link gateway \
             `10.0.0.2` for a broadcast address (give the node an address, or let `lo` be up)",
        ],
    );
    passes(without_addresses(|n| n.interface("lo", ())));
    passes(without_addresses(|n| n.bridge("br1", |b| b.address("10.9.0.1/24").down())));
}

#[test]
fn route_host_bits() {
    fires(
        pair(|n| n.route("10.1.2.3/16 via 10.0.0.2")),
        &["route_host_bits: `10.1.2.3/16` has host bits set, a route leads to a network (write the network \
           `10.1.0.0/16`, or the host `10.1.2.3/32`)"],
    );
    passes(pair(|n| n.route("10.1.2.3/32 via 10.0.0.2")));
}

#[test]
fn ipv6_host_bits() {
    let routed = |route: &'static str| pair(move |n| n.route(route));
    fires(
        routed("fd01::1/64 dev eth0"),
        &[
            "ipv6_host_bits: `fd01::1/64` has host bits set, a route leads to a network (write the network `fd01::/64`, or \
           the host `fd01::1/128`)",
        ],
    );
    passes(routed("fd01::1/64 dev eth0").allow("ipv6_host_bits"));
}

#[test]
fn route_families() {
    fires(
        pair(|n| n.route("fd01::/64 via 10.0.0.2")),
        &["route_families: the gateway `10.0.0.2` is not of the address family of `fd01::/64`"],
    );
    fires(
        pair(|n| n.route("fd00::/8 dev eth0 src 10.0.0.1")),
        &["route_families: the source `10.0.0.1` is not of the address family of `fd00::/8`"],
    );
    passes(pair(|n| n.route("fd00::/8 dev eth0")));
    passes(pair(|n| n.route("10.1.0.0/16 via inet6 fe80::1 dev eth0")));
}

#[test]
fn route_over_down() {
    let down = |route: &'static str| {
        Topology::builder()
            .node("a", move |n| n.interface_with("eth0", |i| i.address("10.0.0.1/24").down()).route(route))
            .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
            .link("a.eth0", "b.eth0")
    };
    let expected = "route_over_down: interface `eth0` of node `a` is down, the kernel refuses routes over it (let the \
                    interface be up, or add the route in the test, after it was set up)";
    fires(down("default via 10.0.0.2"), &[expected]);
    fires(down("10.9.0.0/16 dev eth0"), &[expected]);
    fires(
        pair(|n| n.route("10.9.0.0/16 dev lo")).profile(Profile::Kernel),
        &[
            "route_over_down: interface `lo` of node `a` is down, the kernel refuses routes over it (let the interface be \
           up, or add the route in the test, after it was set up)",
        ],
    );
    passes(pair(|n| n.route("10.9.0.0/16 dev lo")));
    passes(pair(|n| n.interface("lo", ()).route("10.9.0.0/16 dev lo")).profile(Profile::Kernel));
    // It is the far end that is down: no carrier, but the kernel takes the route.
    passes(
        Topology::builder()
            .node("a", |n| n.interface("eth0", "10.0.0.1/24").route("default via 10.0.0.2"))
            .node("b", |n| n.interface_with("eth0", |i| i.address("10.0.0.2/24").down()))
            .link("a.eth0", "b.eth0"),
    );
}

#[test]
fn route_incomplete() {
    for (route, expected) in [
        (
            "default",
            "route_incomplete: this route has neither gateway nor interface (add `via ADDRESS`, `dev INTERFACE` or both)",
        ),
        (
            "10.9.0.0/16 dev eth0 onlink",
            "route_incomplete: `onlink` needs a gateway (leave it out, or add `via ADDRESS`)",
        ),
        (
            "default via 10.9.0.1 onlink",
            "route_incomplete: the on-link gateway `10.9.0.1` needs an interface (add `dev INTERFACE`)",
        ),
        (
            "default via fe80::1",
            "route_incomplete: the link-local gateway `fe80::1` needs an interface (add `dev INTERFACE`)",
        ),
        (
            "10.9.0.0/16 nexthop via 10.0.0.2 nexthop weight 2",
            "route_incomplete: this hop has neither gateway nor interface (add `via ADDRESS`, `dev INTERFACE` or both)",
        ),
    ] {
        fires(pair(|n| n.route(route)), &[expected]);
    }
    passes(pair(|n| n.route("default via fe80::1 dev eth0").route("blackhole 10.9.0.0/16")));
}

#[test]
fn foreign_source() {
    fires(
        pair(|n| n.route("default via 10.0.0.2 src 10.9.9.9")),
        &["foreign_source: `10.9.9.9` is not an address of node `a` (`a` has `10.0.0.1`)"],
    );
    passes(pair(|n| n.route("default via 10.0.0.2 src 10.0.0.1")));
}

#[test]
fn duplicate_route() {
    fires(
        pair(|n| n.route("default via 10.0.0.2").route("default via 10.0.0.3")),
        &["duplicate_route: node `a` has another route to `0.0.0.0/0` with metric 0 | the other is `default via \
           10.0.0.2` (give one of them another metric or table)"],
    );
    fires(
        pair(|n| n.route("10.0.0.0/24 dev eth0")),
        &["duplicate_route: the address of `eth0` brings a route to `10.0.0.0/24` already (leave it out, or give it \
           another metric or table)"],
    );
    passes(pair(|n| n.route("default via 10.0.0.2").route("default via 10.0.0.3 metric 5")));
    passes(pair(|n| n.interface("lo", "10.7.0.1/24").route("10.7.0.0/24 dev lo")));
    passes(pair(|n| n.route("10.0.0.0/24 dev eth0 table 9").route("10.0.0.0/25 dev eth0")));
}

#[test]
fn hop_weight() {
    fires(
        pair(|n| n.route("default nexthop via 10.0.0.2 weight 300 nexthop via 10.0.0.3")),
        &["hop_weight: a weight of 300 is not possible (the weight of a hop is 1 to 256)"],
    );
    passes(pair(|n| n.route("default nexthop via 10.0.0.2 weight 256 nexthop via 10.0.0.3")));
}

#[test]
fn bad_table() {
    fires(
        pair(|n| n.route("default via 10.0.0.2 table 0")),
        &["bad_table: table 0 is no routing table (leave the table out for the main one, which is 254)"],
    );
    fires(
        pair(|n| n.rule("from 10.0.0.0/8 lookup 0")),
        &["bad_table: table 0 is no routing table (the main table is 254, tables of your own are 1 to 252 and from \
           256 on)"],
    );
    passes(pair(|n| n.route("default via 10.0.0.2 table 1000").rule("from 10.0.0.0/8 lookup 1000")));
}

#[test]
fn rule_families() {
    let expected = "rule_families: the networks of this rule are not of one address family";
    fires(pair(|n| n.rule("from 10.0.0.0/8 to fd00::/8 lookup 100")), &[expected]);
    let v6 = Rule { v6: true, from: Some("10.0.0.0/8".parse().unwrap()), ..Rule::new(RuleAction::Blackhole) };
    fires(pair(|n| n.rule(v6)), &[expected]);
    passes(pair(|n| n.rule("from fd00::/8 to fd01::/16 lookup 100").rule("inet6 from all lookup 100")));
}

#[test]
fn duplicate_neighbour() {
    let twice = |second: &'static str| {
        pair(|n| n.neighbour("10.0.0.2", "02:00:00:00:00:02", "eth0").neighbour(second, "02:00:00:00:00:03", "eth0"))
    };
    fires(twice("10.0.0.2"), &["duplicate_neighbour: `eth0` has two entries for the neighbour `10.0.0.2`"]);
    passes(twice("10.0.0.3"));
}

#[test]
fn bad_sysctl() {
    fires(
        pair(|n| n.sysctl("kernel.hostname", "a")),
        &["bad_sysctl: `kernel.hostname` is not a setting of a network namespace (a node has those whose name begins \
           with `net.`; all others are the whole machine's)"],
    );
    let not_a_name = "(write a dotted name, such as `net.ipv4.ip_forward`; a dot in an interface's name is a `/`)";
    for wrong in ["net.ipv4..ip_forward", "net.ipv4.ip_forward =", "net."] {
        fires(
            pair(|n| n.sysctl(wrong, 1)),
            &[&format!("bad_sysctl: `{wrong}` is not the name of a sysctl {not_a_name}")],
        );
    }
    passes(pair(|n| n.sysctl("net.ipv4.ip_forward", 1)));
}

#[test]
fn master_not_bridge() {
    let port_of = |master: &'static str| {
        Topology::builder()
            .node("a", move |n| n.bridge("br0", |b| b).interface("x", ()).interface_with("y", |i| i.master(master)))
            .link("a.x", "a.y")
    };
    fires(
        port_of("x"),
        &["master_not_bridge: `x` is not a bridge, so `y` cannot be its port (node `a` has the bridge `br0`)"],
    );
    fires(
        pair(|n| n.interface("x", ()).interface_with("y", |i| i.master("eth0"))).link("a.x", "a.y"),
        &["master_not_bridge: `eth0` is not a bridge, so `y` cannot be its port (node `a` has no bridge)"],
    );
    passes(port_of("br0"));
}

#[test]
fn bad_port() {
    let help = "(join two bridges by a link whose ends are their ports)";
    fires(
        Topology::builder().node("a", |n| n.bridge("br0", |b| b).bridge("br1", |b| b.port("br0"))),
        &[&format!("bad_port: a bridge cannot be a port of a bridge {help}")],
    );
    // Two bridges that are each other's ports.
    fires(
        Topology::builder()
            .node("a", |n| n.bridge("br0", |b| b).bridge("br1", |b| b.port("br0")).bridge("br2", |b| b))
            .node("b", |n| n.interface("lo", ()).bridge("br0", |b| b.port("lo"))),
        &[
            &format!("bad_port: a bridge cannot be a port of a bridge {help}"),
            &format!("bad_port: the loopback interface cannot be a port of a bridge {help}"),
        ],
    );
    passes(
        Topology::builder()
            .node("a", |n| n.bridge("br0", |b| b.port("p0")).bridge("br1", |b| b.port("p1")))
            .link("a.p0", "a.p1"),
    );
}

#[test]
fn port_with_address() {
    let with = |address: Option<&'static str>| {
        Topology::builder()
            .node("a", move |n| {
                n.bridge("br0", |b| b.address("10.0.0.1/24").port("p0")).interface_with("p1", |i| {
                    let i = i.master("br0");
                    if let Some(address) = address { i.address(address) } else { i }
                })
            })
            .node("b", |n| n.interface("eth0", "10.0.0.2/24").interface("eth1", ()))
            .link("b.eth0", "a.p0")
            .link("b.eth1", "a.p1")
    };
    fires(
        with(Some("10.0.0.3/24")),
        &[
            "port_with_address: `p1` is a port of `br0` and has the address `10.0.0.3/24` (give the address to `br0`: the \
           bridge takes all packets of its ports)",
        ],
    );
    passes(with(Some("10.0.0.3/24")).allow("port_with_address"));
    passes(with(None));
}

#[test]
fn too_many_ports() {
    let lan = |ports: usize| {
        let hosts = (0..ports).fold(Topology::builder(), |b, n| b.node(format!("h{n}"), |n| n.interface("eth0", ())));
        hosts.switch("lan", (0..ports).map(|n| format!("h{n}.eth0")))
    };
    fires(
        lan(1024),
        &["too_many_ports: bridge `lan` has 1024 ports, a bridge holds at most 1023 (join two bridges by a link)"],
    );
    passes(lan(1023));
}

#[test]
fn mtu_range() {
    let with = |mtu| pair(|n| n.interface("x", ()).interface_with("y", |i| i.mtu(mtu))).link("a.x", "a.y");
    for wrong in [0, 67, 65_536] {
        fires(
            with(wrong),
            &[&format!(
                "mtu_range: an MTU of {wrong} bytes is not possible (the MTU of an interface is 68 to 65535 bytes)"
            )],
        );
    }
    passes(with(68));
    passes(with(65_535));
}

#[test]
fn mtu_below_ipv6() {
    let with = |mtu, address: &'static str| {
        Topology::builder()
            .node("a", move |n| n.interface_with("x", |i| i.mtu(mtu).address(address)).interface("y", ()))
            .link("a.x", "a.y")
    };
    fires(
        with(1279, "fd00::1/64"),
        &["mtu_below_ipv6: an MTU of 1279 bytes is too small for the IPv6 address `fd00::1/64` (IPv6 needs an MTU of \
           1280 bytes or more; below it the kernel switches IPv6 off)"],
    );
    passes(with(1280, "fd00::1/64"));
    passes(with(1279, "10.0.0.1/24"));
}

#[test]
fn bad_mac() {
    let bad = |mac: &'static str| {
        problems(
            Topology::builder()
                .node("a", move |n| n.interface_with("x", |i| i.mac(mac)).interface("y", ()))
                .link("a.x", "a.y"),
        )
    };
    assert_eq!(
        bad("01:00:5e:00:00:01"),
        [
            "bad_mac: `01:00:5e:00:00:01` is a group address, no interface can have it (an address of your own has an even \
          first byte, such as `02:00:5e:00:00:01`)"
        ]
    );
    assert_eq!(
        bad("00:00:00:00:00:00"),
        ["bad_mac: `00:00:00:00:00:00` is zero, no interface can have it (an address of your own has an even first \
          byte, such as `02:00:00:00:00:00`)"]
    );
    assert_eq!(bad("02:00:00:00:00:01"), [""; 0]);
}

#[test]
fn loopback_mac() {
    fires(
        Topology::builder().node("a", |n| n.interface_with("lo", |i| i.mac("02:00:00:00:00:01"))),
        &["loopback_mac: the loopback interface has no MAC address"],
    );
}

#[test]
fn mac_conflict() {
    let with = |a: &'static str, b: &'static str| {
        Topology::builder()
            .node("a", move |n| n.interface_with("eth0", |i| i.mac(a)))
            .node("b", move |n| n.interface_with("eth0", |i| i.mac(b)))
            .link("a.eth0", "b.eth0")
    };
    fires(
        with("02:00:00:00:00:01", "02:00:00:00:00:01"),
        &["mac_conflict: `a.eth0` and `b.eth0` are on one LAN and have the same MAC address `02:00:00:00:00:01` (add \
           `allow(mac_conflict)` if that is the point of the test)"],
    );
    passes(with("02:00:00:00:00:01", "02:00:00:00:00:02"));
    // A bridge has the address of a port by nature.
    passes(
        Topology::builder()
            .node("a", |n| {
                let mac = "02:00:00:00:00:01";
                n.bridge("br0", |b| b.mac(mac)).interface_with("p0", |i| i.master("br0").mac(mac))
            })
            .node("b", |n| n.interface("eth0", ()))
            .link("a.p0", "b.eth0"),
    );
}

#[test]
fn bridge_option() {
    use std::time::Duration;
    let with = |stp: bool, delay| {
        Topology::builder().node("a", |n| n.bridge("br0", |b| if stp { b.stp() } else { b }.forward_delay(delay)))
    };
    for wrong in [Duration::from_millis(1999), Duration::from_secs(31)] {
        fires(
            with(true, wrong),
            &[&format!(
                "bridge_option: a forward delay of {wrong:?} is not possible with STP (with STP on, the forward delay is 2 \
                 to 30 seconds; without it, ports forward at once)"
            )],
        );
    }
    passes(with(true, Duration::from_secs(2)));
    passes(with(false, Duration::ZERO));
}

#[test]
fn nat_without_forward() {
    let expected = |verb| {
        format!(
            "nat_without_forward: node `a` {verb} but does not forward (add `forward`, or no packet of another node comes \
         this way)"
        )
    };
    fires(pair(|n| n.masquerade("eth0")), &[&expected("masquerades")]);
    fires(pair(|n| n.masquerade("eth0").forward_v6()), &[&expected("masquerades")]);
    fires(pair(|n| n.snat(Match::any().output("eth0"), "10.0.0.1")), &[&expected("changes sources")]);
    passes(pair(|n| n.masquerade("eth0").forward_v4()));
    passes(pair(|n| n.masquerade_from("fd00::/64").forward_v6()));
    passes(pair(|n| n.masquerade("eth0").sysctl("net.ipv4.ip_forward", 1)));
    passes(pair(|n| n.masquerade("eth0")).allow("nat_without_forward"));
}

#[test]
fn chain_kind() {
    let chain = |family, hook, priority| {
        pair(|n| {
            n.chain(family, ChainKind::Nat, hook, |c| match priority {
                Some(priority) => c.priority(priority),
                None => c,
            })
        })
    };
    fires(
        chain(Family::Inet, Hook::Forward, None),
        &[
            "chain_kind: there is no NAT chain at forward (destinations are changed at prerouting, sources at postrouting)",
        ],
    );
    fires(
        chain(Family::Bridge, Hook::Prerouting, None),
        &["chain_kind: the bridge family has no NAT chains (translate in the `inet` family of the node that routes)"],
    );
    fires(
        chain(Family::Inet, Hook::Prerouting, Some(-200)),
        &[
            "chain_kind: a NAT chain cannot have priority -200 (it needs connection tracking, which comes at -200: choose a \
           higher number)",
        ],
    );
    passes(chain(Family::Inet, Hook::Prerouting, Some(-199)));
}

#[test]
fn duplicate_chain() {
    let mut draft =
        pair(|n| n.firewall(Hook::Input, |c| c).firewall(Hook::Output, |c| c)).build().unwrap().into_draft();
    draft.nodes[0].chains[1].hook = Hook::Input;
    let problem = draft.problems().into_iter().next().unwrap();
    assert_eq!(
        format!("{}: {}", problem.name(), problem.message),
        "duplicate_chain: node `a` has two such chains, and nothing says which is first"
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c).firewall(Hook::Input, |c| c.priority(5))));
}

#[test]
fn verdict_place() {
    use {ChainKind::*, Family::*, Hook::*};
    let (any, masquerade, reject) = (Match::default, Verdict::Masquerade, Verdict::Reject(Reject::Port));
    let snat = Verdict::Snat { to: "10.0.0.1".parse().unwrap(), ports: None };
    let dnat = Verdict::Dnat { to: "10.0.0.2".parse().unwrap(), port: None };
    for (family, kind, hook, verdict, expected) in [
        (
            Inet,
            Filter,
            Postrouting,
            &masquerade,
            "masquerading is not possible in a filter chain at postrouting (it is possible in a NAT chain at postrouting)",
        ),
        (
            Inet,
            Nat,
            Prerouting,
            &masquerade,
            "masquerading is not possible in a nat chain at prerouting (it is possible in a NAT chain at postrouting)",
        ),
        (
            Inet,
            Nat,
            Prerouting,
            &snat,
            "changing the source is not possible in a nat chain at prerouting (it is possible in a NAT chain at postrouting or input)",
        ),
        (
            Inet,
            Nat,
            Postrouting,
            &dnat,
            "changing the destination is not possible in a nat chain at postrouting (it is possible in a NAT chain at prerouting or output)",
        ),
        (
            Inet,
            Filter,
            Postrouting,
            &reject,
            "rejecting is not possible in a filter chain at postrouting (it is possible at prerouting, input, forward or output)",
        ),
        (
            Bridge,
            Filter,
            Forward,
            &reject,
            "rejecting is not possible in a filter chain at forward (it is possible at prerouting or input in the bridge family)",
        ),
    ] {
        fires(ruled(family, kind, hook, any(), verdict.clone()), &[&format!("verdict_place: {expected}")]);
    }
    for (family, kind, hook, verdict) in [
        (Inet, Nat, Postrouting, &masquerade),
        (Inet, Nat, Input, &snat),
        (Inet, Nat, Output, &dnat),
        (Inet, Filter, Prerouting, &reject),
        (Inet, Nat, Prerouting, &reject),
        (Bridge, Filter, Input, &reject),
    ] {
        passes(ruled(family, kind, hook, any(), verdict.clone()));
    }
}

#[test]
fn never_matches() {
    let eth0 = || Some("eth0".parse().unwrap());
    fires(
        filtered(Hook::Output, Match { input: eth0(), ..Match::default() }, Verdict::Drop),
        &[
            "never_matches: at output no packet is known by the interface it came in by (match the outgoing interface, or \
           put the rule at prerouting, input, forward or postrouting)",
        ],
    );
    fires(
        filtered(Hook::Prerouting, Match { not_output: eth0(), ..Match::default() }, Verdict::Drop),
        &[
            "never_matches: at prerouting no packet is known by the interface it goes out by (match the incoming interface, \
           or put the rule at forward, output or postrouting)",
        ],
    );
    let icmp = |protocol, family| {
        ruled(
            family,
            ChainKind::Filter,
            Hook::Input,
            Match { protocol: Some(protocol), ..Match::default() },
            Verdict::Drop,
        )
    };
    fires(icmp(Protocol::Icmpv6, Family::Ip), &["never_matches: no IPv4 packet carries ICMPv6 (match ICMP)"]);
    fires(icmp(Protocol::Icmp, Family::Ip6), &["never_matches: no IPv6 packet carries ICMP for IPv4 (match ICMPv6)"]);
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::icmp().from("fd00::1")))),
        &["never_matches: no IPv6 packet carries ICMP for IPv4 (match ICMPv6)"],
    );
    passes(icmp(Protocol::Icmpv6, Family::Inet));
    let at_postrouting = |family| {
        let matches = Match { input: eth0(), ..Match::default() };
        ruled(family, ChainKind::Filter, Hook::Postrouting, matches, Verdict::Drop)
    };
    passes(at_postrouting(Family::Inet));
    fires(
        at_postrouting(Family::Bridge),
        &["never_matches: at postrouting no packet is known by the interface it came in by (match the outgoing \
           interface, or put the rule at prerouting, input or forward)"],
    );
    passes(filtered(Hook::Forward, Match { input: eth0(), output: eth0(), ..Match::default() }, Verdict::Drop));
}

#[test]
fn match_families() {
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::any().from("10.0.0.0/8").to("fd00::/8")))),
        &[
            "match_families: the addresses of this rule are not of one family (write one rule for IPv4 and one for IPv6)",
        ],
    );
    let v6 = Match { from: Some("fd00::/8".parse().unwrap()), ..Match::default() };
    fires(
        ruled(Family::Ip, ChainKind::Filter, Hook::Input, v6.clone(), Verdict::Drop),
        &["match_families: the `ip` family has no such addresses (use the `inet` family, which has both)"],
    );
    fires(
        pair(|n| n.dnat(Match::any().to("fd00::1"), "10.0.0.2")),
        &[
            "match_families: the addresses of this rule are not of one family (write one rule for IPv4 and one for IPv6)",
            "match_families: the `ip` family has no such addresses (use the `inet` family, which has both)",
        ],
    );
    passes(filtered(Hook::Input, v6, Verdict::Drop));
}

#[test]
fn port_without_protocol() {
    let help = "(only TCP and UDP have ports here: match one of them)";
    let port = |protocol| Match { protocol, port: Some(PortRange::from(443)), ..Match::default() };
    for protocol in [None, Some(Protocol::Icmp)] {
        fires(
            filtered(Hook::Input, port(protocol), Verdict::Drop),
            &[&format!("port_without_protocol: this rule matches a port, but not TCP or UDP {help}")],
        );
    }
    fires(
        pair(|n| n.dnat(Match::any().input("eth0"), "10.0.0.2:80")),
        &[&format!("port_without_protocol: this rule sets a port, but not TCP or UDP {help}")],
    );
    passes(filtered(Hook::Input, port(Some(Protocol::Udp)), Verdict::Drop));
    passes(pair(|n| n.forward_tcp("eth0", 8080, "10.0.0.2:80").dnat(Match::any().input("eth0"), "10.0.0.2")));
}

#[test]
fn reset_without_tcp() {
    let reset = |m: MatchBuilder| pair(|n| n.firewall(Hook::Input, |c| c.rule(m.reject_with(Reject::TcpReset))));
    fires(
        reset(Match::udp(53)),
        &["reset_without_tcp: only TCP can be rejected with a TCP reset (match TCP, or reject with an ICMP message)"],
    );
    passes(reset(Match::tcp(53)));
}

#[test]
fn port_range() {
    let (first, last) = (1000, 2000);
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::tcp(last..=first)))),
        &["port_range: there is no port from 2000 to 1000 (write the lower port first)"],
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::tcp(first..=last)))));
}

#[test]
fn counter_name() {
    let help = "(begin with a letter or `_`, go on with letters, digits, `_`, `-`, `.` and `/`, up to 127)";
    for wrong in ["smtp drops", "", "1st"] {
        let expected = format!("counter_name: `{wrong}` cannot be the name of a counter {help}");
        fires(pair(|n| n.counter(wrong)), &[&expected]);
        fires(pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().count(wrong)))), &[&expected]);
    }
    passes(pair(|n| n.counter("smtp-drops_2").firewall(Hook::Input, |c| c.rule(Match::any().count("undeclared")))));
}

#[test]
fn long_comment() {
    let comment =
        |length| pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().drop().comment("x".repeat(length)))));
    fires(comment(129), &["long_comment: this comment has 129 bytes (nftables keeps at most 128 bytes)"]);
    passes(comment(128));
}

#[test]
fn a_problem_reads_like_a_compilers() {
    let problems = pair(|n| n.route("default via 10.0.9.1")).link("a.eth0", "c.eth0").build().unwrap_err();
    assert_eq!(
        problems.to_string(),
        "\
error[N0020]: gateway `10.0.9.1` is not on-link for node `a`: the kernel would answer `Network is unreachable`
       help: `a` is attached to `10.0.0.0/24`
 --> node `a`, route `default via 10.0.9.1`

error[N0007]: no node named `c`
 --> link a.eth0 -- c.eth0

error[N0011]: `a.eth0` is plugged in twice
         it is an end of the link a.eth0 -- b.eth0 already
       help: a cable has two ends: use a switch to join more than two interfaces
 --> link a.eth0 -- c.eth0"
    );
}

#[test]
fn a_place_says_which_part_of_which_item() {
    let problems =
        pair(|n| n.route("default via 10.0.0.2").route("10.9.0.0/16 via 10.0.9.1 dev wan")).build().unwrap_err();
    let place = &problems.iter().next().unwrap().place;
    assert_eq!((place.item, place.part), (Item::Route(0, 1), Part::Device(0)));
}

#[test]
fn problems_come_in_the_order_of_the_parts() {
    let found = problems(
        Topology::builder()
            .allow("nonsense")
            .node("a", |n| n.counter("1").route("10.1.1.1/8 dev lo").interface("eth0", "10.0.0.0/24"))
            .node("a", |n| n)
            .link("x.eth0", "a.eth0"),
    );
    let names: Vec<&str> = found.iter().map(|p| p.split(':').next().unwrap()).collect();
    assert_eq!(
        names,
        ["unknown_allow", "network_address", "route_host_bits", "counter_name", "duplicate_node", "unknown_node"]
    );
}

#[test]
fn constructors_make_what_the_text_says() {
    let route = Route::multipath(
        "10.0.0.0/8".parse().unwrap(),
        [
            NextHop { weight: 2, ..NextHop::via("10.0.0.1".parse::<std::net::Ipv4Addr>().unwrap()) },
            NextHop::dev("eth0".parse().unwrap()),
        ],
    );
    assert_eq!(Ok(route), "10.0.0.0/8 nexthop via 10.0.0.1 weight 2 nexthop dev eth0".parse());
}

#[test]
fn a_kernel_node_is_checked_as_any_other() {
    passes(pair(|n| n.profile(Profile::Kernel)));
}

#[test]
fn bad_nameserver() {
    let asks = |servers: &[&str]| pair(|n| servers.iter().fold(n, |n, server| n.nameserver(*server)));
    let help = "(write the address of the node that answers, such as `127.0.0.1` for this one)";
    fires(
        asks(&["0.0.0.0", "ff02::1", "255.255.255.255"]),
        &[
            &format!("bad_nameserver: `0.0.0.0` is the unspecified address, it cannot be a name server {help}"),
            &format!("bad_nameserver: `ff02::1` is a multicast address, it cannot be a name server {help}"),
            &format!("bad_nameserver: `255.255.255.255` is the broadcast address, it cannot be a name server {help}"),
        ],
    );
    fires(
        asks(&["10.0.0.2", "10.0.0.2"]),
        &["bad_nameserver: node `a` has the name server `10.0.0.2` twice (leave one out)"],
    );
    fires(
        asks(&["dns"]),
        &["invalid_value: `dns` is not an IP address (write an address without a prefix length, such as `10.0.0.1`)"],
    );
    passes(asks(&["10.0.0.2", "127.0.0.1", "fd00::53"]));
}

#[test]
fn too_many_nameservers() {
    let servers = |count: u8| pair(|n| (1..=count).fold(n, |n, host| n.nameserver(format!("10.0.0.{host}"))));
    fires(
        servers(5),
        &["too_many_nameservers: node `a` has 5 name servers, resolvers ask the first three (leave out those from \
           here on)"],
    );
    passes(servers(3));
}

/// Two nodes on a cable, in fd00::/64; what is said about `a` comes on top.
fn pair_v6(a: impl FnOnce(NodeBuilder) -> NodeBuilder) -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| a(n.interface("eth0", "fd00::1/64")))
        .node("b", |n| n.interface("eth0", "fd00::2/64"))
        .link("a.eth0", "b.eth0")
}

#[test]
fn tentative_source() {
    let sourced = |far_end_is_up: bool, profile| {
        Topology::builder()
            .profile(profile)
            .node("a", |n| n.interface("eth0", "fd00::1/64").route("unreachable ::/0 src fd00::1"))
            .node("b", |n| n.interface_with("eth0", |i| if far_end_is_up { i } else { i.down() }))
            .link("a.eth0", "b.eth0")
    };
    fires(
        sourced(false, Profile::Kernel),
        &["tentative_source: the source `fd00::1` stays tentative, because `eth0` carries no packets: the kernel \
           refuses it (let both ends of its link be up, or skip duplicate address detection (`no-dad`))"],
    );
    passes(sourced(true, Profile::Kernel));
    passes(sourced(false, Profile::Ready));
}

#[test]
fn the_hops_of_an_ipv6_route_are_judged_as_the_kernel_does() {
    fires(
        pair_v6(|n| n.route("default nexthop via fd00::2 nexthop dev eth0")),
        &[
            "route_incomplete: each hop of an IPv6 multipath route needs a gateway (add `via ADDRESS`, or leave the hop \
           out)",
        ],
    );
    passes(pair(|n| n.route("default nexthop via 10.0.0.2 nexthop dev eth0")));
    fires(
        pair_v6(|n| n.route("default nexthop via fd00::2 nexthop via fd00::2 weight 3")),
        &[
            "duplicate_route: this IPv6 route has the hop over `fd00::2` twice (give the other a greater weight instead)",
        ],
    );
    passes(pair(|n| n.route("default nexthop via 10.0.0.2 nexthop via 10.0.0.2")));
    fires(
        pair_v6(|n| n.route("default via fe80::7 dev lo")),
        &[
            "gateway_off_link: gateway `fe80::7` cannot be behind the loopback interface (name the interface that leads \
           to it)",
        ],
    );
    fires(
        pair_v6(|n| n.route("default via fd00::2").route("unreachable ::/0 metric 0")),
        &["duplicate_route: node `a` has another route to `::/0` with metric 1024 | the other is `default via \
           fd00::2` (give one of them another metric or table)"],
    );
}

#[test]
fn a_hop_among_others_puts_no_network_on_the_link() {
    fires(
        pair(|n| n.route("default nexthop dev eth0 nexthop via 192.0.2.1")),
        &["gateway_off_link: gateway `192.0.2.1` is not on-link for node `a`: the kernel would answer `Network is \
           unreachable` (`a` is attached to `10.0.0.0/24`)"],
    );
    passes(pair(|n| n.route("192.0.2.0/24 dev eth0").route("default nexthop dev eth0 nexthop via 192.0.2.1")));
}

#[test]
fn a_bridge_with_ipv6_needs_ports_that_carry_it() {
    let bridge = |mtu| {
        Topology::builder()
            .node("a", |n| n.bridge("br0", |b| b.port("p").address("fd00::1/64")))
            .node("b", |n| n.interface("eth0", "fd00::2/64"))
            .link_with_mtu("a.p", "b.eth0", mtu)
    };
    let found = problems(bridge(1279));
    assert_eq!(
        found[0],
        "mtu_below_ipv6: an MTU of 1279 bytes is too small for the IPv6 address `fd00::1/64` | `br0` takes the lowest \
         MTU of its ports (IPv6 needs an MTU of 1280 bytes or more; below it the kernel switches IPv6 off)"
    );
    passes(bridge(1280));
}

#[test]
fn an_ethertype_has_addresses_of_its_own_family() {
    let arp = |matches: MatchBuilder| {
        pair(|n| n.bridge_firewall(Hook::Forward, |chain| chain.drop(matches.ethertype(0x0806))))
    };
    fires(
        arp(Match::any().to("10.0.0.0/8")),
        &["match_families: frames of the EtherType 0x0806 have no such addresses (leave the EtherType out: the \
           addresses say it already)"],
    );
    passes(arp(Match::any()));
}

#[test]
fn unquotable() {
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().drop().comment("no \"mail\"")))),
        &["unquotable: `no \"mail\"` has a double quote (nft has no way to write one: leave it out)"],
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().drop().comment("no 'mail'")))));
}

#[test]
fn a_gateway_is_an_address_that_another_node_can_have() {
    for (gateway, wrong) in [("224.0.0.1", "is a multicast address"), ("127.0.0.2", "is a loopback address")] {
        fires(
            pair(|n| n.route(format!("default via {gateway} dev eth0 onlink"))),
            &[&format!("broadcast_gateway: gateway `{gateway}` {wrong}, no other node has it")],
        );
    }
    let own = |n: NodeBuilder| n.interface_with("lo", |lo| lo.address("fd01::9/128").down());
    fires(
        pair_v6(|n| own(n).route("default via fd01::9 dev eth0 onlink")),
        &[
            "broadcast_gateway: gateway `fd01::9` is an address of node `a` itself (name the address of the next node on \
           the way)",
        ],
    );
}

#[test]
fn a_link_local_source_belongs_to_the_interface_of_the_route() {
    let sourced = |route: &'static str| pair_v6(move |n| n.interface("lo", "fe80::1/64").route(route));
    fires(
        sourced("default via fd00::2 src fe80::1"),
        &["foreign_source: the link-local source `fe80::1` belongs to another interface than the route (name the \
           interface that has it with `dev`)"],
    );
    passes(sourced("fd09::/64 dev lo src fe80::1"));
}
