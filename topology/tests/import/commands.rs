//! The commands that configure the nodes of a lab: what becomes of them, and which are refused.

use netns_test_topology::Kind;

use super::{
    addresses,
    containerlab::{a, read, refuses, with},
};

#[test]
fn ip_addresses_can_be_given_in_every_way() {
    for command in [
        "ip addr add 10.9.0.1/24 dev eth1",
        "ip a a 10.9.0.1/24 dev eth1",
        "ip -4 address add local 10.9.0.1/24 broadcast + dev eth1 scope global",
        "/sbin/ip -o addr add dev eth1 10.9.0.1/24 brd 10.9.0.255",
        "ip addr replace 10.9.0.1/24 dev eth1",
        "sudo ifconfig eth1:1 10.9.0.1 netmask 255.255.255.0",
        "sh -c 'N=10.9.0; ip a a $$N.1/24 dev eth1 2>/dev/null || true'",
    ] {
        assert_eq!(addresses(&read(&with(command)).topology, "a", "eth1"), "10.0.0.1/24 10.9.0.1/24", "{command}");
    }
    assert_eq!(addresses(&read(&with("ip addr flush dev eth1")).topology, "a", "eth1"), "");
    assert_eq!(addresses(&read(&with("ip addr del 10.0.0.1/24 dev eth1")).topology, "a", "eth1"), "");
    assert_eq!(addresses(&read(&with("ip addr add 10.9.0.1 dev lo")).topology, "a", "lo"), "10.9.0.1/32");
    assert_eq!(addresses(&read(&with("ifconfig eth1 172.16.0.1")).topology, "a", "eth1"), "172.16.0.1/16");
}

#[test]
fn routes_can_be_given_in_every_way() {
    for (command, route) in [
        ("ip route add default via 10.0.0.2", "default via 10.0.0.2"),
        ("ip r replace default via 10.0.0.2 dev eth1 metric 7", "default via 10.0.0.2 dev eth1 metric 7"),
        ("ip route add 10.9/16 dev eth1 scope link proto static", "10.9.0.0/16 dev eth1"),
        ("ip ro ad blackhole 10.9.0.0/16", "blackhole 10.9.0.0/16"),
        ("ip route append unreachable default table 7 priority 9", "unreachable default metric 9 table 7"),
        ("ip route add prohibit fd00::/8", "prohibit fd00::/8"),
        ("ip -6 route add default dev eth1", "::/0 dev eth1"),
        ("ip route add dev eth1 via 10.0.0.2 10.9.0.0/16", "10.9.0.0/16 via 10.0.0.2 dev eth1"),
        (
            "ip route add 10.9.0.0/16 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3",
            "10.9.0.0/16 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3",
        ),
        (
            "ip route add 10.9.0.1 via 10.0.0.2 onlink dev eth1 mtu lock 1400",
            "10.9.0.1/32 via 10.0.0.2 dev eth1 onlink mtu 1400",
        ),
        ("route add default gw 10.0.0.2", "default via 10.0.0.2"),
        ("route add -net 10.9.0.0 netmask 255.255.0.0 gw 10.0.0.2 dev eth1", "10.9.0.0/16 via 10.0.0.2 dev eth1"),
        ("route add -host 10.9.0.1 gw 10.0.0.2 metric 5", "10.9.0.1/32 via 10.0.0.2 metric 5"),
        ("route add -net 10.9.0.0/16 eth1", "10.9.0.0/16 dev eth1"),
        ("route add -net 192.168.9.0 reject", "unreachable 192.168.9.0/24"),
    ] {
        assert_eq!(a(command).routes[0].to_string(), route, "{command}");
    }
}

#[test]
fn a_route_can_be_replaced_and_removed() {
    let routes = |commands: &str| {
        let node = a(&format!("sh -c 'ip r a default via 10.0.0.2; {commands}'"));
        node.routes.iter().map(|route| route.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(routes("ip route replace default via 10.0.0.3"), ["default via 10.0.0.3"]);
    assert_eq!(routes("ip route del default"), [""; 0]);
    assert_eq!(routes("route del default"), [""; 0]);
}

#[test]
fn rules_and_neighbours_are_read() {
    for (command, rule) in [
        ("ip rule add from 10.0.0.0/8 table 100 prio 5", "from 10.0.0.0/8 lookup 100 priority 5"),
        ("ip ru a iif eth1 lookup main", "from all iif eth1 lookup 254"),
        ("ip -6 rule add fwmark 7 table 9", "inet6 from all fwmark 0x7 lookup 9"),
        ("ip rule add to 10.9.0.0/16 prohibit", "from all to 10.9.0.0/16 prohibit"),
    ] {
        assert_eq!(a(command).rules[0].to_string(), rule, "{command}");
    }
    let node = a("ip n add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth1 nud permanent");
    assert_eq!(node.neighbours[0].to_string(), "10.0.0.2 lladdr 02:00:00:00:00:02 dev eth1");
}

#[test]
fn a_node_can_have_bridges_and_cables_of_its_own() {
    for commands in [
        "ip link add br0 type bridge stp_state 1 forward_delay 200; ip link add v0 type veth peer name v1; ip link set v1 master br0; ip link set br0 up",
        "brctl addbr br0; brctl stp br0 on; brctl setfd br0 2; ip l add v0 type veth peer v1; brctl addif br0 v1; ifconfig br0 up",
    ] {
        let lab = read(&with(&format!("sh -c '{commands}'")));
        let a = lab.topology.node("a").unwrap();
        let Kind::Bridge(options) = &a.interface("br0").unwrap().kind else { panic!("no bridge") };
        assert_eq!((options.stp, options.forward_delay), (Some(true), Some(std::time::Duration::from_secs(2))));
        assert_eq!(a.interface("v1").unwrap().master.as_deref(), Some("br0"));
        assert!(a.interface("br0").unwrap().up && !a.interface("v0").unwrap().up);
        assert_eq!(lab.topology.peer("a", "v0").unwrap().to_string(), "a.v1");
    }
}

#[test]
fn an_interface_that_is_renamed_keeps_what_it_has() {
    let lab = read(&with(
        "sh -c 'ip r a default via 10.0.0.2 dev eth1; ip link set eth1 name lan0; ip link set lan0 mtu 1300'",
    ));
    let a = lab.topology.node("a").unwrap();
    assert_eq!(lab.topology.peer("b", "eth1").unwrap().to_string(), "a.lan0");
    assert_eq!(a.routes[0].to_string(), "default via 10.0.0.2 dev lan0");
    assert_eq!(a.interface("lan0").unwrap().mtu, Some(1300));
}

#[test]
fn overlays_and_their_entries_are_read() {
    let commands = [
        "ip link add vx0 address 02:00:00:00:00:07 mtu 1400 type vxlan id 5 remote 10.0.0.9 dev eth1 nolearning",
        "ip link add link eth1 name m0 type macvlan",
        "ip link set vx0 up",
        "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.8",
        "bridge fdb replace 02:00:00:00:00:05 dev vx0 dst 10.0.0.8 self permanent",
        "bridge fdb replace 02:00:00:00:00:05 dev vx0 dst 10.0.0.7",
    ];
    let a = a(&format!("sh -c '{}'", commands.join("; ")));
    let vx0 = a.interface("vx0").unwrap();
    // Without a port `ip` has the kernel's own.
    let vxlan: netns_test_topology::Vxlan = "id 5 remote 10.0.0.9 dev eth1 dstport 8472 nolearning".parse().unwrap();
    assert_eq!((&vx0.kind, vx0.mtu, vx0.up), (&Kind::Vxlan(vxlan), Some(1400), true));
    let macvlan: netns_test_topology::Macvlan = "link eth1 mode vepa".parse().unwrap();
    assert_eq!(a.interface("m0").unwrap().kind, Kind::Macvlan(macvlan));
    let entries: Vec<String> = a.fdb.iter().map(ToString::to_string).collect();
    assert_eq!(
        entries,
        [
            "00:00:00:00:00:00 dev vx0 dst 10.0.0.8 self permanent",
            "02:00:00:00:00:05 dev vx0 dst 10.0.0.7 self permanent",
        ]
    );
}

#[test]
fn firewalls_are_read_from_iptables_and_nft() {
    let forward = "ip filter forward priority 0 policy drop {";
    for (commands, chain) in [
        (
            &[
                "iptables -P FORWARD DROP",
                "iptables -A FORWARD -i eth1 -p tcp --dport 80:81 -m state --state NEW,ESTABLISHED -j ACCEPT",
            ][..],
            format!("{forward} iifname \"eth1\" tcp dport 80-81 ct state new,established accept }}"),
        ),
        (
            &[
                "iptables-legacy --policy FORWARD DROP",
                "iptables -A FORWARD -p icmp --jump ACCEPT",
                "iptables -I FORWARD ! -s 10.0.0.0/8 -m comment --comment x -j REJECT",
            ],
            format!("{forward} ip saddr != 10.0.0.0/8 reject comment \"x\"; meta l4proto icmp accept }}"),
        ),
        (
            &[
                "nft add table ip f",
                "nft add chain ip f fwd { type filter hook forward priority 0 ; policy drop ; }",
                "nft 'add rule ip f fwd iifname \"eth1\" udp dport 53 drop; add rule ip f fwd accept'",
            ],
            format!("{forward} iifname \"eth1\" udp dport 53 drop; accept }}"),
        ),
        (
            &[
                "iptables -P FORWARD DROP",
                "iptables -A FORWARD -p tcp --dport 80 -m statistic --mode nth --every 2 --packet 1 -j ACCEPT",
                "nft add table ip filter",
                "nft add chain ip filter FORWARD { type filter hook forward priority 0 ; policy drop ; }",
                "nft add rule ip filter FORWARD udp dport 53 numgen inc mod 3 == 0 accept",
            ],
            format!("{forward} tcp dport 80 numgen inc mod 2 1 accept; udp dport 53 numgen inc mod 3 0 accept }}"),
        ),
    ] {
        let node = a(&commands.join("\n        - "));
        assert_eq!(node.chains.iter().map(ToString::to_string).collect::<Vec<_>>(), [chain]);
    }
    let node = a("iptables -t nat -A POSTROUTING -s 10.0.0.0/8,10.1.0.0/16 -o eth1 -j SNAT --to-source 10.0.0.1");
    assert_eq!(
        node.chains[0].to_string(),
        "ip nat postrouting priority 100 policy accept { oifname \"eth1\" ip saddr 10.0.0.0/8 snat to 10.0.0.1; \
         oifname \"eth1\" ip saddr 10.1.0.0/16 snat to 10.0.0.1 }"
    );
}

#[test]
fn commands_that_configure_nothing_are_noted() {
    for command in [
        "ping -c 1 10.0.0.2",
        "echo hello",
        "ip route",
        "ip addr show dev eth1",
        "systemctl start nginx",
        "python3 -m http.server",
        "chmod 600 /x",
        "ethtool -K eth1 tx off",
        "iptables -L",
        "sysctl net.ipv4.ip_forward",
        "sleep infinity",
    ] {
        let lab = read(&with(command));
        assert!(lab.notes.iter().any(|note| note.places()[0].line() == 8), "{command}: {:#?}", lab.notes);
    }
}

#[test]
fn what_is_said_of_the_management_interface_is_noted() {
    for command in [
        "ip link set eth0 up",
        "ip route del default via 172.20.20.1",
        "ip route add 8.8.8.8 via 172.20.20.1 dev eth0",
        "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
        "sysctl -w net.ipv4.conf.eth0.rp_filter=0",
    ] {
        let lab = read(&with(command));
        assert!(lab.notes.iter().any(|note| note.places()[0].line() == 8), "{command}: {:#?}", lab.notes);
        let a = lab.topology.node("a").unwrap();
        assert!(a.routes.is_empty() && a.chains.is_empty() && a.sysctls.is_empty());
    }
}

#[test]
fn a_command_that_the_model_cannot_carry_out_is_refused_with_its_reason() {
    for (command, message, help) in [
        (
            "frobnicate",
            "`frobnicate` is no command that the import knows, so what it does to the network cannot be told",
            "write what it comes to as `ip` commands",
        ),
        (
            "bash /setup.sh",
            "`/setup.sh` is a script in another file, so what it does to the network cannot be told",
            "write its commands here",
        ),
        (
            "systemctl start frr",
            "`frr` configures the network while it runs, and an imported network has no programs",
            "static routes",
        ),
        (
            "dhclient eth1",
            "`dhclient` configures the network while it runs, and an imported network has no programs",
            "as `ip` commands",
        ),
        (
            "tc qdisc add dev eth1 root netem delay 1ms",
            "delays, losses and rate limits are not a part of the model",
            "set them in the test",
        ),
        ("ip link add v5 link eth1 type vlan id 5", "`link` of `ip` is not a part of the model", "do it in the test"),
        (
            "ip link add bond0 type bond",
            "the model has no interfaces of type `bond`",
            "the import knows `bridge`, `veth`, `vxlan` and `macvlan`",
        ),
        ("ip link set eth1 netns x", "`eth1` cannot be moved out of its node", "`Interface::move_to`"),
        ("ip link del eth1", "`eth1` is of the lab itself, and cannot be removed", "set the interface down"),
        ("ip link set eth7 up", "node `a` has no interface `eth7` at this point", "did you mean `eth1`?"),
        ("ip netns add x", "`ip netns` makes nodes within a node", "as a node of the lab"),
        ("ip lnik set eth1 up", "`lnik` is no object of `ip`", "did you mean `link`?"),
        ("ip addr add 10.0.0.300/24 dev eth1", "`10.0.0.300` is not an IP address", "such as `10.0.0.1/24`"),
        ("ip addr add 10.0.5.1/24", "`ip address add` does not say which interface", "add `dev INTERFACE`"),
        (
            "ip addr add 10.0.5.1/24 dev eth0",
            "`eth0` is the interface to the engine's own network, which a test does not have",
            "that a link of the lab ends at",
        ),
        ("ip addr add 10.0.5.1/24 dev eth1 scope link", "`scope link` of `ip` is not a part of the model", ""),
        ("ip -6 addr add 10.0.5.1/24 dev eth1", "`ip -6` takes no `10.0.5.1/24`", ""),
        ("ip route add 10.9.0.0/16 vai 10.0.0.2", "`vai` is no `ip` word", "did you mean `via`?"),
        ("ip route add local 10.9.0.0/16 dev lo", "`local` of `ip` is not a part of the model", ""),
        ("ip route del 10.9.0.0/16", "there is no route `10.9.0.0/16` to remove at this point", "leave the line out"),
        ("ip rule add not from 10.0.0.0/8 table 5", "`not` of `ip` is not a part of the model", ""),
        ("ip neigh add 10.0.0.2 dev eth1", "`ip neighbour add` does not say which link address", "add `lladdr MAC`"),
        (
            "sysctl -p",
            "`sysctl -p` reads settings from a file that is not part of the lab file",
            "`sysctl -w NAME=VALUE`",
        ),
        ("sysctl -w kernel.hostname=x", "`kernel.hostname` is not a setting of a network namespace (bad_sysctl)", ""),
        (
            "iptables -t mangle -A FORWARD -j ACCEPT",
            "the table `mangle` is not a part of the model",
            "`filter` and `nat`",
        ),
        (
            "iptables -A FORWARD -m limit --limit 1/s -j ACCEPT",
            "the match `-m limit` is not a part of the model",
            "the import knows tcp",
        ),
        ("iptables -A FORWARD -j LOG", "the target `LOG` is not a part of the model", "the import knows ACCEPT"),
        ("iptables -A MINE -j ACCEPT", "`MINE` is no built-in chain", "`INPUT`"),
        ("nft -f /etc/nftables.conf", "`nft -f` reads rules that are not in this line", "`nft add rule …`"),
        ("nft add rule ip t c accept", "there is no base chain `c` in the table `t` at this point", "add it before"),
        (
            "ip link set eth1 up && ip link set eth1 mtu 1400",
            "`&&` means something to a shell, and no shell reads this line",
            "`sh -c '…'`",
        ),
        (
            "sh -c 'for i in 1 2; do ip link set eth1 up; done'",
            "`for` is not followed: the import reads one command after another",
            "write out the commands",
        ),
        ("sh -c 'ip a a $$ADDR dev eth1'", "`$ADDR` has no value here", "write the value itself"),
        ("brctl addif br9 eth1", "node `a` has no interface `br9` at this point", ""),
        ("ip link set eth1 master lo", "`lo` is not a bridge", ""),
    ] {
        refuses(command, message, help);
    }
}
