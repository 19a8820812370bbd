//! The ingress network: a published port of any node leads to the replicas, wherever they are.
//!
//! Docker balances with IPVS in a sandbox of each node; here rules that take turns stand in for it.

use netns_test::{
    Packet, Server,
    capture::Transport,
    prelude::*,
    topology::build::{NodeBuilder, TopologyBuilder},
};

use crate::{
    common::claim,
    model::{VTEP0, VTEP1, docker_node, lan, quick},
    seen,
};

/// The port that the nodes publish, and the replicas' own.
const PUBLISHED: u16 = 8080;
const SERVICE: u16 = 80;

/// The replicas on the ingress network.
const S0: &str = "10.255.0.5";
const S1: &str = "10.255.0.6";

/// Docker's MAC address for an address on that network.
fn mac(address: &str) -> String {
    format!("02:42:0a:ff:00:0{}", &address[address.len() - 1..])
}

/// Two nodes with an ingress network, a sandbox and a replica each, and a client beside the nodes.
fn mesh() -> TopologyBuilder {
    let member = |n: NodeBuilder, address: &str, own: &str| {
        let n = quick(n)
            .interface_with("eth0", |i| i.address(format!("{address}/16")).mac(mac(address)))
            .interface("eth1", format!("{own}/16"));
        n.route("default via 172.18.0.1")
    };
    let mut topology = Topology::builder().name("ingress").profile(Profile::Kernel);
    for (n, vtep, sandbox, replica) in [(0, VTEP0, "10.255.0.2", S0), (1, VTEP1, "10.255.0.3", S1)] {
        let node = format!("node{n}");
        topology = topology
            .node(&*node, |n| docker_node(lan(quick(n), vtep, 1500), &["vethb0f3583", "veth90d0481"]))
            .node(format!("vbox{n}"), |n| quick(n).interface("in", "10.0.3.2/24"))
            .node(format!("ing{n}"), |n| {
                quick(n)
                    .vxlan("vxlan0", 4096, |v| v.underlay(&*node).mtu(1450).proxy().l2miss().l3miss())
                    .bridge("br0", |b| b.address("10.255.0.1/16").mtu(1450).ports(["sandbox", "replica", "vxlan0"]))
            })
            .node(format!("sbox{n}"), |n| member(n, sandbox, "172.18.0.2").forward_v4())
            .node(format!("s{n}"), |n| member(n, replica, "172.18.0.3"))
            .link(format!("{node}.enp0s8"), format!("vbox{n}.in"))
            .link(format!("sbox{n}.eth1"), format!("{node}.vethb0f3583"))
            .link(format!("s{n}.eth1"), format!("{node}.veth90d0481"))
            .link_with_mtu(format!("sbox{n}.eth0"), format!("ing{n}.sandbox"), 1450)
            .link_with_mtu(format!("s{n}.eth0"), format!("ing{n}.replica"), 1450);
    }
    topology
        .node("client", |n| quick(n).interface("eth0", "192.168.10.9/24"))
        .switch("lan", ["node0.enp0s3", "node1.enp0s3", "client.eth0"])
}

/// One node of the mesh.
struct Member {
    node: Node,
    ingress: Node,
    sandbox: Node,
    replica: Node,
    /// What the replica serves.
    server: Server,
}

/// The mesh with the handles that tests want.
struct Mesh {
    /// What the nodes live in.
    _lab: Lab,
    client: Node,
    members: [Member; 2],
}

impl Mesh {
    /// Both nodes know all members of the network; no port is published.
    fn new() -> Result<Self> {
        let lab = mesh().build()?.up()?;
        let member = |n: usize| -> Result<Member> {
            let of = |name: &str| lab.node(&format!("{name}{n}"));
            let replica = of("s")?;
            let server = replica.serve(tcp(SERVICE))?;
            Ok(Member { node: of("node")?, ingress: of("ing")?, sandbox: of("sbox")?, replica, server })
        };
        let members = [member(0)?, member(1)?];
        for (known, vtep, at) in [(["10.255.0.2", S0], VTEP0, 1), (["10.255.0.3", S1], VTEP1, 0)] {
            for address in known {
                tell_ingress(&members[at].ingress, address, vtep)?;
            }
        }
        Ok(Self { client: lab.node("client")?, members, _lab: lab })
    }

    /// Publishes the port on both nodes; the sandboxes lead to these replicas in turn.
    fn published(replicas: &[&str]) -> Result<Self> {
        let mesh = Self::new()?;
        for (member, own) in mesh.members.iter().zip(["10.255.0.2", "10.255.0.3"]) {
            member.publish()?;
            member.balance(replicas)?;
            member.sandbox.snat(Match::any().output("eth0"), own)?;
        }
        Ok(mesh)
    }

    /// What becomes of a connection from the client to the published port of a node.
    fn outcome(&self, node: &str) -> Result<String> {
        seen::outcome(&self.client, tcp(format!("{node}:{PUBLISHED}").as_str()))
    }

    /// How many connections each of the replicas has had.
    fn connections(&self) -> [usize; 2] {
        [0, 1].map(|n: usize| self.members[n].server.peers().len())
    }
}

/// Sets both entries for a member of the ingress network.
fn tell_ingress(ingress: &Node, address: &str, vtep: &str) -> Result {
    ingress.add_neighbour(address, mac(address), "vxlan0")?;
    ingress.replace_fdb(format!("{} dev vxlan0 dst {vtep}", mac(address)))?;
    Ok(())
}

impl Member {
    /// Has the node lead the published port to its sandbox.
    fn publish(&self) -> Result {
        let to_the_sandbox = || Match::tcp(PUBLISHED).output("docker_gwbridge");
        self.node.dnat(Match::tcp(PUBLISHED).not_input("docker_gwbridge"), "172.18.0.2", None)?;
        self.node.insert_firewall_rule(Family::Ip, Hook::Forward, to_the_sandbox().accept())?;
        Ok(())
    }

    /// Has the sandbox lead connections to these replicas in turn.
    fn balance(&self, replicas: &[&str]) -> Result {
        for (n, replica) in replicas.iter().enumerate() {
            // One of those that the rules before left over.
            let left = u32::try_from(replicas.len() - n)?;
            let matches = Match::tcp(PUBLISHED).input("eth1").every(left);
            self.sandbox.dnat(matches, *replica, Some(SERVICE))?;
        }
        Ok(())
    }
}

#[netns_test]
fn the_ingress_network_is_an_overlay_of_its_own() -> Result {
    let mesh = Mesh::new()?;
    let [member, _] = &mesh.members;
    let ingress = member.ingress.interface("vxlan0")?.info()?.vxlan.expect("it is a VXLAN device");
    // The other overlay can be beside it, on the same port.
    let demonet = member.ingress.add_vxlan("vxlan1", "id 4097 underlay node0")?;
    let demonet = demonet.info()?.vxlan.expect("it is a VXLAN device");
    claim("overlay-ingress-c1", [(4096, 4789), (4097, 4789)], [ingress, demonet].map(|vxlan| (vxlan.id, vxlan.port)));

    let mut ends = Vec::new();
    for name in ["eth0", "eth1"] {
        let interface = member.sandbox.interface(name)?;
        ends.push(format!(
            "{name} {} mtu {}",
            seen::addresses(&member.sandbox, name)?.join(" "),
            interface.info()?.mtu
        ));
    }
    let expected = [
        "eth0 inet 10.255.0.2/16 scope global forever mtu 1450",
        "eth1 inet 172.18.0.2/16 scope global forever mtu 1500",
    ];
    claim("overlay-ingress-c2", expected.map(str::to_owned).to_vec(), ends);

    let reached = [seen::outcome(&member.sandbox, ping(S0))?, seen::outcome(&member.sandbox, ping(S1))?];
    claim("overlay-ingress-c4", ["reached", "reached"], reached);
    Ok(())
}

#[netns_test]
fn every_step_of_the_way_needs_its_rule() -> Result {
    let mesh = Mesh::new()?;
    let [member, _] = &mesh.members;
    claim("overlay-ingress-c3", "refused", mesh.outcome(VTEP0)?);

    let at_the_sandbox = member.sandbox.interface("eth1")?.capture(tcp(PUBLISHED))?;
    member.publish()?;
    let seen = (mesh.outcome(VTEP0)?, at_the_sandbox.count(tcp(PUBLISHED).to("172.18.0.2"))?);
    claim("overlay-ingress-c5", ("refused".to_owned(), 1), seen);
    claim("overlay-ingress-c14", "refused", seen::outcome(&mesh.client, tcp("192.168.10.6:8081"))?);

    member.balance(&[S1])?;
    let asked = mesh.members[1].replica.interface("eth0")?.capture(tcp(SERVICE))?;
    let is_answer =
        |packet: &Packet| packet.ip().is_some_and(|ip| matches!(ip.transport, Transport::Tcp { source: SERVICE, .. }));
    let answers = mesh.members[1].replica.interface("eth1")?.capture(is_answer)?;
    let seen = (mesh.outcome(VTEP0)?, asked.count(any())? > 0, answers.count(any())? > 0);
    claim("overlay-ingress-c6", ("timeout".to_owned(), true, true), seen);

    // What was missing is that answers come back the same way.
    member.sandbox.snat(Match::any().output("eth0"), "10.255.0.2")?;
    assert_eq!(mesh.outcome(VTEP0)?, "reached");
    Ok(())
}

#[netns_test]
fn connections_are_led_to_the_replicas_in_turn() -> Result {
    let mesh = Mesh::published(&[S0, S1])?;
    let mut turns = Vec::new();
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(mesh.outcome(VTEP0)?);
        turns.push(mesh.connections());
    }
    claim("overlay-ingress-c7", ["reached"; 4].map(str::to_owned).to_vec(), outcomes);
    claim("overlay-ingress-c7b", vec![[1, 0], [1, 1], [2, 1], [2, 2]], turns);

    claim("overlay-ingress-c8", ["reached", "reached"], [mesh.outcome(VTEP1)?, mesh.outcome(VTEP1)?]);
    let sources =
        |member: &Member| -> Vec<String> { member.server.peers().iter().map(|peer| peer.ip().to_string()).collect() };
    let expected = ["10.255.0.2", "10.255.0.2", "10.255.0.3"].map(str::to_owned).to_vec();
    claim("overlay-ingress-c9", [expected.clone(), expected], [sources(&mesh.members[0]), sources(&mesh.members[1])]);
    Ok(())
}

#[netns_test]
fn a_node_without_a_replica_leads_to_those_of_others() -> Result {
    let mesh = Mesh::published(&[S0])?;
    claim("overlay-ingress-c11", ("reached".to_owned(), [1, 0]), (mesh.outcome(VTEP1)?, mesh.connections()));

    let [_, second] = &mesh.members;
    second.ingress.remove_neighbour(S0, "vxlan0")?;
    second.ingress.remove_fdb(format!("{} dev vxlan0 dst {VTEP0}", mac(S0)))?;
    second.sandbox.flush_neighbours()?;
    let both = [mesh.outcome(VTEP1)?, mesh.outcome(VTEP0)?];
    claim("overlay-ingress-c15", ["host unreachable", "reached"], both);
    Ok(())
}

#[netns_test]
fn the_underlay_carries_the_sandboxs_connection() -> Result {
    let mesh = Mesh::published(&[S1])?;
    let underlay = mesh.members[0].node.interface("enp0s3")?.capture(udp(4789).to(VTEP1))?;
    assert_eq!(mesh.outcome(VTEP0)?, "reached");
    let carried = |packet: &Packet| -> Option<String> {
        let carried = packet.vxlan()?;
        let ip = carried.frame.ip()?;
        let Transport::Tcp { destination, .. } = ip.transport else { return None };
        Some(format!("VNI {} {} > {} TCP {destination}", carried.id, ip.source, ip.destination))
    };
    let first = underlay.packets()?.iter().find_map(carried);
    claim("overlay-ingress-c10", Some("VNI 4096 10.255.0.2 > 10.255.0.6 TCP 80".to_owned()), first);
    Ok(())
}

#[netns_test]
fn a_node_reaches_its_own_published_port() -> Result {
    let mesh = Mesh::published(&[S0, S1])?;
    let node = &mesh.members[0].node;
    let own = |to: &str| -> Result<String> { seen::outcome(node, tcp(format!("{to}:{PUBLISHED}").as_str())) };
    let dnat = Match::tcp(PUBLISHED)
        .not_output("docker_gwbridge")
        .verdict(Verdict::Dnat { to: "172.18.0.2".parse()?, port: None });
    node.add_firewall_rule(Family::Inet, Hook::Output, dnat)?;
    node.masquerade_matching(Match::tcp(PUBLISHED).output("docker_gwbridge").not_from("192.168.10.9"))?;
    claim("overlay-ingress-c12", "reached", own(VTEP0)?);

    claim("overlay-ingress-c13", false, own("127.0.0.1")? == "reached");
    node.set_sysctl("net.ipv4.conf.docker_gwbridge.route_localnet", 1)?;
    claim("overlay-ingress-c13b", "reached", own("127.0.0.1")?);
    Ok(())
}
