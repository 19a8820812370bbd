//! The home: a laptop, a router and a provider called verizon, as the text lists them and as it should have been.

use netns_test::{
    prelude::*,
    topology::build::{BridgeBuilder, NodeBuilder, TopologyBuilder},
};

fn container(node: NodeBuilder) -> NodeBuilder {
    node.with(Departure::LoopbackUp)
}

/// A host with a card and Docker's bridge, and containers without a network.
fn host(change: impl FnOnce(NodeBuilder) -> NodeBuilder) -> TopologyBuilder {
    Topology::builder()
        .name("home")
        .profile(Profile::Kernel)
        .node("host", |host| {
            let docker0 = |docker0: BridgeBuilder| docker0.address("172.17.42.1/16").mac("56:84:7a:fe:97:99");
            change(host.with(Departure::LoopbackUp).interface("eth0", "10.0.2.15/24").bridge("docker0", docker0))
        })
        .node("internet", |internet| internet.with(Departure::ShortNeighbourTimers).interface("eth0", "10.0.2.2/24"))
        .link("host.eth0", "internet.eth0")
}

/// The state that the text lists: laptop and router are up, the cable between router and verizon is not, the router's
/// cable ends in no bridge, and nobody has an address.
pub(crate) struct Listed {
    pub(crate) host: Node,
    pub(crate) verizon: Interface,
    pub(crate) outside: Interface,
    pub(crate) router: Interface,
    pub(crate) laptop: Interface,
    pub(crate) home: Interface,
    pub(crate) router_port: Interface,
    pub(crate) laptop_port: Interface,
}

impl Network for Listed {
    fn topology() -> Topology {
        let built = host(|host| host).node("verizon", container).node("router", container).node("laptop", container);
        built.build().expect("the topology has no fault")
    }

    /// Makes the cables on the host and moves their ends, so that the kernel numbers them as in the text.
    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let node = |name| lab.node(name);
        let (host, verizon, router, laptop) = (node("host")?, node("verizon")?, node("router")?, node("laptop")?);
        let (router_port, to_home) = host.connect("router_eth1", &host, "to-home")?;
        let (of_laptop, laptop_port) = host.connect("of-laptop", &host, "laptop_eth1")?;
        let home = host.add_bridge("home")?;
        let (of_verizon, of_router) = host.connect("of-verizon", &host, "of-router")?;
        let listed = Self {
            verizon: of_verizon.move_to(&verizon)?.rename("eth1")?,
            outside: of_router.move_to(&router)?.rename("eth0")?,
            router: to_home.move_to(&router)?.rename("eth1")?,
            laptop: of_laptop.move_to(&laptop)?.rename("eth1")?,
            host,
            home,
            router_port,
            laptop_port,
        };
        listed.laptop_port.set_mac("82:1c:26:40:a1:ea")?;
        listed.laptop_port.set_master(&listed.home)?;
        for interface in
            [&listed.laptop_port, &listed.home, &listed.laptop, &listed.router_port, &listed.router, &listed.outside]
        {
            interface.up()?;
        }
        for interface in [&listed.laptop, &listed.router, &listed.laptop_port, &listed.home] {
            interface.wait_until_running()?;
        }
        Ok(listed)
    }
}

impl Listed {
    /// The nodes of the home, in the text's order.
    pub(crate) fn containers(&self) -> [&Node; 3] {
        [self.verizon.node(), self.router.node(), self.laptop.node()]
    }
}

/// The home as the title promises it: all on one bridge or cable, with addresses and routes; the router does not forward,
/// and has no rules.
pub(crate) struct Home {
    pub(crate) host: Node,
    pub(crate) verizon: Node,
    pub(crate) router: Node,
    pub(crate) laptop: Node,
}

impl Network for Home {
    fn topology() -> Topology {
        // Whoever waits for an answer learns soon that there is none.
        let container = |node| container(node).with(Departure::ShortNeighbourTimers);
        host(|host| {
            let host = host.with(Departure::ShortNeighbourTimers);
            host.bridge("home", |home| home.ports(["laptop_eth1", "router_eth1"]))
        })
        .node("verizon", |verizon| container(verizon).interface("eth1", "10.25.1.1/24").interface("lo", "8.8.8.8/32"))
        .node("router", |router| {
            container(router)
                .interface("eth0", "10.25.1.65/24")
                .interface("eth1", "192.168.1.1/24")
                .route("default via 10.25.1.1")
        })
        .node("laptop", |laptop| {
            container(laptop).interface("eth1", "192.168.1.11/24").route("default via 192.168.1.1")
        })
        .link("laptop.eth1", "host.laptop_eth1")
        .link("router.eth1", "host.router_eth1")
        .link("verizon.eth1", "router.eth0")
        .build()
        .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let [host, verizon, router, laptop] = ["host", "verizon", "router", "laptop"].map(|name| lab.node(name));
        Ok(Self { host: host?, verizon: verizon?, router: router?, laptop: laptop? })
    }
}
