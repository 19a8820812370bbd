//! What the bridge does for red and blue: it is their switch.

use std::net::IpAddr;

use netns_test::{capture::Direction, prelude::*};

use crate::{
    common::claim,
    seen,
    tutorial::{BLUE, Bridged, RED, bridged, fresh},
};

#[netns_test]
fn a_port_that_is_unplugged_reaches_nobody_until_it_is_plugged_in_again(net: Bridged) -> Result {
    let bridge = net.host.interface("v-net-0")?;
    let port = net.host.interface("veth-blue-brdg")?;
    let master = |port: &str| -> Result<Option<u32>> { Ok(net.host.interface(port)?.info()?.master) };
    let masters = [master("veth-red-brdg")?, master("veth-blue-brdg")?];
    claim("container-network-2.2-c8", [Some(bridge.index()?); 2], masters);
    net.red.reaches(ping("192.168.15.2"));

    port.unset_master()?;
    claim("container-network-2.2-c8b", "timeout", seen::outcome(&net.red, ping("192.168.15.2"))?);

    port.set_master(&bridge)?;
    eventually(Duration::from_secs(5), || net.red.probe(ping("192.168.15.2")));
    claim("container-network-2.2-c8c", "reached", seen::outcome(&net.red, ping("192.168.15.2"))?);
    Ok(())
}

#[netns_test]
fn a_switch_is_not_seen_by_those_on_it_and_sends_unicast_to_its_port_alone() -> Result {
    let lab = with_green()?;
    let [host, red, blue, green] = ["host", "red", "blue", "green"].map(|name| lab.node(name));
    let (host, red, blue, green) = (host?, red?, blue?, green?);
    claim("container-network-2.2-c5", vec!["lo", "veth-red"], seen::names(&red)?);

    // Without IPv6 nobody says anything unasked, so that the switch learns only what this test makes it learn.
    for node in [&host, &red, &blue, &green] {
        node.set_sysctl("net.ipv6.conf.all.disable_ipv6", 1)?;
    }
    plug_in_green(&host, &green)?;
    // The first exchange asks by broadcast, and teaches the switch where both are.
    let first = green.interface("veth-green")?.capture(arp())?;
    red.reaches(ping("192.168.15.2"));
    let asked = first.saw(arp().requests().from("192.168.15.1").to("192.168.15.2"));
    let asked_of = asked.ethernet.map(|header| header.destination.to_string());
    claim("container-network-2.2-c5c", Some("ff:ff:ff:ff:ff:ff".to_owned()), asked_of);

    let wire = green.interface("veth-green")?.capture(any())?;
    let there = blue.interface("veth-blue")?.capture(icmp())?;
    red.reaches(ping("192.168.15.2").count(3));
    assert_eq!(there.count(icmp().requests().from("192.168.15.1"))?, 3);
    wire.quiet(icmp(), Duration::from_millis(20))?;
    claim("container-network-2.2-c5b", 0, wire.count(icmp())?);

    // A switch that has forgotten everybody sends to all: green could have seen it.
    let bridge = host.interface("v-net-0")?;
    bridge.down()?;
    bridge.up()?;
    bridge.wait_until_running()?;
    eventually(Duration::from_secs(5), || red.probe(ping("192.168.15.2")));
    wire.saw(icmp().requests().from("192.168.15.1").to("192.168.15.2"));
    Ok(())
}

#[netns_test]
fn red_and_blue_reach_each_other_and_know_each_other_by_mac(net: Bridged) -> Result {
    let untouched = seen::arp_table(&net.host)?;
    let wire = net.blue.interface("veth-blue")?.capture(icmp())?;
    claim("container-network-2.2-c27", "reached", seen::outcome(&net.red, ping("192.168.15.2"))?);
    claim("container-network-2.2-c28", "reached", seen::outcome(&net.blue, ping("192.168.15.1"))?);

    // Not the addresses of the cable that the chapter before has used.
    let red = vec![format!("192.168.15.2 ether {BLUE} C veth-red")];
    claim("container-network-2.2-c29", red, seen::arp_table(&net.red)?);
    let blue = vec![format!("192.168.15.1 ether {RED} C veth-blue")];
    claim("container-network-2.2-c30", blue, seen::arp_table(&net.blue)?);

    // The host's table works, and has learned nothing of the two.
    net.host.reaches(ping("172.31.0.1"));
    let mut of_host = seen::arp_table(&net.host)?;
    assert_eq!((untouched.len(), of_host.len()), (0, 1));
    of_host.retain(|line| line.starts_with("192.168.15."));
    claim("container-network-2.2-c31", Vec::<String>::new(), of_host);

    let incoming = |packet: &netns_test::Packet| packet.direction == Direction::In;
    let request = wire.saw(incoming);
    let reply = net.red.reaches(ping("192.168.15.2")).report().ttl();
    claim("container-network-2.2-c33", [Some(64), Some(64)], [request.ttl(), reply]);
    Ok(())
}

#[netns_test]
fn the_bridge_learns_by_which_port_each_is_reached(net: Bridged) -> Result {
    net.red.reaches(ping("192.168.15.2"));

    let port_of = |mac: &str| -> Result<Vec<String>> {
        let links = net.host.links()?;
        let learned = net.host.fdb()?.into_iter().filter(|entry| !entry.permanent && entry.mac.to_string() == mac);
        let names = learned.map(|entry| links.iter().find(|link| link.index == entry.port).map(|link| &link.name));
        Ok(names.flatten().cloned().collect())
    };
    claim("container-network-2.2-c32", vec!["veth-red-brdg"], port_of(RED)?);
    claim("container-network-2.2-c32b", vec!["veth-blue-brdg"], port_of(BLUE)?);
    Ok(())
}

#[netns_test]
fn one_more_namespace_needs_one_more_cable() -> Result {
    let lab = with_green()?;
    let (host, green) = (lab.node("host")?, lab.node("green")?);
    green.cannot_reach(ping("192.168.15.1"), by::NetworkUnreachable);

    plug_in_green(&host, &green)?;
    let seen = [seen::outcome(&green, ping("192.168.15.1"))?, seen::outcome(&green, ping("192.168.15.2"))?];
    claim("container-network-2.2-c34", ["reached"; 2].map(str::to_owned), seen);
    Ok(())
}

#[netns_test]
fn the_host_needs_neither_an_address_nor_forwarding_to_switch(net: Bridged) -> Result {
    let addresses: Vec<IpAddr> = net.host.interface("v-net-0")?.addresses()?.iter().map(|a| a.address.addr()).collect();
    let v4 = addresses.into_iter().filter(IpAddr::is_ipv4).count();
    let forward = net.host.sysctl("net.ipv4.ip_forward")?;
    let outcome = seen::outcome(&net.red, ping("192.168.15.2"))?;
    let seen = format!("{v4} addresses, ip_forward {forward}, {outcome}");
    claim("container-network-2.2-c35", "0 addresses, ip_forward 0, reached", seen);
    Ok(())
}

/// Red and blue on the bridge, and a third namespace that is not.
fn with_green() -> Result<Lab> {
    Ok(bridged(|bridge| bridge, |container| container).node("green", fresh).build()?.up()?)
}

/// Plugs the third namespace into the bridge, as 192.168.15.4.
fn plug_in_green(host: &Node, green: &Node) -> Result {
    let (end, port) = green.connect("veth-green", host, "veth-green-brdg")?;
    end.add_address("192.168.15.4/24")?;
    port.set_master(&host.interface("v-net-0")?)?;
    port.up()?;
    end.up()?;
    end.wait_until_running()?;
    port.wait_until_running()?;
    Ok(())
}
