//! An agent that hears what is missing, entries that age, and a second container.

use std::net::IpAddr;

use netns_test::{Miss, prelude::*};

use crate::{
    common::claim,
    model::{C0, C1, Shape, Swarm, VTEP0, VTEP1, cluster, tell},
    seen,
};

#[netns_test]
async fn an_agent_installs_what_is_missing() -> Result {
    let swarm = Swarm::bare(Shape::default())?;
    swarm.learn_near()?;
    let misses = swarm.ov0.interface("vxlan1")?.misses()?;
    let overlay = swarm.ov0.clone();
    let agent = swarm.ov0.spawn(async move {
        let mut installed = Vec::new();
        while installed.len() < 2 {
            let miss = misses.next().within(Duration::from_secs(20)).await?;
            match miss {
                // The container looks for its own addresses.
                Miss::Neighbour(IpAddr::V6(_)) => continue,
                Miss::Neighbour(address) => overlay.add_neighbour(address, C1, "vxlan1")?,
                Miss::TunnelEnd(mac) => overlay.replace_fdb(format!("{mac} dev vxlan1 dst {VTEP1}"))?,
                _ => {}
            }
            installed.push(miss.to_string());
            // Each is told until it is installed.
            installed.dedup();
        }
        Ok::<_, netns_test::Error>(installed)
    });
    let lost = seen::outcome(&swarm.c0, ping("192.168.200.4").within(Duration::from_millis(300)))?;
    let again = eventually(Duration::from_secs(10), || swarm.c0.probe(ping("192.168.200.4")));
    claim("overlay-dp-c26", (false, "reached".to_owned()), (lost == "reached", again.outcome().to_string()));
    let installed = agent.await?;
    claim(
        "overlay-dp-c26b",
        ["miss 192.168.200.4", "miss lladdr 02:42:c0:a8:c8:04"].map(str::to_owned).to_vec(),
        installed,
    );
    Ok(())
}

/// The cluster with a second container on the first node.
fn with_a_second_container() -> Result<Swarm> {
    let mac = "02:42:c0:a8:c8:05";
    let builder = cluster(Shape { second: true, ..Shape::default() }).node("c2", move |n| {
        n.with(Departure::LoopbackUp)
            .with(Departure::ShortNeighbourTimers)
            .interface_with("eth0", |i| i.address("192.168.200.5/24").mac(mac))
    });
    let swarm = Swarm::of(builder.link_with_mtu("c2.eth0", "ov0.veth3", 1450))?;
    swarm.learn_far()?;
    swarm.learn_near()?;
    Ok(swarm)
}

#[netns_test]
fn a_second_container_needs_entries_on_the_other_nodes_only() -> Result {
    let swarm = with_a_second_container()?;
    let underlay = swarm.underlay()?.capture(udp(4789))?;
    let outcome = seen::outcome(&swarm.c0, ping("192.168.200.5"))?;
    claim("overlay-dp-c23", ("reached".to_owned(), 0), (outcome, underlay.count(any())?));
    claim("overlay-dp-c23b", "host unreachable", seen::outcome(&swarm.c1, ping("192.168.200.5"))?);
    tell(&swarm.ov1, "192.168.200.5", "02:42:c0:a8:c8:05", VTEP0)?;
    swarm.c1.flush_neighbours()?;
    claim("overlay-dp-c23c", "reached", seen::outcome(&swarm.c1, ping("192.168.200.5"))?);
    underlay.saw(any());
    Ok(())
}

#[netns_test]
fn an_ipv6_underlay_costs_seventy_bytes() -> Result {
    let end = |own: &'static str, far: &'static str, inner: &'static str| {
        move |n: netns_test::topology::build::NodeBuilder| {
            n.interface("eth0", own).vxlan("vxlan1", 4097, |v| v.remote(far).mtu(1430).address(inner))
        }
    };
    let lab = Topology::builder()
        .node("a", end("fd00::1/64", "fd00::2", "192.168.200.3/24"))
        .node("b", end("fd00::2/64", "fd00::1", "192.168.200.4/24"))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let a = lab.node("a")?;
    claim("overlay-dp-c29", "reached", seen::outcome(&a, ping("192.168.200.4").size(1402).dont_fragment())?);
    let larger = seen::outcome(&a, ping("192.168.200.4").size(1403).dont_fragment())?;
    claim("overlay-dp-c29b", "packet too big (mtu 1430)", larger);
    Ok(())
}

#[netns_test(timeout = "60s")]
fn what_was_learned_is_forgotten_and_what_was_set_is_not() -> Result {
    let end = |own: &'static str, far: &'static str, inner: &'static str, mac: &'static str| {
        move |n: netns_test::topology::build::NodeBuilder| {
            n.interface("eth0", own)
                .vxlan("vxlan1", 4097, |v| v.remote(far).address(inner).mac(mac).ageing(Duration::from_secs(3)))
        }
    };
    let lab = Topology::builder()
        .node("a", end("192.168.10.6/24", VTEP1, "192.168.200.3/24", C0))
        .node("b", end("192.168.10.7/24", VTEP0, "192.168.200.4/24", C1))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let a = lab.node("a")?;
    a.add_fdb(format!("02:00:00:00:00:99 dev vxlan1 dst {VTEP1}"))?;
    a.reaches(ping("192.168.200.4"));
    let has =
        |mac: &str| a.fdb().is_ok_and(|all| all.iter().any(|e| e.mac.to_string() == mac && e.destination.is_some()));
    assert!(has(C1), "the far end was learned");
    // The kernel sweeps about every ten seconds.
    eventually(Duration::from_secs(30), || !has(C1));
    claim("overlay-dp-c30", (false, true), (has(C1), has("02:00:00:00:00:99")));
    Ok(())
}
