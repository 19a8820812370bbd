//! What is refused of a containerlab file, with the place and the remedy.

use netns_test_topology::import::containerlab;

use super::containerlab::{pair, refused};

#[test]
fn a_file_that_is_no_lab_is_refused() {
    assert_eq!(refused("name: t\ntopology: [\n").0, 3);
    let (line, message, help) = refused("name: t\ntopolgy: {}\n".trim());
    assert_eq!(
        (line, message.as_str(), help.as_str()),
        (2, "`topolgy` is no key of a containerlab file", "did you mean `topology`?")
    );
}

#[test]
fn a_template_is_refused_where_it_begins() {
    let (line, message, help) = refused("name: t\n# {{ a comment }}\ntopology:\n  nodes:\n    {{- range .nodes }}\n");
    assert_eq!((line, message.as_str()), (5, "this is a template, and which lab it makes depends on variables"));
    assert!(help.contains("render it first"));
}

#[test]
fn a_variable_without_default_is_refused() {
    let (line, message, help) = refused(&pair("      exec: [\"ip a a ${ADDR} dev eth1\"]"));
    assert_eq!((line, message.as_str()), (6, "`${ADDR}` depends on who deploys the lab"));
    assert!(help.contains("or a default as `${NAME:=value}`"));
}

#[test]
fn a_kind_that_is_no_namespace_is_refused_with_its_reason() {
    for (kind, reason, remedy) in [
        ("nokia_srlinux", "runs a network operating system of its own", "declare it as kind `linux`"),
        ("vr-sros", "runs a network operating system of its own", "declare it as kind `linux`"),
        ("ovs-bridge", "forwards by flow tables", "write `kind: bridge` if a learning bridge is meant"),
        ("host", "the engine's host is not there in a test", "declare a node of kind `linux` in its place"),
        ("k8s-kind", "made outside of the lab", "declare it as kind `linux`"),
        ("linxu", "`linxu` is no kind that the import knows", "did you mean `linux`?"),
    ] {
        let (line, message, help) = refused(&pair(&format!("      kind: {kind}")));
        assert_eq!(line, 6, "{kind}");
        assert!(message.contains(reason), "{kind}: {message}");
        assert!(help.contains(remedy), "{kind}: {help}");
    }
}

#[test]
fn a_network_mode_that_shares_a_network_is_refused() {
    let (line, message, help) = refused(&pair("      network-mode: host"));
    assert_eq!(
        (line, message.as_str()),
        (6, "this node lives in the network of the engine's host, which a test does not have")
    );
    assert!(help.contains("`network-mode: none`"));
    let (_, _, help) = refused(&pair("      kind: bridge\n      network-mode: container:b"));
    assert!(help.contains("make the bridge there"), "{help}");
    let (_, message, _) = refused(&pair("      network-mode: container:b"));
    assert!(message.contains("shares the network of another"));
}

#[test]
fn commands_are_not_wrong_because_the_link_of_their_interface_is_refused() {
    for (far, link) in [
        ("    b:\n      kind: linux\n", "{type: host, host-interface: x, endpoint: {node: a, interface: eth1}}"),
        ("    b:\n      kind: linux\n", "{endpoints: [a:eth1, host:x]}"),
        ("    b:\n      kind: nokia_srlinux\n", "{endpoints: [b:e1-1, a:eth1]}"),
    ] {
        let node = "    a:\n      kind: linux\n      exec: [ip address add 10.0.0.1/24 dev eth1]\n";
        let text = format!("name: lab\ntopology:\n  nodes:\n{node}{far}  links:\n    - {link}\n");
        let refusals = containerlab::parse("lab.clab.yml", text, &[]).unwrap_err();
        assert_eq!(refusals.len(), 1, "{refusals}");
    }
}

#[test]
fn an_unknown_key_of_a_node_is_refused() {
    let (line, message, help) = refused(&pair("      imgae: alpine"));
    assert_eq!(
        (line, message.as_str(), help.as_str()),
        (6, "`imgae` is no key of a containerlab node", "did you mean `image`?")
    );
}

#[test]
fn commands_between_stages_are_refused() {
    let (line, message, _) = refused(&pair("      stages:\n        create-links:\n          exec: [{command: ls}]"));
    assert_eq!(line, 8);
    assert!(message.contains("commands between the stages"));
}

#[test]
fn a_link_that_leaves_the_lab_is_refused() {
    let link =
        |link: &str| refused(&format!("name: t\ntopology:\n  nodes: {{a: {{kind: linux}}}}\n  links:\n    - {link}\n"));
    for (text, reason, remedy) in [
        (
            "{endpoints: [a:eth1, host:x]}",
            "leads to the engine's host",
            "declare a node of kind `linux` for the far end",
        ),
        (
            "{type: host, host-interface: x, endpoint: {node: a, interface: eth1}}",
            "leads to the engine's host",
            "declare a node",
        ),
        (
            "{type: mgmt-net, host-interface: x, endpoint: {node: a, interface: eth1}}",
            "management network",
            "declare a node",
        ),
        (
            "{type: macvlan, host-interface: x, endpoint: {node: a, interface: eth1}}",
            "an interface of the engine's host",
            "declare a node",
        ),
        (
            "{type: vxlan, remote: 10.0.0.1, vni: 5, dst-port: 4789, endpoint: {node: a, interface: eth1}}",
            "another machine",
            "declare",
        ),
        ("{type: dummy, endpoint: {node: a, interface: eth1}}", "no dummy interfaces", "`lo`"),
        ("{type: vteh, endpoints: [a:eth1, a:eth2]}", "`vteh` is no type of link", "did you mean `veth`?"),
        ("{endpoints: [a:eth1]}", "a link has two endpoints, this one has 1", ""),
        ("{endpoints: [a:eth1, c:eth1]}", "`c` is no node of this lab", ""),
        ("{endpoints: [a:eth1, a]}", "`a` is no endpoint", "such as `a:eth1`"),
        ("{endpoints: [a:eth1, a:eth1]}", "has an interface `eth1` already", "another name"),
        ("{endpoints: [a:eth0, a:eth1]}", "interface in the management network", "`network-mode: none`"),
        ("{endpoints: [a:eth1, a:far-too-long-name]}", "has 17 bytes", "at most 15"),
        ("{endpoints: [a:eth1, a:eth2], mtu: big}", "`big` is not an MTU", ""),
        ("{endpoints: [a:eth1, a:eth2], mtus: 1400}", "`mtus` is no key of a link", "did you mean `mtu`?"),
    ] {
        let (line, message, help) = link(text);
        assert_eq!(line, 5, "{text}");
        assert!(message.contains(reason), "{text}: {message}");
        assert!(help.contains(remedy), "{text}: {help}");
    }
}

#[test]
fn all_refusals_come_at_once_in_the_order_of_the_file() {
    let text = "
name: t
topology:
  nodes:
    r: {kind: ceos, exec: [frobnicate]}
    a: {kind: linux, exec: [ip link set eht1 up, tc qdisc add dev eth1 root netem]}
  links:
    - endpoints: [r:eth1, a:eth1]
    - endpoints: [a:eth2, host:x]
";
    let refused = containerlab::parse("t.clab.yml", text, &[]).unwrap_err();
    let lines: Vec<_> = refused.iter().map(|r| (r.at().line(), r.at().column())).collect();
    // The link to the refused node is not refused again.
    assert_eq!(lines, [(5, 15), (6, 29), (6, 50), (9, 27)], "{refused}");
}

#[test]
fn a_refusal_shows_its_line() {
    let refused = containerlab::parse("t.clab.yml", pair("      kind: ceos"), &[]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "error: a node of kind `ceos` runs a network operating system of its own, which a namespace does not\n       \
         help: declare it as kind `linux`, with `exec` lines for its addresses and routes\n --> t.clab.yml:6:13\n  |\n6 |       kind: ceos\n  |             ^^^^"
    );
}
