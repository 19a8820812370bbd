//! The cluster: two nodes with a network of their own and a way out each.

use netns_test::{prelude::*, topology::Mac};

use crate::{
    common::claim,
    model::{ENP0S3, ENP0S8, Shape, Swarm, VTEP0, VTEP1},
    seen,
};

/// The link-local address of an interface, once it has one.
fn link_local(interface: &Interface) -> Result<String> {
    let find = || -> Option<String> {
        let all = interface.addresses().ok()?;
        all.iter().map(|info| info.address.addr().to_string()).find(|address| address.starts_with("fe80:"))
    };
    eventually(Duration::from_secs(10), || find().is_some());
    Ok(find().unwrap_or_default())
}

#[netns_test]
fn two_nodes_are_on_one_network() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    let both = [seen::outcome(&swarm.node0, ping(VTEP1))?, seen::outcome(&swarm.node1, ping(VTEP0))?];
    claim("overlay-cluster-c1", ["reached", "reached"], both);
    Ok(())
}

/// Flags, MTU and IPv4 address of an interface, as ifconfig prints them.
fn configured(interface: &Interface) -> Result<String> {
    let info = interface.info()?;
    let address = interface.addresses()?.into_iter().find(|address| !address.address.is_ipv6());
    let address = address.expect("it has an IPv4 address");
    let broadcast = address.broadcast.map(|broadcast| format!(" brd {broadcast}")).unwrap_or_default();
    Ok(format!("flags={} mtu {} {}{broadcast}", info.flags.bits() & 0xffff, info.mtu, address.address))
}

#[netns_test]
fn the_nodes_interfaces_are_as_printed() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    let mut interfaces = Vec::new();
    // The text's network manager sets broadcast addresses; the topology leaves them out, as `ip` does.
    for (name, address) in [("enp0s3", "192.168.10.6/24"), ("enp0s8", "10.0.3.15/24")] {
        let interface = swarm.node0.interface(name)?;
        interface.remove_address(address)?;
        interface.add_address_with_broadcast(address)?;
        interfaces.push(interface);
    }
    let expected = "flags=4163 mtu 1500 192.168.10.6/24 brd 192.168.10.255";
    claim("overlay-nodes-c1", expected, configured(&interfaces[0])?);
    claim("overlay-nodes-c3", "flags=4163 mtu 1500 10.0.3.15/24 brd 10.0.3.255", configured(&interfaces[1])?);
    Ok(())
}

#[netns_test]
fn link_local_addresses_are_made_of_the_mac_unless_a_secret_is_set() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    claim("overlay-nodes-c2", "fe80::a00:27ff:fe35:8335", link_local(&swarm.node0.interface("enp0s3")?)?);

    let printed = "fe80::3dcd:f55f:9714:e624";
    let enp0s8 = swarm.node0.interface("enp0s8")?;
    let made = link_local(&enp0s8)?;
    claim("overlay-nodes-c4", ("fe80::a00:27ff:feb3:34a", false), (made.as_str(), made == printed));

    swarm.node0.set_sysctl("net.ipv6.conf.enp0s8.stable_secret", "2001:db8::1")?;
    enp0s8.down()?;
    enp0s8.up()?;
    let from_mac = ENP0S8.parse::<Mac>()?.link_local().to_string();
    let private = link_local(&enp0s8)?;
    claim("overlay-nodes-c4b", ("fe80:", false), (&private[..5], private == from_mac));
    Ok(())
}

#[netns_test]
fn loopback_is_up_and_has_a_queue_length() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    let lo = swarm.node0.interface("lo")?;
    let info = lo.info()?;
    let addresses: Vec<String> = lo.addresses()?.iter().map(|info| info.address.to_string()).collect();
    let seen = format!("flags={} mtu {} {}", info.flags.bits() & 0xffff, info.mtu, addresses.join(" "));
    claim("overlay-nodes-c5", "flags=73 mtu 65536 127.0.0.1/8 ::1/128", seen);
    claim("overlay-nodes-c5b", 1000, info.tx_queue_len);
    Ok(())
}

#[netns_test]
fn each_node_has_its_own_way_out() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    claim("overlay-nodes-c6", "enp0s8", seen::way_to(&swarm.node0, "8.8.8.8")?);

    let inet = swarm.lab.node("inet")?;
    let source = seen::source_seen_by(&inet, "eth0", &swarm.node0, ping("8.8.8.8"))?;
    claim("overlay-nodes-c7", "203.0.113.10", source);

    let mut same = Vec::new();
    for node in [&swarm.node0, &swarm.node1] {
        same.push((seen::addresses(node, "enp0s8")?.join(" "), seen::outcome(node, ping("8.8.8.8"))?));
    }
    let each = ("inet 10.0.3.15/24 scope global forever".to_owned(), "reached".to_owned());
    claim("overlay-nodes-c8", vec![each.clone(), each], same);
    Ok(())
}

#[netns_test]
fn a_replica_of_the_service_is_on_each_node() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    let addresses = [seen::addresses(&swarm.c0, "eth0")?.join(" "), seen::addresses(&swarm.c1, "eth0")?.join(" ")];
    let expected = ["192.168.200.3", "192.168.200.4"].map(|a| format!("inet {a}/24 scope global forever"));
    claim("overlay-swarm-c1", expected, addresses);

    let peers = [swarm.peer_of(&swarm.c0, "eth1")?, swarm.peer_of(&swarm.c1, "eth1")?];
    claim("overlay-swarm-c2", ["node0.veth90d0481", "node1.veth90d0481"], peers);
    assert_eq!(swarm.node0.interface("enp0s3")?.mac()?, ENP0S3.parse::<Mac>()?);
    Ok(())
}
