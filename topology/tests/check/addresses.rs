//! Addresses of interfaces, IP and Ethernet.

use netns_test_topology::Topology;

use super::{addressed, fires, pair, passes, problems};

#[test]
fn duplicate_address() {
    fires(
        addressed(&["10.0.0.1/24", "10.0.0.1/24"], &[]),
        &["duplicate_address: `eth0` has the address `10.0.0.1` twice (leave one out)"],
    );
    fires(
        addressed(&["fd00::1/64", "fd00::1/80"], &[]),
        &["duplicate_address: `eth0` has the address `fd00::1` twice (leave one out)"],
    );
    passes(addressed(&["10.0.0.1/24", "10.0.0.1/25"], &[]));
}

#[test]
fn address_conflict() {
    let allow = "(add `allow(address_conflict)` if that is the point of the test)";
    fires(
        addressed(&["10.0.0.1/24"], &["10.0.0.1/24"]),
        &[&format!(
            "address_conflict: `a.eth0` and `b.eth0` are on one LAN and have the same address `10.0.0.1` {allow}"
        )],
    );
    fires(
        pair(|n| n.interface("lo", "10.0.0.1/32")),
        &[&format!("address_conflict: `eth0` and `lo` of node `a` have the same address `10.0.0.1` {allow}")],
    );
    passes(addressed(&["10.0.0.1/24"], &["10.0.0.1/24"]).allow("address_conflict"));
    // Two LANs may use the same addresses.
    passes(
        pair(|n| n)
            .node("c", |n| n.interface("eth0", "10.0.0.1/24"))
            .node("d", |n| n.interface("eth0", "10.0.0.2/24"))
            .link("c.eth0", "d.eth0"),
    );
}

#[test]
fn network_address() {
    fires(
        addressed(&["10.0.0.0/24"], &[]),
        &["network_address: `10.0.0.0` is the network address of `10.0.0.0/24`, not a host in it (the first host is \
           `10.0.0.1/24`)"],
    );
    fires(
        addressed(&["fd00::/64"], &[]),
        &["network_address: `fd00::` is the network address of `fd00::/64`, not a host in it (the first host is \
           `fd00::1/64`)"],
    );
    passes(addressed(&["10.0.0.0/31"], &["10.0.0.1/31"]));
    passes(addressed(&["10.0.0.0/32"], &[]));
    passes(addressed(&["10.0.0.0/24"], &[]).allow("network_address"));
}

#[test]
fn broadcast_address() {
    fires(
        addressed(&["10.0.0.255/24"], &[]),
        &[
            "broadcast_address: `10.0.0.255` is the broadcast address of `10.0.0.0/24`, not a host in it (the last host is \
           `10.0.0.254/24`)",
        ],
    );
    passes(addressed(&["10.0.0.255/16", "fd00::ffff:ffff:ffff:ffff/64"], &[]));
}

#[test]
fn refused_address() {
    for (address, what, help) in [
        (
            "ff02::5/64",
            "`ff02::5` is a multicast address",
            "write the address of a host: programs join groups by themselves",
        ),
        ("::/64", "`::` is the unspecified address", "write the address of a host"),
        ("::1/128", "`::1` is the loopback address", "leave it out: `lo` has it by itself"),
    ] {
        fires(addressed(&[address], &[]), &[&format!("refused_address: {what}, `eth0` cannot use it ({help})")]);
    }
    passes(Topology::builder().node("a", |n| n.interface("lo", ["::1/128", "127.0.0.1/8"])));
}

#[test]
fn special_address() {
    let host = "write the address of a host";
    for (address, what, help) in [
        (
            "224.0.0.5/24",
            "`224.0.0.5` is a multicast address",
            "write the address of a host: programs join groups by themselves",
        ),
        ("0.0.0.1/24", "`0.0.0.1` is in 0.0.0.0/8, which means this network", host),
        ("255.255.255.255/32", "`255.255.255.255` is the broadcast address", host),
        (
            "127.0.0.5/8",
            "`127.0.0.5` is in 127.0.0.0/8, which stays inside a host",
            "give it to `lo`, or write another",
        ),
    ] {
        fires(addressed(&[address], &[]), &[&format!("special_address: {what}, `eth0` cannot use it ({help})")]);
        passes(addressed(&[address], &[]).allow("special_address"));
    }
    passes(addressed(&["240.0.0.1/24"], &[]));
}

#[test]
fn bad_mac() {
    let bad = |mac: &'static str| {
        problems(
            Topology::builder()
                .node("a", move |n| n.interface_with("x", |i| i.mac(mac)).interface("y", ()))
                .link("a.x", "a.y"),
        )
    };
    assert_eq!(
        bad("01:00:5e:00:00:01"),
        [
            "bad_mac: `01:00:5e:00:00:01` is a group address, no interface can have it (an address of your own has an even \
          first byte, such as `02:00:5e:00:00:01`)"
        ]
    );
    assert_eq!(
        bad("00:00:00:00:00:00"),
        ["bad_mac: `00:00:00:00:00:00` is zero, no interface can have it (an address of your own has an even first \
          byte, such as `02:00:00:00:00:00`)"]
    );
    assert_eq!(bad("02:00:00:00:00:01"), [""; 0]);
}

#[test]
fn loopback_mac() {
    fires(
        Topology::builder().node("a", |n| n.interface_with("lo", |i| i.mac("02:00:00:00:00:01"))),
        &["loopback_mac: the loopback interface has no MAC address (leave it out)"],
    );
}
