//! Neighbour entries, sysctls, counters and name servers.

use netns_test_topology::{Hook, Match};

use super::{fires, pair, passes};

#[test]
fn duplicate_neighbour() {
    let twice = |second: &'static str| {
        pair(|n| n.neighbour("10.0.0.2", "02:00:00:00:00:02", "eth0").neighbour(second, "02:00:00:00:00:03", "eth0"))
    };
    fires(
        twice("10.0.0.2"),
        &["duplicate_neighbour: `eth0` has two entries for the neighbour `10.0.0.2` (leave one out)"],
    );
    passes(twice("10.0.0.3"));
}

#[test]
fn bad_sysctl() {
    fires(
        pair(|n| n.sysctl("kernel.hostname", "a")),
        &["bad_sysctl: `kernel.hostname` is not a setting of a network namespace (a node has those whose name begins \
           with `net.`; all others are the whole machine's)"],
    );
    let not_a_name = "(write a dotted name, such as `net.ipv4.ip_forward`; a dot in an interface's name is a `/`)";
    for wrong in ["net.ipv4..ip_forward", "net.ipv4.ip_forward =", "net.", "net.//.vm.swappiness"] {
        fires(
            pair(|n| n.sysctl(wrong, 1)),
            &[&format!("bad_sysctl: `{wrong}` is not the name of a sysctl {not_a_name}")],
        );
    }
    passes(pair(|n| n.sysctl("net.ipv4.ip_forward", 1)));
}

#[test]
fn bad_nameserver() {
    let asks = |servers: &[&str]| pair(|n| servers.iter().fold(n, |n, server| n.nameserver(*server)));
    let help = "(write the address of the node that answers, such as `127.0.0.1` for this one)";
    fires(
        asks(&["0.0.0.0", "ff02::1", "255.255.255.255"]),
        &[
            &format!("bad_nameserver: `0.0.0.0` is the unspecified address, it cannot be a name server {help}"),
            &format!("bad_nameserver: `ff02::1` is a multicast address, it cannot be a name server {help}"),
            &format!("bad_nameserver: `255.255.255.255` is the broadcast address, it cannot be a name server {help}"),
        ],
    );
    fires(
        asks(&["10.0.0.2", "10.0.0.2"]),
        &["bad_nameserver: node `a` has the name server `10.0.0.2` twice (leave one out)"],
    );
    fires(
        asks(&["dns"]),
        &["invalid_value: `dns` is not an IP address (write an address without a prefix length, such as `10.0.0.1`)"],
    );
    passes(asks(&["10.0.0.2", "127.0.0.1", "fd00::53"]));
}

#[test]
fn too_many_nameservers() {
    let servers = |count: u8| pair(|n| (1..=count).fold(n, |n, host| n.nameserver(format!("10.0.0.{host}"))));
    fires(
        servers(5),
        &["too_many_nameservers: node `a` has 5 name servers, resolvers ask the first three (leave out those from \
           here on)"],
    );
    passes(servers(3));
}

#[test]
fn counter_name() {
    let help = "(begin with a letter or `_`, go on with letters, digits, `_`, `-`, `.` and `/`, up to 127)";
    for wrong in ["smtp drops", "", "1st"] {
        let expected = format!("counter_name: `{wrong}` cannot be the name of a counter {help}");
        fires(pair(|n| n.counter(wrong)), &[&expected]);
        fires(pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().count(wrong)))), &[&expected]);
    }
    passes(pair(|n| n.counter("smtp-drops_2").firewall(Hook::Input, |c| c.rule(Match::any().count("undeclared")))));
}
