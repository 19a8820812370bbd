//! The private network and its host: strangers until the bridge has an address.

use netns_test::{Packet, capture::Direction, prelude::*};

use crate::{
    common::claim,
    seen::{self, SILENCE, outcome},
    tutorial::{Addressed, Bridged},
};

#[netns_test]
fn a_host_without_a_route_has_no_way_to_the_private_network(net: Bridged) -> Result {
    net.host.remove_route("default via 172.31.0.1 dev eth0 metric 100")?;

    let report = net.host.probe(ping("192.168.15.2")).run()?;
    claim("container-network-2.3-c1", "network unreachable by the node itself, nothing sent", seen::verdict(&report));
    let inside = [outcome(&net.red, ping("192.168.15.2"))?, outcome(&net.blue, ping("192.168.15.1"))?];
    claim("container-network-2.3-c1z", ["reached", "reached"], inside);
    Ok(())
}

#[netns_test]
fn a_host_with_a_default_route_sends_it_to_the_internet(net: Bridged) -> Result {
    let provider = net.inet.interface("eth0")?.capture(icmp().requests())?;

    let seen = outcome(&net.host, ping("192.168.15.2").within(SILENCE))?;
    claim("container-network-2.3-c2", "timeout", seen);
    let stray = provider.saw(icmp());
    claim("container-network-2.3-c2b", Some("172.31.5.10 > 192.168.15.2".to_owned()), seen::ends(&stray));

    net.inet.set_forward(true)?;
    let report = net.host.probe(ping("192.168.15.2")).run()?;
    claim("container-network-2.3-c2c", "network unreachable by 172.31.0.1, sent", seen::verdict(&report));
    Ok(())
}

#[netns_test]
fn before_the_bridge_has_an_address_no_container_finds_the_host(net: Bridged) -> Result {
    net.blue.reaches(ping("192.168.15.1"));

    let seen = outcome(&net.blue, ping("192.168.15.3").within(SILENCE))?;
    // The entry of the peer shows that the table could have one of the host as well.
    let red = format!("192.168.15.1 ether {} C veth-blue", net.red.interface("veth-red")?.mac()?);
    claim("container-network-2.3-c3", ("timeout".to_owned(), vec![red]), (seen, seen::arp_table(&net.blue)?));

    let report = net.blue.probe(ping("172.31.5.10")).run()?;
    claim("container-network-2.3-c3b", "network unreachable by the node itself, nothing sent", seen::verdict(&report));
    Ok(())
}

#[netns_test]
fn an_address_on_the_bridge_connects_host_and_containers(net: Bridged) -> Result {
    let before = seen::routes(&net.host)?;
    net.host.interface("v-net-0")?.add_address("192.168.15.3/24")?;

    let new = seen::routes(&net.host)?.into_iter().filter(|route| !before.contains(route)).collect::<Vec<_>>();
    let source = net.host.route_to("192.168.15.2".parse()?)?.source.map(|source| source.to_string());
    let expected = (vec!["192.168.15.0/24 dev v-net-0".to_owned()], Some("192.168.15.3".to_owned()));
    claim("container-network-2.3-c4", expected, (new, source));

    claim("container-network-2.3-c5", "reached", outcome(&net.host, ping("192.168.15.2"))?);
    claim("container-network-2.3-c6", "reached", outcome(&net.blue, ping("192.168.15.3"))?);
    let red = [outcome(&net.host, ping("192.168.15.1"))?, outcome(&net.red, ping("192.168.15.3"))?];
    claim("container-network-2.3-c7", ["reached", "reached"], red);
    Ok(())
}

#[netns_test]
fn host_and_container_know_each_other_by_the_macs_of_bridge_and_cable(net: Addressed) -> Result {
    let reply = net.host.reaches(ping("192.168.15.2"));

    let bridge = net.host.interface("v-net-0")?.info()?;
    let cable = net.blue.interface("veth-blue")?.info()?;
    let seen = net.host.neighbour("192.168.15.2".parse()?)?.ok_or("the host knows nothing of blue")?;
    claim("container-network-2.3-c8", (Some(cable.mac), bridge.index), (seen.mac, seen.index));
    let seen = net.blue.neighbour("192.168.15.3".parse()?)?.ok_or("blue knows nothing of the host")?;
    claim("container-network-2.3-c8b", (Some(bridge.mac), cable.index), (seen.mac, seen.index));
    claim("container-network-2.3-c8c", Some(64), reply.report().ttl());
    Ok(())
}

#[netns_test]
fn traffic_with_the_host_is_input_and_not_forwarded(net: Addressed) -> Result {
    net.host.set_policy(Family::Inet, Hook::Forward, Policy::Drop)?;
    // The policy is at work: it stops what the bridge passes on.
    net.blue.cannot_reach(ping("192.168.15.1"), by::Timeout);
    let seen = [outcome(&net.blue, ping("192.168.15.3"))?, outcome(&net.host, ping("192.168.15.2"))?];
    claim("container-network-2.3-c9", ["reached", "reached"], seen);

    net.host.set_policy(Family::Inet, Hook::Forward, Policy::Accept)?;
    net.host.set_policy(Family::Inet, Hook::Input, Policy::Drop)?;
    net.blue.reaches(ping("192.168.15.1"));
    claim("container-network-2.3-c9b", "timeout", outcome(&net.blue, ping("192.168.15.3").within(SILENCE))?);
    Ok(())
}

#[netns_test]
fn without_a_default_route_the_other_addresses_of_the_host_stay_out_of_reach(net: Addressed) -> Result {
    net.blue.reaches(ping("192.168.15.3"));

    let others = [outcome(&net.blue, ping("172.31.5.10"))?, outcome(&net.blue, ping("172.17.0.1"))?];
    claim("container-network-2.3-c10", ["network unreachable"; 2], others);
    // They are there for whoever has a route.
    net.inet.reaches(ping("172.31.5.10"));
    Ok(())
}

#[netns_test]
fn the_address_disturbs_nobody_and_needs_no_forwarding(net: Addressed) -> Result {
    let inside = [outcome(&net.red, ping("192.168.15.2"))?, outcome(&net.blue, ping("192.168.15.1"))?];
    claim("container-network-2.3-c11", ["reached", "reached"], inside);

    let seen = (net.host.sysctl("net.ipv4.ip_forward")?, outcome(&net.blue, ping("192.168.15.3"))?);
    claim("container-network-2.3-c12", ("0", "reached"), (seen.0.trim(), &*seen.1));
    Ok(())
}

#[netns_test]
fn a_duplicate_of_the_hosts_address_is_taken_in_silence(net: Addressed) -> Result {
    let cable = net.red.interface("veth-red")?;
    let questions = cable.capture(arp().requests())?;
    let accepted = cable.add_address("192.168.15.3/24");

    // Both owners answer; and the question shows that the capture would have seen one of red's.
    let owners = net.blue.interface("veth-blue")?.who_has("192.168.15.3".parse::<std::net::IpAddr>()?)?.answers.len();
    questions.saw(arp().to("192.168.15.3"));
    let asked = questions.count(|packet: &Packet| packet.direction == Direction::Out)?;
    claim(
        "container-network-2.3-c13",
        ("accepted", 2, 0),
        (accepted.map_or("refused", |()| "accepted"), owners, asked),
    );
    Ok(())
}
