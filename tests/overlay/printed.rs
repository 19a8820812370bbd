//! A node of the swarm as the tutorial prints it: Docker makes every interface on the node and moves it where it
//! belongs, so that the indexes are those of the node's own counter.

use std::rc::Rc;

use netns_test::prelude::*;

use crate::model::{C0, DOCKER0, ENP0S3, ENP0S8, GATEWAY_SIDE, GWBRIDGE};

/// The MAC addresses that the tutorial prints in the overlay's namespace.
const VXLAN1: &str = "f6:1c:e9:9a:60:bd";
pub(crate) const VETH2: &str = "1a:34:cf:83:2c:11";

/// A node with the four network namespaces that Docker makes on it.
pub(crate) struct Printed {
    /// What they live in.
    pub(crate) lab: Rc<Lab>,
    pub(crate) node: Node,
    /// The overlay network's namespace.
    pub(crate) overlay: Node,
    /// The ingress network's.
    pub(crate) ingress: Node,
    pub(crate) container: Node,
    /// The ingress network's way to its node.
    pub(crate) sandbox: Node,
}

/// The namespaces of so many nodes, with what the nodes have before the swarm.
fn namespaces(nodes: usize) -> Result<Rc<Lab>> {
    let mut topology = Topology::builder().name("printed").profile(Profile::Kernel);
    for n in 0..nodes {
        topology = topology.node(format!("node{n}"), |n| {
            n.with(Departure::LoopbackUp)
                .interface_with("enp0s3", |i| i.mac(ENP0S3))
                .interface_with("enp0s8", |i| i.mac(ENP0S8))
                .bridge("docker0", |b| b.address("172.17.0.1/16").mac(DOCKER0))
                .bridge("docker_gwbridge", |b| b.address("172.18.0.1/16").mac(GWBRIDGE))
        });
        for name in ["overlay", "ingress", "container", "sandbox"] {
            topology = topology.node(format!("{name}{n}"), |n| n.with(Departure::LoopbackUp));
        }
        for (end, far) in [("enp0s3", "lan"), ("enp0s8", "nat")] {
            topology = topology
                .node(format!("{far}{n}"), |n| n.interface("eth0", ()))
                .link(format!("node{n}.{end}"), format!("{far}{n}.eth0"));
        }
    }
    Ok(Rc::new(topology.build()?.up()?))
}

impl Printed {
    /// Makes what Docker makes on a node, in its order.
    fn on(lab: &Rc<Lab>, n: usize) -> Result<Self> {
        let of = |name: &str| lab.node(&format!("{name}{n}"));
        let (node, overlay, ingress) = (of("node")?, of("overlay")?, of("ingress")?);
        let (container, sandbox) = (of("container")?, of("sandbox")?);
        let gwbridge = node.interface("docker_gwbridge")?;

        use_up_to(&node, 10)?;
        let (vethb0f3583, eth1) = node.connect("vethb0f3583", &node, "eth1")?;
        let eth1 = eth1.move_to(&sandbox)?;
        eth1.add_address("172.18.0.2/16")?;
        eth1.up()?;
        vethb0f3583.set_master(&gwbridge)?;
        vethb0f3583.up()?;

        let br0 = overlay.add_bridge("br0")?;
        br0.set_mtu(1450)?;
        use_up_to(&node, 17)?;
        let vxlan1 = node.add_vxlan("vxlan1", "id 4097 proxy l2miss l3miss")?;
        vxlan1.set_mac(VXLAN1)?;
        let vxlan1 = vxlan1.move_to(&overlay)?;
        let (veth2, eth0) = node.connect("veth2", &node, "eth0")?;
        veth2.set_mac(VETH2)?;
        eth0.set_mac(C0)?;
        let (veth2, eth0) = (veth2.move_to(&overlay)?, eth0.move_to(&container)?);
        for interface in [&vxlan1, &veth2, &eth0] {
            interface.set_mtu(1450)?;
        }
        eth0.add_address("192.168.200.3/24")?;
        for port in [vxlan1, veth2] {
            port.set_master(&br0)?;
            port.up()?;
        }
        br0.add_address("192.168.200.1/24")?;
        br0.up()?;
        eth0.up()?;

        let (veth90d0481, eth1) = node.connect("veth90d0481", &node, "eth1")?;
        let eth1 = eth1.move_to(&container)?;
        eth1.set_mac(GATEWAY_SIDE)?;
        eth1.add_address("172.18.0.3/16")?;
        eth1.up()?;
        veth90d0481.set_master(&gwbridge)?;
        veth90d0481.up()?;

        for interface in [eth0, eth1, br0, gwbridge] {
            interface.wait_until_running()?;
        }
        Ok(Self { lab: lab.clone(), node, overlay, ingress, container, sandbox })
    }

    /// One node.
    pub(crate) fn one() -> Result<Self> {
        Self::on(&namespaces(1)?, 0)
    }

    /// Two nodes.
    pub(crate) fn two() -> Result<[Self; 2]> {
        let lab = namespaces(2)?;
        Ok([Self::on(&lab, 0)?, Self::on(&lab, 1)?])
    }
}

/// Uses up the indexes below this one, as what came and went before did.
fn use_up_to(node: &Node, index: u32) -> Result {
    loop {
        let gone = node.add_bridge("gone")?;
        let used = gone.index()?;
        gone.delete()?;
        assert!(used < index, "index {used} is behind {index}");
        if used == index - 1 {
            return Ok(());
        }
    }
}

/// An interface as `ip link` begins its line: index, name, the peer's index if it says one, MTU, bridge, and the number
/// of the peer's namespace.
pub(crate) fn line(node: &Node, name: &str) -> Result<String> {
    let info = node.interface(name)?.info()?;
    let peer = info.peer_index.map(|index| format!("@if{index}")).unwrap_or_default();
    let mut line = format!("{}: {name}{peer}: mtu {}", info.index, info.mtu);
    if let Some(master) = node.links()?.into_iter().find(|link| Some(link.index) == info.master) {
        line += &format!(" master {}", master.name);
    }
    if let Some(id) = info.peer_netns_id {
        line += &format!(" link-netnsid {id}");
    }
    Ok(line)
}
