//! Overlays: VXLAN devices, forwarding entries, and what becomes of a packet.

use netns_test::topology::{
    FdbEntry, Vni, Vxlan,
    build::{TopologyBuilder, VxlanBuilder},
};
use netns_test::{capture::Transport, prelude::*};

/// Two hosts on a cable, 192.0.2.1 and .2, each with an end of a tunnel in 10.99.0.0/24.
fn hosts(left: fn(VxlanBuilder) -> VxlanBuilder, right: fn(VxlanBuilder) -> VxlanBuilder) -> TopologyBuilder {
    Topology::builder()
        .node("left", |n| n.interface("eth0", "192.0.2.1/24").vxlan("vx0", 42, |v| left(v.address("10.99.0.1/24"))))
        .node("right", |n| n.interface("eth0", "192.0.2.2/24").vxlan("vx0", 42, |v| right(v.address("10.99.0.2/24"))))
        .link("left.eth0", "right.eth0")
}

/// The same, with each the other's far end.
fn tunnel() -> TopologyBuilder {
    hosts(|v| v.remote("192.0.2.2"), |v| v.remote("192.0.2.1"))
}

struct Tunnel {
    left: Node,
    right: Node,
}

impl Network for Tunnel {
    fn topology() -> Topology {
        tunnel().build().expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { left: lab.node("left")?, right: lab.node("right")? })
    }
}

#[netns_test]
fn the_ends_of_a_tunnel_reach_each_other(net: Tunnel) -> Result {
    let underlay = net.right.interface("eth0")?.capture(udp(4789))?;
    net.left.reaches(net.right.interface("vx0")?.ping());
    underlay.saw(udp(4789).from("192.0.2.1").to("192.0.2.2"));

    net.left.interface("eth0")?.down()?;
    net.left.cannot_reach(net.right.interface("vx0")?.ping(), by::Timeout);
    Ok(())
}

#[netns_test]
fn the_kernel_has_what_was_declared() -> Result {
    let lab = hosts(
        |v| v.remote("192.0.2.2").local("192.0.2.1").dev("eth0").no_learning().proxy().l2miss().l3miss(),
        |v| v.group("239.1.1.1").dev("eth0").port(8472).ageing(Duration::from_secs(5)).down().mac("02:00:00:00:00:07"),
    )
    .build()?
    .up()?;
    let left = lab.node("left")?.interface("vx0")?.info()?;
    let seen = left.vxlan.expect("it is a VXLAN device");
    assert_eq!(
        (seen.id, seen.port, seen.learning, seen.proxy, seen.l2miss, seen.l3miss),
        (42, 4789, false, true, true, true)
    );
    assert_eq!((seen.local, seen.remote), (Some("192.0.2.1".parse()?), Some("192.0.2.2".parse()?)));
    assert_eq!(seen.dev, Some(lab.node("left")?.interface("eth0")?.index()?));
    assert_eq!((left.mtu, left.flags.up(), left.kind.as_str()), (1450, true, "vxlan"));

    let right = lab.node("right")?.interface("vx0")?.info()?;
    let seen = right.vxlan.expect("it is a VXLAN device");
    assert_eq!((seen.remote, seen.port, seen.learning), (Some("239.1.1.1".parse()?), 8472, true));
    assert_eq!((seen.ageing, right.flags.up()), (Duration::from_secs(5), false));
    assert_eq!(right.mac.to_string(), "02:00:00:00:00:07");
    Ok(())
}

#[netns_test]
fn the_ready_profile_leaves_room_for_encapsulation(net: Tunnel) -> Result {
    assert_eq!(net.left.interface("vx0")?.info()?.mtu, 1450);

    net.left.reaches(net.right.interface("vx0")?.ping().size(1422).dont_fragment());
    net.left.cannot_reach(
        net.right.interface("vx0")?.ping().size(1423).dont_fragment(),
        by::PacketTooBig.mtu(1450).local(),
    );
    Ok(())
}

#[netns_test]
fn the_kernel_profile_leaves_the_mtu_to_the_kernel() -> Result {
    let lab = tunnel().profile(Profile::Kernel).build()?.up()?;
    assert_eq!(lab.node("left")?.interface("vx0")?.info()?.mtu, 1500);
    Ok(())
}

#[netns_test]
fn an_ipv6_underlay_takes_seventy_bytes() -> Result {
    let lab = Topology::builder()
        .node("a", |n| {
            n.interface("eth0", "fd00::1/64").vxlan("vx0", 7, |v| v.remote("fd00::2").address("10.99.0.1/24"))
        })
        .node("b", |n| {
            n.interface("eth0", "fd00::2/64").vxlan("vx0", 7, |v| v.remote("fd00::1").address("10.99.0.2/24"))
        })
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    a.reaches(b.interface("vx0")?.ping().size(1402).dont_fragment());
    a.cannot_reach(b.interface("vx0")?.ping().size(1403).dont_fragment(), by::PacketTooBig.mtu(1430));
    Ok(())
}

#[netns_test]
fn devices_of_different_networks_do_not_meet() -> Result {
    let lab = Topology::builder()
        .node("a", |n| {
            n.interface("eth0", "192.0.2.1/24").vxlan("vx0", 1, |v| v.remote("192.0.2.2").address("10.99.0.1/24"))
        })
        .node("b", |n| {
            n.interface("eth0", "192.0.2.2/24").vxlan("vx0", 2, |v| v.remote("192.0.2.1").address("10.99.0.2/24"))
        })
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    a.reaches(b.interface("eth0")?.ping());
    a.cannot_reach(b.interface("vx0")?.ping(), by::HostUnreachable.local());
    Ok(())
}

/// A tunnel as container engines have it: the device in one namespace, its socket in another's.
struct Apart {
    host: Node,
    overlay: Node,
    far: Node,
}

impl Network for Apart {
    fn topology() -> Topology {
        Topology::builder()
            .node("overlay", |n| n.vxlan("vx0", 42, |v| v.remote("192.0.2.2").underlay("host").address("10.99.0.1/24")))
            .node("host", |n| n.interface("eth0", "192.0.2.1/24"))
            .node("far", |n| {
                n.interface("eth0", "192.0.2.2/24").vxlan("vx0", 42, |v| v.remote("192.0.2.1").address("10.99.0.2/24"))
            })
            .link("host.eth0", "far.eth0")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { host: lab.node("host")?, overlay: lab.node("overlay")?, far: lab.node("far")? })
    }
}

/// Whether /proc/net/udp of the node has a socket on the port of VXLAN.
fn has_tunnel_socket(node: &Node) -> Result<bool> {
    let table = node.run(|| std::fs::read_to_string("/proc/thread-self/net/udp"))?;
    Ok(table.contains(":12B5 "))
}

#[netns_test]
fn another_node_can_carry_the_tunnel(net: Apart) -> Result {
    net.overlay.reaches(net.far.interface("vx0")?.ping());
    assert_eq!((has_tunnel_socket(&net.host)?, has_tunnel_socket(&net.overlay)?), (true, false));
    assert!(net.host.interface("vx0").is_err(), "the device is on the overlay's node alone");
    net.overlay.cannot_reach(net.host.ping(), by::NetworkUnreachable);
    Ok(())
}

// ---- forwarding entries

/// Two tunnel ends that know each other by entries only.
fn silent() -> TopologyBuilder {
    hosts(|v| v.mac("02:00:00:00:00:01").no_learning(), |v| v.mac("02:00:00:00:00:02").no_learning())
}

#[netns_test]
fn entries_lead_frames_to_their_tunnel_ends() -> Result {
    let lab = silent().build()?.up()?;
    let (left, right) = (lab.node("left")?, lab.node("right")?);
    left.cannot_reach(right.interface("vx0")?.ping(), by::HostUnreachable.local());

    for (node, peer, far) in [(&left, "02:00:00:00:00:02", "192.0.2.2"), (&right, "02:00:00:00:00:01", "192.0.2.1")] {
        node.add_fdb(format!("{peer} dev vx0 dst {far}"))?;
        node.add_fdb(format!("00:00:00:00:00:00 dev vx0 dst {far}"))?;
    }
    left.reaches(right.interface("vx0")?.ping());
    Ok(())
}

#[netns_test]
fn declared_entries_are_there_from_the_start() -> Result {
    let lab = Topology::builder()
        .node("left", |n| {
            n.interface("eth0", "192.0.2.1/24")
                .vxlan("vx0", 42, |v| v.mac("02:00:00:00:00:01").address("10.99.0.1/24").no_learning())
                .neighbour("10.99.0.2", "02:00:00:00:00:02", "vx0")
                .fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")
                .fdb("00:00:00:00:00:00 dev vx0 dst 192.0.2.2")
                .fdb("00:00:00:00:00:00 dev vx0 dst 192.0.2.3")
        })
        .node("right", |n| {
            n.interface("eth0", "192.0.2.2/24")
                .vxlan("vx0", 42, |v| v.mac("02:00:00:00:00:02").address("10.99.0.2/24").no_learning())
                .neighbour("10.99.0.1", "02:00:00:00:00:01", "vx0")
                .fdb("02:00:00:00:00:01 dev vx0 dst 192.0.2.1")
        })
        .link("left.eth0", "right.eth0")
        .build()?
        .up()?;
    let left = lab.node("left")?;
    left.reaches(lab.node("right")?.interface("vx0")?.ping());
    let index = left.interface("vx0")?.index()?;
    let mut ends: Vec<String> = left
        .fdb()?
        .iter()
        .filter(|entry| entry.port == index && entry.permanent)
        .filter_map(|entry| Some(format!("{} {}", entry.mac, entry.destination?)))
        .collect();
    ends.sort();
    assert_eq!(ends, ["00:00:00:00:00:00 192.0.2.2", "00:00:00:00:00:00 192.0.2.3", "02:00:00:00:00:02 192.0.2.2"]);
    Ok(())
}

#[netns_test]
fn an_address_has_one_tunnel_end() -> Result {
    let lab = silent().build()?.up()?;
    let left = lab.node("left")?;
    left.add_fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.9")?;
    let refusal = left.add_fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2").unwrap_err();
    assert!(refusal.to_string().contains("File exists"), "{refusal}");

    left.replace_fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")?;
    let ends = |mac: &str| -> Result<Vec<String>> {
        let of = |entry: &netns_test::kernel::FdbInfo| entry.mac.to_string() == mac && entry.destination.is_some();
        let all = left.fdb()?;
        Ok(all.iter().filter(|entry| of(entry)).filter_map(|entry| Some(entry.destination?.to_string())).collect())
    };
    assert_eq!(ends("02:00:00:00:00:02")?, ["192.0.2.2"]);

    left.remove_fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")?;
    assert_eq!(ends("02:00:00:00:00:02")?, [""; 0]);
    assert!(left.remove_fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2").is_err());
    Ok(())
}

#[netns_test]
fn an_entry_with_a_tunnel_end_is_for_a_vxlan_device(net: Tunnel) -> Result {
    let error = net.left.add_fdb("02:00:00:00:00:02 dev eth0 dst 192.0.2.9").expect_err("it leads nowhere").to_string();
    assert!(error.contains("error[N0066]: `eth0` is no VXLAN device, it leads to no tunnel end"), "{error}");
    assert!(error.contains("help: leave out `dst` for a port of a bridge"), "{error}");
    Ok(())
}

#[netns_test]
fn a_bridge_keeps_to_an_entry_set_by_hand() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24").neighbour("10.0.0.9", "02:00:00:00:00:09", "eth0"))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .node("c", |n| n.interface("eth0", "10.0.0.3/24"))
        .node("switch", |n| n.bridge("br0", |b| b.ports(["pa", "pb", "pc"])).fdb("02:00:00:00:00:09 dev pb"))
        .link("switch.pa", "a.eth0")
        .link("switch.pb", "b.eth0")
        .link("switch.pc", "c.eth0")
        .build()?
        .up()?;
    let (a, b, c) = (lab.node("a")?, lab.node("b")?.interface("eth0")?, lab.node("c")?.interface("eth0")?);
    let (at_b, at_c) = (b.capture(icmp())?, c.capture(icmp())?);
    a.cannot_reach(ping("10.0.0.9"), by::Timeout);
    at_b.saw(icmp().to("10.0.0.9"));
    at_c.stays_quiet(icmp().to("10.0.0.9"), Duration::from_millis(50));
    Ok(())
}

// ---- made in mid-test

#[netns_test]
fn a_tunnel_can_be_made_in_mid_test() -> Result {
    let lab = Topology::builder()
        .node("left", |n| n.interface("eth0", "192.0.2.1/24"))
        .node("right", |n| n.interface("eth0", "192.0.2.2/24"))
        .node("inner", |n| n)
        .link("left.eth0", "right.eth0")
        .build()?
        .up()?;
    let (left, right, inner) = (lab.node("left")?, lab.node("right")?, lab.node("inner")?);
    let near = inner.add_vxlan("vx0", "id 5 remote 192.0.2.2 underlay left")?;
    let far = right.add_vxlan("vx0", Vxlan { remote: Some("192.0.2.1".parse()?), ..Vxlan::new(Vni::new(5)?) })?;
    assert_eq!((near.info()?.mtu, far.info()?.mtu), (1450, 1450));
    near.add_address("10.99.0.1/24")?;
    far.add_address("10.99.0.2/24")?;
    near.up()?;
    far.up()?;
    inner.reaches(far.ping());

    near.down()?;
    inner.cannot_reach(far.ping(), by::NetworkUnreachable);
    let entry = FdbEntry { mac: "02:00:00:00:00:05".parse()?, dev: "vx0".parse()?, dst: Some("192.0.2.2".parse()?) };
    inner.add_fdb(&entry)?;
    assert!(inner.fdb()?.iter().any(|seen| seen.mac == entry.mac && seen.destination == entry.dst));

    let refusal = left.add_vxlan("vx1", "id 5 remote 192.0.2.3").unwrap_err();
    assert!(refusal.to_string().contains("A VXLAN device with the specified VNI already exists"), "{refusal}");
    assert!(left.add_vxlan("vx1", "id 6 underlay rihgt").is_err());
    Ok(())
}

#[netns_test]
fn a_device_that_moves_leaves_its_socket_behind() -> Result {
    let lab = Topology::builder()
        .node("host", |n| n.interface("eth0", "192.0.2.1/24"))
        .node("overlay", |n| n)
        .node("far", |n| {
            n.interface("eth0", "192.0.2.2/24").vxlan("vx0", 42, |v| v.remote("192.0.2.1").address("10.99.0.2/24"))
        })
        .link("host.eth0", "far.eth0")
        .build()?
        .up()?;
    let (host, overlay, far) = (lab.node("host")?, lab.node("overlay")?, lab.node("far")?);
    let moved = host.add_vxlan("vx0", "id 42 remote 192.0.2.2")?.move_to(&overlay)?;
    moved.add_address("10.99.0.1/24")?;
    moved.up()?;
    overlay.reaches(far.interface("vx0")?.ping());
    assert_eq!((has_tunnel_socket(&host)?, has_tunnel_socket(&overlay)?), (true, false));
    Ok(())
}

// ---- what becomes of a packet

#[netns_test]
fn nothing_is_missing_where_nobody_asks(net: Tunnel) -> Result {
    let misses = net.left.interface("vx0")?.misses()?;
    net.left.reaches(net.right.interface("vx0")?.ping());
    let refusal = misses.next().within(Duration::from_millis(20)).run().unwrap_err().to_string();
    assert!(refusal.contains("`left.vx0` missed nothing within 20ms"), "{refusal}");
    assert_eq!(misses.all()?, []);
    Ok(())
}

#[netns_test]
fn a_frame_is_taken_out_of_its_tunnel(net: Tunnel) -> Result {
    let underlay = net.right.interface("eth0")?.capture(udp(4789).to("192.0.2.2"))?;
    net.left.reaches(net.right.interface("vx0")?.ping().size(100));

    let carries_echo = |packet: &&netns_test::Packet| {
        let inner = packet.vxlan().and_then(|carried| carried.frame.ip().cloned());
        matches!(inner.map(|ip| ip.transport), Some(Transport::Icmp { kind: 8, .. }))
    };
    let packets = underlay.packets()?;
    let outer = packets.iter().find(carries_echo).expect("the echo request passed");
    let (left, right) = (net.left.interface("eth0")?.mac()?, net.right.interface("eth0")?.mac()?);
    let ethernet = outer.ethernet.expect("it is Ethernet");
    assert_eq!((ethernet.source, ethernet.destination, ethernet.kind), (left, right, 0x0800));
    let ip = outer.ip().expect("it is IP");
    assert_eq!((ip.source.to_string(), ip.destination.to_string()), ("192.0.2.1".into(), "192.0.2.2".into()));
    assert!(matches!(ip.transport, Transport::Udp { destination: 4789, .. }));

    let carried = outer.vxlan().expect("it is VXLAN");
    assert_eq!((carried.id, carried.flags), (42, 0x08));
    let inner = carried.frame.ethernet.expect("a tunnel carries Ethernet");
    let (near, far) = (net.left.interface("vx0")?.mac()?, net.right.interface("vx0")?.mac()?);
    assert_eq!((inner.source, inner.destination, inner.kind), (near, far, 0x0800));
    let inner = carried.frame.ip().expect("it is IP");
    assert_eq!((inner.source.to_string(), inner.destination.to_string()), ("10.99.0.1".into(), "10.99.0.2".into()));
    assert_eq!((inner.length, ip.length - inner.length), (128, 50));
    assert_eq!(carried.frame.payload().len(), 100);
    Ok(())
}

// ---- declared

topology! {
    /// Two tunnel endpoints: underlay 192.0.2.0/24, overlay 10.99.0.0/24; a container with a macvlan beside them.
    struct Declared {
        node left {
            eth0: "192.0.2.1/24";
            vxlan vx0: "10.99.0.1/24" { id 42, remote "192.0.2.2" };
            fdb "02:00:00:00:00:09" dev vx0 dst "192.0.2.9";
        }
        node right {
            eth0: "192.0.2.2/24";
            vxlan vx0: "10.99.0.2/24" { id 42, remote "192.0.2.1" };
        }
        node container {
            macvlan eth0: "192.0.2.3/24" { parent eth0, parent_node right, mode private };
        }

        link left.eth0 -- right.eth0 { mtu 1500 };
    }
}

#[netns_test]
fn an_overlay_can_be_declared(net: Declared) -> Result {
    net.left.reaches(net.right.vx0.ping().size(1422).dont_fragment());
    net.left.cannot_reach(net.right.vx0.ping().size(1423).dont_fragment(), by::PacketTooBig);
    net.left.reaches(net.container.eth0.ping());
    assert!(net.left.fdb()?.iter().any(|entry| entry.mac.to_string() == "02:00:00:00:00:09"));
    Ok(())
}
