//! A container: two interfaces, one on the overlay and one on its node.

use std::net::IpAddr;

use netns_test::{prelude::*, topology::Mac};

use crate::{
    common::claim,
    model::{C0, GATEWAY_SIDE, Shape, Swarm},
};

/// MTU, first IPv4 address with its broadcast address, and MAC of an interface.
fn described(node: &Node, name: &str) -> Result<String> {
    let interface = node.interface(name)?;
    let info = interface.info()?;
    let addresses = interface.addresses()?;
    let v4 = addresses.iter().find(|address| !address.address.is_ipv6()).expect("it has an IPv4 address");
    let broadcast = v4.broadcast.map_or_else(|| "0.0.0.0".to_owned(), |broadcast| broadcast.to_string());
    Ok(format!("mtu {} {} broadcast {broadcast} ether {}", info.mtu, v4.address, info.mac))
}

/// The MAC address that Docker gives to an IPv4 address.
fn docker_mac(address: IpAddr) -> Mac {
    let IpAddr::V4(address) = address else { panic!("{address} is no IPv4 address") };
    let [a, b, c, d] = address.octets();
    Mac::new([0x02, 0x42, a, b, c, d])
}

#[netns_test]
fn the_interfaces_are_as_printed() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    let expected = "mtu 1450 192.168.200.3/24 broadcast 0.0.0.0 ether 02:42:c0:a8:c8:03";
    claim("overlay-container-c1", expected, described(&swarm.c0, "eth0")?);
    let expected = "mtu 1500 172.18.0.3/16 broadcast 0.0.0.0 ether 02:42:ac:12:00:03";
    claim("overlay-container-c5", expected, described(&swarm.c0, "eth1")?);

    let mut pairs = Vec::new();
    for name in ["eth0", "eth1"] {
        let interface = swarm.c0.interface(name)?;
        pairs.push((docker_mac(interface.addr()), interface.mac()?));
    }
    let (expected, seen): (Vec<Mac>, Vec<Mac>) = pairs.into_iter().unzip();
    claim("overlay-container-c2", expected, seen);

    let queues = [swarm.c0.interface("eth0")?.info()?.tx_queue_len, swarm.c0.interface("eth1")?.info()?.tx_queue_len];
    claim("overlay-container-c4", [1000, 1000], queues);
    swarm.c0.interface("eth0")?.set_tx_queue_len(0)?;
    claim("overlay-container-c4b", 0, swarm.c0.interface("eth0")?.info()?.tx_queue_len);

    let lo = swarm.c0.interface("lo")?;
    let addresses: Vec<String> = lo.addresses()?.iter().map(|info| info.address.addr().to_string()).collect();
    claim("overlay-container-c6", "127.0.0.1 ::1 65536", format!("{} {}", addresses.join(" "), lo.info()?.mtu));
    Ok(())
}

#[netns_test]
fn link_local_addresses_are_made_of_the_mac_addresses() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    let wanted = [C0, GATEWAY_SIDE].map(|mac| mac.parse::<Mac>().expect("it is a MAC address").link_local());
    let found = || -> Option<Vec<String>> {
        let mut found = Vec::new();
        for name in ["eth0", "eth1"] {
            let all = swarm.c0.interface(name).ok()?.addresses().ok()?;
            found.push(all.iter().find(|a| a.address.is_ipv6())?.address.addr().to_string());
        }
        Some(found)
    };
    eventually(Duration::from_secs(10), || found().is_some());
    let printed = ["fe80::42:c0ff:fea8:c803", "fe80::42:acff:fe12:3"];
    assert_eq!(wanted.map(|address| address.to_string()), printed);
    claim("overlay-container-c3", printed.map(str::to_owned).to_vec(), found().unwrap_or_default());
    Ok(())
}

#[netns_test]
fn the_other_ends_are_in_the_overlay_and_on_the_node() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    claim("overlay-container-c7", "ov0.veth2", swarm.peer_of(&swarm.c0, "eth0")?);
    claim("overlay-container-c7b", "node0.veth90d0481", swarm.peer_of(&swarm.c0, "eth1")?);
    Ok(())
}
