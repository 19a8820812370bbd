//! The networks that the container tutorial builds, each as it stands at one moment of the text.

use netns_test::{
    RuleHandle,
    prelude::*,
    topology::build::{BridgeBuilder, NodeBuilder, TopologyBuilder},
};

/// The MAC addresses that the tutorial prints.
pub(crate) const ETH0: &str = "0a:d8:c1:57:fb:a8";
pub(crate) const DOCKER0: &str = "02:42:c4:db:92:41";
pub(crate) const GATEWAY: &str = "0a:3c:ef:0b:8c:36";

/// The network of the containers.
pub(crate) const PRIVATE: &str = "192.168.15.0/24";

/// Those of the namespaces' ends of the cables to the bridge.
pub(crate) const RED: &str = "3e:e9:d8:e1:a7:ab";
pub(crate) const BLUE: &str = "c6:a5:d6:8e:fb:31";

/// The host with its internet: eth0 to a provider that has 8.8.8.8, and a Docker bridge without ports.
///
/// `change` may add to the host.
pub(crate) fn host(change: impl FnOnce(NodeBuilder) -> NodeBuilder) -> TopologyBuilder {
    Topology::builder()
        .name("tutorial")
        .profile(Profile::Kernel)
        // The tutorial's host answers in milliseconds; claims about the kernel's own timers undo this.
        .node("host", |host| {
            change(
                host.with(Departure::LoopbackUp)
                    .with(Departure::ShortNeighbourTimers)
                    .interface_with("eth0", |eth0| eth0.address("172.31.5.10/20").mac(ETH0).mtu(9001))
                    .bridge("docker0", |docker0| docker0.address("172.17.0.1/16").mac(DOCKER0))
                    .route("default via 172.31.0.1 dev eth0 metric 100")
                    .route("172.31.0.1 dev eth0 metric 100"),
            )
        })
        .node("inet", |inet| {
            inet.with(Departure::LoopbackUp)
                .with(Departure::ShortNeighbourTimers)
                .interface_with("eth0", |eth0| eth0.address(["172.31.0.1/20", "172.31.0.2/20"]).mac(GATEWAY).mtu(9001))
                .interface("lo", "8.8.8.8/32")
        })
        .link("host.eth0", "inet.eth0")
}

/// A fresh namespace: lo down, nothing else.
pub(crate) fn fresh(node: NodeBuilder) -> NodeBuilder {
    node.with(Departure::ShortNeighbourTimers)
}

/// The host, and two namespaces that a cable connects, up and with addresses; a third has no part in it.
pub(crate) struct Cable {
    pub(crate) host: Node,
    pub(crate) inet: Node,
    pub(crate) red: Node,
    pub(crate) blue: Node,
    pub(crate) third: Node,
    pub(crate) veth_red: Interface,
    pub(crate) veth_blue: Interface,
}

impl Network for Cable {
    fn topology() -> Topology {
        host(|host| host)
            .node("red", |red| fresh(red).interface("veth-red", "192.168.15.1/24"))
            .node("blue", |blue| fresh(blue).interface("veth-blue", "192.168.15.2/24"))
            .node("third", fresh)
            .link("red.veth-red", "blue.veth-blue")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let (red, blue) = (lab.node("red")?, lab.node("blue")?);
        let (veth_red, veth_blue) = (red.interface("veth-red")?, blue.interface("veth-blue")?);
        let [host, inet, third] = ["host", "inet", "third"].map(|name| lab.node(name));
        Ok(Self { host: host?, inet: inet?, third: third?, red, blue, veth_red, veth_blue })
    }
}

/// The host and two fresh namespaces that nothing connects.
pub(crate) struct Namespaces {
    pub(crate) host: Node,
    pub(crate) inet: Node,
    pub(crate) red: Node,
    pub(crate) blue: Node,
}

impl Network for Namespaces {
    fn topology() -> Topology {
        host(|host| host).node("red", fresh).node("blue", fresh).build().expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let node = |name| lab.node(name);
        Ok(Self { host: node("host")?, inet: node("inet")?, red: node("red")?, blue: node("blue")? })
    }
}

/// The host with the containers red and blue on its bridge `v-net-0`, which `bridge` may give an address; `container`
/// may add to both containers.
pub(crate) fn bridged(
    bridge: impl FnOnce(BridgeBuilder) -> BridgeBuilder,
    container: impl Fn(NodeBuilder) -> NodeBuilder,
) -> TopologyBuilder {
    bridged_by(|host| host, bridge, container)
}

/// The same; `change` may add to the host.
pub(crate) fn bridged_by(
    change: impl FnOnce(NodeBuilder) -> NodeBuilder,
    bridge: impl FnOnce(BridgeBuilder) -> BridgeBuilder,
    container: impl Fn(NodeBuilder) -> NodeBuilder,
) -> TopologyBuilder {
    let plugged = |node, end: &str, address: &str, mac: &str| {
        container(fresh(node).interface_with(end, |end| end.address(address).mac(mac)))
    };
    host(|host| change(host.bridge("v-net-0", |v_net_0| bridge(v_net_0.ports(["veth-red-brdg", "veth-blue-brdg"])))))
        .node("red", |red| plugged(red, "veth-red", "192.168.15.1/24", RED))
        .node("blue", |blue| plugged(blue, "veth-blue", "192.168.15.2/24", BLUE))
        .link("red.veth-red", "host.veth-red-brdg")
        .link("blue.veth-blue", "host.veth-blue-brdg")
}

/// Declares networks of the host, its internet and the two containers.
macro_rules! containers {
    ($($(#[$doc:meta])* $name:ident = $topology:expr;)*) => { $(
        $(#[$doc])*
        pub(crate) struct $name {
            pub(crate) host: Node,
            pub(crate) inet: Node,
            pub(crate) red: Node,
            pub(crate) blue: Node,
        }

        impl Network for $name {
            fn topology() -> Topology {
                $topology.build().expect("the topology has no fault")
            }

            fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
                let [host, inet, red, blue] = ["host", "inet", "red", "blue"].map(|name| lab.node(name));
                Ok(Self { host: host?, inet: inet?, red: red?, blue: blue? })
            }
        }
    )* };
}

containers! {
    /// T22: the containers are on the bridge, and the bridge has no address.
    Bridged = bridged(|bridge| bridge, |container| container);

    /// T23: the host has an address on the bridge.
    Addressed = bridged(|bridge| bridge.address("192.168.15.3/24"), |container| container);

    /// T24: that address is the containers' gateway; the host does not forward, and has no rules.
    Routed = bridged(
        |bridge| bridge.address("192.168.15.3/24"),
        |container| container.route("default via 192.168.15.3"),
    );
}

/// Has the host forward, and give what comes from the containers its own address, as the text does in the end.
pub(crate) fn translate(host: &Node) -> Result<RuleHandle> {
    host.set_forward(true)?;
    Ok(host.masquerade_matching(Match::any().from(PRIVATE))?)
}
