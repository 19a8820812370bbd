//! Every check, in one table.

/// A check: one way in which a topology can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// The stable code, such as `N0015`. A code is never given to another check.
    pub code: &'static str,
    /// The name by which [`Draft::allow`](crate::Draft::allow) switches it off, such as `network_address`.
    pub name: &'static str,
    /// Whether it could be built.
    pub severity: Severity,
    /// Whether it compares parts of the topology with each other, so that a part that could not be read would make
    /// it fire in vain.
    pub relational: bool,
    /// What is wrong and why, in one sentence.
    pub explanation: &'static str,
    /// A small topology that is wrong in this way alone: what stands between the braces of `topology! { struct Name { } }`,
    /// or all of the declaration.
    pub example: &'static str,
}

/// How wrong a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// No kernel could build what it says: it contradicts itself, names what does not exist, or has no words in the
    /// kernel's language or that of `nft`, so that nothing or something else would come of it.
    Impossible,
    /// The kernel would refuse it.
    Refused,
    /// The kernel would accept it, and it is surely a mistake; can be allowed by the check's name.
    Mistake,
}

impl Check {
    /// The check of that name.
    ///
    /// ```
    /// use netns_test_topology::check::{Check, Severity};
    ///
    /// let check = Check::named("network_address").unwrap();
    /// assert_eq!(check.severity, Severity::Mistake);
    /// ```
    pub fn named(name: &str) -> Option<&'static Check> {
        Self::ALL.iter().find(|check| check.name == name)
    }

    /// What it finds, why that is wrong, a topology that is wrong in this way, and how to allow it.
    ///
    /// ```
    /// use netns_test_topology::check::Check;
    ///
    /// let text = Check::NETWORK_ADDRESS.explain();
    /// assert!(text.starts_with("N0015 network_address\n\nAn interface has the address of its network"));
    /// assert!(text.ends_with("add `#[allow(network_address)]`, or `allow = [\"network_address\"]` in a file.\n"));
    /// ```
    pub fn explain(&self) -> String {
        let Check { code, name, explanation, example, .. } = self;
        let way_out = match self.severity {
            Severity::Impossible => "It cannot be built.".to_owned(),
            Severity::Refused => "It cannot be built: the kernel would refuse it.".to_owned(),
            Severity::Mistake => format!(
                "The kernel would accept it. If it is the point of the test, add `#[allow({name})]`, or `allow = \
                 [\"{name}\"]` in a file."
            ),
        };
        format!("{code} {name}\n\n{explanation}\n\n    {example}\n\n{way_out}\n")
    }
}

/// Explains the check of that code or name, those of files among them (feature `file`).
///
/// ```
/// use netns_test_topology::check;
///
/// assert_eq!(check::explain("N0015"), check::explain("network_address"));
/// assert_eq!(check::explain("N9999"), None);
/// ```
pub fn explain(code_or_name: &str) -> Option<String> {
    #[cfg(feature = "file")]
    let files = crate::file::CHECKS;
    #[cfg(not(feature = "file"))]
    let files: &[Check] = &[];
    let mut all = Check::ALL.iter().chain(files);
    all.find(|check| check.code.eq_ignore_ascii_case(code_or_name) || check.name == code_or_name).map(Check::explain)
}

macro_rules! checks {
    ($($id:ident $code:literal $name:literal $severity:ident $relation:ident $explanation:literal $example:literal)*) => {
        impl Check {
            $(
                #[doc = $explanation]
                pub const $id: Check = Check {
                    code: $code,
                    name: $name,
                    severity: Severity::$severity,
                    relational: $relation,
                    explanation: $explanation,
                    example: $example,
                };
            )*

            /// Every check, in the order of the codes.
            pub const ALL: &'static [Check] = &[$(Check::$id),*];
        }
    };
}

const ALONE: bool = false;
const RELATED: bool = true;

checks! {
    INVALID_VALUE "N0001" "invalid_value" Impossible ALONE
        "A text is no valid name, address, number or route."
        r#"node a { lo: "10.0.1.1"; }"#
    UNKNOWN_ALLOW "N0002" "unknown_allow" Impossible ALONE
        "The name of a check that is to be allowed is no check, or one of something that the kernel would refuse."
        r#"#[allow(network_adress)] struct Nat {}"#
    DUPLICATE_NODE "N0003" "duplicate_node" Impossible ALONE
        "Two nodes have the same name."
        r#"node a {} node a {}"#
    DUPLICATE_INTERFACE "N0004" "duplicate_interface" Refused ALONE
        "Two interfaces of a node have the same name."
        r#"node a { lo: "10.0.0.1/32"; lo: "10.0.1.1/32"; }"#
    DUPLICATE_ADDRESS "N0005" "duplicate_address" Refused ALONE
        "An interface has the same address twice."
        r#"node a { lo: "10.0.0.1/32", "10.0.0.1/32"; }"#
    ADDRESS_CONFLICT "N0006" "address_conflict" Mistake ALONE
        "Two interfaces of one LAN or one node have the same address."
        r#"node a { eth0: "10.0.0.1/24"; } node b { eth0: "10.0.0.1/24"; } link a.eth0 -- b.eth0;"#
    UNKNOWN_NODE "N0007" "unknown_node" Impossible RELATED
        "A link ends at a node that does not exist, or a VXLAN device or macvlan is to be on one."
        r#"node gateway { lo; } link gatway.eth0 -- gatway.eth1;"#
    UNKNOWN_INTERFACE "N0008" "unknown_interface" Refused RELATED
        "A link, route, neighbour, forwarding entry, port, sysctl, VXLAN device or macvlan names an interface that the node \
         does not have."
        r#"node a { lo; route "10.9.0.0/16" dev eth0; }"#
    UNMATCHED_INTERFACE "N0009" "unmatched_interface" Mistake RELATED
        "A firewall, NAT or policy rule names an interface that the node does not have, and so never matches."
        r#"node gateway { forward; masquerade wan; }"#
    UNPLUGGED "N0010" "unplugged" Impossible RELATED
        "An interface is neither an end of a link nor anything else that could be made."
        r#"node a { eth0: "10.0.0.1/24"; }"#
    PLUGGED_TWICE "N0011" "plugged_twice" Refused ALONE
        "An interface is an end of two links, or both ends of one."
        r#"node a { eth0; } node b { eth0; } node c { eth0; } link a.eth0 -- b.eth0; link a.eth0 -- c.eth0;"#
    NOT_A_CABLE_END "N0012" "not_a_cable_end" Refused ALONE
        "A link ends at an interface that is no end of a cable; a bridge gets a port instead."
        r#"node a { lo; } node b { eth0; } link a.lo -- b.eth0;"#
    LOOPBACK_NAME "N0013" "loopback_name" Refused ALONE
        "The loopback interface is called `lo`, and no other interface can be."
        r#"node a { bridge lo; }"#
    SUBNET_MISMATCH "N0014" "subnet_mismatch" Mistake RELATED
        "The ends of a link, or an interface and the rest of its LAN, have no subnet in common."
        r#"node a { eth0: "10.0.0.1/24"; } node b { eth0: "10.0.1.1/24"; } link a.eth0 -- b.eth0;"#
    NETWORK_ADDRESS "N0015" "network_address" Mistake ALONE
        "An interface has the address of its network, which no host should have."
        r#"node a { bridge br0: "10.0.0.0/24"; }"#
    BROADCAST_ADDRESS "N0016" "broadcast_address" Mistake ALONE
        "An interface has the broadcast address of its network, which no host should have."
        r#"node a { bridge br0: "10.0.0.255/24"; }"#
    MIXED_FAMILIES "N0017" "mixed_families" Mistake RELATED
        "One end of a link has only IPv4 addresses, the other only IPv6 addresses."
        r#"node a { eth0: "10.0.0.1/24"; } node b { eth0: "fd00::1/64"; } link a.eth0 -- b.eth0;"#
    REFUSED_ADDRESS "N0018" "refused_address" Refused ALONE
        "An interface has an IPv6 address that the kernel refuses: multicast, unspecified, or loopback outside `lo`."
        r#"node a { bridge br0: "ff02::5/64"; }"#
    SPECIAL_ADDRESS "N0019" "special_address" Mistake ALONE
        "An interface has an IPv4 address that no host can use: multicast, 0.0.0.0/8, the broadcast address, or \
         127.0.0.0/8 outside `lo`."
        r#"node a { bridge br0: "224.0.0.5/24"; }"#
    GATEWAY_OFF_LINK "N0020" "gateway_off_link" Refused RELATED
        "The gateway of a route is in no network that the node is attached to, or an IPv6 one is behind `lo`."
        r#"node a { bridge br0: "10.0.0.1/24"; route default via "10.0.9.1"; }"#
    OWN_GATEWAY "N0021" "own_gateway" Mistake ALONE
        "The IPv4 gateway of a route is an address of the node itself, which the kernel takes for one all the same."
        r#"node a { bridge br0: "10.0.0.1/24"; route default via "10.0.0.1"; }"#
    BROADCAST_GATEWAY "N0022" "broadcast_gateway" Refused ALONE
        "The gateway of a route is an address that the kernel takes for no other node's: of a broadcast, multicast or \
         loopback, the node's own where it is an IPv6 or on-link one, or any on-link one while the node has no IPv4 \
         address at all."
        r#"node a { bridge br0: "10.0.0.1/24"; route default via "10.0.0.255"; }"#
    ROUTE_HOST_BITS "N0023" "route_host_bits" Refused ALONE
        "An IPv4 route leads to a network whose host bits are not zero."
        r#"node a { bridge br0: "10.0.0.1/24"; route "10.1.2.3/16" via "10.0.0.2"; }"#
    ROUTE_FAMILIES "N0024" "route_families" Refused ALONE
        "The destination and source of a route are not of one address family, or an IPv6 route has an IPv4 gateway."
        r#"node a { bridge br0: "10.0.0.1/24"; route "fd01::/64" via "10.0.0.2"; }"#
    ROUTE_OVER_DOWN "N0025" "route_over_down" Refused RELATED
        "A route leads over an interface that is down, which the kernel refuses."
        r#"node a { bridge br0: "10.0.0.1/24" { down }; route default via "10.0.0.2"; }"#
    ROUTE_INCOMPLETE "N0026" "route_incomplete" Refused ALONE
        "A route says neither gateway nor interface, or lacks the interface that an on-link or link-local gateway needs, \
         or the gateway that each hop of an IPv6 multipath route needs."
        r#"node a { route default via "fe80::1"; }"#
    FOREIGN_SOURCE "N0027" "foreign_source" Refused RELATED
        "A route prefers a source address that the node does not have, a link-local one of another interface, or one that \
         is no host's."
        r#"node a { bridge br0: "10.0.0.1/24"; route default via "10.0.0.2" src "10.9.9.9"; }"#
    DUPLICATE_ROUTE "N0028" "duplicate_route" Refused ALONE
        "Two routes lead to the same network with the same metric in the same table, or an IPv6 route has the same hop twice."
        r#"node a { bridge br0: "10.0.0.1/24"; route default via "10.0.0.2"; route default via "10.0.0.3"; }"#
    HOP_WEIGHT "N0029" "hop_weight" Impossible ALONE
        "The weight of a next hop is not in 1 to 256."
        r#"node a { bridge br0: "10.0.0.1/24"; route default nexthop via "10.0.0.2" weight 300 nexthop via "10.0.0.3"; }"#
    BAD_TABLE "N0030" "bad_table" Impossible ALONE
        "Table 0 stands for no table: the kernel would choose another."
        r#"node a { rule from "10.0.0.0/8" lookup 0; }"#
    RULE_FAMILIES "N0031" "rule_families" Refused ALONE
        "The networks of a policy rule are not of one address family."
        r#"node a { rule from "10.0.0.0/8" to "fd00::/8" lookup 100; }"#
    DUPLICATE_NEIGHBOUR "N0032" "duplicate_neighbour" Impossible ALONE
        "Two permanent neighbour entries of an interface are for the same address."
        r#"node a { bridge br0; neighbour "10.0.0.2" lladdr "02:00:00:00:00:02" dev br0; neighbour "10.0.0.2" lladdr "02:00:00:00:00:03" dev br0; }"#
    BAD_SYSCTL "N0033" "bad_sysctl" Impossible ALONE
        "A sysctl is not one of a network namespace: its name does not begin with `net.`, or is no dotted name."
        r#"node a { sysctl kernel.hostname = "b"; }"#
    MASTER_NOT_BRIDGE "N0034" "master_not_bridge" Refused ALONE
        "An interface is a port of something that is no bridge."
        r#"node a { eth0 { master eth1 }; eth1; } link a.eth0 -- a.eth1;"#
    BAD_PORT "N0035" "bad_port" Refused ALONE
        "A bridge, the loopback interface, or what is made on a bridge cannot be a port of it."
        r#"node a { bridge br0 { ports br1 }; bridge br1; }"#
    PORT_WITH_ADDRESS "N0036" "port_with_address" Mistake ALONE
        "A port of a bridge has an address, which does not work as it looks: the bridge takes the port's packets."
        r#"node a { bridge br0 { ports eth0 }; eth0: "10.0.0.1/24"; } node b { eth0; } link a.eth0 -- b.eth0;"#
    TOO_MANY_PORTS "N0037" "too_many_ports" Refused ALONE
        "A bridge has more than 1,023 ports."
        r#"node host[1024] { eth0; } switch lan { host[..].eth0 }"#
    MTU_RANGE "N0038" "mtu_range" Refused ALONE
        "An MTU is not in 68 to 65,535 bytes."
        r#"node a { bridge br0 { mtu 60 }; }"#
    MTU_BELOW_IPV6 "N0039" "mtu_below_ipv6" Refused ALONE
        "An interface with an IPv6 address, route or neighbour has an MTU below 1,280 bytes, with which the kernel switches \
         IPv6 off."
        r#"node a { bridge br0: "fd00::1/64" { mtu 1279 }; }"#
    BAD_MAC "N0040" "bad_mac" Refused ALONE
        "The MAC address of an interface is zero or a group address."
        r#"node a { bridge br0 { mac "01:00:5e:00:00:01" }; }"#
    MAC_CONFLICT "N0041" "mac_conflict" Mistake ALONE
        "Two interfaces of one LAN have the same MAC address."
        r#"node host[2] { eth0 { mac "02:00:00:00:00:01" }; } link host[0].eth0 -- host[1].eth0;"#
    BRIDGE_OPTION "N0042" "bridge_option" Impossible ALONE
        "A bridge cannot be set so: its times are in whole hundredths of a second, and with STP on, its forward delay is \
         2 to 30 seconds, of which the kernel would take the nearest."
        r#"node a { bridge br0 { stp, forward_delay "1s" }; }"#
    NAT_WITHOUT_FORWARD "N0043" "nat_without_forward" Mistake RELATED
        "A node masquerades or changes sources but forwards no packets, so nobody's packets but its own are changed."
        r#"node gateway { bridge wan: "203.0.113.1/24"; masquerade wan; }"#
    CHAIN_KIND "N0044" "chain_kind" Refused ALONE
        "There is no such chain: NAT chains are not at forward or in the bridge family, and have a priority above -200."
        r#"node a { chain inet nat forward {} }"#
    DUPLICATE_CHAIN "N0045" "duplicate_chain" Impossible ALONE
        "Two chains of a node have the same family, kind, hook and priority, so that nothing decides their order."
        r#"node a { firewall input { policy drop; } firewall input { tcp dport 22 accept; } }"#
    VERDICT_PLACE "N0046" "verdict_place" Refused ALONE
        "A verdict is not possible in its chain, such as masquerading outside a NAT chain at postrouting."
        r#"node a { firewall forward { masquerade; } }"#
    NEVER_MATCHES "N0047" "never_matches" Mistake ALONE
        "A rule can never match: its chain sees no packet with such an interface or protocol."
        r#"node a { bridge wan; firewall prerouting { oifname wan drop; } }"#
    MATCH_FAMILIES "N0048" "match_families" Impossible ALONE
        "The addresses or the protocol in a rule are not of one family, or not of the chain's or the EtherType's."
        r#"node a { firewall forward { ip saddr "10.0.0.0/8" ip6 daddr "fd00::/8" drop; } }"#
    PORT_WITHOUT_PROTOCOL "N0049" "port_without_protocol" Impossible ALONE
        "A rule matches or sets a port, but neither TCP nor UDP is matched."
        r#"node a { firewall input { th dport 443 drop; } }"#
    RESET_WITHOUT_TCP "N0050" "reset_without_tcp" Impossible ALONE
        "A rule rejects with a TCP reset, but does not match TCP."
        r#"node a { firewall input { udp dport 53 reject with tcp reset; } }"#
    PORT_RANGE "N0051" "port_range" Impossible ALONE
        "A range of ports ends before it begins."
        r#"node a { firewall input { tcp dport 2000-1000 accept; } }"#
    COUNTER_NAME "N0052" "counter_name" Impossible ALONE
        "The name of a counter is not one that nft can print: a letter, then letters, digits and `_`, `-`, `.`, `/`."
        r#"node a { counter "smtp drops"; }"#
    LONG_COMMENT "N0053" "long_comment" Impossible ALONE
        "The comment of a firewall rule is longer than 128 bytes."
        r#"node a { firewall input { tcp dport 25 drop comment "a comment that nobody will read to its end, because a comment that nobody will read to its end, because a comment that nobody will read to its end, because"; } }"#
    BAD_NAMESERVER "N0054" "bad_nameserver" Mistake ALONE
        "A name server is given twice, or has an address that nobody can be asked at: unspecified, multicast or broadcast."
        r#"node a { nameserver "0.0.0.0"; }"#
    TOO_MANY_NAMESERVERS "N0055" "too_many_nameservers" Mistake ALONE
        "A node has more than three name servers, and resolvers ask only the first three."
        r#"node a { nameserver "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"; }"#
    TENTATIVE_SOURCE "N0056" "tentative_source" Refused RELATED
        "A route prefers an IPv6 source address that stays tentative, because nothing passes the link that would tell \
         whether it is a duplicate."
        r#"profile kernel; node a { bridge br0: "fd00::1/64" { down }; route "unreachable ::/0 src fd00::1"; }"#
    UNQUOTABLE "N0057" "unquotable" Impossible ALONE
        "A comment or an interface name in a firewall rule has a double quote, or such a name a backslash and an asterisk \
         at its end, which the language of nft cannot say."
        r#"node a { firewall input { tcp dport 25 drop comment "no \"mail\""; } }"#
    IPV6_HOST_BITS "N0058" "ipv6_host_bits" Mistake ALONE
        "An IPv6 route leads to a network whose host bits are not zero, and the kernel clears them without a word."
        r#"node a { bridge br0: "fd00::1/64"; route "fd01::1/64" via "fd00::2"; }"#
    LOOPBACK_MAC "N0059" "loopback_mac" Impossible ALONE
        "The loopback interface is given a MAC address: it is no Ethernet interface, and nobody would see it."
        r#"node a { lo { mac "02:00:00:00:00:01" }; }"#
    VXLAN_FAMILIES "N0060" "vxlan_families" Refused ALONE
        "The addresses of a VXLAN device and of the tunnel ends in its forwarding entries are not of one family."
        r#"node a { vxlan vx0 { id 42, local "::", remote "192.0.2.2" }; }"#
    GROUP_WITHOUT_DEVICE "N0061" "group_without_device" Refused ALONE
        "A VXLAN device sends to a multicast group, but does not say by which interface."
        r#"node a { vxlan vx0 { id 42, group "239.1.1.1" }; }"#
    VXLAN_CONFLICT "N0062" "vxlan_conflict" Refused ALONE
        "Two VXLAN devices that one node carries have the same identifier, port and address family."
        r#"node a { vxlan vx0 { id 42, remote "192.0.2.2" }; vxlan vx1 { id 42, remote "192.0.2.3" }; }"#
    FOREIGN_TUNNEL_END "N0063" "foreign_tunnel_end" Mistake RELATED
        "A VXLAN device sends from an address that the node which carries it does not have."
        r#"node a { vxlan vx0 { id 42, local "192.0.2.9" }; }"#
    OVERLAY_MTU "N0064" "overlay_mtu" Mistake RELATED
        "A VXLAN device takes packets that its underlay cannot carry once they are encapsulated."
        r#"node a { bridge br0: "192.0.2.1/24"; vxlan vx0 { id 42, remote "192.0.2.2", mtu 1500 }; }"#
    VXLAN_OPTION "N0065" "vxlan_option" Impossible ALONE
        "A VXLAN device cannot be set so: it ages in whole seconds, up to 4,294,967,295, has a port other than 0, and sends \
         from no group."
        r#"node a { vxlan vx0 { id 42, ageing "500ms" }; }"#
    FDB_DEVICE "N0066" "fdb_device" Refused RELATED
        "A forwarding entry with a tunnel end is not of a VXLAN device, or one without is not of a port of a bridge."
        r#"node a { bridge br0; fdb "02:00:00:00:00:02" dev br0 dst "192.0.2.2"; }"#
    DUPLICATE_FDB "N0067" "duplicate_fdb" Refused ALONE
        "Two forwarding entries of an interface are for the same MAC address, and do not add up."
        r#"node a { vxlan vx0 { id 42 }; fdb "02:00:00:00:00:02" dev vx0 dst "192.0.2.2"; fdb "02:00:00:00:00:02" dev vx0 dst "192.0.2.3"; }"#
    MACVLAN_PARENT "N0068" "macvlan_parent" Refused ALONE
        "An interface cannot be the parent of this macvlan: it is lo, a port of a bridge, the macvlan itself, or shared \
         with one that passes through (a macvlan of a macvlan shares the interface below both)."
        r#"node a { lo; macvlan m0 { parent lo }; }"#
    BAD_FDB_MAC "N0069" "bad_fdb_mac" Refused ALONE
        "The MAC address of a forwarding entry is one that the bridge does not take: all zeros, without a tunnel end."
        r#"node a { vxlan vx0 { id 42, master br0 }; bridge br0; fdb "00:00:00:00:00:00" dev vx0; }"#
    VXLAN_SCOPES "N0070" "vxlan_scopes" Refused ALONE
        "Only one end of a VXLAN device has a link-local IPv6 address, or its interface is not named."
        r#"node a { vxlan vx0 { id 42, remote "fe80::2" }; }"#
    BRIDGE_LOOP "N0071" "bridge_loop" Mistake RELATED
        "Cables join bridges in a circle, and none of these has the spanning tree protocol, so that every broadcast goes \
         round in it without end and the machine does nothing else."
        r#"node a { bridge br0 { ports [p0, p1] }; p0; p1; } node b { bridge br0 { ports [p0, p1] }; p0; p1; } link a.p0 -- b.p0; link a.p1 -- b.p1;"#
}
