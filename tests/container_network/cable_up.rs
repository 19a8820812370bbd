//! Both ends of the cable are up and have addresses.

use std::{collections::BTreeSet, net::Ipv6Addr};

use netns_test::{
    kernel::{AddressInfo, Scope},
    prelude::*,
};

use super::cable_laid::lay;
use crate::{
    common::claim,
    seen,
    tutorial::{Cable, Namespaces},
};

/// An interface's link-local address of IPv6, once the kernel has made it.
fn link_local(interface: &Interface) -> Option<AddressInfo> {
    let all = interface.addresses().ok()?;
    all.into_iter().find(|info| info.address.is_ipv6() && info.scope == Scope::Link)
}

/// The modified EUI-64 address of a MAC ([RFC 4291], appendix A).
///
/// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291#appendix-A
fn eui_64(mac: Mac) -> String {
    let [a, b, c, d, e, f] = mac.octets().map(u16::from);
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, (a ^ 2) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f);
    format!("{address}/64")
}

#[netns_test]
fn both_ends_are_up_and_loopback_is_not(net: Cable) -> Result {
    let line = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP";
    let ends = [seen::link(&net.red, "veth-red")?, seen::link(&net.blue, "veth-blue")?];
    claim("container-network-2.1-c13", [line; 2], ends);

    let loopbacks = [seen::link(&net.red, "lo")?, seen::link(&net.blue, "lo")?];
    claim("container-network-2.1-c14", ["<LOOPBACK> mtu 65536 qdisc noop state DOWN"; 2], loopbacks);

    let red = seen::addresses(&net.red, "veth-red")?;
    claim("container-network-2.1-c15", vec!["inet 192.168.15.1/24 scope global forever"], red);
    let blue = seen::addresses(&net.blue, "veth-blue")?;
    claim("container-network-2.1-c15b", vec!["inet 192.168.15.2/24 scope global forever"], blue);
    Ok(())
}

#[netns_test]
fn an_address_without_a_mask_is_a_host_of_its_own(net: Cable) -> Result {
    net.veth_red.remove_address("192.168.15.1/24")?;
    net.veth_red.add_address("192.168.15.1/32")?;

    let state = (seen::addresses(&net.red, "veth-red")?, seen::routes(&net.red)?);
    let expected = (vec!["inet 192.168.15.1/32 scope global forever".to_owned()], vec![]);
    claim("container-network-2.1-c16", expected, state);
    claim("container-network-2.1-c16b", "network unreachable", seen::outcome(&net.red, ping("192.168.15.2"))?);

    assert!(seen::arp_table(&net.blue)?.is_empty());
    let from_blue = (seen::outcome(&net.blue, ping("192.168.15.1"))?, seen::arp_table(&net.blue)?);
    let resolved = format!("192.168.15.1 ether {} C veth-blue", net.veth_red.mac()?);
    claim("container-network-2.1-c16c", ("timeout".to_owned(), vec![resolved]), from_blue);

    net.veth_red.remove_address("192.168.15.1/32")?;
    net.veth_red.add_address("192.168.15.1/24")?;
    let again = [seen::outcome(&net.red, ping("192.168.15.2"))?, seen::outcome(&net.blue, ping("192.168.15.1"))?];
    claim("container-network-2.1-c16d", ["reached"; 2], again);
    Ok(())
}

#[netns_test]
fn a_link_local_address_follows_from_the_mac(net: Cable) -> Result {
    let address = |end| eventually(Duration::from_secs(10), || link_local(end)).address.to_string();
    let seen = [address(&net.veth_red), address(&net.veth_blue)];
    claim("container-network-2.1-c17", [eui_64(net.veth_red.mac()?), eui_64(net.veth_blue.mac()?)], seen);
    Ok(())
}

#[netns_test]
fn the_macs_of_the_text_give_its_link_local_addresses(net: Namespaces) -> Result {
    let (red, blue) = lay(&net)?;
    red.set_mac("22:25:1f:70:a9:aa")?;
    blue.set_mac("66:10:01:d8:0a:c7")?;
    blue.up()?;
    red.up()?;

    let address = |end| eventually(Duration::from_secs(10), || link_local(end)).address.to_string();
    let printed = ["fe80::2025:1fff:fe70:a9aa/64", "fe80::6410:1ff:fed8:ac7/64"];
    claim("container-network-2.1-c17b", printed, [address(&red), address(&blue)]);
    Ok(())
}

#[netns_test]
fn a_link_local_address_is_tentative_at_first(net: Namespaces) -> Result {
    let (red, blue) = lay(&net)?;
    blue.up()?;
    red.up()?;

    let tentative = || link_local(&red).map(|info| info.tentative);
    let first = eventually(Duration::from_secs(10), tentative);
    eventually(Duration::from_secs(10), || tentative() == Some(false));
    claim("container-network-2.1-c17c", [Some(true), Some(false)], [Some(first), tentative()]);
    Ok(())
}

#[netns_test]
fn the_two_reach_and_learn_each_other(net: Cable) -> Result {
    let before = [seen::arp_table(&net.red)?, seen::arp_table(&net.blue)?];
    claim("container-network-2.1-c20a", [vec![], Vec::<String>::new()], before);

    let there = net.red.probe(ping("192.168.15.2")).run()?;
    claim("container-network-2.1-c18", "reached by 192.168.15.2, sent", seen::verdict(&there));
    claim("container-network-2.1-c18b", Some(64), there.ttl());
    let back = net.blue.probe(ping("192.168.15.1")).run()?;
    claim("container-network-2.1-c19", "reached by 192.168.15.1, sent", seen::verdict(&back));

    let expected = vec![format!("192.168.15.2 ether {} C veth-red", net.veth_blue.mac()?)];
    claim("container-network-2.1-c20", expected, seen::arp_table(&net.red)?);
    let expected = vec![format!("192.168.15.1 ether {} C veth-blue", net.veth_red.mac()?)];
    claim("container-network-2.1-c21", expected, seen::arp_table(&net.blue)?);
    Ok(())
}

#[netns_test]
fn the_hosts_arp_table_has_no_part_in_it(net: Cable) -> Result {
    net.host.reaches(ping("172.31.0.1"));
    net.host.reaches(ping("172.31.0.2"));
    let before = seen::arp_table(&net.host)?;
    assert_eq!(before.len(), 2);

    net.red.reaches(ping("192.168.15.2"));
    net.blue.reaches(ping("192.168.15.1"));
    let host = seen::arp_table(&net.host)?;
    claim("container-network-2.1-c22", before, host.clone());

    let inside: BTreeSet<_> = [seen::arp_table(&net.red)?, seen::arp_table(&net.blue)?].concat().into_iter().collect();
    let common: Vec<_> = host.into_iter().filter(|entry| inside.contains(entry)).collect();
    claim("container-network-2.1-c22b", (2, Vec::<String>::new()), (inside.len(), common));
    Ok(())
}

#[netns_test]
fn nobody_else_is_on_the_cable(net: Cable) -> Result {
    net.red.reaches(ping("192.168.15.2"));

    let by_default =
        format!("{} by {}", seen::outcome(&net.host, ping("192.168.15.2"))?, seen::way_to(&net.host, "192.168.15.2")?);
    net.host.remove_route("default via 172.31.0.1 dev eth0 metric 100")?;
    let without = seen::outcome(&net.host, ping("192.168.15.2"))?;
    claim("container-network-2.1-c23", ["timeout by eth0", "network unreachable"], [by_default, without]);

    claim("container-network-2.1-c23b", "network unreachable", seen::outcome(&net.third, ping("192.168.15.2"))?);
    Ok(())
}

#[netns_test]
fn the_cable_bypasses_the_host(net: Cable) -> Result {
    net.host.set_policy(Family::Inet, Hook::Forward, Policy::Drop)?;

    let outcome = seen::outcome(&net.red, ping("192.168.15.2"))?;
    let dropped = net.host.policy_counter(Family::Inet, Hook::Forward)?.packets;
    claim(
        "container-network-2.1-c25",
        "reached, 0 dropped by the host",
        format!("{outcome}, {dropped} dropped by the host"),
    );

    // A packet that does pass the host is counted.
    net.host.set_forward(true)?;
    net.inet.add_route("192.0.2.1 via 172.31.5.10")?;
    net.inet.cannot_reach(ping("192.0.2.1"), by::Timeout);
    assert!(net.host.policy_counter(Family::Inet, Hook::Forward)?.packets > 0);
    Ok(())
}
