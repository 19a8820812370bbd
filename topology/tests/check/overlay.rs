//! Checks of interfaces on top of others, and of forwarding entries.

use std::time::Duration;

use netns_test_topology::{Kind, MacvlanMode, Topology, build::VxlanBuilder};

use super::{fires, pair, passes};

fn vxlan(build: impl FnOnce(VxlanBuilder) -> VxlanBuilder) -> netns_test_topology::build::TopologyBuilder {
    pair(|n| n.vxlan("vx0", 42, build))
}

#[test]
fn what_overlays_are_made_of_is_read() {
    fires(
        vxlan(|v| v.remote("239.1.1.1")),
        &["invalid_value: `239.1.1.1` is a multicast group, not the far end of a tunnel (give it as the tunnel's \
           `group`)"],
    );
    fires(
        vxlan(|v| v.local("ff02::1")),
        &["invalid_value: `ff02::1` is a multicast group, and nothing is sent from one (write an address that the \
           underlay has)"],
    );
    fires(
        pair(|n| n.vxlan("vx0", 1 << 24, |v| v)),
        &["invalid_value: `16777216` is too large for a VXLAN identifier (a VXLAN identifier is a number from 0 to \
           16777215)"],
    );
    fires(
        pair(|n| n.fdb("02:00:00:00:00:02 dst 10.0.0.2")),
        &[
            "invalid_value: the forwarding entry `02:00:00:00:00:02 dst 10.0.0.2` does not say which interface it is of \
           (write it such as `02:00:00:00:00:02 dev vx0 dst 192.0.2.2`)",
        ],
    );
    passes(vxlan(|v| v.remote("10.0.0.2").local("10.0.0.1").dev("eth0").mtu(1450)));
    passes(vxlan(|v| v.group("239.1.1.1").dev("eth0").proxy().l2miss().l3miss().no_learning()));
    // `lo` is there without being declared, and carries 65,536 bytes.
    passes(pair(|n| {
        n.vxlan("vx0", 1, |v| v.group("239.1.1.1").dev("lo"))
            .vxlan("vx1", 2, |v| v.remote("10.9.0.2").dev("vx0").mtu(65_436))
    }));
}

#[test]
fn what_overlays_are_made_on_exists() {
    fires(vxlan(|v| v.dev("eth1")), &["unknown_interface: node `a` has no interface `eth1` (did you mean `eth0`?)"]);
    fires(
        vxlan(|v| v.underlay("host")),
        &["unknown_node: no node named `host` (declare it, or name one that there is: `a`, `b`)"],
    );
    fires(
        vxlan(|v| v.dev("vx0")),
        &["unknown_interface: `vx0` cannot carry itself (name the interface of the underlay)"],
    );
    fires(
        pair(|n| n.macvlan("m0", "eth0", |m| m.parent_node("c"))),
        &["unknown_node: no node named `c` (declare it, or name one that there is: `a`, `b`)"],
    );
    fires(
        pair(|n| n.macvlan("m0", "eth1", |m| m)),
        &["unknown_interface: node `a` has no interface `eth1` (did you mean `eth0`?)"],
    );
    passes(vxlan(|v| v.underlay("b").dev("eth0").remote("10.0.0.1")));
    passes(pair(|n| n.macvlan("m0", "eth0", |m| m.parent_node("b").address("10.0.0.9/24"))));
}

#[test]
fn no_cable_fits_an_overlay() {
    fires(
        pair(|n| n.vxlan("vx0", 42, |v| v)).node("c", |n| n.interface("x", ())).link("a.vx0", "c.x"),
        &["not_a_cable_end: `a.vx0` is a VXLAN device, no cable fits it (add an interface to `a`, and link that)"],
    );
}

#[test]
fn vxlan_families() {
    fires(
        vxlan(|v| v.local("10.0.0.1").remote("fd00::2")),
        &[
            "vxlan_families: `vx0` would send from 10.0.0.1 to fd00::2, which is another family (give both ends addresses \
           of the underlay's one family)",
        ],
    );
    fires(
        pair(|n| n.vxlan("vx0", 42, |v| v).fdb("02:00:00:00:00:02 dev vx0 dst fd00::2")),
        &["vxlan_families: the tunnel end fd00::2 is not of the family of `vx0` (give it the family of the \
           device's own addresses; without any that is IPv4)"],
    );
    passes(pair(|n| n.vxlan("vx0", 42, |v| v).fdb("02:00:00:00:00:02 dev vx0 dst 10.0.0.2")));
}

#[test]
fn group_without_device() {
    fires(
        vxlan(|v| v.group("239.1.1.1")),
        &[
            "group_without_device: `vx0` sends to the group 239.1.1.1, but not by any interface (name the interface of the \
           underlay that leads to the group as its `dev`)",
        ],
    );
}

#[test]
fn vxlan_scopes() {
    fires(
        vxlan(|v| v.remote("fe80::2")),
        &[
            "vxlan_scopes: `vx0` would send to fe80::2, which is of one link, from an address that is not (give both ends \
           link-local addresses, or neither)",
        ],
    );
    let both = |remote: &str| vxlan(|v| v.local("fe80::1").remote(remote).dev("eth0")).allow("foreign_tunnel_end");
    fires(
        both("2001:db8::2"),
        &[
            "vxlan_scopes: `vx0` would send from fe80::1, which is of one link, to 2001:db8::2, which is not (give both \
           ends link-local addresses, or neither)",
        ],
    );
    fires(
        vxlan(|v| v.local("fe80::1")).allow("foreign_tunnel_end"),
        &[
            "vxlan_scopes: `vx0` sends from fe80::1, but does not say on which link (name the interface of the underlay \
           that has the address as its `dev`)",
        ],
    );
    let group = |group: &str| vxlan(|v| v.local("fe80::1").group(group).dev("eth0")).allow("foreign_tunnel_end");
    fires(
        group("ff05::2"),
        &[
            "vxlan_scopes: `vx0` would send from fe80::1, which is of one link, to ff05::2, which is not (give both ends \
           link-local addresses, or neither)",
        ],
    );
    passes(both("fe80::2"));
    passes(group("ff02::2"));
    passes(vxlan(|v| v.local("fe80::1").dev("eth0")).allow("foreign_tunnel_end"));
    passes(vxlan(|v| v.group("ff02::2").dev("eth0")));
}

#[test]
fn vxlan_conflict() {
    fires(
        pair(|n| n.vxlan("vx0", 42, |v| v.remote("10.0.0.2")).vxlan("vx1", 42, |v| v.remote("10.0.0.3"))),
        &["vxlan_conflict: `vx0` and `vx1` are both carried by node `a` and have the identifier 42 (give one of them \
           another identifier or port)"],
    );
    fires(
        pair(|n| n.vxlan("vx0", 42, |v| v)).node("c", |n| n.vxlan("vx0", 42, |v| v.underlay("a"))),
        &["vxlan_conflict: `vx0` and `vx0` are both carried by node `a` and have the identifier 42 (give one of them \
           another identifier or port)"],
    );
    passes(pair(|n| {
        n.vxlan("vx0", 42, |v| v.remote("10.0.0.2"))
            .vxlan("vx1", 43, |v| v.remote("10.0.0.2"))
            .vxlan("vx2", 42, |v| v.port(8472))
            .vxlan("vx3", 42, |v| v.remote("fd00::2"))
    }));
}

#[test]
fn foreign_tunnel_end() {
    fires(
        vxlan(|v| v.local("10.0.0.9")),
        &["foreign_tunnel_end: `vx0` sends from 10.0.0.9, which node `a` does not have (add \
           `allow(foreign_tunnel_end)` if that is the point of the test)"],
    );
    passes(vxlan(|v| v.local("10.0.0.9")).allow("foreign_tunnel_end"));
    passes(vxlan(|v| v.local("10.0.0.2").underlay("b")));
}

#[test]
fn overlay_mtu() {
    fires(
        vxlan(|v| v.remote("10.0.0.2").mtu(1451)),
        &[
            "overlay_mtu: `vx0` takes packets of 1451 bytes, and its underlay carries 1450 (encapsulation takes 50 bytes: \
           set an MTU of 1450 or less, or add `allow(overlay_mtu)` if that is the point of the test)",
        ],
    );
    fires(
        vxlan(|v| v.dev("eth0").mtu(1451)),
        &[
            "mtu_range: an MTU of 1451 bytes is not possible for `vx0` over `eth0` (encapsulation takes 50 bytes: set an \
           MTU of 1450 or less)",
        ],
    );
    passes(vxlan(|v| v.remote("10.0.0.2").mtu(1450)));
    passes(vxlan(|v| v.remote("10.0.0.2").mtu(1500)).allow("overlay_mtu"));
    let jumbo = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24").vxlan("vx0", 1, |v| v.remote("10.0.0.2").mtu(8950)))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link_with_mtu("a.eth0", "b.eth0", 9000);
    passes(jumbo);
}

#[test]
fn an_overlay_has_room_for_ipv6_if_it_has_such_an_address() {
    let over = |mtu: u32| {
        Topology::builder()
            .node("a", |n| n.interface("eth0", ()).vxlan("vx0", 1, |v| v.dev("eth0").address("fd00::1/64")))
            .node("b", |n| n.interface("eth0", ()))
            .link_with_mtu("a.eth0", "b.eth0", mtu)
    };
    fires(
        over(1329),
        &[
            "mtu_below_ipv6: an MTU of 1279 bytes is too small for the IPv6 address `fd00::1/64` | `vx0` takes what the \
           MTU of its underlay has room for (IPv6 needs an MTU of 1280 bytes or more; below it the kernel switches IPv6 \
           off)",
        ],
    );
    passes(over(1330));
}

#[test]
fn vxlan_option() {
    fires(
        vxlan(|v| v.ageing(Duration::from_millis(1500))),
        &[
            "vxlan_option: `vx0` cannot forget addresses after 1.5s (write whole seconds, up to 4294967295, or zero for \
           never)",
        ],
    );
    fires(
        vxlan(|v| v.port(0)),
        &["vxlan_option: `vx0` cannot have the port 0 (leave it out for the port of VXLAN, 4789)"],
    );
    passes(vxlan(|v| v.ageing(Duration::ZERO)));
    let mut draft = vxlan(|v| v.local("10.0.0.1")).build().expect("it is right").into_draft();
    let tunnel = draft.nodes[0].interfaces.iter_mut().find_map(|interface| match &mut interface.kind {
        Kind::Vxlan(vxlan) => Some(vxlan),
        _ => None,
    });
    tunnel.expect("there is one").local = Some([239, 1, 1, 1].into());
    let problems = draft.check().expect_err("nothing is sent from a group").to_string();
    assert!(problems.contains("`vx0` cannot send from the group 239.1.1.1"), "{problems}");
}

#[test]
fn fdb_device() {
    fires(
        pair(|n| n.fdb("02:00:00:00:00:02 dev eth0 dst 10.0.0.2")),
        &["fdb_device: `eth0` is no VXLAN device, it leads to no tunnel end (leave out `dst` for a port of a bridge)"],
    );
    fires(
        pair(|n| n.fdb("02:00:00:00:00:02 dev eth0")),
        &[
            "fdb_device: `eth0` is no port of a bridge, and the entry has no tunnel end (write the tunnel end of a VXLAN \
           device, such as `dst 192.0.2.2`)",
        ],
    );
    fires(
        pair(|n| n.fdb("02:00:00:00:00:02 dev vx0 dst 10.0.0.2")),
        &["unknown_interface: node `a` has no interface `vx0` (declare it, or name one that node `a` has: `eth0`)"],
    );
}

/// A bridge with a port and a tunnel.
fn bridged(entry: &str) -> netns_test_topology::build::TopologyBuilder {
    Topology::builder()
        .node("a", |n| {
            n.interface("p0", ()).vxlan("vx0", 1, |v| v).bridge("br0", |b| b.ports(["p0", "vx0"])).fdb(entry)
        })
        .node("b", |n| n.interface("eth0", ()))
        .link("a.p0", "b.eth0")
}

#[test]
fn bad_fdb_mac() {
    fires(
        bridged("00:00:00:00:00:00 dev p0"),
        &["bad_fdb_mac: the bridge of `p0` has no entry for `00:00:00:00:00:00` (leave it out: a bridge sends \
           frames for addresses that it does not know to all its ports)"],
    );
    passes(bridged("02:00:00:00:00:02 dev p0"));
    passes(bridged("02:00:00:00:00:02 dev vx0"));
    passes(bridged("00:00:00:00:00:00 dev vx0 dst 10.0.0.2"));
}

#[test]
fn duplicate_fdb() {
    let entries =
        |second: &str| pair(|n| n.vxlan("vx0", 42, |v| v).fdb("02:00:00:00:00:02 dev vx0 dst 10.0.0.2").fdb(second));
    fires(
        entries("02:00:00:00:00:02 dev vx0 dst 10.0.0.3"),
        &["duplicate_fdb: `vx0` has two forwarding entries for `02:00:00:00:00:02` (leave one out)"],
    );
    passes(entries("02:00:00:00:00:03 dev vx0 dst 10.0.0.2"));
    passes(pair(|n| {
        n.vxlan("vx0", 42, |v| v)
            .fdb("00:00:00:00:00:00 dev vx0 dst 10.0.0.2")
            .fdb("00:00:00:00:00:00 dev vx0 dst 10.0.0.3")
    }));
}

#[test]
fn macvlan_parent() {
    fires(
        pair(|n| n.macvlan("m0", "lo", |m| m)),
        &["macvlan_parent: a macvlan cannot share the loopback interface (name an Ethernet interface)"],
    );
    fires(
        pair(|n| n.macvlan("m0", "m0", |m| m)),
        &["macvlan_parent: `m0` would be its own parent (name an interface below it)"],
    );
    fires(
        pair(|n| n.macvlan("m0", "eth0", |m| m).macvlan("m1", "eth0", |m| m.mode(MacvlanMode::Passthru))),
        &["macvlan_parent: `m1` shares `eth0` with one that passes through (name another parent: one that passes \
           through has its own to itself)"],
    );
    let on_port = Topology::builder()
        .node("a", |n| n.bridge("br0", |b| b.port("p0")).macvlan("m0", "p0", |m| m))
        .node("b", |n| n.interface("eth0", ()))
        .link("a.p0", "b.eth0");
    fires(
        on_port,
        &["macvlan_parent: `p0` is a port of `br0`, which takes all its packets (name the bridge as parent)"],
    );
    fires(
        pair(|n| n.macvlan("m0", "m1", |m| m).macvlan("m1", "m0", |m| m)),
        &[
            "macvlan_parent: `m0` would be its own parent (name an interface below it)",
            "macvlan_parent: `m1` would be its own parent (name an interface below it)",
        ],
    );
    passes(pair(|n| n.macvlan("m0", "eth0", |m| m).macvlan("m1", "m0", |m| m.mode(MacvlanMode::Private))));
    passes(pair(|n| n.macvlan("m0", "eth0", |m| m.mode(MacvlanMode::Passthru))));
    fires(
        pair(|n| {
            let n = n.macvlan("m0", "eth0", |m| m.mode(MacvlanMode::Passthru));
            n.macvlan("m1", "m0", |m| m).macvlan("m2", "m1", |m| m)
        }),
        &[
            "macvlan_parent: `m1` shares `m0` with one that passes through (name another parent: one that passes \
           through has its own to itself)",
            "macvlan_parent: `m2` shares `m1` with one that passes through (name another parent: one that passes \
           through has its own to itself)",
        ],
    );
}

#[test]
fn a_macvlan_is_on_the_lan_of_its_parent() {
    fires(
        pair(|n| n.macvlan("m0", "eth0", |m| m.address("10.0.0.2/24"))),
        &["address_conflict: `a.m0` and `b.eth0` are on one LAN and have the same address `10.0.0.2` (add \
           `allow(address_conflict)` if that is the point of the test)"],
    );
}

#[test]
fn what_is_made_on_a_bridge_is_no_port_of_it() {
    fires(
        pair(|n| n.bridge("br0", |b| b).macvlan("m0", "br0", |m| m.master("br0"))),
        &["bad_port: `m0` is made on `br0`, and cannot be its port (name another bridge, or none)"],
    );
    fires(
        pair(|n| n.bridge("br0", |b| b).vxlan("vx0", 1, |v| v.dev("br0").master("br0"))),
        &["bad_port: `vx0` is made on `br0`, and cannot be its port (name another bridge, or none)"],
    );
    passes(pair(|n| n.bridge("br0", |b| b).vxlan("vx0", 1, |v| v.remote("10.0.0.2").master("br0"))));
}
