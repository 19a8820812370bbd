//! Macvlan interfaces: several Ethernet addresses on one link, and who of them reaches whom.

use netns_test::{prelude::*, topology::MacvlanMode};

/// A host on a cable to a router, and two containers with a macvlan each on the host's interface.
fn containers(mode: MacvlanMode) -> Topology {
    let container = |address: &'static str| {
        move |n: netns_test::topology::build::NodeBuilder| {
            n.macvlan("eth0", "eth0", |m| m.parent_node("host").mode(mode).address(address))
        }
    };
    Topology::builder()
        .node("a", container("10.0.0.11/24"))
        .node("b", container("10.0.0.12/24"))
        .node("host", |n| n.interface("eth0", "10.0.0.2/24"))
        .node("router", |n| n.interface("eth0", "10.0.0.1/24"))
        .link("host.eth0", "router.eth0")
        .build()
        .expect("the topology has no fault")
}

#[netns_test]
fn in_bridge_mode_they_reach_each_other_and_the_link_but_not_their_parent() -> Result {
    let lab = containers(MacvlanMode::Bridge).up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    a.reaches(b.ping());
    a.reaches(lab.node("router")?.ping());
    a.cannot_reach(lab.node("host")?.ping(), by::HostUnreachable.local());

    let info = a.interface("eth0")?.info()?;
    let parent = lab.node("host")?.interface("eth0")?;
    assert_eq!((info.kind.as_str(), info.macvlan), ("macvlan", Some(MacvlanMode::Bridge)));
    assert_eq!(info.peer_index, Some(parent.index()?));
    assert_ne!(info.mac, parent.mac()?);
    Ok(())
}

#[netns_test]
fn in_private_mode_they_reach_the_link_alone() -> Result {
    let lab = containers(MacvlanMode::Private).up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    a.reaches(lab.node("router")?.ping());
    a.cannot_reach(b.ping(), by::HostUnreachable.local());
    assert_eq!(a.interface("eth0")?.info()?.macvlan, Some(MacvlanMode::Private));
    Ok(())
}

#[netns_test]
fn in_vepa_mode_frames_to_each_other_leave_by_the_link() -> Result {
    let lab = containers(MacvlanMode::Vepa).up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    let wire = lab.node("router")?.interface("eth0")?.capture(arp().requests().to("10.0.0.12"))?;
    // No switch outside returns them.
    a.cannot_reach(b.ping(), by::HostUnreachable.local());
    wire.saw(arp());
    Ok(())
}

#[netns_test]
fn one_that_passes_through_has_the_address_of_its_parent() -> Result {
    let lab = Topology::builder()
        .node("a", |n| {
            n.macvlan("eth0", "eth0", |m| m.parent_node("host").mode(MacvlanMode::Passthru).address("10.0.0.2/24"))
        })
        .node("host", |n| n.interface("eth0", ()))
        .node("router", |n| n.interface("eth0", "10.0.0.1/24"))
        .link("host.eth0", "router.eth0")
        .build()?
        .up()?;
    let a = lab.node("a")?;
    a.reaches(lab.node("router")?.ping());
    assert_eq!(a.interface("eth0")?.mac()?, lab.node("host")?.interface("eth0")?.mac()?);
    Ok(())
}

#[netns_test]
fn one_can_be_made_in_mid_test_and_goes_down_with_its_parent() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n)
        .node("host", |n| n.interface("eth0", "10.0.0.2/24"))
        .node("router", |n| n.interface("eth0", "10.0.0.1/24"))
        .link("host.eth0", "router.eth0")
        .build()?
        .up()?;
    let (a, host) = (lab.node("a")?, lab.node("host")?);
    let made = a.add_macvlan("mac0", "link eth0 of host")?;
    made.set_mac("02:00:00:00:00:0a")?;
    made.add_address("10.0.0.11/24")?;
    made.up()?;
    made.wait_until_running()?;
    a.reaches(lab.node("router")?.ping());

    host.interface("eth0")?.down()?;
    eventually(Duration::from_secs(5), || made.info().is_ok_and(|info| !info.flags.running()));
    a.cannot_reach(ping("10.0.0.1"), by::Anything);
    assert!(a.add_macvlan("mac1", "link lo").is_err());
    Ok(())
}
