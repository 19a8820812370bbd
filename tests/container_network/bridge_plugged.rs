//! A bridge is made on the host, and cables are plugged into it, step by step.

use netns_test::{
    Error,
    kernel::{AddressInfo, KernelError, LinkInfo, PortState, Scope},
    prelude::*,
    topology::{BridgeOptions, Mac},
};

use crate::{
    common::claim,
    seen,
    tutorial::{BLUE, Bridged, Namespaces, RED},
};

#[netns_test]
fn the_next_chapter_can_use_the_names_of_the_last_once_the_old_cable_is_gone(net: Namespaces) -> Result {
    let Namespaces { host, red, blue, .. } = &net;
    let (old_red, old_blue) = host.connect("veth-red", host, "veth-blue")?;
    let (old_red, _) = (old_red.move_to(red)?, old_blue.move_to(blue)?);

    let (new_red, port) = host.connect("veth-red", host, "veth-red-brdg")?;
    claim("container-network-2.2-c1", vec!["veth-red", "veth-red-brdg"], cables(host)?);

    let refusal = match new_red.move_to(red) {
        Err(Error::Kernel { source, .. }) => Some(source),
        Err(other) => return Err(other.into()),
        Ok(_) => None,
    };
    let reason = refusal.as_ref().and_then(KernelError::message).unwrap_or_default();
    let seen = format!("errno {}: {reason}", refusal.as_ref().map_or(0, KernelError::errno));
    claim("container-network-2.2-c1b", "errno 17: An interface with the same name exists in the target netns", seen);

    old_red.delete()?;
    assert_eq!(cables(blue)?, Vec::<String>::new());
    new_red.move_to(red)?;
    assert_eq!((cables(host)?, cables(red)?), (vec![port.name().to_owned()], vec!["veth-red".to_owned()]));

    // Blue has numbered red while the two shared a cable, and keeps that.
    let (end, _) = host.connect("veth-blue", host, "veth-blue-brdg")?;
    let end = end.move_to(blue)?;
    let numbers = [blue.netns_id_of(red)?, blue.netns_id_of(host)?, end.info()?.peer_netns_id];
    claim("container-network-2.2-c12", [Some(0), Some(1), Some(1)], numbers);
    Ok(())
}

#[netns_test]
fn a_bridge_is_one_more_interface_of_the_host(net: Namespaces) -> Result {
    let bridge = net.host.add_bridge("v-net-0")?;
    claim(
        "container-network-2.2-c2",
        "<BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN",
        seen::link(&net.host, "v-net-0")?,
    );

    bridge.up()?;
    let line = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UNKNOWN";
    claim("container-network-2.2-c3", "8000.000000000000 stp no, ports []", listed(&net.host, "v-net-0")?);
    claim("container-network-2.2-c3b", line, seen::link(&net.host, "v-net-0")?);

    let mut names = seen::names(&net.host)?;
    names.sort();
    claim("container-network-2.2-c4", vec!["docker0", "eth0", "lo", "v-net-0"], names);
    Ok(())
}

#[netns_test]
fn cables_are_made_on_the_host_and_attached_at_both_ends(net: Namespaces) -> Result {
    let Namespaces { host, red, blue, .. } = &net;
    let bridge = host.add_bridge("v-net-0")?;
    bridge.up()?;
    let (red_end, red_port) = host.connect("veth-red", host, "veth-red-brdg")?;
    let (blue_end, blue_port) = host.connect("veth-blue", host, "veth-blue-brdg")?;
    let four = vec!["veth-blue", "veth-blue-brdg", "veth-red", "veth-red-brdg"];
    claim("container-network-2.2-c6", four, cables(host)?);

    let (red_end, blue_end) = (red_end.move_to(red)?, blue_end.move_to(blue)?);
    let plugged = [seen::names(red)?, seen::names(blue)?];
    claim("container-network-2.2-c7", [vec!["lo", "veth-red"], vec!["lo", "veth-blue"]], plugged);

    for port in [&red_port, &blue_port] {
        port.set_master(&bridge)?;
    }
    let ports = ["veth-blue-brdg", "veth-red-brdg"].map(str::to_owned).to_vec();
    claim("container-network-2.2-c9", ports, ports_of(host, "v-net-0")?);

    let lowest = red_port.mac()?.min(blue_port.mac()?);
    let expected = (format!("8000.{}", lowest.to_string().replace(':', "")), lowest);
    claim("container-network-2.2-c10", expected, (bridge_id(host, "v-net-0")?, bridge.mac()?));
    wait_until_dead(&bridge);
    claim(
        "container-network-2.2-c10b",
        "<NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN",
        seen::link(host, "v-net-0")?,
    );

    let words = format!("{} netnsid {:?}", seen::link_with_queue(red, "veth-red")?, red.netns_id_of(host)?);
    claim(
        "container-network-2.2-c11",
        "<BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN qlen 1000 netnsid Some(0)",
        words,
    );
    // Nobody numbered anything here before.
    claim("container-network-2.2-c12b", Some(0), blue_end.info()?.peer_netns_id);

    let ends = [&red_end, &red_port, &blue_end, &blue_port].map(|end| end.info());
    let [red_end, red_port, blue_end, blue_port] = ends;
    let [red_end, red_port, blue_end, blue_port] = [red_end?, red_port?, blue_end?, blue_port?];
    let indexes = [&red_port, &red_end, &blue_port, &blue_end].map(|end| Some(end.index));
    let links = [&red_end, &red_port, &blue_end, &blue_port].map(|end| end.peer_index);
    claim("container-network-2.2-c13", indexes, links);
    // Each end has the number that follows its port's, and the pair that was made first has the lower ones.
    assert_eq!([red_end.index, blue_end.index], [red_port.index + 1, blue_port.index + 1]);
    assert!(red_end.index < blue_port.index);
    Ok(())
}

#[netns_test]
fn ends_are_without_carrier_while_the_ports_are_down(net: Bridged) -> Result {
    net.red.reaches(ping("192.168.15.2"));
    for port in ["veth-red-brdg", "veth-blue-brdg"] {
        net.host.interface(port)?.down()?;
    }
    let ends = [net.red.interface("veth-red")?, net.blue.interface("veth-blue")?];
    ends.iter().for_each(wait_until_dead);
    let [red, blue] = ends.map(|end| end.info().map(|info| info.flags.to_string()));
    let seen = (red?, blue?, seen::outcome(&net.red, ping("192.168.15.2"))?);
    let dead = "NO-CARRIER,BROADCAST,MULTICAST,UP".to_owned();
    claim("container-network-2.2-c15", (dead.clone(), dead, "timeout".to_owned()), seen);
    Ok(())
}

#[netns_test]
fn both_ends_carry_and_have_their_addresses_once_all_is_up(net: Bridged) -> Result {
    let ends = [net.red.interface("veth-red")?, net.blue.interface("veth-blue")?];
    let mut lines = Vec::new();
    let mut link_local = Vec::new();
    for end in &ends {
        // The link-local one follows a moment after the carrier.
        let has_v6 = |all: &Vec<AddressInfo>| all.iter().any(|info| info.address.is_ipv6());
        let addresses = eventually(Duration::from_secs(10), || end.addresses().ok().filter(has_v6));
        let of_scope = |scope: Scope| addresses.iter().filter(move |info| info.scope == scope);
        let global: Vec<_> = of_scope(Scope::Global).map(|info| info.address.to_string()).collect();
        lines.push(format!("{} {}", seen::link(end.node(), end.name())?, global.join(" ")));
        link_local.extend(of_scope(Scope::Link).map(|info| info.address.to_string()));
    }
    let carries = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP";
    let expected = vec![format!("{carries} 192.168.15.1/24"), format!("{carries} 192.168.15.2/24")];
    claim("container-network-2.2-c16", expected, lines);

    // What the text prints beside these MAC addresses.
    assert_eq!([RED, BLUE].map(str::to_owned), [ends[0].mac()?.to_string(), ends[1].mac()?.to_string()]);
    let printed = vec!["fe80::3ce9:d8ff:fee1:a7ab/64", "fe80::c4a5:d6ff:fe8e:fb31/64"];
    claim("container-network-2.2-c16b", printed, link_local);

    let loopback = vec!["<LOOPBACK> mtu 65536 qdisc noop state DOWN"; 2];
    claim("container-network-2.2-c16c", loopback, vec![seen::link(&net.red, "lo")?, seen::link(&net.blue, "lo")?]);
    Ok(())
}

#[netns_test]
fn a_bridge_with_a_live_port_is_up_and_its_ports_forward_at_once(net: Bridged) -> Result {
    claim(
        "container-network-2.2-c17",
        "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP",
        seen::link(&net.host, "v-net-0")?,
    );

    let bridge = net.host.interface("v-net-0")?;
    let states = || {
        let ports = ["veth-red-brdg", "veth-blue-brdg"].map(|port| net.host.interface(port)?.info());
        ports.into_iter().map(|port| port.map(|port| port.port_state)).collect::<std::result::Result<Vec<_>, Error>>()
    };
    let at_once = states()?;
    let options = bridge.info()?.bridge.expect("a bridge says what it is set to");
    let seen = format!("stp {}, delay {} cs, {at_once:?}", options.stp, options.forward_delay);
    let expected = "stp false, delay 1500 cs, [Some(Forwarding), Some(Forwarding)]";
    claim("container-network-2.2-c18", expected, seen);

    // With the spanning tree protocol such a port would listen first: the states tell the two apart.
    bridge.set_bridge(&BridgeOptions { stp: Some(true), ..BridgeOptions::default() })?;
    let port = net.host.interface("veth-red-brdg")?;
    port.down()?;
    port.up()?;
    port.wait_until_running()?;
    assert_eq!(states()?[0], Some(PortState::Listening));
    Ok(())
}

#[netns_test]
fn a_bridge_takes_the_lowest_mac_of_its_ports_unless_one_was_chosen(net: Bridged) -> Result {
    let bridge = net.host.interface("v-net-0")?;
    let plug = |name: &str, mac: &str| -> Result<Mac> {
        let (port, _) = net.host.connect(name, &net.host, &format!("{name}-far"))?;
        port.set_mac(mac)?;
        port.set_master(&bridge)?;
        Ok(port.mac()?)
    };
    let before = bridge.mac()?;
    let lower = plug("lower", "02:00:00:00:00:02")?;
    assert!(lower < before);
    claim("container-network-2.2-c36", lower, bridge.mac()?);

    bridge.set_mac("2e:a1:e4:1a:95:19")?;
    plug("lowest", "02:00:00:00:00:01")?;
    claim("container-network-2.2-c36b", "2e:a1:e4:1a:95:19", bridge.mac()?.to_string());
    Ok(())
}

/// Waits until the kernel has said that an interface has no carrier, which it does a moment after the cause.
fn wait_until_dead(interface: &Interface) {
    eventually(Duration::from_secs(5), || interface.info().is_ok_and(|info| !info.flags.running()));
}

/// The names of a node's cable ends, sorted.
fn cables(node: &Node) -> Result<Vec<String>> {
    let mut names: Vec<_> = node.links()?.into_iter().filter(is_new).map(|link| link.name).collect();
    names.sort();
    Ok(names)
}

/// Whether it is an end of a cable other than the host's own to the internet.
fn is_new(link: &LinkInfo) -> bool {
    link.kind == "veth" && link.name != "eth0"
}

/// The names of a bridge's ports, sorted.
fn ports_of(node: &Node, bridge: &str) -> Result<Vec<String>> {
    let master = node.interface(bridge)?.index()?;
    let ports = node.links()?.into_iter().filter(|link| link.master == Some(master));
    let mut names: Vec<_> = ports.map(|port| port.name).collect();
    names.sort();
    Ok(names)
}

fn bridge_id(node: &Node, bridge: &str) -> Result<String> {
    Ok(node.interface(bridge)?.info()?.bridge.map(|bridge| bridge.id).unwrap_or_default())
}

/// A bridge as a listing of bridges has it: identity, spanning tree, ports.
fn listed(node: &Node, bridge: &str) -> Result<String> {
    let info = node.interface(bridge)?.info()?.bridge.expect("a bridge says what it is set to");
    let stp = if info.stp { "yes" } else { "no" };
    Ok(format!("{} stp {stp}, ports {:?}", info.id, ports_of(node, bridge)?))
}
