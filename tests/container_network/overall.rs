//! What a container is to the network: a process in a namespace of its own.

use std::fs;

use netns_test::prelude::*;

use crate::{
    common::claim,
    seen,
    tutorial::{fresh, host},
};

/// The host, and a container beside it.
struct Container {
    host: Node,
    container: Node,
}

impl Network for Container {
    fn topology() -> Topology {
        host(|host| host).node("container", fresh).build().expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { host: lab.node("host")?, container: lab.node("container")? })
    }
}

#[netns_test]
fn a_container_is_a_process_in_a_namespace_of_its_own(net: Container) -> Result {
    // What a process on a node sees of its own namespace, asked on a thread there.
    let namespace = |node: &Node| node.run(|| fs::read_link("/proc/thread-self/ns/net"));
    let host = namespace(&net.host)?;
    assert_eq!(namespace(&net.host)?, host);

    claim("container-network-0-c1", false, namespace(&net.container)? == host);
    Ok(())
}

#[netns_test]
fn a_container_sees_nothing_of_the_hosts_network(net: Container) -> Result {
    net.host.reaches(ping("172.31.0.1"));
    assert!(!net.host.neighbours()?.is_empty() && !net.host.routes()?.is_empty());

    let (routes, neighbours) = (net.container.routes()?.len(), net.container.neighbours()?.len());
    let seen = format!("{}; {routes} routes, {neighbours} neighbours", seen::names(&net.container)?.join(" "));
    claim("container-network-0-c2", "lo; 0 routes, 0 neighbours", seen);
    Ok(())
}

#[netns_test]
fn a_container_has_interfaces_of_its_own_whatever_their_names(net: Container) -> Result {
    let (inside, _) = net.container.connect("veth0", &net.container, "veth1")?;
    let (outside, _) = net.host.connect("veth0", &net.host, "veth1")?;

    let same_mac = inside.mac()? == outside.mac()?;
    let seen = format!("{} and {}, same MAC: {same_mac}", inside.info()?.name, outside.info()?.name);
    claim("container-network-0-c3", "veth0 and veth0, same MAC: false", seen);
    Ok(())
}

#[netns_test]
fn a_container_has_a_routing_table_of_its_own(net: Container) -> Result {
    let (inside, far_end) = net.container.connect("veth0", &net.container, "veth1")?;
    inside.add_address("172.17.9.9/16")?;
    inside.up()?;
    far_end.up()?;

    let seen = [&net.host, &net.container].map(|node| seen::way_to(node, "172.17.1.1"));
    let seen: Vec<_> = seen.into_iter().collect::<Result<_>>()?;
    claim("container-network-0-c4", vec!["docker0", "veth0"], seen);
    Ok(())
}

#[netns_test]
fn a_container_has_an_arp_table_of_its_own(net: Container) -> Result {
    let (inside, _) = net.container.connect("veth0", &net.container, "veth1")?;
    inside.up()?;
    net.container.add_neighbour("172.17.1.1", "02:00:00:00:00:07", "veth0")?;

    let seen = [&net.container, &net.host].map(seen::arp_table);
    let seen: Vec<_> = seen.into_iter().collect::<Result<_>>()?;
    let there = vec!["172.17.1.1 ether 02:00:00:00:00:07 C veth0".to_owned()];
    claim("container-network-0-c5", vec![there, vec![]], seen);
    Ok(())
}
