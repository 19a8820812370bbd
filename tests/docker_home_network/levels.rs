//! Three namespaces, one behind the other: as the text leaves them, and as they would work.

use std::{collections::BTreeSet, fs, io};

use netns_test::{
    kernel::{OperState, RouteInfo, Scope},
    prelude::*,
};

use crate::{
    common::claim,
    programs,
    seen::{self, SILENCE, outcome},
};

/// The host with five interfaces, and the three levels, which have nothing yet.
struct Levels {
    host: Node,
    a: Node,
    b: Node,
    c: Node,
}

impl Network for Levels {
    fn topology() -> Topology {
        Topology::builder()
            .name("levels")
            .profile(Profile::Kernel)
            .node("host", |host| {
                let bridges = host.bridge("docker0", |docker0| docker0).bridge("home", |home| home);
                bridges
                    .with(Departure::LoopbackUp)
                    .with(Departure::ShortNeighbourTimers)
                    .bridge("other", |other| other)
                    .interface("eth0", "10.0.2.15/24")
            })
            .node("internet", |internet| {
                internet.with(Departure::ShortNeighbourTimers).interface("eth0", "10.0.2.2/24")
            })
            .node("levela", |a| a.with(Departure::ShortNeighbourTimers))
            .node("levelb", |b| b.with(Departure::ShortNeighbourTimers))
            .node("levelc", |c| c.with(Departure::ShortNeighbourTimers))
            .link("host.eth0", "internet.eth0")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        let [host, a, b, c] = ["host", "levela", "levelb", "levelc"].map(|name| lab.node(name));
        Ok(Self { host: host?, a: a?, b: b?, c: c? })
    }
}

/// The ends of the cables, each where the text puts it.
struct Ends {
    veth0a: Interface,
    veth1a: Interface,
    veth0b: Interface,
    veth1b: Interface,
    veth0c: Interface,
    veth1c: Interface,
}

impl Levels {
    /// Lays the cables as the text does.
    fn cables(&self) -> Result<Ends> {
        let cable = |near: &str, far: &str| self.host.connect(near, &self.host, far);
        let (a, b, c) = (cable("veth0a", "veth1a")?, cable("veth0b", "veth1b")?, cable("veth0c", "veth1c")?);
        Ok(Ends {
            veth0a: a.0,
            veth1a: a.1.move_to(&self.a)?,
            veth0b: b.0.move_to(&self.a)?,
            veth1b: b.1.move_to(&self.b)?,
            veth0c: c.0.move_to(&self.b)?,
            veth1c: c.1.move_to(&self.c)?,
        })
    }

    /// The state in which the text ends: one end of each cable is up and has an address.
    fn as_left(&self) -> Result<Ends> {
        let ends = self.cables()?;
        ends.veth1a.add_address("172.16.1.0/24")?;
        ends.veth1b.add_address("10.1.1.1/24")?;
        ends.veth1c.add_address("192.168.1.1/24")?;
        for end in [&ends.veth1a, &ends.veth1b, &ends.veth1c] {
            end.up()?;
        }
        Ok(ends)
    }

    /// The same with everything up.
    fn all_up(&self) -> Result<Ends> {
        let ends = self.as_left()?;
        for node in [&self.a, &self.b, &self.c] {
            node.interface("lo")?.up()?;
        }
        for end in [&ends.veth0a, &ends.veth0b, &ends.veth0c] {
            end.up()?;
        }
        for end in ends.all() {
            end.wait_until_running()?;
        }
        Ok(ends)
    }

    /// The same with an address at both ends of each cable.
    fn addressed(&self) -> Result<Ends> {
        let ends = self.all_up()?;
        ends.veth0a.add_address("172.16.1.2/24")?;
        ends.veth0b.add_address("10.1.1.2/24")?;
        ends.veth0c.add_address("192.168.1.2/24")?;
        Ok(ends)
    }
}

impl Ends {
    fn all(&self) -> [&Interface; 6] {
        [&self.veth0a, &self.veth1a, &self.veth0b, &self.veth1b, &self.veth0c, &self.veth1c]
    }
}

/// An interface's name, flags, queueing discipline and whether its state is some kind of down.
fn line(interface: &Interface) -> Result<String> {
    let info = interface.info()?;
    let state = match info.oper_state {
        OperState::Down | OperState::LowerLayerDown => "down".to_owned(),
        other => other.to_string(),
    };
    let own = interface.addresses()?.len();
    Ok(format!("{} <{}> {} {state}, addresses: {own}", interface.name(), info.flags, info.qdisc))
}

/// The routes of a node, as `ip route` prints them.
fn routes(node: &Node) -> Result<Vec<String>> {
    let links = node.links()?;
    let line = |route: &RouteInfo| {
        let link = links.iter().find(|link| Some(link.index) == route.index()).map_or("", |link| &link.name);
        let kernel = if route.by_kernel { " proto kernel" } else { "" };
        let scope = if route.scope == Scope::Link { " scope link" } else { "" };
        let source = route.source.map(|source| format!(" src {source}")).unwrap_or_default();
        let down = if route.link_down() { " linkdown" } else { "" };
        format!("{} dev {link}{kernel}{scope}{source}{down}", route.to)
    };
    Ok(node.routes()?.iter().filter(|route| !route.to.is_ipv6()).map(line).collect())
}

fn outcomes<const N: usize>(from: &Node, to: [&str; N]) -> Result<Vec<String>> {
    to.into_iter().map(|to| outcome(from, ping(to).within(SILENCE))).collect()
}

#[netns_test]
fn three_namespaces_are_made() -> Result {
    let lab = Topology::builder().build()?.up()?;
    for name in ["levela", "levelb", "levelc"] {
        lab.add_node(name)?;
    }
    let inodes: BTreeSet<u64> = lab.nodes().iter().map(Node::netns_inode).collect::<std::result::Result<_, _>>()?;
    // Where ip-netns(8) looks.
    let names = fs::read_dir("/var/run/netns")?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: BTreeSet<String> = names.collect::<io::Result<_>>()?;
    let expected = (3, BTreeSet::from(["levela", "levelb", "levelc"].map(str::to_owned)));
    claim("docker-home-network-levels-c1", expected, (inodes.len(), names));
    Ok(())
}

#[netns_test]
fn six_ends_are_on_the_host_before_they_move(net: Levels) -> Result {
    for cable in ["a", "b", "c"] {
        net.host.connect(&format!("veth0{cable}"), &net.host, &format!("veth1{cable}"))?;
    }
    let ends = seen::names(&net.host)?.into_iter().filter(|name| name.starts_with("veth")).collect::<Vec<_>>();
    claim("docker-home-network-levels-c2", vec!["veth0a", "veth0b", "veth0c", "veth1a", "veth1b", "veth1c"], ends);
    Ok(())
}

#[netns_test]
fn each_level_has_the_near_end_of_the_next_cable(net: Levels) -> Result {
    let ends = net.as_left()?;
    let inside = [seen::names(&net.a)?, seen::names(&net.b)?, seen::names(&net.c)?];
    let expected = [vec!["lo", "veth0b", "veth1a"], vec!["lo", "veth0c", "veth1b"], vec!["lo", "veth1c"]];
    claim("docker-home-network-levels-c3", expected, inside);
    let left = format!("{} on {}", line(&ends.veth0a)?, ends.veth0a.node());
    claim("docker-home-network-levels-c17", "veth0a <BROADCAST,MULTICAST> noop down, addresses: 0 on host", left);

    let lo = line(&net.a.interface("lo")?)?;
    let down = "<BROADCAST,MULTICAST> noop down, addresses: 0";
    let expected = ["lo <LOOPBACK> noop down, addresses: 0".to_owned(), format!("veth0b {down}")];
    claim("docker-home-network-levels-c7", expected, [lo, line(&ends.veth0b)?]);

    let up = "<NO-CARRIER,BROADCAST,MULTICAST,UP> noqueue down, addresses: 1";
    claim("docker-home-network-levels-c7b", format!("veth1a {up}"), line(&ends.veth1a)?);
    let expected = [format!("veth1b {up}"), format!("veth0c {down}")];
    claim("docker-home-network-levels-c8", expected, [line(&ends.veth1b)?, line(&ends.veth0c)?]);
    claim("docker-home-network-levels-c9", format!("veth1c {up}"), line(&ends.veth1c)?);

    let indexes = ends.all().map(|end| end.index());
    let indexes = indexes.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
    claim("docker-home-network-levels-c10", vec![7, 6, 9, 8, 11, 10], indexes);
    Ok(())
}

#[netns_test]
#[ignore = "needs ip and ifconfig"]
fn ifconfig_takes_the_address_of_a_network_and_adds_a_broadcast_address(net: Levels) -> Result {
    let ends = net.cables()?;
    let set = |level: &str, end: &Interface, address: &str| -> Result<Vec<String>> {
        programs::good(&format!("ip netns exec {level} ifconfig {} {address} up", end.name()))?;
        let own = end.addresses()?.into_iter().filter(|own| !own.address.is_ipv6());
        Ok(own.map(|own| format!("{} brd {:?}", own.address, own.broadcast)).collect())
    };
    let a = set("levela", &ends.veth1a, "172.16.1.0/24")?;
    claim("docker-home-network-levels-c4", vec!["172.16.1.0/24 brd Some(172.16.1.255)"], a);
    let b = set("levelb", &ends.veth1b, "10.1.1.1/24")?;
    claim("docker-home-network-levels-c5", vec!["10.1.1.1/24 brd Some(10.1.1.255)"], b);
    let c = set("levelc", &ends.veth1c, "192.168.1.1/24")?;
    claim("docker-home-network-levels-c6", vec!["192.168.1.1/24 brd Some(192.168.1.255)"], c);
    Ok(())
}

#[netns_test]
fn each_has_the_route_of_its_address_and_it_is_dead(net: Levels) -> Result {
    let _ends = net.as_left()?;
    let [a, b, c] = [routes(&net.a)?, routes(&net.b)?, routes(&net.c)?];
    let printed = |routes: &[String]| routes.iter().map(|route| route.replace(" linkdown", "")).collect::<Vec<_>>();
    let expected = [
        ["172.16.1.0/24 dev veth1a proto kernel scope link src 172.16.1.0"],
        ["10.1.1.0/24 dev veth1b proto kernel scope link src 10.1.1.1"],
        ["192.168.1.0/24 dev veth1c proto kernel scope link src 192.168.1.1"],
    ];
    claim("docker-home-network-levels-c11", expected.map(Vec::from), [printed(&a), printed(&b), printed(&c)]);
    let dead = [a, b, c].map(|routes| routes.iter().filter(|route| route.ends_with(" linkdown")).count());
    claim("docker-home-network-levels-c11b", [1; 3], dead);
    Ok(())
}

#[netns_test]
fn as_left_by_the_text_nothing_is_reached(net: Levels) -> Result {
    let _ends = net.as_left()?;
    let between = [outcomes(&net.a, ["10.1.1.1", "192.168.1.1"])?, outcomes(&net.c, ["10.1.1.1", "172.16.1.0"])?];
    claim("docker-home-network-levels-c12", [vec!["network unreachable"; 2], vec!["network unreachable"; 2]], between);
    let from_host = outcomes(&net.host, ["172.16.1.0", "10.1.1.1", "192.168.1.1"])?;
    claim("docker-home-network-levels-c12b", vec!["network unreachable"; 3], from_host);
    let own = [outcomes(&net.a, ["172.16.1.2"])?, outcomes(&net.b, ["10.1.1.2"])?, outcomes(&net.c, ["192.168.1.2"])?];
    claim("docker-home-network-levels-c12c", vec!["timeout"; 3], own.concat());
    Ok(())
}

#[netns_test]
fn ones_own_address_needs_loopback(net: Levels) -> Result {
    let _ends = net.as_left()?;
    claim("docker-home-network-levels-c14", vec!["timeout"], outcomes(&net.b, ["10.1.1.1"])?);
    net.b.interface("lo")?.up()?;
    claim("docker-home-network-levels-c14b", vec!["reached"], outcomes(&net.b, ["10.1.1.1"])?);
    Ok(())
}

#[netns_test]
fn with_all_ends_up_there_is_carrier_and_still_nobody_to_reach(net: Levels) -> Result {
    let ends = net.all_up()?;
    let carriers = ends.all().map(|end| end.info().is_ok_and(|info| info.flags.lower_up()));
    let dead = [routes(&net.a)?, routes(&net.b)?, routes(&net.c)?].concat();
    let dead = dead.iter().filter(|route| route.contains("linkdown")).count();
    claim("docker-home-network-levels-c15", ([true; 6], 0), (carriers, dead));

    let others = [outcomes(&net.a, ["10.1.1.1", "192.168.1.1"])?, outcomes(&net.host, ["172.16.1.0", "10.1.1.1"])?];
    claim("docker-home-network-levels-c15b", vec!["network unreachable"; 4], others.concat());
    let own = [outcomes(&net.a, ["172.16.1.2"])?, outcomes(&net.b, ["10.1.1.2"])?, outcomes(&net.c, ["192.168.1.2"])?];
    claim("docker-home-network-levels-c15c", vec!["host unreachable"; 3], own.concat());
    Ok(())
}

#[netns_test]
fn the_address_of_a_network_is_a_host_like_any_other(net: Levels) -> Result {
    let ends = net.all_up()?;
    ends.veth0a.add_address("172.16.1.2/24")?;
    claim("docker-home-network-levels-c13", vec!["reached"], outcomes(&net.host, ["172.16.1.0"])?);
    let link = ends.veth0a.index()?;
    let broadcasts = net.host.all_routes()?.into_iter().filter(|route| route.index() == Some(link));
    let broadcasts = broadcasts.filter(|route| format!("{:?}", route.kind) == "Broadcast").map(|route| route.to);
    let broadcasts: Vec<String> = broadcasts.map(|to| to.to_string()).collect();
    claim("docker-home-network-levels-c13b", vec!["172.16.1.255/32"], broadcasts);
    claim("docker-home-network-levels-c13c", vec!["broadcast refused"], outcomes(&net.host, ["172.16.1.255"])?);
    claim("docker-home-network-levels-c13d", vec!["reached"], outcomes(&net.a, ["172.16.1.2"])?);
    Ok(())
}

#[netns_test]
fn with_addresses_at_both_ends_neighbours_reach_each_other(net: Levels) -> Result {
    let _ends = net.addressed()?;
    let pairs =
        [outcomes(&net.host, ["172.16.1.0"])?, outcomes(&net.a, ["10.1.1.1"])?, outcomes(&net.b, ["192.168.1.1"])?];
    claim("docker-home-network-levels-c16", vec!["reached"; 3], pairs.concat());
    let far = [outcomes(&net.host, ["10.1.1.1", "192.168.1.1"])?, outcomes(&net.a, ["192.168.1.1"])?];
    claim("docker-home-network-levels-c16b", vec!["network unreachable"; 3], far.concat());
    Ok(())
}

#[netns_test]
fn with_routes_and_forwarding_the_levels_reach_each_other(net: Levels) -> Result {
    let _ends = net.addressed()?;
    for (node, routes) in [
        (&net.host, &["10.1.1.0/24 via 172.16.1.0", "192.168.1.0/24 via 172.16.1.0"][..]),
        (&net.a, &["192.168.1.0/24 via 10.1.1.1"]),
        (&net.b, &["172.16.1.0/24 via 10.1.1.2"]),
        (&net.c, &["172.16.1.0/24 via 192.168.1.2", "10.1.1.0/24 via 192.168.1.2"]),
    ] {
        for route in routes {
            node.add_route(*route)?;
        }
    }
    claim("docker-home-network-levels-c16c", vec!["timeout"], outcomes(&net.host, ["192.168.1.1"])?);

    net.a.set_forward(true)?;
    net.b.set_forward(true)?;
    let there = net.host.probe(ping("192.168.1.1")).run()?;
    let back = net.c.probe(ping("172.16.1.2")).run()?;
    let outcomes = [there.outcome().to_string(), back.outcome().to_string()];
    claim("docker-home-network-levels-c16d", ["reached"; 2], outcomes);
    claim("docker-home-network-levels-c16e", [Some(62); 2], [there.ttl(), back.ttl()]);

    let expired = |ttl| -> Result<String> {
        let report = net.host.probe(ping("192.168.1.1").ttl(ttl)).run()?;
        let by = report.answer().reporter.map(|by| by.to_string()).unwrap_or_default();
        Ok(format!("{} {by}", report.outcome()))
    };
    claim(
        "docker-home-network-levels-c16f",
        ["ttl exceeded 172.16.1.0", "ttl exceeded 10.1.1.1"],
        [expired(1)?, expired(2)?],
    );
    Ok(())
}
