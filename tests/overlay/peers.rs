//! Where the other ends are: each is identified by its index and its namespace together.

use std::collections::BTreeSet;

use netns_test::{kernel::PortState, prelude::*, topology::Mac};

use crate::{
    common::claim,
    model::{DOCKER0, GWBRIDGE},
    printed::{Printed, VETH2, line},
    seen,
};

/// The index of a cable's far end as its driver tells it.
fn peer_index(node: &Node, name: &str) -> Result<Option<u64>> {
    let statistics = node.interface(name)?.driver_statistics()?;
    Ok(statistics.into_iter().find(|(name, _)| name == "peer_ifindex").map(|(_, index)| index))
}

/// Queueing discipline and state of an interface.
fn state(node: &Node, name: &str) -> Result<String> {
    let info = node.interface(name)?.info()?;
    Ok(format!("qdisc {} state {}", info.qdisc, info.oper_state))
}

#[netns_test]
fn the_container_has_an_end_of_two_cables() -> Result {
    let printed = Printed::one()?;
    let container = &printed.container;
    claim("overlay-peer-c1", "18: eth0@if19: mtu 1450 link-netnsid 0", line(container, "eth0")?);
    claim("overlay-peer-c1b", "20: eth1@if21: mtu 1500 link-netnsid 1", line(container, "eth1")?);
    let states = [state(container, "eth0")?, state(container, "eth1")?];
    claim("overlay-peer-c1c", ["qdisc noqueue state UP"; 2], states);
    claim("overlay-peer-c2", Some(19), peer_index(container, "eth0")?);
    claim("overlay-peer-c3", Some(21), peer_index(container, "eth1")?);
    Ok(())
}

#[netns_test]
fn an_index_alone_does_not_tell_which_end_it_is() -> Result {
    let [first, second] = Printed::two()?;
    let mut with_19 = Vec::new();
    for overlay in [&first.overlay, &second.overlay] {
        let of_container = first.container.netns_id_of(overlay)?;
        let link = overlay.links()?.into_iter().find(|link| link.index == 19);
        with_19.push((
            link.map(|link| link.name),
            of_container == first.container.interface("eth0")?.info()?.peer_netns_id,
        ));
    }
    let veth2 = || Some("veth2".to_owned());
    claim("overlay-peer-c4", vec![(veth2(), true), (veth2(), false)], with_19);
    Ok(())
}

#[netns_test]
fn the_first_far_end_is_on_the_overlays_bridge() -> Result {
    let printed = Printed::one()?;
    let overlay = &printed.overlay;
    let seen = format!("{} {}", line(overlay, "veth2")?, state(overlay, "veth2")?);
    claim("overlay-ovns-c1", "19: veth2@if18: mtu 1450 master br0 link-netnsid 1 qdisc noqueue state UP", seen);

    let bridge = overlay.interface("br0")?.info()?;
    let mut ports: Vec<Mac> = Vec::new();
    for port in ["veth2", "vxlan1"] {
        ports.push(overlay.interface(port)?.mac()?);
    }
    let lowest = ports.into_iter().min_by_key(|mac| mac.octets());
    claim("overlay-ovns-c2", format!("2: br0: mtu 1450 {VETH2}"), format!("{} {}", line(overlay, "br0")?, bridge.mac));
    claim("overlay-ovns-c2b", ("qdisc noqueue state UP".into(), lowest), (state(overlay, "br0")?, Some(bridge.mac)));

    let here = overlay.netns_id_of(&printed.container)?;
    let of_veth2 = overlay.interface("veth2")?.info()?.peer_netns_id;
    claim("overlay-ovns-c4", (Some(1), Some(1)), (of_veth2, here));

    printed.container.interface("eth0")?.down()?;
    let flags = overlay.interface("veth2")?.info()?.flags.to_string();
    claim("overlay-ovns-c1b", "NO-CARRIER,BROADCAST,MULTICAST,UP", flags);
    Ok(())
}

#[netns_test]
fn the_tunnel_device_has_its_socket_in_the_node() -> Result {
    let printed = Printed::one()?;
    let (node, overlay) = (&printed.node, &printed.overlay);
    let info = overlay.interface("vxlan1")?.info()?;
    let seen = format!(
        "{}: {}: mtu {} state {} link-netnsid {:?}",
        info.index, info.name, info.mtu, info.oper_state, info.peer_netns_id
    );
    claim("overlay-ovns-c3", "17: vxlan1: mtu 1450 state UNKNOWN link-netnsid Some(0)", seen);
    claim("overlay-ovns-c3b", "17: vxlan1@if17: mtu 1450 master br0 link-netnsid 0", line(overlay, "vxlan1")?);

    let sockets = |node: &Node| -> Result<usize> {
        let table = node.run(|| std::fs::read_to_string("/proc/thread-self/net/udp"))?;
        Ok(table.lines().filter(|line| line.contains(&format!(":{:04X} ", 4789))).count())
    };
    let seen = (overlay.netns_id_of(node)?, sockets(node)?, sockets(overlay)?);
    claim("overlay-ovns-c3c", (Some(0), 1, 0), seen);

    claim("overlay-ovns-c5", ["br0", "lo", "veth2", "vxlan1"].map(str::to_owned).to_vec(), seen::names(overlay)?);
    let of_the_overlay = seen::names(node)?.into_iter().filter(|name| ["br0", "veth2", "vxlan1"].contains(&&**name));
    claim("overlay-ovns-c5b", Vec::<String>::new(), of_the_overlay.collect::<Vec<_>>());
    Ok(())
}

#[netns_test]
fn the_second_far_end_is_on_the_nodes_bridge() -> Result {
    let printed = Printed::one()?;
    let node = &printed.node;
    let without_number = |name: &str| -> Result<String> {
        let line = line(node, name)?;
        Ok(line.split(" link-netnsid").next().unwrap_or_default().to_owned())
    };
    let seen = format!("{} {}", without_number("veth90d0481")?, state(node, "veth90d0481")?);
    claim("overlay-global-c1", "21: veth90d0481@if20: mtu 1500 master docker_gwbridge qdisc noqueue state UP", seen);

    let seen = format!("{} {}", seen::link(node, "docker0")?, node.interface("docker0")?.mac()?);
    let expected = format!("<NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN {DOCKER0}");
    claim("overlay-global-c2", expected, seen);

    let gwbridge = node.interface("docker_gwbridge")?;
    let expected = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP";
    claim("overlay-global-c3", expected, seen::link(node, "docker_gwbridge")?);
    let index = gwbridge.index()?;
    let ports = node.links()?.into_iter().filter(|link| link.master == Some(index)).count();
    claim("overlay-global-c3b", (GWBRIDGE.to_owned(), 2), (gwbridge.mac()?.to_string(), ports));

    let sandbox = printed.sandbox.interface("eth1")?.info()?;
    let seen = (without_number("vethb0f3583")?, sandbox.index, sandbox.peer_index);
    claim(
        "overlay-global-c4",
        ("11: vethb0f3583@if10: mtu 1500 master docker_gwbridge".to_owned(), 10, Some(11)),
        seen,
    );

    let all = ["docker0", "docker_gwbridge", "enp0s3", "enp0s8", "lo", "veth90d0481", "vethb0f3583"];
    claim("overlay-global-c5", all.map(str::to_owned).to_vec(), seen::names(node)?);

    let mut numbers = BTreeSet::new();
    for name in ["vethb0f3583", "veth90d0481"] {
        numbers.extend(node.interface(name)?.info()?.peer_netns_id);
    }
    claim("overlay-global-c6", 2, numbers.len());

    let disciplines = [node.interface("enp0s3")?.info()?.qdisc, node.interface("enp0s8")?.info()?.qdisc];
    claim("overlay-global-c7", ["noqueue"; 2], disciplines);
    Ok(())
}

#[netns_test]
fn the_details_are_as_printed() -> Result {
    let printed = Printed::one()?;
    let info = |name: &str| -> Result<netns_test::kernel::LinkInfo> { Ok(printed.overlay.interface(name)?.info()?) };
    let (lo, br0, vxlan1, veth2) = (info("lo")?, info("br0")?, info("vxlan1")?, info("veth2")?);

    let bridge = br0.bridge.clone().expect("it is a bridge");
    let seen = format!(
        "promiscuity {} forward_delay {} hello_time {} max_age {}",
        br0.promiscuity, bridge.forward_delay, bridge.hello_time, bridge.max_age
    );
    claim("overlay-detail-c1", "promiscuity 0 forward_delay 1500 hello_time 200 max_age 2000", seen);

    let vxlan = vxlan1.vxlan.clone().expect("it is a VXLAN device");
    let (first, last) = vxlan.source_ports;
    let mut seen = format!("vxlan id {} srcport {first} {last} dstport {}", vxlan.id, vxlan.port);
    for (on, word) in [(vxlan.proxy, "proxy"), (vxlan.l2miss, "l2miss"), (vxlan.l3miss, "l3miss")] {
        seen += &if on { format!(" {word}") } else { format!(" no{word}") };
    }
    seen += &format!(" ageing {}", vxlan.ageing.as_secs());
    claim("overlay-detail-c2", "vxlan id 4097 srcport 0 0 dstport 4789 proxy l2miss l3miss ageing 300", seen);
    claim("overlay-detail-c2b", ("learning", true), ("learning", vxlan.learning));
    claim("overlay-detail-c2c", (None, None), (vxlan.remote, vxlan.dev));
    let seen = (vxlan.udp_checksum, vxlan.udp_zero_checksum6_tx, vxlan.udp_zero_checksum6_rx, vxlan.ttl);
    claim("overlay-detail-c6", (true, false, false, 0), seen);

    let ports = [&vxlan1, &veth2].map(|port| (port.port_state.is_some(), port.promiscuity, port.all_multicast));
    claim("overlay-detail-c3", [(true, 1, 1); 2], ports);
    let states = [&vxlan1, &veth2].map(|port| port.port_state);
    claim("overlay-detail-c5", (false, [Some(PortState::Forwarding); 2]), (bridge.stp, states));

    let all = [&lo, &br0, &vxlan1, &veth2].map(|link| {
        let mode = link.address_generation.map(|mode| mode.to_string()).unwrap_or_default();
        format!("{} {mode}", link.kind)
    });
    claim(
        "overlay-detail-c4",
        (["", "bridge", "vxlan", "veth"].map(|kind| format!("{kind} eui64")), 0),
        (all, lo.promiscuity),
    );
    Ok(())
}
