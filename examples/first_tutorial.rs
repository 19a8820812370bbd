//! A well-known tutorial on container networks, step by step in the real kernel: two namespaces and a cable, a bridge,
//! the host, the internet. Each row is one claim: what it says, and what was seen.
//!
//! Run it with `cargo run --example first_tutorial`; it needs no privilege and changes nothing on this machine.

use std::process::ExitCode;

use netns_test::prelude::*;

/// Whatever a step can fail with.
type Step<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[netns_test::main]
fn main() -> ExitCode {
    let mut table = Table::default();
    if let Err(error) = tell(&mut table) {
        eprintln!("first_tutorial: {error}");
        return ExitCode::FAILURE;
    }
    table.conclude()
}

fn tell(table: &mut Table) -> Step {
    let lab = host()?.up()?;
    let (host, inet) = (lab.node("host")?, lab.node("inet")?);
    // Whoever is asked for and absent counts as absent after 50 ms, where the kernel waits for 3 s.
    let fresh = |name| lab.add_node_with(name, |node| node.with(Departure::ShortNeighbourTimers));
    let (red, blue) = (fresh("red")?, fresh("blue")?);

    table.part("Two fresh namespaces");
    table.row("red sees no interface but lo", "lo", names(&red)?);
    table.row("red has no route", 0, red.all_routes()?.len());
    table.row("red cannot reach blue's address", "network unreachable", says(&red, ping("192.168.15.2"))?);
    table.row("the host reaches the internet", "reached", says(&host, ping("8.8.8.8"))?);

    table.part("One cable between them");
    let (cable_red, cable_blue) = host.connect("veth-red", &host, "veth-blue")?;
    let cable_red = cable_red.move_to(&red)?;
    let cable_blue = cable_blue.move_to(&blue)?;
    table.row("each end left the host", "docker0 eth0 lo", names(&host)?);
    cable_red.add_address("192.168.15.1/24")?;
    cable_blue.add_address("192.168.15.2/24")?;
    table.row("an address on a link that is down gives no route", 0, red.routes()?.len());
    cable_red.up()?;
    cable_blue.up()?;
    cable_red.wait_until_running()?;
    cable_blue.wait_until_running()?;
    table.row("red reaches blue", "reached", says(&red, ping("192.168.15.2"))?);
    table.row("red knows blue by its MAC", cable_blue.mac()?, neighbour(&red, "192.168.15.2")?);
    table.row("the host is not on this cable", "timeout", says(&host, ping("192.168.15.2"))?);
    cable_red.delete()?;

    table.part("A bridge for many");
    let bridge = host.add_bridge("v-net-0")?;
    bridge.up()?;
    plug(&host, &bridge, &red, "veth-red", "192.168.15.1/24")?;
    plug(&host, &bridge, &blue, "veth-blue", "192.168.15.2/24")?;
    table.row("red reaches blue through the bridge", "reached", says(&red, ping("192.168.15.2"))?);
    host.set_policy(Family::Ip, Hook::Forward, Policy::Drop)?;
    let dropped = says(&red, ping("192.168.15.2"))?;
    table.row("FORWARD DROP stops bridged packets (bridge-nf-call-iptables = 1)", "timeout", dropped);
    host.set_sysctl("net.bridge.bridge-nf-call-iptables", 0)?;
    table.row("and does not with bridge-nf-call-iptables = 0", "reached", says(&red, ping("192.168.15.2"))?);
    host.set_sysctl("net.bridge.bridge-nf-call-iptables", 1)?;
    host.set_policy(Family::Ip, Hook::Forward, Policy::Accept)?;

    table.part("The host joins");
    table.row("the host cannot reach blue", "timeout", says(&host, ping("192.168.15.2"))?);
    bridge.add_address("192.168.15.3/24")?;
    table.row("with an address on the bridge it can", "reached", says(&host, ping("192.168.15.2"))?);
    table.row("blue reaches the host", "reached", says(&blue, ping("192.168.15.3"))?);

    table.part("The internet");
    table.row("red has no way to 8.8.8.8", "network unreachable", says(&red, ping("8.8.8.8"))?);
    red.add_route("default via 192.168.15.3")?;
    blue.add_route("default via 192.168.15.3")?;
    table.row("with a default route nothing comes back", "timeout", says(&red, ping("8.8.8.8"))?);
    host.masquerade_matching(Match::any().from("192.168.15.0/24"))?;
    table.row("NAT alone does not help: the host does not forward", "timeout", says(&red, ping("8.8.8.8"))?);
    host.set_forward(true)?;
    let wire = inet.interface("eth0")?.capture(icmp().requests())?;
    table.row("with forwarding red reaches 8.8.8.8", "reached", says(&red, ping("8.8.8.8"))?);
    table.row("and so does blue", "reached", says(&blue, ping("8.8.8.8"))?);
    let seen = wire.saw(icmp().to("8.8.8.8")).source().map(|source| source.to_string()).unwrap_or_default();
    table.row("8.8.8.8 sees the host and not red", "172.31.5.10", seen);
    table.row("nobody outside reaches red", "network unreachable", says(&inet, ping("192.168.15.1"))?);
    Ok(())
}

/// The tutorial's host, and a provider with 8.8.8.8.
fn host() -> Step<Topology> {
    let topology = Topology::builder()
        .name("first tutorial")
        .profile(Profile::Kernel)
        .node("host", |host| {
            host.with(Departure::LoopbackUp)
                .with(Departure::ShortNeighbourTimers)
                .interface_with("eth0", |eth0| eth0.address("172.31.5.10/20").mtu(9001))
                .bridge("docker0", |docker0| docker0.address("172.17.0.1/16"))
                .route("default via 172.31.0.1")
        })
        .node("inet", |inet| {
            inet.with(Departure::LoopbackUp)
                .with(Departure::ShortNeighbourTimers)
                .interface_with("eth0", |eth0| eth0.address("172.31.0.1/20").mtu(9001))
                .interface("lo", "8.8.8.8/32")
        })
        .link("host.eth0", "inet.eth0")
        .build()?;
    Ok(topology)
}

/// Makes a cable between a node and a bridge of the host, and sets it up.
fn plug(host: &Node, bridge: &Interface, node: &Node, name: &str, address: &str) -> Step {
    let (end, port) = node.connect(name, host, &format!("{name}-brdg"))?;
    port.set_master(bridge)?;
    port.up()?;
    end.add_address(address)?;
    end.up()?;
    end.wait_until_running()?;
    port.wait_until_running()?;
    Ok(())
}

/// What a ping would say.
fn says(from: &Node, target: netns_test::Target) -> Step<String> {
    Ok(from.probe(target).run()?.outcome().to_string())
}

fn names(node: &Node) -> Step<String> {
    let mut names: Vec<_> = node.links()?.into_iter().map(|link| link.name).collect();
    names.sort();
    Ok(names.join(" "))
}

fn neighbour(node: &Node, address: &str) -> Step<String> {
    let entry = node.neighbour(address.parse()?)?;
    Ok(entry.and_then(|entry| entry.mac).map_or_else(|| "unknown".to_owned(), |mac| mac.to_string()))
}

/// Claims with what was expected and seen.
#[derive(Default)]
struct Table {
    rows: usize,
    wrong: usize,
}

impl Table {
    fn part(&self, title: &str) {
        println!("\n{title}\n{:<3} {:<72} {:<20} seen", "", "claim", "expected");
    }

    fn row(&mut self, claim: &str, expected: impl ToString, seen: impl ToString) {
        let (expected, seen) = (expected.to_string(), seen.to_string());
        let holds = expected == seen;
        self.rows += 1;
        self.wrong += usize::from(!holds);
        println!("{:<3} {claim:<72} {expected:<20} {seen}", if holds { "ok" } else { "NO" });
    }

    fn conclude(self) -> ExitCode {
        println!("\n{} of {} claims hold", self.rows - self.wrong, self.rows);
        if self.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
