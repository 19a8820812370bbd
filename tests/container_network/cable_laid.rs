//! A cable is made on the host, its ends are put into two namespaces and get addresses, and one of them is set up.

use netns_test::{kernel::OperState, prelude::*};

use crate::{common::claim, seen, tutorial::Namespaces};

/// Makes the cable on the host and moves its ends, as the text does.
pub(crate) fn lay(net: &Namespaces) -> Result<(Interface, Interface)> {
    let (red, blue) = net.host.connect("veth-red", &net.host, "veth-blue")?;
    Ok((red.move_to(&net.red)?, blue.move_to(&net.blue)?))
}

/// An end whose peer is on the same node, as `ip link` begins its line.
fn end(node: &Node, name: &str) -> Result<String> {
    let links = node.links()?;
    let own = links.iter().find(|link| link.name == name);
    let peer =
        own.and_then(|own| links.iter().find(|link| own.peer_netns_id.is_none() && Some(link.index) == own.peer_index));
    let (own, peer) = own.zip(peer).ok_or("it is no cable with both ends here")?;
    Ok(format!("{name}@{} <{}{}>", peer.name, own.flags, if peer.flags.up() { "" } else { ",M-DOWN" }))
}

#[netns_test]
fn a_cable_is_made_with_two_ends_on_one_node(net: Namespaces) -> Result {
    net.host.connect("veth-red", &net.host, "veth-blue")?;

    let ends = [end(&net.host, "veth-red")?, end(&net.host, "veth-blue")?];
    let flags = "<BROADCAST,MULTICAST,M-DOWN>";
    claim(
        "container-network-2.1-c1",
        [format!("veth-red@veth-blue {flags}"), format!("veth-blue@veth-red {flags}")],
        ends,
    );

    // The host has three others; the peer is made first.
    let ends = net.host.links()?.into_iter().filter(|link| link.kind == "veth" && link.name != "eth0");
    let indexes: Vec<_> = ends.map(|link| format!("{}: {}", link.index, link.name)).collect();
    claim("container-network-2.1-c2", vec!["4: veth-blue", "5: veth-red"], indexes);
    Ok(())
}

#[netns_test]
fn an_end_that_is_moved_is_gone_here_and_present_there(net: Namespaces) -> Result {
    let (red, blue) = net.host.connect("veth-red", &net.host, "veth-blue")?;
    let number_and_mac = |end: &Interface| Ok::<_, netns_test::Error>((end.index()?, end.mac()?));
    let before = [number_and_mac(&red)?, number_and_mac(&blue)?];

    let red = red.move_to(&net.red)?;
    let places = [seen::names(&net.host)?, seen::names(&net.red)?];
    claim("container-network-2.1-c3", [vec!["docker0", "eth0", "lo", "veth-blue"], vec!["lo", "veth-red"]], places);
    claim("container-network-2.1-c3b", Some(0), red.info()?.peer_netns_id);

    let blue = blue.move_to(&net.blue)?;
    let places = [seen::names(&net.host)?, seen::names(&net.blue)?];
    claim("container-network-2.1-c4", [vec!["docker0", "eth0", "lo"], vec!["lo", "veth-blue"]], places);

    claim("container-network-2.1-c8", Some(1), red.info()?.peer_netns_id);
    claim("container-network-2.1-c8b", Some(0), blue.info()?.peer_netns_id);
    claim("container-network-2.1-c9", before, [number_and_mac(&red)?, number_and_mac(&blue)?]);
    Ok(())
}

#[netns_test]
fn each_end_is_down_and_knows_the_index_of_the_other(net: Namespaces) -> Result {
    let (red, blue) = lay(&net)?;

    let both = |node: &Node, end: &str| {
        let line = |name: &str| Ok(format!("{name}: {}", seen::link_with_queue(node, name)?));
        ["lo", end].into_iter().map(line).collect::<Result<Vec<_>>>()
    };
    let expected = |end: &str| {
        let lo = "lo: <LOOPBACK> mtu 65536 qdisc noop state DOWN qlen 1000".to_owned();
        vec![lo, format!("{end}: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN qlen 1000")]
    };
    claim("container-network-2.1-c5", expected("veth-red"), both(&net.red, "veth-red")?);
    claim("container-network-2.1-c6", expected("veth-blue"), both(&net.blue, "veth-blue")?);

    let (red, blue) = (red.info()?, blue.info()?);
    let numbers = [(red.index, red.peer_index), (blue.index, blue.peer_index)];
    claim("container-network-2.1-c7", [(5, Some(4)), (4, Some(5))], numbers);
    Ok(())
}

#[netns_test]
fn the_driver_counts_the_index_of_the_peer_among_its_statistics(net: Namespaces) -> Result {
    let (red, blue) = lay(&net)?;
    let peer = |end: &Interface| {
        let all = end.driver_statistics()?;
        Ok::<_, netns_test::Error>(all.into_iter().find(|(name, _)| name == "peer_ifindex").map(|(_, value)| value))
    };
    claim("container-network-2.1-c7b", [Some(4), Some(5)], [peer(&red)?, peer(&blue)?]);
    Ok(())
}

#[netns_test]
fn an_address_without_a_link_that_is_up_makes_no_route(net: Namespaces) -> Result {
    let (red, blue) = lay(&net)?;
    claim("container-network-2.1-c9b", "network unreachable", seen::outcome(&net.red, ping("192.168.15.2"))?);

    red.add_address("192.168.15.1/24")?;
    blue.add_address("192.168.15.2/24")?;
    let state = |end: &Interface, peer: &str| {
        let node = end.node();
        let addresses = seen::addresses(node, end.name())?.join(", ");
        Ok::<_, Failure>(format!("{addresses}; {} routes; {}", node.routes()?.len(), seen::outcome(node, ping(peer))?))
    };
    let expected = |address: &str| format!("inet {address} scope global forever; 0 routes; network unreachable");
    claim("container-network-2.1-c10", expected("192.168.15.1/24"), state(&red, "192.168.15.2")?);
    claim("container-network-2.1-c11", expected("192.168.15.2/24"), state(&blue, "192.168.15.1")?);
    Ok(())
}

#[netns_test]
fn one_end_alone_has_no_carrier_and_its_route_is_dead(net: Namespaces) -> Result {
    let (red, blue) = lay(&net)?;
    red.add_address("192.168.15.1/24")?;
    blue.add_address("192.168.15.2/24")?;
    red.up()?;

    let info = red.info()?;
    let state = match info.oper_state {
        OperState::Down | OperState::LowerLayerDown => "down".to_owned(),
        other => other.to_string(),
    };
    let seen = format!("<{}> state {state}", info.flags);
    claim("container-network-2.1-c12", "<NO-CARRIER,BROADCAST,MULTICAST,UP> state down", seen);

    let routes = net.red.routes()?;
    let routes: Vec<_> = routes.iter().map(|route| (route.to.to_string(), route.link_down())).collect();
    claim("container-network-2.1-c12b", vec![("192.168.15.0/24".to_owned(), true)], routes);
    claim("container-network-2.1-c12c", "timeout", seen::outcome(&net.red, ping("192.168.15.2"))?);

    blue.up()?;
    eventually(Duration::from_secs(5), || net.red.probe(ping("192.168.15.2")));
    Ok(())
}
