//! The network of the second tutorial: a home behind a provider, and a chain of private networks.

use netns_test::prelude::*;

/// A laptop on the home's bridge, a router between home and provider, and three levels of networks, as the text leaves
/// them: many a far end is still down, and one interface has the address of its network.
pub(crate) fn network() -> Topology {
    let container = |n: netns_test::topology::build::NodeBuilder| n.with(Departure::LoopbackUp).nameserver("8.8.8.8");
    Topology::builder()
        .name("home")
        .profile(Profile::Kernel)
        .allow("network_address")
        .node("host", |n| {
            n.with(Departure::LoopbackUp)
                .bridge("docker0", |b| b.address("172.17.42.1/16").mac("56:84:7a:fe:97:99"))
                .bridge("home", |b| b.port("laptop_eth1"))
                .interface("router_eth1", ())
                .interface_with("veth0a", |i| i.down())
        })
        .node("verizon", |n| container(n).interface_with("eth1", |i| i.down()))
        .node("router", |n| container(n).interface("eth0", ()).interface("eth1", ()))
        .node("laptop", |n| container(n).interface("eth1", ()))
        .node("levela", |n| n.interface("veth1a", "172.16.1.0/24").interface_with("veth0b", |i| i.down()))
        .node("levelb", |n| n.interface("veth1b", "10.1.1.1/24").interface_with("veth0c", |i| i.down()))
        .node("levelc", |n| n.interface("veth1c", "192.168.1.1/24"))
        .link("laptop.eth1", "host.laptop_eth1")
        .link("router.eth1", "host.router_eth1")
        .link("verizon.eth1", "router.eth0")
        .link("host.veth0a", "levela.veth1a")
        .link("levela.veth0b", "levelb.veth1b")
        .link("levelb.veth0c", "levelc.veth1c")
        .build()
        .expect("the topology has no fault")
}
