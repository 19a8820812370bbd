//! What a random topology is made of: flat and independent choices, which proptest can shrink one by one.
//!
//! A number that picks one of several things is taken modulo how many there are.

use std::time::Duration;

use proptest::{collection::vec, option::of, option::weighted, prelude::*};

use super::{
    address::{self, Families},
    firewall::{self, ChainRecipe},
    name,
    route::{self, RouteRecipe, RuleRecipe},
};
use crate::{BridgeOptions, Cidr, Departure, IfName, Mac, MacvlanMode, NodeName, Profile, Vni, Vxlan};

/// A network.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) nodes: Vec<Node>,
    pub(super) cables: Vec<[End; 2]>,
    pub(super) switches: Vec<Switch>,
    pub(super) profile: Profile,
    pub(super) name: String,
}

/// A node without its cables.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: Option<NodeName>,
    pub(super) profile: Option<Profile>,
    pub(super) departures: Vec<(Departure, bool)>,
    pub(super) loopback: Option<Loopback>,
    pub(super) bridges: Vec<Bridge>,
    pub(super) overlays: Vec<Overlay>,
    pub(super) forward: (bool, bool),
    pub(super) settings: Settings,
}

/// What a node has beside interfaces.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) routes: Vec<RouteRecipe>,
    pub(super) rules: Vec<RuleRecipe>,
    pub(super) neighbours: Vec<NeighbourRecipe>,
    pub(super) fdb: Vec<FdbRecipe>,
    pub(super) sysctls: Vec<SysctlRecipe>,
    pub(super) chains: Vec<ChainRecipe>,
    pub(super) counters: Vec<&'static str>,
    pub(super) nameservers: Vec<Cidr>,
}

/// `lo`, where it is declared.
#[derive(Debug, Clone)]
pub(super) struct Loopback {
    pub(super) addresses: Vec<Cidr>,
    pub(super) mtu: Option<u32>,
    pub(super) up: bool,
}

/// A bridge of a node or a switch.
#[derive(Debug, Clone)]
pub(super) struct Bridge {
    pub(super) name: Option<IfName>,
    pub(super) options: BridgeOptions,
    pub(super) families: Families,
    pub(super) mac: Option<Mac>,
    pub(super) mtu: Option<u32>,
    pub(super) up: bool,
}

/// A switch with the far ends of its cables.
#[derive(Debug, Clone)]
pub(super) struct Switch {
    pub(super) name: Option<NodeName>,
    pub(super) bridge: Bridge,
    pub(super) ends: Vec<End>,
}

/// An end of a cable.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) node: u8,
    pub(super) name: Option<IfName>,
    pub(super) families: Families,
    pub(super) further: Vec<Cidr>,
    pub(super) mac: Option<Mac>,
    pub(super) mtu: Option<u32>,
    pub(super) up: bool,
    pub(super) bridge: Option<u8>,
}

/// An interface on top of others: a VXLAN device, or a macvlan of this mode.
#[derive(Debug, Clone)]
pub(super) struct Overlay {
    pub(super) name: Option<IfName>,
    pub(super) macvlan: Option<MacvlanMode>,
    pub(super) vxlan: Vxlan,
    /// The group, far end and own address are of IPv6.
    pub(super) v6: bool,
    /// Which node's interface it is made on; the own one's if `None`.
    pub(super) lower_node: Option<u8>,
    /// Which interface; for a VXLAN device any if `None`.
    pub(super) lower: Option<u8>,
    /// Which address of the underlay's node it sends from.
    pub(super) local: Option<u8>,
    pub(super) far: Far,
    pub(super) families: Families,
    pub(super) mac: Option<Mac>,
    pub(super) mtu: Option<u32>,
    pub(super) up: bool,
    pub(super) bridge: Option<u8>,
}

/// Where a VXLAN device sends what it does not know.
#[derive(Debug, Clone, Copy)]
pub(super) enum Far {
    Nowhere,
    End(u8),
    Group(u8),
}

/// A forwarding entry: of all zeros if there is no MAC.
#[derive(Debug, Clone)]
pub(super) struct FdbRecipe {
    pub(super) mac: Option<Mac>,
    pub(super) interface: u8,
    pub(super) far: Option<u8>,
}

/// A permanent neighbour entry: address, MAC, interface.
#[derive(Debug, Clone)]
pub(super) struct NeighbourRecipe {
    pub(super) address: Cidr,
    pub(super) mac: Mac,
    pub(super) interface: u8,
}

/// A setting: of the node, or, with a `*` in its key, of an interface.
#[derive(Debug, Clone)]
pub(super) struct SysctlRecipe {
    pub(super) key: &'static str,
    pub(super) value: &'static str,
    pub(super) interface: u8,
}

/// Settings that every kernel has, with values that it takes.
const SYSCTLS: [(&str, &[&str]); 14] = [
    ("net.ipv4.conf.all.rp_filter", &["0", "1", "2"]),
    ("net.ipv4.conf.all.arp_ignore", &["1", "2"]),
    ("net.ipv4.conf.default.proxy_arp", &["1"]),
    ("net.ipv4.conf.*.rp_filter", &["1", "2"]),
    ("net.ipv4.conf.*.proxy_arp", &["1"]),
    ("net.ipv4.conf.*.forwarding", &["0", "1"]),
    ("net.ipv4.ip_default_ttl", &["1", "128"]),
    ("net.ipv4.ip_local_port_range", &["20000 30000"]),
    ("net.ipv4.ping_group_range", &["0 0"]),
    ("net.ipv4.neigh.*.base_reachable_time_ms", &["5000"]),
    ("net.ipv6.conf.all.hop_limit", &["12"]),
    ("net.ipv6.conf.*.accept_ra", &["0", "2"]),
    ("net.ipv6.conf.*.hop_limit", &["3"]),
    ("net.ipv6.bindv6only", &["1"]),
];

/// Names of counters that the `nft` program can print.
pub(super) const COUNTERS: [&str; 3] = ["seen", "smtp-drops", "_/a.b"];

pub(super) fn network(nodes: usize) -> impl Strategy<Value = Network> {
    let name = prop_oneof![4 => Just(String::new()), 1 => "[A-Z][a-z]{0,6}", 1 => "\\PC{0,12}"];
    (vec(node(), 1..=nodes), vec([end(), end()], 0..=nodes), vec(switch(), 0..=2), profile(), name)
        .prop_map(|(nodes, cables, switches, profile, name)| Network { nodes, cables, switches, profile, name })
}

fn profile() -> impl Strategy<Value = Profile> {
    prop_oneof![Just(Profile::Ready), Just(Profile::Kernel)]
}

prop_compose! {
    fn node()(
        name in name::node(),
        profile in weighted(0.2, profile()),
        departures in vec((prop::sample::select(Departure::ALL.as_slice()), any::<bool>()), 0..3),
        loopback in weighted(0.3, loopback()),
        bridges in vec(bridge(), 0..=2),
        overlays in prop_oneof![2 => Just(Vec::new()), 1 => vec(overlay(), 1..=2)],
        forward in any::<(bool, bool)>(),
        settings in settings(),
    ) -> Node {
        Node { name, profile, departures, loopback, bridges, overlays, forward, settings }
    }
}

prop_compose! {
    fn settings()(
        routes in vec(route::route(), 0..6),
        rules in vec(route::rule(), 0..3),
        neighbours in vec(neighbour(), 0..3),
        fdb in vec(fdb(), 0..3),
        sysctls in vec(sysctl(), 0..3),
        chains in vec(firewall::chain(), 0..4),
        counters in vec(prop::sample::select(COUNTERS.as_slice()), 0..2),
        nameservers in vec(address::anywhere(), 0..3),
    ) -> Settings {
        Settings { routes, rules, neighbours, fdb, sysctls, chains, counters, nameservers }
    }
}

prop_compose! {
    fn loopback()(
        addresses in vec(address::anywhere(), 0..3),
        mtu in weighted(0.2, mtu()),
        up in prop::bool::weighted(0.8),
    ) -> Loopback {
        Loopback { addresses, mtu, up }
    }
}

prop_compose! {
    fn bridge()(
        name in name::interface(),
        options in bridge_options(),
        families in address::families(),
        mac in weighted(0.3, address::mac()),
        mtu in weighted(0.2, mtu()),
        up in prop::bool::weighted(0.9),
    ) -> Bridge {
        Bridge { name, options, families, mac, mtu, up }
    }
}

prop_compose! {
    fn bridge_options()(
        stp in weighted(0.2, any::<bool>()),
        forward_delay in weighted(0.2, (0..=30u64).prop_map(Duration::from_secs)),
        ageing in weighted(0.2, (0..=3000u64).prop_map(|tenths| Duration::from_millis(tenths * 100))),
        multicast_snooping in of(any::<bool>()),
        nf_call_iptables in of(any::<bool>()),
        nf_call_ip6tables in of(any::<bool>()),
        nf_call_arptables in of(any::<bool>()),
    ) -> BridgeOptions {
        BridgeOptions {
            stp, forward_delay, ageing, multicast_snooping, nf_call_iptables, nf_call_ip6tables, nf_call_arptables,
        }
    }
}

prop_compose! {
    fn overlay()(
        name in name::interface(),
        macvlan in weighted(0.4, prop::sample::select(MacvlanMode::ALL.as_slice())),
        vxlan in vxlan(),
        (v6, lower_node, lower, local) in (any::<bool>(), weighted(0.2, any::<u8>()), of(any::<u8>()), weighted(0.3, any::<u8>())),
        far in prop_oneof![Just(Far::Nowhere), any::<u8>().prop_map(Far::End), any::<u8>().prop_map(Far::Group)],
        families in address::families(),
        mac in weighted(0.3, address::mac()),
        mtu in weighted(0.2, mtu()),
        up in prop::bool::weighted(0.85),
        bridge in weighted(0.3, any::<u8>()),
    ) -> Overlay {
        Overlay { name, macvlan, vxlan, v6, lower_node, lower, local, far, families, mac, mtu, up, bridge }
    }
}

prop_compose! {
    fn vxlan()(
        id in prop_oneof![0..4u32, 0..=0xff_ffffu32],
        port in prop_oneof![4 => Just(Vxlan::PORT), 1 => 1..=u16::MAX],
        [learning, proxy, l2miss, l3miss] in any::<[bool; 4]>(),
        ageing in weighted(0.2, (0..=3000u64).prop_map(Duration::from_secs)),
    ) -> Vxlan {
        let id = Vni::new(id).expect("it has 24 bits");
        Vxlan { port, learning, proxy, l2miss, l3miss, ageing, ..Vxlan::new(id) }
    }
}

prop_compose! {
    fn fdb()(mac in weighted(0.7, address::mac()), interface in any::<u8>(), far in of(any::<u8>())) -> FdbRecipe {
        FdbRecipe { mac, interface, far }
    }
}

prop_compose! {
    fn switch()(name in name::node(), bridge in bridge(), ends in vec(end(), 0..4)) -> Switch {
        Switch { name, bridge, ends }
    }
}

prop_compose! {
    fn end()(
        node in any::<u8>(),
        name in name::interface(),
        families in address::families(),
        further in vec(address::anywhere(), 0..2),
        mac in weighted(0.3, address::mac()),
        mtu in weighted(0.3, mtu()),
        up in prop::bool::weighted(0.85),
        bridge in weighted(0.3, any::<u8>()),
    ) -> End {
        End { node, name, families, further, mac, mtu, up, bridge }
    }
}

prop_compose! {
    fn neighbour()(address in address::anywhere(), mac in address::mac(), interface in any::<u8>()) -> NeighbourRecipe {
        NeighbourRecipe { address, mac, interface }
    }
}

prop_compose! {
    fn sysctl()(
        (key, values) in prop::sample::select(SYSCTLS.as_slice()),
        value in any::<u8>(),
        interface in any::<u8>(),
    ) -> SysctlRecipe {
        SysctlRecipe { key, value: values[usize::from(value) % values.len()], interface }
    }
}

fn mtu() -> impl Strategy<Value = u32> {
    prop_oneof![1280..=9000u32, 68..=65_535u32]
}
