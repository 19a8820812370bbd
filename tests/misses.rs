//! What a VXLAN device lacks: proxied neighbours, forwarding entries, who hears that one is missing.

use netns_test::{Miss, prelude::*};
use std::task::{Context, Waker};

/// Bridges on both sides, so that the devices have neighbours to answer for, and a host behind each.
struct Asking {
    right: Node,
    near: Node,
    overlay: Node,
    far: Node,
    far_overlay: Node,
}

impl Network for Asking {
    fn topology() -> Topology {
        let host = |mac: &'static str, address: &'static str| {
            move |n: netns_test::topology::build::NodeBuilder| {
                n.interface_with("eth0", |i| i.address(address).mac(mac).mtu(1450))
            }
        };
        let overlay = |underlay: &'static str| {
            move |n: netns_test::topology::build::NodeBuilder| {
                n.vxlan("vx0", 42, |v| v.underlay(underlay).proxy().l2miss().l3miss().no_learning())
                    .bridge("br0", |b| b.ports(["port", "vx0"]))
            }
        };
        Topology::builder()
            .node("left", |n| n.interface("eth0", "192.0.2.1/24"))
            .node("right", |n| n.interface("eth0", "192.0.2.2/24"))
            .node("overlay", overlay("left"))
            .node("far_overlay", overlay("right"))
            .node("near", host("02:00:00:00:00:01", "10.99.0.1/24"))
            .node("far", host("02:00:00:00:00:02", "10.99.0.2/24"))
            .link("left.eth0", "right.eth0")
            .link_with_mtu("overlay.port", "near.eth0", 1450)
            .link_with_mtu("far_overlay.port", "far.eth0", 1450)
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let node = |name| lab.node(name);
        Ok(Self {
            right: node("right")?,
            near: node("near")?,
            overlay: node("overlay")?,
            far: node("far")?,
            far_overlay: node("far_overlay")?,
        })
    }
}

/// Sets what the far side needs to answer.
fn prepare_far_side(net: &Asking) -> Result {
    net.far_overlay.add_neighbour("10.99.0.1", "02:00:00:00:00:01", "vx0")?;
    net.far_overlay.add_fdb("02:00:00:00:00:01 dev vx0 dst 192.0.2.1")?;
    Ok(())
}

#[netns_test]
fn an_agent_that_hears_what_is_missing_repairs_the_overlay(net: Asking) -> Result {
    prepare_far_side(&net)?;
    let misses = net.overlay.interface("vx0")?.misses()?;
    net.near.cannot_reach(ping("10.99.0.2"), by::HostUnreachable.local());
    assert_eq!(misses.next().run()?, Miss::Neighbour("10.99.0.2".parse()?));

    net.overlay.add_neighbour("10.99.0.2", "02:00:00:00:00:02", "vx0")?;
    net.near.flush_neighbours()?;
    net.near.cannot_reach(ping("10.99.0.2"), by::Timeout);
    assert_eq!(misses.next().run()?, Miss::TunnelEnd("02:00:00:00:00:02".parse()?));

    net.overlay.add_fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")?;
    net.near.reaches(net.far.ping());
    assert_eq!(misses.all()?.len(), 2, "nothing is missing any more");
    Ok(())
}

#[netns_test]
async fn an_agent_can_wait_while_the_test_goes_on(net: Asking) -> Result {
    prepare_far_side(&net)?;
    let misses = net.overlay.interface("vx0")?.misses()?;
    let overlay = net.overlay.clone();
    let agent = net.overlay.spawn(async move {
        loop {
            match misses.next().within(Duration::from_secs(20)).await? {
                Miss::Neighbour(address) => overlay.add_neighbour(address, "02:00:00:00:00:02", "vx0")?,
                Miss::TunnelEnd(mac) => {
                    overlay.add_fdb(format!("{mac} dev vx0 dst 192.0.2.2"))?;
                    return std::result::Result::<_, netns_test::Error>::Ok(mac);
                }
                _ => {}
            }
        }
    });
    eventually(Duration::from_secs(10), || net.near.probe(ping("10.99.0.2")));
    assert_eq!(agent.await?.to_string(), "02:00:00:00:00:02");
    Ok(())
}

#[netns_test]
fn who_stops_waiting_takes_nothing(net: Asking) -> Result {
    let misses = net.overlay.interface("vx0")?.misses()?;
    let others = net.overlay.interface("vx0")?.misses()?;
    let begun = || {
        let mut next = misses.next().within(Duration::from_secs(20)).into_future();
        assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        next
    };
    let dropped_before = begun();
    drop(dropped_before);
    let dropped_after = begun();
    net.near.cannot_reach(ping("10.99.0.2"), by::HostUnreachable.local());
    assert_eq!(misses.all()?, [Miss::Neighbour("10.99.0.2".parse()?)]);
    drop(dropped_after);
    assert_eq!(misses.next().run()?, Miss::Neighbour("10.99.0.2".parse()?));
    // A time that is never over; here it has not to be waited for.
    assert_eq!(others.next().within(Duration::MAX).run()?, Miss::Neighbour("10.99.0.2".parse()?));
    Ok(())
}

#[netns_test]
fn a_missing_neighbour_entry_leaves_the_underlay_quiet(net: Asking) -> Result {
    let wire = net.right.interface("eth0")?.capture(udp(4789))?;
    net.near.cannot_reach(ping("10.99.0.2"), by::HostUnreachable.local());
    wire.stays_quiet(any(), Duration::from_millis(20));

    prepare_far_side(&net)?;
    net.overlay.add_neighbour("10.99.0.2", "02:00:00:00:00:02", "vx0")?;
    net.overlay.add_fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")?;
    net.near.flush_neighbours()?;
    net.near.reaches(net.far.ping());
    wire.saw(any());
    Ok(())
}
