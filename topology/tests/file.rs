//! Topologies read from files: what they say, and where what is wrong stands.

use std::{fs, path::Path};

use netns_test_topology::{
    Topology,
    check::Check,
    file::{self, Document, Mistake, Source, WRONG_TYPE, schema, tree},
};

#[path = "file/mistakes.rs"]
mod mistakes;
#[path = "file/schema.rs"]
mod schemas;
#[cfg(feature = "proptest")]
#[path = "file/written.rs"]
mod written;

/// Reads a text that is right.
fn topology(text: &str) -> Topology {
    Topology::from_source(&Source::new("test.toml", text)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn a_file_says_the_same_as_the_builder() {
    let read = topology(
        r#"
        title = "nat"
        [node.client]
        eth0 = "10.0.0.2/24"
        route = ["default via 10.0.0.1"]
        [node.gateway]
        lan = "10.0.0.1/24"
        wan = "203.0.113.1/24"
        forward = true
        masquerade = "wan"
        [node.server]
        eth0 = "203.0.113.9/24"
        [links]
        inside = "client.eth0 -- gateway.lan"
        outside = { ends = "gateway.wan -- server.eth0", mtu = 1400 }
        "#,
    );
    let built = Topology::builder()
        .name("nat")
        .node("client", |n| n.interface("eth0", "10.0.0.2/24").route("default via 10.0.0.1"))
        .node("gateway", |n| {
            n.interface("lan", "10.0.0.1/24").interface("wan", "203.0.113.1/24").forward().masquerade("wan")
        })
        .node("server", |n| n.interface("eth0", "203.0.113.9/24"))
        .link("client.eth0", "gateway.lan")
        .link_with_mtu("gateway.wan", "server.eth0", 1400);
    assert_eq!(read, built.build().unwrap());
}

#[test]
fn every_file_in_the_guide_is_read() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/topology-files.md")).unwrap();
    let files: Vec<&str> = guide.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let read = topology(file);
        assert_eq!(topology(&read.to_toml()), read);
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_its_path() {
    let error = Topology::from_file("no/such/file.toml").unwrap_err();
    let words = error.to_string();
    assert!(words.starts_with("cannot read the topology file no/such/file.toml: No such file"), "{error}");
    assert_eq!(format!("{error:?}"), words);
}

#[test]
fn a_dot_in_the_name_of_an_interface_is_a_slash_in_its_settings() {
    let read = topology(
        r#"
        [node.a]
        "eth0.5" = []
        eth1 = []
        sysctl.net.ipv4.conf."eth0.5".rp_filter = 2
        sysctl."net.ipv4.ip_forward" = "1"
        [links]
        cable = "a.eth0.5 -- a.eth1"
        "#,
    );
    let settings: Vec<String> = read.nodes[0].sysctls.iter().map(ToString::to_string).collect();
    assert_eq!(settings, ["net.ipv4.conf.eth0/5.rp_filter = 2", "net.ipv4.ip_forward = 1"]);
}

#[test]
fn a_name_where_an_address_is_wanted_stands_for_the_address_of_the_family() {
    let read = topology(
        r#"
        [node.client]
        eth0 = ["10.0.0.2/24", "fd00::2/64"]
        route = ["default via gateway.lan", "::/0 via gateway.lan", "10.9.0.0/16 via gateway.lan src client"]
        rule = "from client.eth0 lookup 100"
        neighbour = "gateway.lan lladdr 02:00:00:00:00:01 dev eth0"
        nameserver = ["gateway.lan"]
        firewall.input = ["ip6 saddr gateway.lan accept", "ip daddr client drop comment \"not to client\""]
        [node.gateway]
        lan = ["10.0.0.1/24", "fd00::1/64"]
        dnat = [{ match = "tcp dport 80", to = "client:8080" }, { match = "ip6 daddr gateway.lan", to = "fd00::2" }]
        [links]
        cable = "client.eth0 -- gateway.lan"
        "#,
    );
    let client = read.node("client").unwrap();
    let routes: Vec<String> = client.routes.iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["default via 10.0.0.1", "default via fd00::1", "10.9.0.0/16 via 10.0.0.1 src 10.0.0.2"]);
    assert_eq!(client.rules[0].to_string(), "from 10.0.0.2/32 lookup 100");
    assert_eq!(client.neighbours[0].address.to_string(), "10.0.0.1");
    assert_eq!(client.nameservers[0].to_string(), "10.0.0.1");
    let rules = |name: &str| -> Vec<String> {
        read.node(name).unwrap().chains.iter().flat_map(|chain| &chain.rules).map(ToString::to_string).collect()
    };
    assert_eq!(rules("client"), ["ip6 saddr fd00::1 accept", "ip daddr 10.0.0.2 drop comment \"not to client\""]);
    assert_eq!(rules("gateway"), ["tcp dport 80 dnat to 10.0.0.2:8080", "ip6 daddr fd00::1 dnat to fd00::2"]);
}

#[test]
fn defaults_and_groups_hold_for_who_does_not_say_otherwise() {
    let read = topology(
        r#"
        [defaults]
        node.forward = true
        node.sysctl.net.ipv4.tcp_ecn = 1
        interface.mtu = 1400
        link.mtu = 1300
        bridge.stp = true
        [group.quiet]
        profile = "kernel"
        sysctl.net.ipv4.tcp_sack = 0
        eth0 = { down = true }
        [group.loud]
        profile = "ready"
        [node.a]
        group = ["quiet", "loud"]
        forward = false
        eth0 = "10.0.0.1/24"
        [node.b]
        group = "quiet"
        sysctl.net.ipv4.tcp_ecn = 2
        eth0 = { down = false, mtu = 1500 }
        eth1 = []
        eth2 = []
        [links]
        outer = { ends = "a.eth0 -- b.eth0", mtu = 1200 }
        inner = "b.eth1 -- b.eth2"
        [switch.lan]
        ends = []
        "#,
    );
    let (a, b) = (read.node("a").unwrap(), read.node("b").unwrap());
    let ready = netns_test_topology::Profile::Ready;
    assert_eq!((a.forward_v4, b.forward_v6, a.profile), (false, true, Some(ready)));
    let settings =
        |node: &netns_test_topology::Node| -> Vec<String> { node.sysctls.iter().map(ToString::to_string).collect() };
    assert_eq!(settings(a), ["net.ipv4.tcp_ecn = 1", "net.ipv4.tcp_sack = 0"]);
    assert_eq!(settings(b), ["net.ipv4.tcp_ecn = 2", "net.ipv4.tcp_sack = 0"]);
    let interfaces =
        |node: &netns_test_topology::Node| -> Vec<_> { node.interfaces.iter().map(|i| (i.mtu, i.up)).collect() };
    assert_eq!(interfaces(a), [(Some(1200), false)]);
    assert_eq!(interfaces(b), [(Some(1200), true), (Some(1300), true), (Some(1300), true)]);
    assert!(
        matches!(&read.node("lan").unwrap().interfaces[0].kind, netns_test_topology::Kind::Bridge(o) if o.stp == Some(true))
    );
}

#[test]
fn arrays_are_called_after_their_positions_or_as_their_names_are_computed() {
    let read = topology(
        r#"
        [node.h]
        count = 3
        eth0 = "10.0.{index}.2/24"
        route = "default via r.p{index}"
        [node."s{1 + index:02}"]
        count = 2
        eth0 = { address = "fd00::{10 + index:x}/64", mac = "02:00:00:00:00:{index:02x}" }
        [node.r]
        p = { count = 3, address = "10.0.{index}.1/24" }
        [links]
        spokes = { ends = "h-{index}.eth0 -- r.p{index}", count = 3 }
        [switch.lan]
        ends = ["s{1 + index:02}.eth0"]
        "#,
    );
    let names: Vec<&str> = read.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["h-0", "h-1", "h-2", "s01", "s02", "r", "lan"]);
    assert_eq!(read.peer("h-2", "eth0").unwrap().to_string(), "r.p2");
    assert_eq!(read.node("h-2").unwrap().routes[0].to_string(), "default via 10.0.2.1");
    assert_eq!(read.node("s02").unwrap().interfaces[0].addresses[0].to_string(), "fd00::b/64");
    assert_eq!(read.peer("s02", "eth0").unwrap().to_string(), "lan.s02-eth0");
}

#[test]
fn a_larger_document_keeps_its_own_keys_and_shares_the_list_of_mistakes() {
    let source = Source::new("scenario.toml", "stpe = 1\n[node.a]\neth0 = \"10.0.0.1\"\n[[step]]\nname = 5\n");
    let mut document = Document::parse(&source);
    let network = document.network(&["step"]);
    let name = document.root().get("step").unwrap().elements()[0].table().unwrap().get("name").unwrap().clone();
    document.report(Mistake::new(WRONG_TYPE, name.span, "`name` takes a text, not a number"));
    let told = document.finish(network).unwrap_err().to_string();
    assert_eq!(
        told,
        "scenario.toml:1:1: error[N0103]: unknown key `stpe` in a topology file\n  help: did you mean `step`?\n\
         scenario.toml:3:8: error[N0001]: `10.0.0.1` has no prefix length\n  help: write an address with its network, \
         such as `10.0.0.1/24`\nscenario.toml:5:8: error[N0104]: `name` takes a text, not a number"
    );
}

#[test]
fn overlays_are_read() {
    let read = topology(
        r#"
        [defaults.interface]
        mtu = 1600
        [node.left]
        eth0 = "192.0.2.1/24"
        fdb = ["02:00:00:00:00:02 dev vx0 dst right.eth0"]
        vxlan.vx0 = { id = 42, remote = "right.eth0", local = "192.0.2.1", address = "10.99.0.1/24", learning = false }
        [node.right]
        eth0 = "192.0.2.2/24"
        macvlan.m0 = { parent = "eth0", mode = "private", address = "192.0.2.3/24" }
        bridge.br0 = ["vx0"]
        [node.right.vxlan.vx0]
        id = 42
        group = "239.1.1.1"
        dev = "eth0"
        port = 8472
        proxy = true
        l2miss = true
        l3miss = true
        ageing = "20s"
        underlay = "left"
        [links]
        cable = "left.eth0 -- right.eth0"
        "#,
    );
    let built = Topology::builder()
        .node("left", |n| {
            n.interface_with("eth0", |i| i.address("192.0.2.1/24").mtu(1600))
                .vxlan("vx0", 42, |v| v.remote("192.0.2.2").local("192.0.2.1").address("10.99.0.1/24").no_learning())
                .fdb("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")
        })
        .node("right", |n| {
            n.interface_with("eth0", |i| i.address("192.0.2.2/24").mtu(1600))
                .macvlan("m0", "eth0", |m| {
                    m.mode(netns_test_topology::MacvlanMode::Private).address("192.0.2.3/24").mtu(1600)
                })
                .vxlan("vx0", 42, |v| {
                    let v = v.group("239.1.1.1").dev("eth0").port(8472).proxy().l2miss().l3miss();
                    v.ageing(std::time::Duration::from_secs(20)).underlay("left").master("br0")
                })
                .bridge("br0", |b| b)
        })
        .link("left.eth0", "right.eth0");
    let mut built = built.build().unwrap().into_draft();
    // The file names the bridge after the macvlan.
    built.nodes[1].interfaces.swap(2, 3);
    assert_eq!(read.into_draft(), built);
}
