//! Routes and policy rules.

use netns_test_topology::{NextHop, Profile, Route, Rule, RuleAction, Topology};

use super::{fires, pair, pair_v6, passes};

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
        &["route_families: the gateway `10.0.0.2` is not of the address family of `fd01::/64` (name the IPv6 \
           address of the next node on the way)"],
    );
    fires(
        pair(|n| n.route("fd00::/8 dev eth0 src 10.0.0.1")),
        &["route_families: the source `10.0.0.1` is not of the address family of `fd00::/8` (leave `src` out, or \
           name an address of the other family)"],
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
    fires(down("default via 10.0.0.1"), &[expected]);
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
        &["foreign_source: `10.9.9.9` is not an address of node `a` (name an address of `a`: `10.0.0.1`)"],
    );
    fires(
        pair(|n| n.interface("lo", "239.0.0.1/32").route("default via 10.0.0.2 src 239.0.0.1"))
            .allow("special_address"),
        &[
            "foreign_source: nothing can be sent from `239.0.0.1`, which is no address of a host (name another address, or \
           leave `src` out)",
        ],
    );
    passes(pair(|n| n.route("default via 10.0.0.2 src 10.0.0.1")));
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
    let expected = "rule_families: the networks of this rule are not of one address family (write one rule for \
                    IPv4 and one for IPv6)";
    fires(pair(|n| n.rule("from 10.0.0.0/8 to fd00::/8 lookup 100")), &[expected]);
    let v6 = Rule { v6: true, from: Some("10.0.0.0/8".parse().unwrap()), ..Rule::new(RuleAction::Blackhole) };
    fires(pair(|n| n.rule(v6)), &[expected]);
    passes(pair(|n| n.rule("from fd00::/8 to fd01::/16 lookup 100").rule("inet6 from all lookup 100")));
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
fn a_link_local_source_belongs_to_the_interface_of_the_route() {
    let sourced = |route: &'static str| pair_v6(move |n| n.interface("lo", "fe80::1/64").route(route));
    fires(
        sourced("default via fd00::2 src fe80::1"),
        &["foreign_source: the link-local source `fe80::1` belongs to another interface than the route (name the \
           interface that has it with `dev`)"],
    );
    passes(sourced("fd09::/64 dev lo src fe80::1"));
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
