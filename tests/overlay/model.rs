//! The swarm of the overlay tutorial: two nodes, an overlay network between their containers, and the way out.

use netns_test::{
    prelude::*,
    topology::build::{ChainBuilder, NodeBuilder, TopologyBuilder},
};

/// The MAC addresses that the tutorial prints, and those of the other replica by the same rule.
pub(crate) const C0: &str = "02:42:c0:a8:c8:03";
pub(crate) const C1: &str = "02:42:c0:a8:c8:04";
/// The second interface of the containers, on the network of their own node.
pub(crate) const GATEWAY_SIDE: &str = "02:42:ac:12:00:03";
pub(crate) const GWBRIDGE: &str = "02:42:0c:99:9e:cd";
pub(crate) const ENP0S3: &str = "08:00:27:35:83:35";
pub(crate) const ENP0S8: &str = "08:00:27:b3:03:4a";
pub(crate) const DOCKER0: &str = "02:42:ca:14:bb:9a";

/// The nodes' addresses on the host-only network.
pub(crate) const VTEP0: &str = "192.168.10.6";
pub(crate) const VTEP1: &str = "192.168.10.7";

/// What may differ between the overlays that the tests build.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// The MTU of the overlay's interfaces, and of the bridge and the device alone.
    pub(crate) mtu: u32,
    pub(crate) bridge_mtu: u32,
    /// The MTU of the underlay.
    pub(crate) underlay_mtu: u32,
    /// The numbers of the overlay on both nodes.
    pub(crate) ids: [u32; 2],
    /// Whether the devices answer for their neighbours and tell what they lack.
    pub(crate) proxy: bool,
    /// Whether the containers ask three times, a second apart.
    pub(crate) patient: bool,
    /// Whether the first overlay has a port for a second container.
    pub(crate) second: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            mtu: 1450,
            bridge_mtu: 1450,
            underlay_mtu: 1500,
            ids: [4097; 2],
            proxy: true,
            patient: false,
            second: false,
        }
    }
}

/// The cluster without the entries that a control plane would set.
pub(crate) fn cluster(shape: Shape) -> TopologyBuilder {
    Topology::builder()
        .name("swarm")
        .profile(Profile::Kernel)
        .allow("overlay_mtu")
        .node("node0", move |n| docker_node(lan(quick(n), VTEP0, shape.underlay_mtu), &["veth90d0481"]))
        .node("node1", move |n| docker_node(lan(quick(n), VTEP1, shape.underlay_mtu), &["veth90d0481"]))
        .node("ov0", move |n| overlay(quick(n), shape, 0))
        .node("ov1", move |n| overlay(quick(n), shape, 1))
        .node("c0", move |n| container(n, shape, 3, C0))
        .node("c1", move |n| container(n, shape, 4, C1))
        .node("vbox0", |n| nat_engine(quick(n), 10))
        .node("vbox1", |n| nat_engine(quick(n), 11))
        .node("inet", |n| quick(n).interface("eth0", "203.0.113.1/24").interface("lo", "8.8.8.8/32"))
        .node("client", |n| quick(n).interface("eth0", "192.168.10.9/24"))
        .switch_with("lan", ["node0.enp0s3", "node1.enp0s3", "client.eth0"], |b| b)
        .switch("wan", ["vbox0.out", "vbox1.out", "inet.eth0"])
        .link("node0.enp0s8", "vbox0.in")
        .link("node1.enp0s8", "vbox1.in")
        .link_with_mtu("c0.eth0", "ov0.veth2", shape.mtu)
        .link_with_mtu("c1.eth0", "ov1.veth2", shape.mtu)
        .link("c0.eth1", "node0.veth90d0481")
        .link("c1.eth1", "node1.veth90d0481")
}

/// Failures are told fast, and lo is up as on any machine.
pub(crate) fn quick(n: NodeBuilder) -> NodeBuilder {
    n.with(Departure::LoopbackUp).with(Departure::ShortNeighbourTimers)
}

/// A node's interface on the network of the nodes.
pub(crate) fn lan(n: NodeBuilder, address: &str, mtu: u32) -> NodeBuilder {
    let mac = if address == VTEP0 { ENP0S3 } else { "08:00:27:35:83:36" };
    n.interface_with("enp0s3", |i| i.address(format!("{address}/24")).mac(mac).mtu(mtu))
}

/// Docker's bridges on a node, with these ports, its rules, and the way out.
pub(crate) fn docker_node(n: NodeBuilder, ports: &[&str]) -> NodeBuilder {
    let rules = |chain: ChainBuilder| {
        chain
            .policy(Policy::Drop)
            .accept(Match::any().output("docker_gwbridge").state(ConnState::Established).state(ConnState::Related))
            .accept(Match::any().input("docker_gwbridge").not_output("docker_gwbridge"))
            .drop(Match::any().input("docker_gwbridge").output("docker_gwbridge"))
    };
    n.interface_with("enp0s8", |i| i.address("10.0.3.15/24").mac(ENP0S8))
        .bridge("docker0", |b| b.address("172.17.0.1/16").mac(DOCKER0))
        .bridge("docker_gwbridge", |b| b.address("172.18.0.1/16").mac(GWBRIDGE).ports(ports.iter().copied()))
        .route("default via 10.0.3.2")
        .forward_v4()
        .chain(Family::Ip, ChainKind::Filter, Hook::Forward, rules)
        .chain(Family::Ip, ChainKind::Nat, Hook::Postrouting, |c| {
            c.rule(Match::any().from("172.18.0.0/16").not_output("docker_gwbridge").verdict(Verdict::Masquerade))
        })
}

fn nat_engine(n: NodeBuilder, host: u8) -> NodeBuilder {
    n.interface("in", "10.0.3.2/24")
        .interface("out", format!("203.0.113.{host}/24"))
        .route("default via 203.0.113.1")
        .forward_v4()
        .masquerade("out")
}

fn overlay(n: NodeBuilder, shape: Shape, side: usize) -> NodeBuilder {
    let underlay = format!("node{side}");
    let n = if shape.second && side == 0 { n.interface_with("veth3", |i| i.master("br0")) } else { n };
    n.interface("veth2", ())
        .vxlan("vxlan1", shape.ids[side], |v| {
            let v = v.underlay(underlay).mtu(shape.bridge_mtu);
            if shape.proxy { v.proxy().l2miss().l3miss() } else { v }
        })
        .bridge("br0", |b| b.address("192.168.200.1/24").mtu(shape.bridge_mtu).ports(["veth2", "vxlan1"]))
}

fn container(n: NodeBuilder, shape: Shape, host: u8, mac: &'static str) -> NodeBuilder {
    let n = n.with(Departure::LoopbackUp);
    let n = if shape.patient { n } else { n.with(Departure::ShortNeighbourTimers) };
    n.interface_with("eth0", |i| i.address(format!("192.168.200.{host}/24")).mac(mac))
        .interface_with("eth1", |i| i.address("172.18.0.3/16").mac(GATEWAY_SIDE))
        .route("default via 172.18.0.1")
}

/// The cluster with the handles that tests want.
pub(crate) struct Swarm {
    pub(crate) lab: Lab,
    pub(crate) node0: Node,
    pub(crate) node1: Node,
    pub(crate) ov0: Node,
    pub(crate) ov1: Node,
    pub(crate) c0: Node,
    pub(crate) c1: Node,
}

impl Swarm {
    /// Builds the cluster, without entries.
    pub(crate) fn bare(shape: Shape) -> Result<Self> {
        Self::of(cluster(shape))
    }

    /// Builds the cluster with all entries of a control plane.
    pub(crate) fn new(shape: Shape) -> Result<Self> {
        let swarm = Self::bare(shape)?;
        swarm.learn_far()?;
        swarm.learn_near()?;
        Ok(swarm)
    }

    pub(crate) fn of(topology: TopologyBuilder) -> Result<Self> {
        let lab = topology.build()?.up()?;
        let node = |name: &str| lab.node(name);
        let (node0, node1, ov0, ov1) = (node("node0")?, node("node1")?, node("ov0")?, node("ov1")?);
        let (c0, c1) = (node("c0")?, node("c1")?);
        Ok(Self { node0, node1, ov0, ov1, c0, c1, lab })
    }

    /// Tells the first node of the replica on the second.
    pub(crate) fn learn_far(&self) -> Result {
        tell(&self.ov0, "192.168.200.4", C1, VTEP1)
    }

    /// Tells the second node of the replica on the first.
    pub(crate) fn learn_near(&self) -> Result {
        tell(&self.ov1, "192.168.200.3", C0, VTEP0)
    }

    /// The far end of a container's cable: node and interface.
    pub(crate) fn peer_of(&self, node: &Node, interface: &str) -> Result<String> {
        let info = node.interface(interface)?.info()?;
        for other in self.lab.nodes() {
            if node.netns_id_of(&other)? == info.peer_netns_id
                && let Some(peer) = other.links()?.into_iter().find(|link| Some(link.index) == info.peer_index)
            {
                return Ok(format!("{other}.{}", peer.name));
            }
        }
        Ok("nowhere".into())
    }

    /// The interface of the first node that carries the overlay.
    pub(crate) fn underlay(&self) -> Result<Interface> {
        Ok(self.node0.interface("enp0s3")?)
    }
}

/// Sets both entries for a remote endpoint.
pub(crate) fn tell(overlay: &Node, address: &str, mac: &str, vtep: &str) -> Result {
    overlay.add_neighbour(address, mac, "vxlan1")?;
    overlay.replace_fdb(format!("{mac} dev vxlan1 dst {vtep}"))?;
    Ok(())
}
