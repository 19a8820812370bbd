//! MTUs.

use netns_test_topology::{Topology, build::NodeBuilder};

use super::{fires, pair, passes, problems};

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
    let with = |mtu, setting: fn(NodeBuilder) -> NodeBuilder| {
        Topology::builder()
            .node("a", move |n| setting(n.interface_with("x", |i| i.mtu(mtu)).interface("y", ())))
            .link("a.x", "a.y")
    };
    let settings = [
        ("route", (|n: NodeBuilder| n.route("fd00::/64 dev x")) as fn(NodeBuilder) -> NodeBuilder),
        ("route", |n| n.route("10.9.0.0/16 via fe80::2 dev x")),
        ("neighbour", |n| n.neighbour("fd00::2", "02:00:00:00:00:02", "x")),
    ];
    for (what, setting) in settings {
        fires(
            with(1279, setting),
            &[&format!(
                "mtu_below_ipv6: the MTU of `x`, 1279 bytes, is too small for an IPv6 {what} (IPv6 needs an MTU of 1280 \
                 bytes or more; below it the kernel switches IPv6 off)"
            )],
        );
        passes(with(1280, setting));
    }
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
