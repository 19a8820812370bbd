//! The second interface of a container: the way out.

use netns_test::prelude::*;

use crate::{
    common::claim,
    model::{Shape, Swarm, cluster},
    seen,
};

#[netns_test]
fn a_container_goes_out_by_its_second_interface() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let routes = seen::routes(&swarm.c0)?;
    claim(
        "overlay-egress-c1",
        Some("default via 172.18.0.1 dev eth1"),
        routes.iter().map(String::as_str).find(|r| r.starts_with("default")),
    );
    let connected: Vec<&str> =
        routes.iter().map(String::as_str).filter(|route| !route.starts_with("default")).collect();
    claim("overlay-egress-c2", vec!["172.18.0.0/16 dev eth1", "192.168.200.0/24 dev eth0"], connected);

    let wires = [
        swarm.c0.interface("eth1")?.capture(icmp().requests())?,
        swarm.node0.interface("enp0s8")?.capture(icmp().requests())?,
        swarm.lab.node("inet")?.interface("eth0")?.capture(icmp().requests())?,
    ];
    let report = swarm.c0.probe(ping("8.8.8.8")).run()?;
    let sources: Vec<String> =
        wires.iter().filter_map(|wire| wire.saw(icmp()).source()).map(|source| source.to_string()).collect();
    claim("overlay-egress-c3", ["172.18.0.3", "10.0.3.15", "203.0.113.10"].map(str::to_owned).to_vec(), sources);
    claim("overlay-egress-c3b", Some(62), report.ttl());
    Ok(())
}

#[netns_test]
fn the_gateways_network_is_each_nodes_own() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let mut same = Vec::new();
    for container in [&swarm.c0, &swarm.c1] {
        same.push((seen::addresses(container, "eth1")?.join(""), seen::outcome(container, ping("172.18.0.1"))?));
    }
    let each = ("inet 172.18.0.3/16 scope global forever".to_owned(), "reached".to_owned());
    claim("overlay-egress-c4", vec![each.clone(), each], same);
    Ok(())
}

#[netns_test]
fn there_is_no_way_out_through_the_overlay() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    swarm.c0.add_route("8.8.8.8 via 192.168.200.1")?;
    let both = [seen::outcome(&swarm.c0, ping("192.168.200.1"))?, seen::outcome(&swarm.c0, ping("8.8.8.8"))?];
    claim("overlay-egress-c5", ["reached", "timeout"], both);
    Ok(())
}

#[netns_test]
fn containers_of_a_node_do_not_talk_past_the_overlay() -> Result {
    let swarm = Swarm::of(cluster(Shape::default()).node("c2", |n| n.with(Departure::LoopbackUp)))?;
    let (node0, c2) = (&swarm.node0, swarm.lab.node("c2")?);
    let (port, eth1) = node0.connect("veth2", &c2, "eth1")?;
    port.set_master(&node0.interface("docker_gwbridge")?)?;
    port.up()?;
    eth1.add_address("172.18.0.4/16")?;
    eth1.up()?;
    eth1.wait_until_running()?;

    // ARP does not pass the rules that drop the ping.
    assert_eq!(swarm.c0.interface("eth1")?.who_has("172.18.0.4")?.mac(), Some(eth1.mac()?));
    claim("overlay-egress-c6", "timeout", seen::outcome(&swarm.c0, ping("172.18.0.4"))?);
    node0.set_sysctl("net.bridge.bridge-nf-call-iptables", 0)?;
    claim("overlay-egress-c6b", "reached", seen::outcome(&swarm.c0, ping("172.18.0.4"))?);
    Ok(())
}

#[netns_test]
fn who_reaches_what() -> Result {
    let swarm = Swarm::new(Shape::default())?;
    let own = [seen::outcome(&swarm.node0, ping("172.18.0.3"))?, seen::outcome(&swarm.node0, ping("192.168.200.3"))?];
    claim("overlay-egress-c7", ["reached", "timeout"], own);
    claim("overlay-egress-c8", "timeout", seen::outcome(&swarm.node1, ping("192.168.200.3"))?);
    let inet = swarm.lab.node("inet")?;
    claim("overlay-egress-c9", "network unreachable", seen::outcome(&inet, ping("172.18.0.3"))?);
    Ok(())
}
