//! Bridges and their ports.

use netns_test_topology::{
    Topology,
    build::{BridgeBuilder, InterfaceBuilder, TopologyBuilder},
};

use super::{fires, pair, passes};

#[test]
fn master_not_bridge() {
    let port_of = |master: &'static str| {
        Topology::builder()
            .node("a", move |n| n.bridge("br0", |b| b).interface("x", ()).interface_with("y", |i| i.master(master)))
            .link("a.x", "a.y")
    };
    fires(
        port_of("x"),
        &["master_not_bridge: `x` is not a bridge, so `y` cannot be its port (name a bridge of node `a`: `br0`)"],
    );
    fires(
        pair(|n| n.interface("x", ()).interface_with("y", |i| i.master("eth0"))).link("a.x", "a.y"),
        &["master_not_bridge: `eth0` is not a bridge, so `y` cannot be its port (declare a bridge: node `a` has \
           none)"],
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
            "bad_port: the loopback interface cannot be a port of a bridge (leave it out: a port is an end of a link or \
             a tunnel)",
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
fn bridge_option() {
    use std::time::Duration;
    let with = |stp: bool, delay| {
        Topology::builder().node("a", |n| n.bridge("br0", |b| if stp { b.stp() } else { b }.forward_delay(delay)))
    };
    for wrong in [Duration::from_millis(1990), Duration::from_secs(31)] {
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
    let ageing = |time| Topology::builder().node("a", |n| n.bridge("br0", |b| b.ageing(time)));
    for wrong in [Duration::from_millis(5), Duration::from_nanos(10_000_001), Duration::from_secs(500 * 24 * 3600)] {
        fires(
            ageing(wrong),
            &[&format!(
                "bridge_option: {wrong:?} is no time of a bridge (write whole hundredths of a second, up to \
                 42949672.95s)"
            )],
        );
    }
    passes(ageing(Duration::from_millis(10)));
}

/// Two bridges on two cables, with these settings.
fn circle(
    a: impl FnOnce(BridgeBuilder) -> BridgeBuilder,
    end: impl FnOnce(InterfaceBuilder) -> InterfaceBuilder,
) -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| n.bridge("br0", |bridge| a(bridge.port("p0"))).interface_with("p1", |p| end(p.master("br0"))))
        .node("b", |n| n.bridge("br0", |bridge| bridge.ports(["p0", "p1"])))
        .link("a.p0", "b.p0")
        .link("a.p1", "b.p1")
}

#[test]
fn bridge_loop() {
    let told = |from: &str, to: &str| {
        format!(
            "bridge_loop: the cable from `{from}` to `{to}` closes a circle of bridges: every broadcast goes round in it \
             without end (leave it out, let one of its ends be down or one of the bridges have `stp`, or add \
             `allow(bridge_loop)`)"
        )
    };
    fires(circle(|a| a, |end| end), &[&told("a.p1", "b.p1")]);
    passes(circle(|a| a.stp(), |end| end));
    passes(circle(|a| a, |end| end.down()));
    passes(circle(|a| a.down(), |end| end));
    passes(circle(|a| a, |end| end).allow("bridge_loop"));
    let one =
        Topology::builder().node("a", |n| n.bridge("br0", |bridge| bridge.ports(["p0", "p1"]))).link("a.p0", "a.p1");
    fires(one, &[&told("a.p0", "a.p1")]);
    // Three in a row, and a node that is on two of them, are none.
    passes(
        Topology::builder()
            .node("a", |n| n.bridge("br0", |bridge| bridge.ports(["p0", "p1"])))
            .node("b", |n| n.bridge("br0", |bridge| bridge.port("p0")).bridge("br1", |bridge| bridge.port("p2")))
            .node("c", |n| n.interface("eth0", ()).interface("eth1", ()))
            .link("a.p0", "b.p0")
            .link("a.p1", "c.eth0")
            .link("b.p2", "c.eth1"),
    );
}
