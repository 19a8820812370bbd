//! The checker says "the kernel would refuse" of what the kernel refuses, and of nothing else.
//!
//! Each test has the name of a check, gives a live node what the check is about, past the checker, and sees the
//! kernel's own answer. One test per check of that severity: a check without one fails `each_refusal_is_seen`.

use netns_test::{
    Error,
    prelude::*,
    topology::check::{Check, Severity},
};

/// A node `a` with a cable to `b`, a bridge, and an interface that is down.
struct Net {
    a: Node,
    b: Node,
}

impl Network for Net {
    fn topology() -> Topology {
        Topology::builder()
            .node("a", |n| {
                n.interface("eth0", ["10.0.0.1/24", "fd00::1/64"])
                    .bridge("br0", |b| b.port("p0"))
                    .interface_with("eth1", |i| i.address("10.0.1.1/24").down())
            })
            .node("b", |n| n.interface("eth0", "10.0.0.2/24").interface("p0", ()).interface("eth1", ()))
            .link("a.eth0", "b.eth0")
            .link("a.p0", "b.p0")
            .link("a.eth1", "b.eth1")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, Error> {
        Ok(Self { a: lab.node("a")?, b: lab.node("b")? })
    }
}

/// Sees the kernel refuse something with this errno.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: std::result::Result<T, Error>, errno: &str) {
    match result {
        Err(Error::Kernel { source, .. }) if source.to_string().contains(&format!("({errno})")) => {}
        other => panic!("expected the kernel to answer {errno}, got {other:?}"),
    }
}

macro_rules! refusals {
    ($($name:ident($net:ident) $body:block)*) => {
        $(
            #[netns_test]
            fn $name($net: Net) -> Result {
                $body
                Ok(())
            }
        )*

        const SEEN: &[&str] = &[$(stringify!($name)),*];
    };
}

refusals! {
    vxlan_families(net) {
        refused(net.a.add_vxlan("vx0", "id 42 local 10.0.0.1 remote fd00::2"), "EINVAL");
        net.a.add_vxlan("vx0", "id 42 remote 10.0.0.2")?;
        refused(net.a.add_fdb("02:00:00:00:00:02 dev vx0 dst fd00::2"), "EAFNOSUPPORT");
    }
    group_without_device(net) {
        refused(net.a.add_vxlan("vx0", "id 42 group 239.1.1.1"), "EINVAL");
    }
    vxlan_scopes(net) {
        refused(net.a.add_vxlan("vx0", "id 42 remote fe80::2"), "EINVAL");
        refused(net.a.add_vxlan("vx0", "id 42 remote fe80::2 dev eth0"), "EINVAL");
        refused(net.a.add_vxlan("vx0", "id 42 local fd00::1 remote fe80::2 dev eth0"), "EINVAL");
        refused(net.a.add_vxlan("vx0", "id 42 local fe80::1 remote fd00::2 dev eth0"), "EINVAL");
        refused(net.a.add_vxlan("vx0", "id 42 local fe80::1 group ff05::2 dev eth0"), "EINVAL");
        refused(net.a.add_vxlan("vx0", "id 42 local fe80::1 remote fe80::2"), "EINVAL");
        refused(net.a.add_vxlan("vx0", "id 42 local fe80::1"), "EINVAL");
        net.a.add_vxlan("vx0", "id 42 local fe80::1 remote fe80::2 dev eth0")?;
        net.a.add_vxlan("vx1", "id 43 local fe80::1 group ff02::2 dev eth0")?;
        net.a.add_vxlan("vx2", "id 44 local fe80::1 dev eth0")?;
    }
    vxlan_conflict(net) {
        net.a.add_vxlan("vx0", "id 42 remote 10.0.0.2")?;
        refused(net.a.add_vxlan("vx1", "id 42 remote 10.0.0.3"), "EEXIST");
    }
    fdb_device(net) {
        refused(net.a.add_fdb("02:00:00:00:00:02 dev eth0"), "EOPNOTSUPP");
    }
    duplicate_fdb(net) {
        net.a.add_fdb("02:00:00:00:00:02 dev p0")?;
        refused(net.a.add_fdb("02:00:00:00:00:02 dev p0"), "EEXIST");
    }
    macvlan_parent(net) {
        refused(net.a.add_macvlan("m0", "link lo"), "EINVAL");
        refused(net.a.add_macvlan("m0", "link p0"), "EBUSY");
        net.a.add_macvlan("m0", "link eth0 mode passthru")?;
        refused(net.a.add_macvlan("m1", "link eth0"), "EINVAL");
        refused(net.a.add_macvlan("m1", "link m0"), "EINVAL");
    }
    bad_fdb_mac(net) {
        refused(net.a.add_fdb("00:00:00:00:00:00 dev p0"), "EINVAL");
    }
    duplicate_interface(net) {
        refused(net.a.connect("eth0", &net.b, "other"), "EEXIST");
        refused(net.a.add_bridge("br0"), "EEXIST");
    }
    duplicate_address(net) {
        let eth0 = net.a.interface("eth0")?;
        refused(eth0.add_address("10.0.0.1/24"), "EEXIST");
        refused(eth0.add_address("fd00::1/80"), "EEXIST");
    }
    unknown_interface(net) {
        refused(net.a.set_sysctl("net.ipv4.conf.eth7.rp_filter", 1), "ENOENT");
    }
    plugged_twice(net) {
        refused(net.a.connect("eth0", &net.b, "eth7"), "EEXIST");
        refused(net.a.connect("eth7", &net.a, "eth7"), "EEXIST");
    }
    not_a_cable_end(net) {
        refused(net.a.connect("br0", &net.b, "eth7"), "EEXIST");
        refused(net.a.connect("lo", &net.b, "eth7"), "EEXIST");
    }
    loopback_name(net) {
        refused(net.a.add_bridge("lo"), "EEXIST");
    }
    refused_address(net) {
        let eth0 = net.a.interface("eth0")?;
        refused(eth0.add_address("ff02::5/64"), "EADDRNOTAVAIL");
        refused(eth0.add_address("::/64"), "EADDRNOTAVAIL");
        refused(eth0.add_address("::1/128"), "EADDRNOTAVAIL");
    }
    gateway_off_link(net) {
        refused(net.a.add_route("default via 10.0.9.1"), "ENETUNREACH");
        refused(net.a.add_route("default via fd09::1"), "EHOSTUNREACH");
        refused(net.a.add_route("default via fd09::1 dev lo"), "EHOSTUNREACH");
        // The kernel makes no route to the networks of such addresses.
        for (address, gateway) in [("239.84.0.1/2", "192.0.0.9"), ("10.64.0.1/1", "100.0.0.9"), ("0.1.2.3/1", "100.0.0.9")] {
            net.a.interface("lo")?.add_address(address)?;
            refused(net.a.add_route(format!("10.5.0.0/24 via {gateway}")), "ENETUNREACH");
        }
        // A network on `lo` is the node's own, also where a route for everything leads out.
        net.a.interface("lo")?.add_address("fd05::1/64")?;
        net.a.add_route("::/0 dev eth0")?;
        refused(net.a.add_route("fd01::/64 via fd05::9"), "EHOSTUNREACH");
        net.a.add_route("fd01::/64 via fd06::9")?;
    }
    broadcast_gateway(net) {
        refused(net.a.add_route("default via 10.0.0.255"), "EINVAL");
        refused(net.a.add_route("default via 10.0.0.1 dev eth0 onlink"), "EINVAL");
        net.a.interface("lo")?.add_address("10.0.9.2/24")?;
        refused(net.a.add_route("default via 10.0.9.1 dev lo onlink"), "EINVAL");
        refused(net.a.add_route("default via 10.0.9.1 dev eth0 onlink"), "EINVAL");
        refused(net.a.add_route("default via fd00::1"), "EINVAL");
        for gateway in ["224.0.0.1", "255.255.255.255", "127.0.0.1"] {
            refused(net.a.add_route(format!("default via {gateway} dev eth0")), "ENETUNREACH");
            refused(net.a.add_route(format!("default via {gateway} dev eth0 onlink")), "EINVAL");
        }
        for gateway in ["ff02::1", "::", "::1"] {
            refused(net.a.add_route(format!("default via {gateway} dev eth0")), "EINVAL");
            refused(net.a.add_route(format!("default via {gateway} dev eth0 onlink")), "EINVAL");
        }
        let bare = Topology::builder()
            .profile(Profile::Kernel)
            .node("c", |n| n.interface("eth0", ()))
            .node("d", |n| n.interface("eth0", ()))
            .link("c.eth0", "d.eth0")
            .build()?
            .up()?;
        let c = bare.node("c")?;
        refused(c.add_route("default via 10.0.0.2 dev eth0 onlink"), "EINVAL");
        c.interface("eth0")?.down()?;
        c.interface("eth0")?.add_address("10.9.0.1/24")?;
        c.interface("eth0")?.up()?;
        c.add_route("default via 10.0.0.2 dev eth0 onlink")?;
    }
    route_host_bits(net) {
        refused(net.a.add_route("10.1.2.3/16 via 10.0.0.2"), "EINVAL");
    }
    route_families(net) {
        refused(net.a.add_route("fd01::/64 via 10.0.0.2"), "ERANGE");
        refused(net.a.add_route("10.1.0.0/16 via 10.0.0.2 src fd00::1"), "EINVAL");
        refused(net.a.add_route("fd01::/64 via fd00::2 src 10.0.0.1"), "ERANGE");
    }
    route_over_down(net) {
        refused(net.a.add_route("default dev eth1"), "ENETDOWN");
        refused(net.a.add_route("default via 10.0.1.2"), "ENETUNREACH");
        refused(net.a.add_route("fd01::/64 dev eth1"), "ENETDOWN");
        // Its own address there leads over it as well.
        refused(net.a.add_route("10.8.0.0/16 via 10.0.1.1"), "ENETDOWN");
    }
    route_incomplete(net) {
        refused(net.a.add_route("default via fe80::1"), "EINVAL");
        refused(net.a.add_route("fd01::/64 nexthop dev eth0 nexthop dev eth0"), "EINVAL");
    }
    foreign_source(net) {
        refused(net.a.add_route("default via 10.0.0.2 src 10.9.9.9"), "EINVAL");
        refused(net.a.add_route("default via fd00::2 src fd09::9"), "EINVAL");
        net.a.interface("lo")?.add_address("239.0.0.1/32")?;
        refused(net.a.add_route("default via 10.0.0.2 src 239.0.0.1"), "EINVAL");
    }
    duplicate_route(net) {
        net.a.add_route("default via 10.0.0.2")?;
        refused(net.a.add_route("default via 10.0.0.3"), "EEXIST");
        net.a.add_route("fd01::/64 via fd00::2")?;
        refused(net.a.add_route("fd01::/64 via fd00::3"), "EEXIST");
    }
    rule_families(net) {
        refused(net.a.add_rule("from 10.0.0.0/8 to fd00::/8 lookup 100"), "EINVAL");
    }
    master_not_bridge(net) {
        refused(net.a.interface("eth0")?.set_master(&net.a.interface("eth1")?), "EOPNOTSUPP");
    }
    bad_port(net) {
        let br0 = net.a.interface("br0")?;
        refused(net.a.add_bridge("br1")?.set_master(&br0), "ELOOP");
        refused(net.a.interface("lo")?.set_master(&br0), "EINVAL");
    }
    mtu_range(net) {
        for mtu in [0, 67, 65_536] {
            refused(net.a.interface("eth0")?.set_mtu(mtu), "EINVAL");
        }
    }
    mtu_below_ipv6(net) {
        let eth1 = net.a.interface("eth1")?;
        eth1.set_mtu(1279)?;
        refused(eth1.add_address("fd01::1/64"), "EINVAL");
        net.a.interface("eth0")?.set_mtu(1279)?;
        refused(net.a.add_route("fd01::/64 dev eth0"), "ENODEV");
        refused(net.a.add_route("10.1.0.0/16 via fe80::2 dev eth0"), "ENODEV");
        refused(net.a.add_neighbour("fd00::2", "02:00:00:00:00:02", "eth0"), "EINVAL");
    }
    bad_mac(net) {
        let eth0 = net.a.interface("eth0")?;
        refused(eth0.set_mac("01:00:5e:00:00:01"), "EADDRNOTAVAIL");
        refused(eth0.set_mac("00:00:00:00:00:00"), "EADDRNOTAVAIL");
    }
    chain_kind(net) {
        let masquerade = || Match::any().verdict(Verdict::Masquerade);
        refused(net.a.add_firewall_rule(Family::Bridge, Hook::Postrouting, masquerade()), "ENOENT");
        refused(net.a.add_firewall_rule(Family::Ip, Hook::Forward, masquerade()), "EOPNOTSUPP");
    }
    verdict_place(net) {
        let to = "10.0.0.9".parse().expect("a literal");
        for (hook, verdict) in [
            (Hook::Postrouting, Verdict::Reject(Reject::Port)),
            (Hook::Prerouting, Verdict::Masquerade),
            (Hook::Output, Verdict::Snat { to, ports: None }),
            (Hook::Postrouting, Verdict::Dnat { to, port: None }),
        ] {
            refused(net.a.add_firewall_rule(Family::Ip, hook, Match::any().verdict(verdict)), "EOPNOTSUPP");
        }
    }
}

#[netns_test(timeout = "1m")]
fn too_many_ports() -> Result {
    let lab = Topology::builder().node("a", |n| n).build()?.up()?;
    let a = lab.node("a")?;
    let bridge = a.add_bridge("br0")?;
    let ports: Vec<_> =
        (0..512).map(|n| a.connect(&format!("p{n}"), &a, &format!("q{n}"))).collect::<std::result::Result<_, _>>()?;
    let mut ports: Vec<_> = ports.into_iter().flat_map(|(p, q)| [p, q]).collect();
    let last = ports.pop().expect("there are 1,024");
    for port in &ports {
        port.set_master(&bridge)?;
    }
    refused(last.set_master(&bridge), "EXFULL");
    Ok(())
}

#[netns_test]
fn tentative_source() -> Result {
    let lab = Topology::builder()
        .profile(Profile::Kernel)
        .node("a", |n| n.interface_with("eth0", |i| i.address("fd00::1/64").down()).interface("eth1", ()))
        .link("a.eth0", "a.eth1")
        .build()?
        .up()?;
    refused(lab.node("a")?.add_route("unreachable fd02::/64 src fd00::1"), "EINVAL");
    Ok(())
}

#[test]
fn each_refusal_is_seen() {
    let refusals = Check::ALL.iter().filter(|check| check.severity == Severity::Refused).map(|check| check.name);
    let mut seen = [SEEN, &["too_many_ports", "tentative_source"]].concat();
    seen.sort_unstable();
    let mut refusals: Vec<_> = refusals.collect();
    refusals.sort_unstable();
    assert_eq!(seen, refusals);
}
