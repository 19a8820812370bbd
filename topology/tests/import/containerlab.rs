//! What of a containerlab file becomes a topology, what a note, and what the checker says of it.

use netns_test_topology::{
    Kind, Role,
    import::{Imported, containerlab},
};

use super::addresses;

/// Two nodes joined by a link; the rest of `a` is given.
pub(crate) fn pair(of_a: &str) -> String {
    format!(
        "name: t\ntopology:\n  defaults: {{kind: linux}}\n  nodes:\n    a:\n{of_a}\n    b:\n  links:\n    - endpoints: [\"a:eth1\", \"b:eth1\"]\n"
    )
}

/// The lab with that command on `a`, which has the address 10.0.0.1/24 on `eth1`.
pub(crate) fn with(command: &str) -> String {
    pair(&format!("      exec:\n        - ip address add 10.0.0.1/24 dev eth1\n        - {command}"))
}

#[track_caller]
pub(crate) fn read(text: &str) -> Imported {
    containerlab::parse("t.clab.yml", text, &[]).unwrap_or_else(|refused| panic!("{refused}"))
}

/// The one refusal of a text: line, message and help.
#[track_caller]
pub(crate) fn refused(text: &str) -> (usize, String, String) {
    let refused = containerlab::parse("t.clab.yml", text, &[]).expect_err("it was not refused");
    assert_eq!(refused.len(), 1, "{refused}");
    let only = refused.iter().next().unwrap();
    (only.at().line(), only.message().to_owned(), only.help().unwrap_or_default().to_owned())
}

/// A command on `a` is refused in its line, with this message and this help.
#[track_caller]
pub(crate) fn refuses(command: &str, message: &str, help: &str) {
    let (line, said, helped) = refused(&with(command));
    assert_eq!((line, said.as_str()), (8, message), "{command}");
    assert!(helped.contains(help), "{command}: {helped}");
}

/// The topology's part that a command on `a` makes.
#[track_caller]
pub(crate) fn a(command: &str) -> netns_test_topology::Node {
    read(&with(command)).topology.node("a").unwrap().clone()
}

#[test]
fn what_is_inherited_counts_with_the_most_specific_last() {
    let lab = read(
        "
name: t
topology:
  defaults:
    kind: bridge
    sysctls: {net.ipv4.conf.all.log_martians: 1, net.ipv4.conf.all.arp_filter: 1}
  kinds:
    linux:
      exec: [ip a a 10.0.0.1/24 dev eth1]
      sysctls: {net.ipv4.conf.all.arp_filter: 0}
  groups:
    g: {kind: linux, exec: [ip a a 10.0.1.1/24 dev eth1]}
  nodes:
    sw:
    n: {group: g, exec: [ip a a 10.0.2.1/24 dev eth1]}
  links:
    - endpoints: [\"sw:p1\", \"n:eth1\"]
",
    );
    assert_eq!(addresses(&lab.topology, "n", "eth1"), "10.0.0.1/24 10.0.1.1/24 10.0.2.1/24");
    let sysctls: Vec<_> = lab.topology.node("n").unwrap().sysctls.iter().map(|s| s.to_string()).collect();
    assert_eq!(sysctls, ["net.ipv4.conf.all.log_martians = 1", "net.ipv4.conf.all.arp_filter = 0"]);
    let sw = lab.topology.node("sw").unwrap();
    assert_eq!(sw.role, Role::Switch);
    assert!(matches!(sw.interface("sw").unwrap().kind, Kind::Bridge(_)));
    assert_eq!(sw.interface("p1").unwrap().master.as_deref(), Some("sw"));
}

#[test]
fn a_container_forwards_ipv4_unless_the_file_says_otherwise() {
    let lab = read(&pair("      sysctls: {net.ipv4.ip_forward: 0, net/ipv6/conf/all/forwarding: 1}"));
    let (a, b) = (lab.topology.node("a").unwrap(), lab.topology.node("b").unwrap());
    assert_eq!((a.forward_v4, a.forward_v6), (false, true));
    assert_eq!((b.forward_v4, b.forward_v6), (true, false));
}

#[test]
fn a_link_gives_its_ends_mtu_mac_and_addresses() {
    let lab = read(
        "
name: t
topology:
  defaults: {kind: linux}
  nodes: {a: , b: }
  links:
    - endpoints: [a:x1, b:x1]
      vars: {ipv4: [10.0.1.1/24, 10.0.1.2/24]}
    - endpoints: [a:x2, b:x2]
      ipv6: [fd00:2::1/64, fd00:2::2/64]
      mtu: 1500
    - type: veth
      mtu: 1400
      endpoints:
        - {node: a, interface: x3, mac: 02:00:00:00:00:0a, ipv4: 10.0.3.1/24, ipv6: fd00:3::1/64}
        - {node: b, interface: x3, vars: {ipv4: 10.0.3.2/24}}
",
    );
    let interface = |node: &str, name: &str| lab.topology.node(node).unwrap().interface(name).unwrap().clone();
    assert_eq!(addresses(&lab.topology, "b", "x1"), "10.0.1.2/24");
    assert_eq!(addresses(&lab.topology, "b", "x2"), "fd00:2::2/64");
    assert_eq!(addresses(&lab.topology, "a", "x3"), "10.0.3.1/24 fd00:3::1/64");
    assert_eq!(addresses(&lab.topology, "b", "x3"), "10.0.3.2/24");
    assert_eq!(["x1", "x2", "x3"].map(|name| interface("a", name).mtu), [Some(9500), None, Some(1400)]);
    assert_eq!(interface("a", "x3").mac, Some("02:00:00:00:00:0a".parse().unwrap()));
}

#[test]
fn an_anchor_and_its_aliases_say_the_same() {
    let lab = read(
        "
name: t
topology:
  nodes:
    a: &host
      kind: linux
      exec: [ip link set eth1 mtu 1400]
    b:
      <<: *host
  links:
    - endpoints: [a:eth1, b:eth1]
",
    );
    assert_eq!(lab.topology.node("b").unwrap().interface("eth1").unwrap().mtu, Some(1400));
}

#[test]
fn what_only_a_container_has_is_noted_with_every_place() {
    let lab = read(&pair(
        "      image: alpine:3\n      cmd: sleep 1\n      binds: [x:/x]\n      labels: {k: v}\n      ports: [80:80]",
    ));
    let notes: Vec<String> = lab.notes.iter().map(ToString::to_string).collect();
    let starts = [
        "t.clab.yml:6:7: `image` is not carried over: a network has no containers",
        "t.clab.yml:7:7: `cmd` is",
        "t.clab.yml:8:7: `binds` is",
        "t.clab.yml:9:7: `labels` is",
        "t.clab.yml:10:7: `ports` is",
        "t.clab.yml:5:5: the management interface `eth0` of each node is not carried over: the engine's own network",
    ];
    assert_eq!(notes.len(), starts.len(), "{notes:#?}");
    for (note, start) in notes.iter().zip(starts) {
        assert!(note.starts_with(start), "{note}");
    }
}

#[test]
fn what_the_checker_finds_is_placed_in_the_file() {
    refuses(
        "ip route add default via 10.7.0.1",
        "gateway `10.7.0.1` is not on-link for node `a`: the kernel would answer `Network is unreachable` (gateway_off_link)",
        "`a` is attached to `10.0.0.0/24`",
    );
    refuses(
        "ip route add 10.9.1.1/16 via 10.0.0.2",
        "`10.9.1.1/16` has host bits set, a route leads to a network (route_host_bits)",
        "10.9.0.0/16",
    );
}

#[test]
fn a_mistake_can_be_allowed_by_its_name() {
    let text = with("ip address add 10.0.5.0/24 dev eth1");
    let (line, message, help) = refused(&text);
    assert_eq!(
        (line, message.as_str()),
        (8, "`10.0.5.0` is the network address of `10.0.5.0/24`, not a host in it (network_address)")
    );
    assert!(help.contains("allow `network_address` if it is meant"), "{help}");
    let lab = containerlab::parse("t.clab.yml", text, &["network_address"]).unwrap();
    assert_eq!(lab.topology.allow, ["network_address"]);
}
