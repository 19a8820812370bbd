//! What a cable is not: pulled, without loopback, without an answer, without its other end.

use netns_test::{kernel::OperState, prelude::*};

use super::cable_laid::lay;
use crate::{
    common::claim,
    seen,
    tutorial::{Cable, Namespaces, fresh},
};

#[netns_test]
fn an_end_that_goes_down_takes_the_carrier_from_the_other(net: Namespaces) -> Result {
    let (red, blue) = lay(&net)?;
    red.add_address("192.168.15.1/24")?;
    blue.add_address("192.168.15.2/24")?;
    blue.up()?;
    red.up()?;
    eventually(Duration::from_secs(5), || net.red.probe(ping("192.168.15.2")));

    blue.down()?;
    eventually(Duration::from_secs(5), || red.info().is_ok_and(|info| info.oper_state != OperState::Up));
    let line = seen::link(&net.red, "veth-red")?;
    claim("container-network-2.1-c24", "<NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN", line);

    let left = (seen::routes(&net.blue)?, seen::addresses(&net.blue, "veth-blue")?);
    let address = "inet 192.168.15.2/24 scope global forever".to_owned();
    claim("container-network-2.1-c24b", (vec![], vec![address]), left);

    blue.up()?;
    let again = eventually(Duration::from_secs(5), || net.red.probe(ping("192.168.15.2")));
    claim("container-network-2.1-c24c", "reached", again.outcome().to_string());
    Ok(())
}

#[netns_test]
fn ones_own_address_needs_loopback(net: Cable) -> Result {
    claim("container-network-2.1-c26", "timeout", seen::outcome(&net.red, ping("192.168.15.1"))?);

    net.red.interface("lo")?.up()?;
    claim("container-network-2.1-c26b", "reached", seen::outcome(&net.red, ping("192.168.15.1"))?);
    Ok(())
}

/// The cable with the kernel's own neighbour timers.
struct Patient {
    red: Node,
    veth_red: Interface,
}

impl Network for Patient {
    fn topology() -> Topology {
        Topology::builder()
            .profile(Profile::Kernel)
            .node("red", |red| red.interface("veth-red", "192.168.15.1/24"))
            .node("blue", |blue| blue.interface("veth-blue", "192.168.15.2/24"))
            .link("red.veth-red", "blue.veth-blue")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let red = lab.node("red")?;
        Ok(Self { veth_red: red.interface("veth-red")?, red })
    }
}

#[netns_test]
fn an_unanswered_arp_request_is_no_error_without_loopback(net: Patient) -> Result {
    let wire = net.veth_red.capture(arp().requests().to("192.168.15.77"))?;
    let report = net.red.probe(ping("192.168.15.77")).run()?;
    let requests = wire.count(any())?;
    claim(
        "container-network-2.1-c27",
        "timeout by nobody, sent; 3 requests",
        format!("{}; {requests} requests", seen::verdict(&report)),
    );
    Ok(())
}

#[netns_test]
fn an_unanswered_arp_request_is_an_error_after_three(net: Patient) -> Result {
    net.red.interface("lo")?.up()?;
    let wire = net.veth_red.capture(arp().requests().to("192.168.15.77"))?;

    let report = net.red.probe(ping("192.168.15.77")).run()?;
    let answer = report.answer();
    let by = answer.reporter.map(|by| by.to_string()).unwrap_or_default();
    claim("container-network-2.1-c27b", "host unreachable 192.168.15.1", format!("{} {by}", answer.outcome));

    let timer = |name: &str| net.red.sysctl(&format!("net.ipv4.neigh.veth-red.{name}"));
    let (requests, probes, pause) = (wire.count(any())?, timer("mcast_solicit")?, timer("retrans_time_ms")?);
    let seen = format!("{requests} of {probes} requests, {pause} ms each");
    claim("container-network-2.1-c27c", "3 of 3 requests, 1000 ms each", seen);
    Ok(())
}

#[netns_test]
fn a_state_without_carrier_depends_on_a_stranger_with_the_peers_index() -> Result {
    let mut states = Vec::new();
    for stranger in [None, Some(true), Some(false)] {
        let lab = Topology::builder().profile(Profile::Kernel).node("red", fresh).node("blue", fresh).build()?.up()?;
        let (red, blue) = (lab.node("red")?, lab.node("blue")?);
        // The first cable of a namespace has the indexes 2 and 3, the peer's end first.
        let (near, far) = red.connect("near", &red, "far")?;
        let (veth_red, veth_blue) = red.connect("veth-red", &blue, "veth-blue")?;
        assert_eq!(veth_red.info()?.peer_index, Some(far.index()?));
        match stranger {
            None => near.delete()?,
            Some(carrier) => {
                far.up()?;
                if carrier {
                    near.up()?;
                }
                let settled = || far.info().is_ok_and(|info| info.flags.running() == carrier);
                eventually(Duration::from_secs(5), settled);
            }
        }
        veth_blue.up()?;
        veth_red.up()?;
        let is_up = |end: &Interface| end.info().is_ok_and(|info| info.oper_state == OperState::Up);
        eventually(Duration::from_secs(5), || is_up(&veth_red));
        veth_blue.down()?;
        eventually(Duration::from_secs(5), || !is_up(&veth_red));
        states.push(format!("{} {}", veth_red.info()?.oper_state, veth_red.info()?.flags));
    }
    let flags = "NO-CARRIER,BROADCAST,MULTICAST,UP";
    let expected = ["DOWN", "DOWN", "LOWERLAYERDOWN"].map(|state| format!("{state} {flags}"));
    claim("container-network-2.1-c28", Vec::from(expected), states);
    Ok(())
}

#[netns_test]
fn an_end_does_not_outlive_the_other() -> Result {
    let topology = Cable::topology();
    let lab = topology.up()?;
    let net = Cable::from_lab(&lab)?;
    assert_eq!(seen::names(&net.blue)?, ["lo", "veth-blue"]);
    net.veth_red.delete()?;
    claim("container-network-2.1-c29", vec!["lo"], seen::names(&net.blue)?);

    let lab = topology.up()?;
    let net = Cable::from_lab(&lab)?;
    assert_eq!(seen::names(&net.blue)?, ["lo", "veth-blue"]);
    lab.remove_node(&net.red)?;
    claim("container-network-2.1-c31", vec!["lo"], seen::names(&net.blue)?);
    Ok(())
}

#[netns_test]
fn an_index_alone_names_no_peer(net: Namespaces) -> Result {
    let (red, blue) = net.red.connect("veth-red", &net.blue, "veth-blue")?;
    let numbers = [red.info()?, blue.info()?].map(|end| (end.index, end.peer_index));
    claim("container-network-2.1-c30", [(2, Some(2)); 2], numbers);
    Ok(())
}
