//! Networks: built, changed while they live, and gone.

use netns_test::prelude::*;

/// A client behind a masquerading gateway, and a server on the far side.
pub struct Nat {
    client: Node,
    gateway: Node,
    server: Node,
}

impl Network for Nat {
    fn topology() -> Topology {
        Topology::builder()
            .node("client", |n| n.interface("eth0", "10.0.0.2/24").route("default via 10.0.0.1"))
            .node("gateway", |n| {
                n.interface("lan", "10.0.0.1/24").interface("wan", "203.0.113.1/24").forward().masquerade("wan")
            })
            .node("server", |n| n.interface("eth0", "203.0.113.9/24"))
            .link("client.eth0", "gateway.lan")
            .link("gateway.wan", "server.eth0")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { client: lab.node("client")?, gateway: lab.node("gateway")?, server: lab.node("server")? })
    }
}

#[netns_test]
fn every_failure_has_its_reason(net: Nat) -> Result {
    net.server.serve(tcp(443))?;
    let smtp = net.gateway.drop_forwarded(tcp(25))?;

    net.client.reaches(net.server.tcp(443));
    net.client.cannot_reach(net.server.tcp(80), by::Refused);
    net.client.cannot_reach(net.server.tcp(25), by::Timeout);
    net.client.cannot_reach(tcp("10.0.0.77:80"), by::HostUnreachable);
    net.server.cannot_reach(net.client.tcp(80), by::NetworkUnreachable);

    assert!(smtp.packets()? >= 1);
    Ok(())
}

#[netns_test]
fn a_fresh_namespace_is_cut_off() {
    netns_test::here().cannot_reach(tcp("192.0.2.1:80"), by::NetworkUnreachable);
}

#[netns_test]
fn a_switch_delays_no_verdict() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .switch("lan", ["a.eth0", "b.eth0"])
        .build()?
        .up()?;
    lab.node("b")?.set_policy(Family::Inet, Hook::Input, Policy::Drop)?;

    // A port of a bridge asks for no neighbour, so that its timers say nothing of how long an answer may take.
    let report = lab.node("a")?.probe(lab.node("b")?.ping().within(Duration::from_millis(300))).run()?;
    report.expect(by::Timeout);
    Ok(())
}
