//! Gateways of routes.

use netns_test_topology::{Profile, Topology, build::NodeBuilder};

use super::{fires, pair, pair_v6, passes, problems};

#[test]
fn gateway_off_link() {
    fires(
        pair(|n| n.route("default via 10.0.9.1")),
        &["gateway_off_link: gateway `10.0.9.1` is not on-link for node `a`: the kernel would answer `Network is \
           unreachable` (`a` is attached to `10.0.0.0/24`)"],
    );
    fires(
        pair(|n| n.route("::/0 via fd00::1")),
        &["gateway_off_link: gateway `fd00::1` is not on-link for node `a`: the kernel would answer `No route to \
           host` (give `a` an address in the gateway's network)"],
    );
    fires(
        pair(|n| n.interface("lo", "10.0.9.2/24").route("default via 10.0.9.1 dev eth0")),
        &["gateway_off_link: gateway `10.0.9.1` is not on-link for node `a`: the kernel would answer `Network is \
           unreachable` (`eth0` is attached to `10.0.0.0/24`)"],
    );
    // A network on `lo` is the node's own, also where a route for everything leads out.
    let with_route =
        |to: &'static str| pair(move |n| n.interface("lo", "fd05::1/64").route(to).route("fd01::/64 via fd05::9"));
    fires(
        with_route("::/0 dev eth0"),
        &["gateway_off_link: gateway `fd05::9` is not on-link for node `a`: the kernel would answer `No route to \
           host` (give `a` an address in the gateway's network)"],
    );
    passes(with_route("fd05::/80 dev eth0"));
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
    // Nor does one that no host can send from, nor one whose network begins with 0.0.0.0/8: the kernel makes no route.
    for (address, gateway) in [("239.84.0.1/2", "192.0.0.9"), ("10.64.0.1/1", "100.0.0.9")] {
        let via = |gateway: &str| {
            pair(|n| n.interface("lo", address).route(format!("default via {gateway}"))).allow("special_address")
        };
        fires(
            via(gateway),
            &[&format!(
                "gateway_off_link: gateway `{gateway}` is not on-link for node `a`: the kernel would answer `Network is \
                 unreachable` (`a` is attached to `10.0.0.0/24`)"
            )],
        );
        passes(via("10.0.0.2"));
    }
    passes(pair(|n| n.route("default via 10.0.9.1 dev eth0 onlink")));
    // All of a network on `lo` is the node's own.
    for dev in ["lo", "eth0"] {
        let via = |gateway: &str| {
            let route = format!("default via {gateway} dev {dev} onlink");
            pair(|n| n.interface("lo", "10.0.9.2/24").route(route))
        };
        fires(
            via("10.0.9.1"),
            &[
                "broadcast_gateway: gateway `10.0.9.1` is an address of node `a` itself (name the address of the next node \
               on the way)",
            ],
        );
        passes(via("10.0.8.1"));
    }
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
        &["broadcast_gateway: gateway `10.0.0.255` is the broadcast address of `10.0.0.0/24` (name the address of \
           the next node on the way)"],
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
fn a_hop_among_others_puts_no_network_on_the_link() {
    fires(
        pair(|n| n.route("default nexthop dev eth0 nexthop via 192.0.2.1")),
        &["gateway_off_link: gateway `192.0.2.1` is not on-link for node `a`: the kernel would answer `Network is \
           unreachable` (`a` is attached to `10.0.0.0/24`)"],
    );
    passes(pair(|n| n.route("192.0.2.0/24 dev eth0").route("default nexthop dev eth0 nexthop via 192.0.2.1")));
}

#[test]
fn a_gateway_is_an_address_that_another_node_can_have() {
    for (gateway, wrong) in [("224.0.0.1", "is a multicast address"), ("127.0.0.2", "is a loopback address")] {
        fires(
            pair(|n| n.route(format!("default via {gateway} dev eth0 onlink"))),
            &[&format!(
                "broadcast_gateway: gateway `{gateway}` {wrong}, no other node has it (name the address of the next node \
                 on the way)"
            )],
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
