//! Names that are taken, and names that nothing has.

use netns_test_topology::{Hook, Match, Topology, build::NodeBuilder};

use super::{fires, pair, passes};

#[test]
fn duplicate_node() {
    fires(
        Topology::builder().node("a", |n| n).node("a", |n| n),
        &["duplicate_node: there are two nodes named `a` (give one of them another name)"],
    );
    passes(Topology::builder().node("a", |n| n).node("A", |n| n));
}

#[test]
fn duplicate_interface() {
    fires(
        pair(|n| n.interface("eth0", ())),
        &["duplicate_interface: node `a` has two interfaces named `eth0` (give one of them another name)"],
    );
    passes(Topology::builder().node("a", |n| n.interface("x", ()).interface("y", ())).link("a.x", "a.y"));
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
            "unknown_interface: node `a` has no interface `wan` (declare it, or name one that node `a` has: `eth0`)",
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
        &["unknown_interface: node `a` has no interface `br0` (declare it, or name one that node `a` has: `x`, `y`)"],
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
        &["unmatched_interface: node `a` has no interface `wan` (declare it, or name one that node `a` has: \
           `eth0`; add `allow(unmatched_interface)` if it comes later)"],
    );
    fires(
        Topology::builder().node("a", |n| n.firewall(Hook::Input, |c| c.drop(Match::any().input("eth0")))),
        &["unmatched_interface: node `a` has no interface `eth0` (declare it: node `a` has no interface but `lo`; \
           add `allow(unmatched_interface)` if it comes later)"],
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c.accept(Match::any().input("lo")).drop(Match::any().input("eth0")))));
    passes(pair(|n| n.forward().masquerade("eth1")).allow("unmatched_interface"));
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
