//! What is made on top of other interfaces.

use netns_test_topology::{Departure, Profile, Topology, build::TopologyBuilder, plan::LinkState};

use super::{lines, plan, states};

/// Two hosts on a cable, one of them with a tunnel, and a macvlan of another node on its cable.
fn tunnel(mtu: u32) -> TopologyBuilder {
    Topology::builder()
        .node("container", |n| n.macvlan("eth0", "eth0", |m| m.parent_node("b")))
        .node("overlay", |n| {
            n.vxlan("vx0", 42, |v| v.remote("192.0.2.2").underlay("a").master("br0"))
                .bridge("br0", |b| b.address("10.99.0.1/24"))
                .neighbour("10.99.0.2", "02:00:00:00:00:02", "vx0")
                .fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")
        })
        .node("a", |n| n.interface("eth0", "192.0.2.1/24"))
        .node("b", |n| n.interface("eth0", "192.0.2.2/24"))
        .link_with_mtu("a.eth0", "b.eth0", mtu)
}

#[test]
fn interfaces_on_top_of_others_come_after_them() {
    let words = ["veth", "vxlan", "macvlan", "port", "up", "await", "neighbour", "fdb"];
    assert_eq!(
        lines(&plan(tunnel(1400)), &words),
        [
            "a veth eth0 mtu 1400 index 10 -- b.eth0 mtu 1400 index 11 (distinct-indexes)",
            "container macvlan eth0 link eth0 mode bridge of b",
            "overlay vxlan vx0 mtu 1350 id 42 remote 192.0.2.2 dstport 4789 underlay a (overlay-mtu)",
            "overlay port vx0 of br0",
            "container up lo (loopback-up)",
            "overlay up lo (loopback-up)",
            "overlay up br0",
            "a up lo (loopback-up)",
            "a up eth0",
            "b up lo (loopback-up)",
            "b up eth0",
            "a await eth0 running",
            "b await eth0 running",
            "container up eth0",
            "overlay up vx0",
            "container await eth0 running",
            "overlay await vx0 running",
            "overlay await br0 running",
            "overlay neighbour 10.99.0.2 lladdr 02:00:00:00:00:02 dev vx0",
            "overlay fdb 02:00:00:00:00:02 dev vx0 dst 192.0.2.2 self permanent",
        ]
    );
    assert!(states(&plan(tunnel(1400))).values().all(|state| *state == LinkState::Running));
}

#[test]
fn a_tunnel_takes_what_its_underlay_has_room_for() {
    let mtu = |builder: TopologyBuilder| lines(&plan(builder), &["vxlan"])[0].split(" id ").next().unwrap().to_owned();
    assert_eq!(mtu(tunnel(9000)), "overlay vxlan vx0 mtu 8950");
    assert_eq!(mtu(tunnel(9000).profile(Profile::Kernel)), "overlay vxlan vx0");
    // The kernel itself looks at an interface that is named.
    let named = Topology::builder()
        .node("a", |n| n.interface("eth0", ()).vxlan("vx0", 1, |v| v.dev("eth0")))
        .node("b", |n| {
            n.interface("eth0", ()).without(Departure::OverlayMtu).vxlan("vx0", 1, |v| v.remote("192.0.2.2"))
        })
        .link("a.eth0", "b.eth0");
    assert_eq!(
        lines(&plan(named), &["vxlan"]),
        ["a vxlan vx0 id 1 dev eth0 dstport 4789", "b vxlan vx0 id 1 remote 192.0.2.2 dstport 4789"]
    );
}

#[test]
fn a_macvlan_runs_only_if_its_parent_does() {
    let plan = plan(
        Topology::builder()
            .node("a", |n| n.interface_with("eth0", |i| i.down()).macvlan("m0", "eth0", |m| m))
            .node("b", |n| n.interface("eth0", ()).macvlan("m0", "eth0", |m| m))
            .link("a.eth0", "b.eth0"),
    );
    let states = states(&plan);
    assert_eq!((states["a.m0"], states["b.m0"]), (LinkState::NoCarrier, LinkState::NoCarrier));
}

/// A tunnel without a far end can be carried by anything with an address, here by what is on top of its own bridge.
#[test]
fn a_tunnel_counts_what_carries_it_without_itself() {
    let plan = plan(Topology::builder().node("a", |n| {
        n.bridge("br0", |b| b)
            .macvlan("over0", "br0", |m| m.address("10.0.3.2/24"))
            .vxlan("over1", 2, |v| v.master("br0"))
    }));
    assert_eq!(lines(&plan, &["vxlan"]), ["a vxlan over1 mtu 1450 id 2 dstport 4789 (overlay-mtu)"]);
    // Both have IPv6, whose neighbours have timers; the tunnel is a port.
    let timers: Vec<_> =
        lines(&plan, &["ndisc"]).iter().map(|line| line.split(' ').nth(2).expect("an interface").to_owned()).collect();
    assert_eq!(timers, ["br0", "over0"]);
}
