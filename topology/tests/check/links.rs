//! Links and the LANs that they make.

use netns_test_topology::{Topology, build::NodeBuilder};

use super::{addressed, fires, pair, passes, problems};

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
        &["plugged_twice: both ends of this link are `a.eth0` (name another interface at one end, of another node \
           or of the same)"],
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
    fires(
        bridge("a.lo"),
        &[
            unplugged,
            "not_a_cable_end: `a.lo` is a loopback interface, no cable fits it (add an interface to `a`, and link \
             that)",
        ],
    );
    passes(bridge("a.p0"));
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
fn mixed_families() {
    fires(
        addressed(&["10.0.0.1/24"], &["fd00::1/64"]),
        &["mixed_families: the two ends of this link speak different families | `a.eth0` has only IPv4 addresses | \
           `b.eth0` has only IPv6 addresses (add `allow(mixed_families)` if that is the point of the test)"],
    );
    passes(addressed(&["10.0.0.1/24"], &["fd00::1/64", "10.0.0.2/24"]));
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
fn a_thousand_ends_that_are_none_are_told_without_looking_for_each() {
    let count = 1000;
    let star = (0..count)
        .fold(Topology::builder(), |star, n| star.node(format!("host-{n}"), |node| node.interface("eth0", ())));
    let star = star.node("hub", |hub| (0..count).fold(hub, |hub, n| hub.interface(format!("p{n}"), ())));
    let found = problems((0..count).fold(star, |star, n| star.link(format!("hots-{n}.eth0"), format!("hub.p{n}"))));
    assert_eq!(found.len(), count);
    assert_eq!(found[9], "unknown_node: no node named `hots-9` (did you mean `host-9`?)");
    assert!(
        found[count - 1].ends_with(
            "(declare it, or name one that there is: `host-0`, `host-1`, `host-2`, `host-3`, \
        `host-4`, `host-5`, `host-6`, `host-7` and 993 more)"
        ),
        "{}",
        found[count - 1]
    );
}
