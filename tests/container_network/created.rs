//! Two namespaces are made beside a host that has a network, and are empty.

use std::{collections::BTreeSet, fs, io};

use netns_test::{Error, prelude::*};

use crate::{
    common::claim,
    seen,
    tutorial::{GATEWAY, Namespaces, host},
};

#[netns_test]
fn two_namespaces_are_made_beside_the_hosts() -> Result {
    let lab = host(|host| host).build()?.up()?;
    let namespaces = || lab.nodes().iter().map(Node::netns_inode).collect::<Result<BTreeSet<u64>, _>>();
    let before = namespaces()?;
    let (red, blue) = (lab.add_node("red")?, lab.add_node("blue")?);

    claim("container-network-1-c1", 2, namespaces()?.difference(&before).count());

    let three = [lab.node("host")?.netns_inode()?, red.netns_inode()?, blue.netns_inode()?];
    claim("container-network-1-c1b", 3, BTreeSet::from(three).len());
    Ok(())
}

#[netns_test]
fn the_host_has_loopback_a_card_and_a_bridge_without_ports(net: Namespaces) -> Result {
    claim(
        "container-network-1-c7",
        "<LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN",
        seen::link(&net.host, "lo")?,
    );
    claim(
        "container-network-1-c8",
        "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc noqueue state UP",
        seen::link(&net.host, "eth0")?,
    );
    claim(
        "container-network-1-c9",
        "<NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN",
        seen::link(&net.host, "docker0")?,
    );
    let bridge = net.host.interface("docker0")?.info()?.bridge.map(|bridge| bridge.id);
    claim("container-network-1-c9b", Some("8000.0242c4db9241".to_owned()), bridge);
    Ok(())
}

#[netns_test]
fn the_host_knows_both_addresses_of_its_provider_by_one_mac(net: Namespaces) -> Result {
    assert!(seen::arp_table(&net.host)?.is_empty());
    net.host.reaches(ping("172.31.0.1"));
    net.host.reaches(ping("172.31.0.2"));

    let expected = ["172.31.0.1", "172.31.0.2"].map(|addr| format!("{addr} ether {GATEWAY} C eth0"));
    claim("container-network-1-c10", Vec::from(expected), seen::arp_table(&net.host)?);
    Ok(())
}

#[netns_test]
fn the_host_routes_to_its_networks_its_gateway_and_everything_else(net: Namespaces) -> Result {
    let expected = vec![
        "172.17.0.0/16 dev docker0",
        "172.31.0.0/20 dev eth0",
        "172.31.0.1/32 dev eth0 metric 100",
        "default via 172.31.0.1 dev eth0 metric 100",
    ];
    claim("container-network-1-c11", expected, seen::routes(&net.host)?);

    let all = net.host.routes()?;
    let dead: Vec<_> = all.iter().filter(|route| route.link_down()).map(|route| route.to.to_string()).collect();
    claim("container-network-1-c11b", vec!["172.17.0.0/16"], dead);
    Ok(())
}

#[netns_test]
fn a_fresh_namespace_has_loopback_alone_and_it_is_down(net: Namespaces) -> Result {
    let lines = seen::names(&net.red)?.into_iter().map(|name| {
        let line = seen::link_with_queue(&net.red, &name)?;
        Ok(format!("{name}: {line}"))
    });
    let lines: Vec<_> = lines.collect::<Result<_>>()?;
    claim("container-network-1-c12", vec!["lo: <LOOPBACK> mtu 65536 qdisc noop state DOWN qlen 1000"], lines);
    claim("container-network-1-c13", Vec::<String>::new(), seen::arp_table(&net.red)?);
    claim("container-network-1-c14", Vec::<String>::new(), seen::routes(&net.red)?);
    Ok(())
}

#[netns_test]
fn nothing_of_the_host_is_seen_from_a_fresh_namespace(net: Namespaces) -> Result {
    net.host.reaches(ping("172.31.0.1"));
    net.host.reaches(ping("172.31.0.2"));
    assert!(net.host.interface("eth0").is_ok());

    let instead = match net.red.interface("eth0") {
        Err(Error::NoSuchInterface { interfaces, .. }) => interfaces,
        other => panic!("{other:?}"),
    };
    claim("container-network-1-c15", vec!["lo"], instead);

    let entries = [net.host.neighbours()?, net.red.neighbours()?];
    let entries = entries.map(|all| all.iter().filter(|entry| entry.address.is_ipv4()).count());
    claim("container-network-1-c16", [2, 0], entries);

    assert!(net.host.all_routes()?.len() > 4);
    claim("container-network-1-c17", 0, net.red.all_routes()?.len());
    Ok(())
}

#[netns_test]
fn a_fresh_namespace_is_not_configured_at_all(net: Namespaces) -> Result {
    claim("container-network-1-c18", 0, net.red.addresses()?.len());
    claim("container-network-1-c18b", "network unreachable", seen::outcome(&net.red, ping("127.0.0.1"))?);
    claim("container-network-1-c18c", "no source address", seen::outcome(&net.red, ping("::1"))?);

    let routes = net.red.all_routes()?.into_iter().filter(|route| route.to.is_ipv6()).count();
    claim("container-network-1-c18d", 0, routes);

    // Without tables there are neither rules nor policies but the kernel's own: accept.
    let legacy = net.red.run(|| match fs::read_to_string("/proc/thread-self/net/ip_tables_names") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    })?;
    let nft = net.red.firewall_chains()?.len() + usize::from(!net.red.has_no_firewall()?);
    claim("container-network-1-c18e", "nft 0, legacy 0", format!("nft {nft}, legacy {}", legacy.lines().count()));
    Ok(())
}
