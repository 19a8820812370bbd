//! The text's listing of the home, what it lacks, and the home that works.

use std::{io::ErrorKind, net::UdpSocket};

use netns_test::{kernel::OperState, prelude::*};

use crate::{
    common::claim,
    home::{Home, Listed},
    programs,
    seen::{self, SILENCE, outcome, source_seen_by},
};

/// Number, name, flags, MTU, queueing discipline, state and queue of an interface.
fn line(interface: &Interface) -> Result<String> {
    let line = seen::link_with_queue(interface.node(), interface.name())?;
    Ok(format!("{}: {}: {line}", interface.index()?, interface.name()))
}

/// The names of a bridge's ports, sorted.
fn ports(bridge: &Interface) -> Result<Vec<String>> {
    let index = bridge.index()?;
    let mut ports: Vec<_> =
        bridge.node().links()?.into_iter().filter(|link| link.master == Some(index)).map(|link| link.name).collect();
    ports.sort();
    Ok(ports)
}

/// What a program that waits a moment for an answer is told: the kernel's own timers would take three seconds to say
/// that nobody has the address.
fn soon(node: &Node, address: &str) -> Result<String> {
    let heard = node.run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect((address, 7))?;
        socket.set_read_timeout(Some(SILENCE))?;
        socket.send(b"hello")?;
        socket.recv(&mut [0; 16])
    });
    Ok(match heard {
        Err(error) if error.kind() == ErrorKind::WouldBlock => "timeout".into(),
        // Whoever has no such service is there.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => "answered".into(),
        other => format!("{other:?}"),
    })
}

#[netns_test]
fn the_end_at_verizon_is_down(net: Listed) -> Result {
    let lo = net.verizon.node().interface("lo")?;
    let lines = [line(&lo)?, line(&net.verizon)?];
    let expected = [
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN qlen 1000",
        "10: eth1: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN qlen 1000",
    ];
    claim("docker-home-network-ifaces-c1", expected, lines);
    Ok(())
}

#[netns_test]
fn the_router_is_up_at_home_and_without_carrier_outside(net: Listed) -> Result {
    let up = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP qlen 1000";
    claim("docker-home-network-ifaces-c2", format!("4: eth1: {up}"), line(&net.router)?);

    let outside = net.outside.info()?;
    let is_down = matches!(outside.oper_state, OperState::Down | OperState::LowerLayerDown);
    let seen = format!("{}: eth0: <{}>, down: {is_down}", outside.index, outside.flags);
    claim("docker-home-network-ifaces-c2b", "9: eth0: <NO-CARRIER,BROADCAST,MULTICAST,UP>, down: true", seen);

    claim("docker-home-network-ifaces-c3", format!("7: eth1: {up}"), line(&net.laptop)?);
    Ok(())
}

#[netns_test]
fn a_bridge_is_called_after_the_mac_of_its_only_port(net: Listed) -> Result {
    let bridge = |name: &str| -> Result<String> {
        let bridge = net.host.interface(name)?;
        let id = bridge.info()?.bridge.map(|bridge| bridge.id).unwrap_or_default();
        Ok(format!("{name} {id} {}", ports(&bridge)?.join(" ")))
    };
    let expected = ["docker0 8000.56847afe9799 ", "home 8000.821c2640a1ea laptop_eth1"];
    claim("docker-home-network-ifaces-c4", expected, [bridge("docker0")?, bridge("home")?]);
    Ok(())
}

#[netns_test]
fn router_and_verizon_are_the_ends_of_one_cable(net: Listed) -> Result {
    let peers = [net.outside.info()?.peer_index, net.verizon.info()?.peer_index];
    claim("docker-home-network-ifaces-c5", [Some(10), Some(9)], peers);

    net.verizon.up()?;
    net.outside.wait_until_running()?;
    let seen = seen::link(net.outside.node(), "eth0")?;
    let expected = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP";
    claim("docker-home-network-ifaces-c5b", expected, seen);
    Ok(())
}

#[netns_test]
fn a_cable_queues_nothing(net: Listed) -> Result {
    let disciplines = [net.router.info()?.qdisc, net.outside.info()?.qdisc, net.laptop.info()?.qdisc];
    claim("docker-home-network-ifaces-c6", ["noqueue"; 3], disciplines);
    Ok(())
}

#[netns_test]
#[ignore = "needs ip and tc"]
fn a_cable_queues_where_it_is_told_to(net: Listed) -> Result {
    let before = net.laptop.info()?.qdisc;
    programs::good("ip netns exec laptop tc qdisc replace dev eth1 root pfifo_fast")?;
    claim("docker-home-network-ifaces-c6b", ["noqueue", "pfifo_fast"], [before, net.laptop.info()?.qdisc]);
    Ok(())
}

#[netns_test]
fn an_end_names_its_peers_number_and_namespace(net: Listed) -> Result {
    let laptop = net.laptop.info()?;
    let peer = laptop.peer_index.map(|index| format!("eth1@if{index}"));
    let seen = (peer, laptop.peer_netns_id.is_some());
    claim("docker-home-network-ifaces-c7", (Some("eth1@if6".to_owned()), true), seen);
    Ok(())
}

#[netns_test]
fn the_home_of_the_listing_does_not_work_until_the_router_is_plugged_in(net: Listed) -> Result {
    let (laptop, router) = (net.laptop.node(), net.router.node());
    net.laptop.add_address("192.168.1.11/24")?;
    net.router.add_address("192.168.1.1/24")?;
    let carriers = [&net.laptop, &net.router].map(|end| end.info().is_ok_and(|info| info.flags.lower_up()));
    let outcomes = [soon(laptop, "192.168.1.1")?, soon(router, "192.168.1.11")?];
    let expected = ([true; 2], ["timeout".to_owned(), "timeout".to_owned()]);
    claim("docker-home-network-ifaces-c8", expected, (carriers, outcomes));

    net.router_port.set_master(&net.home)?;
    eventually(Duration::from_secs(10), || laptop.probe(ping("192.168.1.1")));
    let outcomes = [outcome(laptop, ping("192.168.1.1"))?, outcome(router, ping("192.168.1.11"))?];
    claim("docker-home-network-ifaces-c9", ["reached"; 2], outcomes);
    assert_eq!(soon(laptop, "192.168.1.1")?, "answered");
    claim("docker-home-network-ifaces-c9b", vec!["laptop_eth1", "router_eth1"], ports(&net.home)?);
    Ok(())
}

#[netns_test]
fn without_an_address_nothing_is_reached(net: Listed) -> Result {
    let outcomes = net.containers().map(|node| outcome(node, ping("192.168.1.1")));
    let outcomes: Vec<_> = outcomes.into_iter().collect::<Result<_>>()?;
    claim("docker-home-network-ifaces-c10", vec!["network unreachable"; 3], outcomes);
    Ok(())
}

#[netns_test]
fn the_completed_home_reaches_the_internet_by_forwarding_and_translation(net: Home) -> Result {
    let internet = || ping("8.8.8.8").within(SILENCE);
    let targets = [ping("192.168.1.1"), ping("10.25.1.65"), internet()];
    let outcomes: Vec<_> = targets.into_iter().map(|to| outcome(&net.laptop, to)).collect::<Result<_>>()?;
    claim("docker-home-network-ifaces-c11", vec!["reached", "reached", "timeout"], outcomes);

    net.router.set_forward(true)?;
    let wire = net.verizon.interface("eth1")?.capture(icmp().requests())?;
    let forwarded = outcome(&net.laptop, internet())?;
    let arrived = wire.count(icmp().from("192.168.1.11"))?;
    claim("docker-home-network-ifaces-c11b", ("timeout".to_owned(), 1), (forwarded, arrived));

    net.router.masquerade("eth0")?;
    let source = source_seen_by(&net.verizon, "eth1", &net.laptop, ping("8.8.8.8"))?;
    claim("docker-home-network-ifaces-c11c", "10.25.1.65", source);
    Ok(())
}

#[netns_test]
fn the_host_is_no_part_of_the_home(net: Home) -> Result {
    net.laptop.reaches(ping("192.168.1.1"));
    claim("docker-home-network-ifaces-c11d", "network unreachable", outcome(&net.host, ping("192.168.1.11"))?);
    Ok(())
}
