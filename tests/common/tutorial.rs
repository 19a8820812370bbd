//! The networks that the container tutorial builds, each as it stands at one moment of the text.

use netns_test::{
    prelude::*,
    topology::build::{NodeBuilder, TopologyBuilder},
};

/// The MAC addresses that the tutorial prints.
pub(crate) const ETH0: &str = "0a:d8:c1:57:fb:a8";
pub(crate) const DOCKER0: &str = "02:42:c4:db:92:41";
pub(crate) const GATEWAY: &str = "0a:3c:ef:0b:8c:36";

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
