//! Links that change while they live: cables, and bridges with their ports.

mod networks;

use netns_test::{Error, kernel::OperState, prelude::*};
use networks::Path;
use std::net::IpAddr;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("a literal")
}

#[netns_test]
fn a_cable_is_pulled_and_plugged_in_again(net: Path) -> Result {
    net.a.reaches(ping("10.0.0.1"));
    let left = net.r.interface("left")?;
    left.down()?;
    // The kernel may say that the cable dropped it.
    net.a.cannot_reach(ping("10.0.0.1"), by::Timeout | by::HostUnreachable.local() | by::LocalDrop);
    left.up()?;
    left.wait_until_running()?;
    net.a.reaches(ping("10.0.0.1"));
    // Its own end takes the routes with it; the address stays.
    let eth0 = net.a.interface("eth0")?;
    eth0.down()?;
    net.a.cannot_reach(ping("10.0.0.1"), by::NetworkUnreachable.local());
    assert!(eth0.addresses()?.iter().any(|info| info.address.addr() == ip("10.0.0.2")));
    eth0.up()?;
    eth0.wait_until_running()?;
    net.a.reaches(ping("10.0.0.1"));
    Ok(())
}

#[netns_test]
fn mtu_mac_and_name_are_changed(net: Path) -> Result {
    let eth0 = net.a.interface("eth0")?;
    eth0.set_mtu(1280)?;
    net.a.cannot_reach(ping("10.0.0.1").size(1253).dont_fragment(), by::PacketTooBig.mtu(1280).local());
    let error = eth0.set_mtu(10).expect_err("no packet fits").to_string();
    assert!(error.starts_with("on node `a`: cannot set the MTU of eth0 to 10: "), "{error}");
    eth0.set_mac("02:00:00:00:00:07")?;
    assert_eq!(eth0.mac()?.to_string(), "02:00:00:00:00:07");
    net.r.flush_neighbours()?;
    net.r.reaches(ping("10.0.0.2"));
    let error = eth0.set_mac("01:00:00:00:00:07").expect_err("a group's address").to_string();
    let words =
        "cannot set the MAC address of eth0 to 01:00:00:00:00:07: that is the address of a group (EADDRNOTAVAIL)";
    assert!(error.contains(words), "{error}");
    let wan = eth0.rename("wan0")?;
    assert_eq!((wan.name(), net.a.links()?.len()), ("wan0", 2));
    net.r.reaches(ping("10.0.0.2"));
    assert!(matches!(eth0.info(), Err(Error::NoSuchInterface { .. })));
    let error = net.a.interface("eth0").expect_err("it has another name");
    assert_eq!(error.to_string(), "node `a` has no interface `eth0`; it has `lo`, `wan0`");
    assert!(matches!(wan.rename("a name that is too long"), Err(Error::Invalid(_))));
    assert!(wan.rename("lo").is_err());
    Ok(())
}

#[netns_test]
fn deleting_one_end_of_a_cable_takes_the_other(net: Path) -> Result {
    net.a.interface("eth0")?.delete()?;
    assert!(net.r.interface("left").is_err());
    let error = net.a.interface("lo")?.delete().expect_err("lo stays");
    assert!(matches!(error, Error::Kernel { .. }), "{error}");
    Ok(())
}

#[netns_test]
fn a_new_cable_joins_two_nodes(net: Path) -> Result {
    let (here, there) = net.a.connect("direct", &net.b, "direct")?;
    assert!(!here.info()?.flags.up() && !there.info()?.flags.up());
    here.add_address("192.0.2.1/30")?;
    there.add_address("192.0.2.2/30")?;
    here.up()?;
    there.up()?;
    here.wait_until_running()?;
    net.a.reaches(ping("192.0.2.2"));
    for (error, taken) in
        [(net.a.connect("direct", &net.r, "other"), "a.direct"), (net.r.connect("other", &net.a, "direct"), "a.direct")]
    {
        let error = error.expect_err("the name is taken").to_string();
        assert!(error.ends_with(&format!(": there is an interface `{taken}` already (EEXIST)")), "{error}");
    }
    assert!(net.r.interface("other").is_err(), "and nothing is left of it");
    Ok(())
}

#[netns_test]
fn both_ends_of_a_cable_can_be_on_one_node(net: Path) -> Result {
    let (one, other) = net.a.connect("one", &net.a, "other")?;
    one.up()?;
    other.up()?;
    assert_eq!(one.info()?.peer_index, Some(other.index()?));
    let wire = other.capture(arp())?;
    one.wait_until_running()?;
    one.add_address("192.0.2.1/24")?;
    net.a.cannot_reach(ping("192.0.2.2"), by::HostUnreachable.local());
    wire.saw(arp().requests().to("192.0.2.2"));
    Ok(())
}

#[netns_test]
fn an_interface_moves_to_another_node(net: Path) -> Result {
    let (one, other) = net.a.connect("one", &net.a, "other")?;
    let mac = other.mac()?;
    let moved = other.move_to(&net.b)?;
    assert!(matches!(other.info(), Err(Error::NoSuchInterface { .. })));
    assert_eq!((moved.mac()?, moved.node() == &net.b), (mac, true));
    one.add_address("192.0.2.1/24")?;
    moved.add_address("192.0.2.2/24")?;
    one.up()?;
    moved.up()?;
    moved.wait_until_running()?;
    net.a.reaches(ping("192.0.2.2"));
    let error = net.b.interface("eth0")?.move_to(&net.a).expect_err("there is one of that name");
    assert!(error.to_string().contains("EEXIST"), "{error}");
    Ok(())
}

#[netns_test]
fn ports_are_plugged_into_a_bridge_while_it_lives(net: Path) -> Result {
    let host = net.r.clone();
    host.interface("left")?.remove_address("10.0.0.1/24")?;
    let bridge = host.add_bridge("br0")?;
    bridge.add_address("10.0.0.1/24")?;
    bridge.up()?;
    net.a.flush_neighbours()?;
    net.a.cannot_reach(ping("10.0.0.1"), by::Anything);
    let left = host.interface("left")?;
    left.set_master(&bridge)?;
    assert_eq!(left.info()?.master, Some(bridge.index()?));
    left.wait_until_running()?;
    net.a.flush_neighbours()?;
    net.a.reaches(ping("10.0.0.1"));
    assert!(host.fdb()?.iter().any(|entry| Some(entry.mac) == net.a.interface("eth0").and_then(|i| i.mac()).ok()));
    left.unset_master()?;
    assert_eq!(left.info()?.master, None);
    let error = net.a.interface("eth0")?.set_master(&bridge).expect_err("it is on another node").to_string();
    assert!(error.starts_with("`a.eth0` cannot be a port of `br0`, which is on node `r`"), "{error}");
    assert!(left.set_master(&host.interface("right")?).is_err(), "that is no bridge");
    bridge.delete()?;
    assert!(host.interface("br0").is_err());
    Ok(())
}

#[netns_test]
fn the_far_end_of_a_cable_has_noticed_once_the_network_is_settled() -> Result {
    let lab = Path::topology().up()?;
    let (left, a) = (lab.node("r")?.interface("left")?, lab.node("a")?);
    let runs = || Ok::<_, Error>(a.links()?.iter().any(|link| link.name == "eth0" && link.flags.running()));
    for _ in 0..20 {
        left.down()?;
        lab.settle()?;
        assert!(!runs()?);
        a.cannot_reach(ping("10.0.0.1"), by::HostUnreachable.local());
        left.up()?;
        lab.settle()?;
        assert!(runs()?);
        a.reaches(ping("10.0.0.1"));
    }
    Ok(())
}

/// A bridge whose ports were all down has stopped sending, and begins again after it has a carrier.
#[netns_test]
fn a_bridge_answers_as_soon_as_its_port_runs() -> Result {
    let lab = Topology::builder().node("a", |n| n).node("host", |n| n).build()?.up()?;
    let (a, host) = (lab.node("a")?, lab.node("host")?);
    for round in 0..50 {
        let bridge = host.add_bridge("br0")?;
        bridge.set_mac("02:00:00:00:00:09")?;
        bridge.add_address("10.0.0.2/24")?;
        bridge.up()?;
        assert!(!bridge.info()?.flags.lower_up());
        let (eth0, port) = a.connect("eth0", &host, "port")?;
        eth0.add_address("10.0.0.1/24")?;
        port.set_master(&bridge)?;
        port.up()?;
        eth0.up()?;
        eth0.wait_until_running()?;
        let seen: Vec<_> = host.links()?.into_iter().map(|link| (link.name, link.oper_state)).collect();
        assert!(seen.contains(&("br0".to_owned(), OperState::Up)), "round {round}: {seen:?}");
        a.reaches(ping("10.0.0.2"));
        eth0.delete()?;
        bridge.delete()?;
    }
    Ok(())
}
