//! What the parser says about tokens: the draft, or faults with the tokens that they sit on.

use netns_test_topology::{Cidr, Draft, Profile, Role, check::Check, compiled};

use super::{fault::Fault, read};

/// The draft of a faultless body.
#[track_caller]
fn draft(body: &str) -> Draft {
    let found = read(format!("struct Net {{ {body} }}").parse().unwrap(), &[]);
    assert_eq!(shown(&found.faults), [""; 0], "{body}");
    found.lowered.draft
}

/// Each fault as `tokens: message | notes (help)`.
fn shown(faults: &[Fault]) -> Vec<String> {
    faults
        .iter()
        .map(|fault| {
            let notes: String = fault.notes.iter().map(|note| format!(" | {note}")).collect();
            let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}: {}{notes}{help}", fault.place.source(), fault.message)
        })
        .collect()
}

#[track_caller]
fn faults(body: &str, expected: &[&str]) {
    let found = read(format!("struct Net {{ {body} }}").parse().unwrap(), &[]);
    assert_eq!(shown(&found.faults), expected, "{body}");
}

/// One node with these statements.
fn node(statements: &str) -> netns_test_topology::Node {
    draft(&format!("node a {{ {statements} }}")).nodes.remove(0)
}

#[test]
fn the_example_of_each_check_is_wrong_in_that_way_alone() {
    for check in Check::ALL {
        let text = match check.example.contains("struct") {
            true => check.example.to_owned(),
            false => format!("struct Example {{ {} }}", check.example),
        };
        let found = read(text.parse().unwrap(), &[]);
        let mut codes: Vec<&str> = found.faults.iter().map(|fault| fault.code.unwrap_or_default()).collect();
        codes.dedup();
        assert_eq!(codes, [check.code], "{}: {:#?}", check.example, shown(&found.faults));
        assert!(found.faults.iter().all(|fault| fault.help.is_some()), "no help: {:#?}", shown(&found.faults));
    }
}

#[test]
fn a_node_says_all_that_the_builder_can() {
    let a = node(
        r#"
        lo: "10.255.0.1/32";
        bridge br0: "10.0.0.1/24", "fd00::1/64" {
            mac "02:00:00:00:00:01", mtu 1400, stp, forward_delay "4s", ageing "60s", multicast_snooping false,
            nf_call_iptables, nf_call_ip6tables false, nf_call_arptables true
        }
        bridge br1 { down };
        route default via "10.0.0.2";
        route "10.9.0.0/16" via "10.0.0.3" dev br0 onlink src "10.0.0.1" metric 7 table 9 mtu 1400;
        route blackhole "10.8.0.0/16";
        route "unreachable 10.7.0.0/16";
        route prohibit "10.6.0.0/16";
        route "10.5.0.0/16" nexthop via "10.0.0.2" weight 2 nexthop via "10.0.0.3";
        rule from "10.0.0.0/8" iif br0 fwmark 0x7 lookup 100 priority 5;
        neighbour "10.0.0.2" lladdr "02:00:00:00:00:02" dev br0;
        sysctl net.ipv4.conf.all.rp_filter = 2;
        sysctl "net.ipv4.ip_local_port_range" = "1000 2000";
        nameserver "10.0.0.53", "fd00::53";
        forward;
        masquerade br0;
        masquerade_from "10.1.0.0/16";
        snat ip saddr "10.2.0.0/16" to "10.0.0.1";
        dnat iifname br0 tcp dport 80 to "10.0.0.2:8080";
        forward_tcp br0 443 to "10.0.0.2:8443";
        forward_udp br0 53 to "10.0.0.2";
        firewall input { policy drop; ct state established,related accept; tcp dport 1000-2000 counter seen accept comment "some ports"; }
        bridge_firewall forward { ether type 0x0806 drop; }
        chain ip nat output { priority -50; ip daddr != "10.0.0.0/8" dnat to "10.0.0.2"; }
        counter seen;
        profile kernel;
        with no-dad;
        without icmp-unlimited, distinct-indexes;
        "#,
    );
    let lines = compiled::write(&Draft { nodes: vec![a], ..Draft::default() });
    let expected = r#"topology 
profile ready
node a
own_profile kernel
with no-dad
without icmp-unlimited
without distinct-indexes
loopback lo
address 10.255.0.1/32
bridge br0
stp true
forward_delay 4000000000
ageing 60000000000
multicast_snooping false
nf_call_iptables true
nf_call_ip6tables false
nf_call_arptables true
address 10.0.0.1/24
address fd00::1/64
mac 02:00:00:00:00:01
mtu 1400
bridge br1
down 
forward v4
forward v6
route default via 10.0.0.2
route 10.9.0.0/16 via 10.0.0.3 dev br0 onlink src 10.0.0.1 metric 7 table 9 mtu 1400
route blackhole 10.8.0.0/16
route unreachable 10.7.0.0/16
route prohibit 10.6.0.0/16
route 10.5.0.0/16 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3
rule from 10.0.0.0/8 iif br0 fwmark 0x7 lookup 100 priority 5
neighbour 10.0.0.2 lladdr 02:00:00:00:00:02 dev br0
sysctl net.ipv4.conf.all.rp_filter 2
sysctl net.ipv4.ip_local_port_range 1000 2000
chain ip nat postrouting 100 accept
firewall oifname "br0" masquerade
firewall ip saddr 10.1.0.0/16 masquerade
firewall ip saddr 10.2.0.0/16 snat to 10.0.0.1
chain ip nat prerouting -100 accept
firewall iifname "br0" tcp dport 80 dnat to 10.0.0.2:8080
firewall iifname "br0" tcp dport 443 dnat to 10.0.0.2:8443
firewall iifname "br0" udp dport 53 dnat to 10.0.0.2
chain inet filter input 0 drop
firewall ct state established,related accept
firewall tcp dport 1000-2000 counter name "seen" accept comment "some ports"
chain bridge filter forward -200 accept
firewall ether type 0x0806 drop
chain ip nat output -50 accept
firewall ip daddr != 10.0.0.0/8 dnat to 10.0.0.2
counter seen
nameserver 10.0.0.53
nameserver fd00::53
"#;
    assert_eq!(lines, expected);
}

#[test]
fn a_topology_has_a_profile_links_and_switches() {
    let net = draft(
        r#"
        profile kernel;
        node a { eth0: "10.0.0.1/24" { mac "02:00:00:00:00:01" } uplink { down }; }
        node b { eth0: "10.0.0.2/24"; uplink; }
        switch lan: "10.0.0.254/24" { a.eth0, b.eth0, stp, }
        link a.uplink -- b.uplink { mtu 1400 }
        "#,
    );
    assert_eq!(net.profile, Profile::Kernel);
    assert_eq!(net.node("lan").unwrap().role, Role::Switch);
    assert_eq!(net.peer("b", "eth0").unwrap().to_string(), "lan.b-eth0");
    assert_eq!(net.peer("a", "uplink").unwrap().to_string(), "b.uplink");
    assert_eq!(net.node("b").unwrap().interface("uplink").unwrap().mtu, Some(1400));
    assert!(!net.node("a").unwrap().interface("uplink").unwrap().up);
}

#[test]
fn a_field_can_have_another_name_in_the_kernel() {
    let net = draft(
        r#"
        node web_1 as "web-1" {
            bridge v_net_0 as "v-net-0" { ports [veth_red, "veth-blue"] };
            veth_red as "veth-red";
            route "10.9.0.0/16" dev v_net_0;
            masquerade v_net_0;
            forward;
        }
        node b { red; blue; }
        link web_1.veth_red -- b.red;
        link "web-1"."veth-blue" -- b.blue;
        "#,
    );
    let web = net.node("web-1").unwrap();
    assert_eq!(web.ports("v-net-0").map(|port| port.name.to_string()).collect::<Vec<_>>(), ["veth-red", "veth-blue"]);
    assert_eq!(web.routes[0].to_string(), "10.9.0.0/16 dev v-net-0");
    assert_eq!(web.chains[0].rules[0].to_string(), r#"oifname "v-net-0" masquerade"#);
}

#[test]
fn arrays_compute_the_texts_of_their_members() {
    let net = draft(
        r#"
        node host[3] { eth0: "10.0.{index}.{1 + index}/24"; route default via "10.0.{index}.254"; }
        node router { eth[3]: "10.0.{index}.254/24"; wan[2] as "wan-{count - index}"; forward; }
        link host[..].eth0 -- router.eth[..];
        link router.wan[0] -- router.wan[1];
        "#,
    );
    let names: Vec<String> = net.nodes.iter().map(|node| node.name.to_string()).collect();
    assert_eq!(names, ["host0", "host1", "host2", "router"]);
    let address: Cidr = "10.0.2.3/24".parse().unwrap();
    assert_eq!(net.node("host2").unwrap().interfaces[0].addresses, [address]);
    assert_eq!(net.peer("router", "eth1").unwrap().to_string(), "host1.eth0");
    assert_eq!(net.peer("router", "wan-2").unwrap().to_string(), "router.wan-1");
}

#[test]
fn a_keyword_can_be_the_name_of_an_interface() {
    assert_eq!(node("bridge r#route: \"10.0.0.1/24\";").interfaces[0].name, "route");
}

#[test]
fn every_wrong_statement_is_told() {
    faults(
        r#"nod a {} node b { eth0: 10.0.0.1/24; masqerade wan; route default vai "10.0.0.1"; mtu 5; vlan v5 { id 5 }; }"#,
        &[
            "nod: unknown statement `nod` (did you mean `node`?)",
            "10.0.0.1/24: expected an address, such as `\"10.0.0.1/24\"`, found `10.0.0.1/24` (write \
             `\"10.0.0.1/24\"`, in quotation marks)",
            "masqerade: unknown statement `masqerade` (did you mean `masquerade`?)",
            "mtu: unknown statement `mtu` (`mtu` is a setting of an interface, in braces after its name: `eth0 { mtu … }`)",
            "vlan: unknown statement `vlan` (a topology has no `vlan` interfaces: make it in the test, on the node)",
            "vai: unknown word `vai` in the route `default vai 10.0.0.1` (did you mean `via`?)",
        ],
    );
}

#[test]
fn a_fault_of_all_members_is_told_once() {
    faults(
        r#"node host[3] { eth0: "10.0.0.{index}/33"; } switch lan { host[..].eth0 }"#,
        &["\"10.0.0.{index}/33\": `10.0.0.0/33` has a prefix longer than an IPv4 address (the prefix of an IPv4 \
           network has at most 32 bits)"],
    );
    faults(
        r#"node host[3] { eth0: "10.0.0.1/24"; route default via "10.9.9.9"; } switch lan { host[..].eth0 }"#,
        &[
            "\"10.9.9.9\": gateway `10.9.9.9` is not on-link for node `host0`: the kernel would answer `Network is \
             unreachable` (`host0` is attached to `10.0.0.0/24`)",
            "\"10.0.0.1/24\": `host0.eth0` and `host1.eth0` are on one LAN and have the same address `10.0.0.1` (add \
             `#[allow(address_conflict)]` if that is the point of the test)",
        ],
    );
}
