//! What Docker does with networks: its bridge, the host's network, or none.

use std::net::TcpListener;

use netns_test::{prelude::*, topology::build::TopologyBuilder};

use crate::{
    common::claim,
    seen::{self, outcome, source_seen_by},
};

/// A host with Docker's bridge, and its internet; containers have loopback up and nothing else.
fn host(ports: &[&str]) -> TopologyBuilder {
    Topology::builder()
        .name("docker")
        .profile(Profile::Kernel)
        .node("host", |host| {
            host.with(Departure::LoopbackUp)
                .interface("eth0", "10.0.2.15/24")
                .bridge("docker0", |docker0| {
                    docker0.address("172.17.42.1/16").mac("56:84:7a:fe:97:99").ports(ports.iter().copied())
                })
                .route("default via 10.0.2.2")
        })
        .node("internet", |internet| {
            internet.with(Departure::LoopbackUp).interface("eth0", "10.0.2.2/24").interface("lo", "8.8.8.8/32")
        })
        .link("host.eth0", "internet.eth0")
}

/// The host, and a container that Docker left alone.
struct Alone {
    host: Node,
    container: Node,
}

impl Network for Alone {
    fn topology() -> Topology {
        let alone = host(&[]).node("container", |container| container.with(Departure::LoopbackUp));
        alone.build().expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { host: lab.node("host")?, container: lab.node("container")? })
    }
}

/// The host, and two containers on Docker's bridge.
struct Bridged {
    host: Node,
    internet: Node,
    one: Node,
    two: Node,
}

impl Network for Bridged {
    fn topology() -> Topology {
        host(&["veth1", "veth2"])
            .node("one", |one| {
                one.with(Departure::LoopbackUp).interface("eth0", "172.17.0.2/16").route("default via 172.17.42.1")
            })
            .node("two", |two| {
                two.with(Departure::LoopbackUp).interface("eth0", "172.17.0.3/16").route("default via 172.17.42.1")
            })
            .link("one.eth0", "host.veth1")
            .link("two.eth0", "host.veth2")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let [host, internet, one, two] = ["host", "internet", "one", "two"].map(|name| lab.node(name));
        Ok(Self { host: host?, internet: internet?, one: one?, two: two? })
    }
}

#[netns_test]
fn docker_has_a_bridge_on_the_host(net: Alone) -> Result {
    let docker0 = net.host.interface("docker0")?;
    let info = docker0.info()?;
    let own: Vec<_> = docker0.addresses()?.into_iter().filter(|own| !own.address.is_ipv6()).collect();
    let addresses: Vec<String> = own.iter().map(|own| format!("{} {}", info.mac, own.address.addr())).collect();
    claim("docker-home-network-docker-c1", vec!["56:84:7a:fe:97:99 172.17.42.1"], addresses);

    let masks: Vec<_> = own
        .iter()
        .map(|own| {
            let broadcast = own.broadcast.map_or("0.0.0.0".to_owned(), |broadcast| broadcast.to_string());
            format!("flags={} prefix {} broadcast {broadcast}", info.flags.bits(), own.address.prefix())
        })
        .collect();
    claim("docker-home-network-docker-c1b", vec!["flags=4099 prefix 16 broadcast 0.0.0.0"], masks);
    let id = info.bridge.map(|bridge| bridge.id);
    claim("docker-home-network-docker-c1c", Some("8000.56847afe9799".to_owned()), id);
    Ok(())
}

#[netns_test]
fn a_container_has_a_loopback_of_its_own(net: Alone) -> Result {
    let own = [outcome(&net.container, ping("127.0.0.1"))?, outcome(&net.container, ping("::1"))?];
    claim("docker-home-network-docker-c2", ["reached"; 2], own);

    let _listener = net.container.run(|| TcpListener::bind("127.0.0.1:7070"))?;
    let seen = [outcome(&net.container, tcp("127.0.0.1:7070"))?, outcome(&net.host, tcp("127.0.0.1:7070"))?];
    claim("docker-home-network-docker-c2b", ["reached", "refused"], seen);
    Ok(())
}

#[netns_test]
fn a_container_can_use_the_hosts_network(net: Alone) -> Result {
    let printed = net.host.command("sh").args(["-c", "readlink /proc/self/ns/net; ls /sys/class/net"]).output()?.stdout;
    let namespace = format!("net:[{}]", net.host.netns_inode()?);
    let expected = vec![namespace.as_str(), "docker0", "eth0", "lo"];
    claim("docker-home-network-docker-c3", expected, printed.lines().collect::<Vec<_>>());
    Ok(())
}

#[netns_test]
fn containers_on_the_bridge_reach_each_other_the_host_and_the_internet(net: Bridged) -> Result {
    let gateway = [outcome(&net.one, ping("172.17.42.1"))?, outcome(&net.two, ping("172.17.42.1"))?];
    claim("docker-home-network-docker-c4", ["reached"; 2], gateway);
    let others = [outcome(&net.one, ping("172.17.0.3"))?, outcome(&net.host, ping("172.17.0.2"))?];
    claim("docker-home-network-docker-c4b", ["reached"; 2], others);

    net.host.set_forward(true)?;
    net.host.masquerade_matching(Match::any().from("172.17.0.0/16").not_output("docker0"))?;
    let source = source_seen_by(&net.internet, "eth0", &net.one, ping("8.8.8.8"))?;
    claim("docker-home-network-docker-c4c", "10.0.2.15", source);
    let source = source_seen_by(&net.two, "eth0", &net.one, ping("172.17.0.3"))?;
    claim("docker-home-network-docker-c4d", "172.17.0.2", source);
    Ok(())
}

#[netns_test]
fn a_container_without_a_network_has_loopback_alone_and_it_is_up() -> Result {
    let lab = Alone::topology().up()?;
    let (container, raw) = (lab.node("container")?, lab.add_node("raw")?);
    let lo = |node: &Node| -> Result<String> {
        let flags = node.interface("lo")?.info()?.flags;
        Ok(format!("{} <{flags}>", seen::names(node)?.join(" ")))
    };
    let seen = [lo(&container)?, lo(&raw)?, outcome(&container, ping("8.8.8.8"))?];
    let expected = ["lo <LOOPBACK,UP,LOWER_UP>", "lo <LOOPBACK>", "network unreachable"];
    claim("docker-home-network-docker-c5", expected, seen);
    Ok(())
}

#[netns_test]
fn a_container_without_a_network_can_be_given_one_by_hand(net: Alone) -> Result {
    let (inside, outside) = net.container.connect("eth0", &net.host, "veth0")?;
    inside.add_address("10.1.0.1/24")?;
    outside.add_address("10.1.0.2/24")?;
    inside.up()?;
    outside.up()?;
    inside.wait_until_running()?;
    claim("docker-home-network-docker-c6", "reached", outcome(&net.container, ping("10.1.0.2"))?);
    Ok(())
}
