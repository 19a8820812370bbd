//! A topology as a containerlab file.

use std::{collections::HashSet, fmt::Write as _};

use super::super::{command::of_family, machine::forwarding};
use crate::{
    BridgeOptions, Cidr, IfName, Interface, Kind, Link, LinkEnd, Node, Profile, Role, Route, RouteKind, Rule, Topology,
};

/// What of a topology a containerlab file cannot say; each in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("containerlab cannot express {}", .0.join(", nor "))]
pub struct Inexpressible(Vec<String>);

impl Inexpressible {
    /// The parts, in the order of the topology; at least one.
    pub fn parts(&self) -> &[String] {
        &self.0
    }
}

/// Writes the topology as a containerlab file, for networks that outgrow one machine.
///
/// Nodes become containers of kind `linux` of that image, which needs `ip`, and `nft` if there is a firewall; a switch
/// becomes a node of kind `bridge` where it is one and no more. Bridges of that kind live on containerlab's host, which
/// has to make them first; a comment at the top says how. Links keep their MTU, everything else is said by `sysctls`,
/// `dns` and `exec`.
///
/// The `ready` profile stays behind: containers have the kernel's own timers, detection and limits.
///
/// ```
/// use netns_test_topology::{Topology, import::containerlab};
///
/// let pair = Topology::builder()
///     .name("pair")
///     .node("a", |n| n.interface("eth1", "10.0.0.1/24"))
///     .node("b", |n| n.interface("eth1", "10.0.0.2/24"))
///     .link("a.eth1", "b.eth1")
///     .build()?;
/// let text = containerlab::write(&pair, "alpine:3")?;
/// assert!(text.contains(r#"- "ip address add 10.0.0.1/24 dev eth1""#));
/// assert_eq!(containerlab::parse("pair.clab.yml", text, &[])?.topology, pair);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Everything that containerlab cannot express: the `kernel` profile and departures, and names that its file cannot hold.
pub fn write(topology: &Topology, image: &str) -> Result<String, Inexpressible> {
    let inexpressible = inexpressible(topology);
    if !inexpressible.is_empty() {
        return Err(Inexpressible(inexpressible));
    }
    let bridges = bridge_nodes(topology);
    let is_bridge = |node: &Node| bridges.contains(&*node.name);
    let mut text = String::new();
    for node in topology.nodes.iter().filter(|node| is_bridge(node)) {
        let name = quoted(&node.name);
        line(
            &mut text,
            0,
            &format!("# before deploying: ip link add name {name} type bridge; ip link set dev {name} up"),
        );
    }
    if !topology.allow.is_empty() {
        line(&mut text, 0, &format!("# checks that are switched off: {}", topology.allow.join(", ")));
    }
    let name = if topology.name.is_empty() { "lab" } else { &topology.name };
    line(&mut text, 0, &format!("name: {}", yaml(name)));
    line(&mut text, 0, "topology:");
    line(&mut text, 1, "nodes:");
    for node in &topology.nodes {
        line(&mut text, 2, &format!("{}:", yaml(&node.name)));
        match is_bridge(node) {
            true => line(&mut text, 3, "kind: bridge"),
            false => container(&mut text, topology, node, image),
        }
    }
    if !topology.links.is_empty() {
        line(&mut text, 1, "links:");
    }
    for link in &topology.links {
        write_link(&mut text, topology, link);
    }
    Ok(text)
}

fn inexpressible(topology: &Topology) -> Vec<String> {
    let mut parts = Vec::new();
    if topology.profile == Profile::Kernel {
        parts.push("the profile `kernel` of the topology".to_owned());
    }
    if topology.name.contains("{{") || topology.name.contains('\n') {
        parts.push(format!("the name `{}` of the topology", topology.name));
    }
    for node in &topology.nodes {
        if node.profile.is_some() || !node.departures.is_empty() {
            parts.push(format!("the profile of node `{}` and its departures", node.name));
        }
        if matches!(&*node.name, "host" | "mgmt-net" | "macvlan") {
            parts.push(format!("the node name `{}`, which means something else in a link", node.name));
        }
        for interface in node.interfaces.iter().filter(|interface| !plain(&interface.name)) {
            parts.push(format!("the interface name `{}` of node `{}`", interface.name, node.name));
        }
        for interface in &node.interfaces {
            let elsewhere = match &interface.kind {
                Kind::Vxlan(vxlan) => vxlan.underlay.as_ref(),
                Kind::Macvlan(macvlan) => macvlan.parent_node.as_ref(),
                _ => None,
            };
            if let Some(other) = elsewhere {
                parts.push(format!(
                    "interface `{}` of node `{}`, which is made on node `{other}`",
                    interface.name, node.name
                ));
            }
        }
        for sysctl in
            node.sysctls.iter().filter(|sysctl| sysctl.value.contains("{{") || sysctl.value.trim() != sysctl.value)
        {
            parts.push(format!("the value `{}` of `{}`", sysctl.value, sysctl.key));
        }
        for rule in node.chains.iter().flat_map(|chain| &chain.rules) {
            let comment = rule.comment.as_deref().unwrap_or_default();
            if comment.contains(['"', '\\', '\n']) || comment.contains("{{") {
                parts.push(format!("the comment `{comment}` of a firewall rule"));
            }
            if rule.verdict.is_none() && rule.counter.is_none() {
                parts.push(format!("a firewall rule of node `{}` that does nothing", node.name));
            }
        }
    }
    parts
}

/// Whether `nft` can hold the name in its quotes, and no program takes it for anything else.
fn plain(name: &IfName) -> bool {
    !name.starts_with('-')
        && !name.contains(['"', '\\', '='])
        && !name.contains("{{")
        && name.chars().any(|c| c.is_ascii_alphanumeric())
}

/// The nodes that are a bridge with ports and no more, as far as all can live on one host.
fn bridge_nodes(topology: &Topology) -> HashSet<&str> {
    let mut names_on_host: HashSet<&str> = HashSet::new();
    let mut bridges = HashSet::new();
    for node in topology.nodes.iter().filter(|node| node.role == Role::Switch && is_bare_bridge(topology, node)) {
        let names: HashSet<&str> = node.interfaces.iter().map(|interface| &*interface.name).collect();
        if names.is_disjoint(&names_on_host) {
            names_on_host.extend(names);
            bridges.insert(&*node.name);
        }
    }
    bridges
}

fn is_bare_bridge(topology: &Topology, node: &Node) -> bool {
    let Some((bridge, ports)) = node.interfaces.split_first() else { return false };
    let as_made = Node { interfaces: node.interfaces.clone(), role: Role::Switch, ..Node::new(node.name.clone()) };
    let bare = Interface::new(bridge.name.clone(), Kind::Bridge(BridgeOptions::default()));
    let is_port = |port: &Interface| {
        let peer = topology.peer(&node.name, &port.name);
        let far_end = peer.and_then(|end| topology.node(&end.node)?.interface(&end.interface));
        let kept = Interface {
            master: Some(bridge.name.clone()),
            mac: port.mac,
            mtu: port.mtu,
            ..Interface::new(port.name.clone(), Kind::Veth)
        };
        *port == kept
            && peer.is_some_and(|end| end.node != node.name)
            && far_end.is_some_and(|far| mtu(far) == mtu(port))
    };
    *node == as_made && bridge.name == *node.name && *bridge == bare && ports.iter().all(is_port)
}

/// A node of kind `linux`.
fn container(text: &mut String, topology: &Topology, node: &Node, image: &str) {
    line(text, 3, "kind: linux");
    line(text, 3, &format!("image: {}", yaml(image)));
    line(text, 3, "network-mode: none");
    if !node.nameservers.is_empty() {
        line(text, 3, "dns:");
        line(text, 4, "servers:");
        for server in &node.nameservers {
            line(text, 5, &format!("- {}", yaml(&server.to_string())));
        }
    }
    line(text, 3, "sysctls:");
    let (v4, v6) = forwards(node);
    line(text, 4, &format!("net.ipv4.ip_forward: \"{}\"", u8::from(v4)));
    line(text, 4, &format!("net.ipv6.conf.all.forwarding: \"{}\"", u8::from(v6)));
    let last = |n: usize| !node.sysctls[n + 1..].iter().any(|later| later.key == node.sysctls[n].key);
    let kept = node.sysctls.iter().enumerate().filter(|(n, s)| last(*n) && forwarding(&s.key).is_none());
    let (of_interfaces, of_node): (Vec<_>, Vec<_>) = kept.map(|(_, s)| s).partition(|s| s.interface().is_some());
    for sysctl in of_node {
        line(text, 4, &format!("{}: {}", yaml(&sysctl.key), yaml(&sysctl.value)));
    }
    let mut commands = commands(topology, node);
    commands.extend(of_interfaces.iter().map(|s| format!("sysctl -w {}", quoted(&format!("{}={}", s.key, s.value)))));
    if !commands.is_empty() {
        line(text, 3, "exec:");
    }
    for command in commands {
        line(text, 4, &format!("- {}", yaml(&command)));
    }
}

/// Whether the node forwards, with its settings carried out.
fn forwards(node: &Node) -> (bool, bool) {
    let (mut v4, mut v6) = (node.forward_v4, node.forward_v6);
    for sysctl in &node.sysctls {
        match forwarding(&sysctl.key) {
            Some(false) => v4 = sysctl.value.trim() != "0",
            Some(true) => v6 = sysctl.value.trim() != "0",
            None => {}
        }
    }
    (v4, v6)
}

/// The commands that make the node what it is, once its links exist.
fn commands(topology: &Topology, node: &Node) -> Vec<String> {
    let mut commands = Vec::new();
    for bridge in node.bridges() {
        let Kind::Bridge(options) = &bridge.kind else { continue };
        commands.push(format!("ip link add name {} type bridge{}", bridge.name, bridge_words(options)));
    }
    for (_, interface) in topology.overlays().into_iter().filter(|(owner, _)| owner.name == node.name) {
        let name = &interface.name;
        commands.extend(match &interface.kind {
            Kind::Vxlan(vxlan) => {
                let mtu = interface.mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
                Some(format!("ip link add name {name}{mtu} type vxlan {vxlan}"))
            }
            Kind::Macvlan(macvlan) => {
                Some(format!("ip link add link {} name {name} type macvlan mode {}", macvlan.parent, macvlan.mode))
            }
            _ => None,
        });
    }
    for interface in &node.interfaces {
        let mut set = |what: &str| commands.push(format!("ip link set dev {} {what}", interface.name));
        let of_link = matches!(interface.kind, Kind::Veth);
        if let Some(mac) = interface.mac.filter(|_| !of_link) {
            set(&format!("address {mac}"));
        }
        if of_link && link_mtu(topology, node, interface) != mtu(interface) {
            set(&format!("mtu {}", mtu(interface)));
        }
        if let Some(master) = &interface.master {
            set(&format!("master {master}"));
        }
    }
    for interface in &node.interfaces {
        // A bridge forgets its MTU when it gets a port.
        if let Some(mtu) = interface.mtu.filter(|_| !matches!(interface.kind, Kind::Veth | Kind::Vxlan(_))) {
            commands.push(format!("ip link set dev {} mtu {mtu}", interface.name));
        }
        for address in &interface.addresses {
            // As in the `ready` profile, a route that prefers the address need not wait for it.
            let no_dad = if address.is_ipv6() { " nodad" } else { "" };
            commands.push(format!("ip address add {address} dev {}{no_dad}", interface.name));
        }
        let made_up = !matches!(interface.kind, Kind::Bridge(_)) && !interface.kind.is_overlay();
        if interface.up != made_up {
            commands.push(format!("ip link set dev {} {}", interface.name, if interface.up { "up" } else { "down" }));
        }
    }
    commands.extend(node.neighbours.iter().map(|neighbour| format!("ip neighbour add {neighbour} nud permanent")));
    commands.extend(node.fdb.iter().map(|entry| {
        let command = if entry.adds_up() { "append" } else { "add" };
        format!("bridge fdb {command} {entry}")
    }));
    // Routes without a gateway first: a gateway may be on the link by such a route.
    let (later, sooner): (Vec<_>, Vec<_>) = node.routes.iter().partition(|route| has_gateway(route));
    for route in sooner.into_iter().chain(later) {
        commands.push(format!("ip {}route add {route}", family(route.to.is_ipv6())));
    }
    commands.extend(node.rules.iter().map(rule));
    // No word of these has white space in it.
    let mut commands: Vec<String> =
        commands.iter().map(|command| command.split(' ').map(quoted).collect::<Vec<_>>().join(" ")).collect();
    commands.extend(firewall(node));
    commands
}

fn has_gateway(route: &Route) -> bool {
    matches!(&route.kind, RouteKind::Unicast(hops) if hops.iter().any(|hop| hop.via.is_some()))
}

fn rule(rule: &Rule) -> String {
    let text = rule.to_string();
    let v6 = rule.v6 || rule.from.iter().chain(&rule.to).any(Cidr::is_ipv6);
    format!("ip {}rule add {}", family(v6), text.strip_prefix("inet6 ").unwrap_or(&text))
}

fn family(v6: bool) -> &'static str {
    if v6 { "-6 " } else { "" }
}

fn bridge_words(options: &BridgeOptions) -> String {
    let mut words = String::new();
    let switches = [
        ("stp_state", options.stp),
        ("mcast_snooping", options.multicast_snooping),
        ("nf_call_iptables", options.nf_call_iptables),
        ("nf_call_ip6tables", options.nf_call_ip6tables),
        ("nf_call_arptables", options.nf_call_arptables),
    ];
    for (word, on) in switches.into_iter().filter_map(|(word, on)| Some((word, on?))) {
        let _ = write!(words, " {word} {}", u8::from(on));
    }
    for (word, time) in [("forward_delay", options.forward_delay), ("ageing_time", options.ageing)] {
        if let Some(time) = time {
            let _ = write!(words, " {word} {}", time.as_millis() / 10);
        }
    }
    words
}

/// The chains, each in the table of its family.
fn firewall(node: &Node) -> Vec<String> {
    let mut commands = Vec::new();
    let mut families: Vec<_> = node.chains.iter().map(|chain| chain.family).collect();
    if families.is_empty() && !node.counters.is_empty() {
        families.push(crate::Family::Inet);
    }
    families.sort();
    families.dedup();
    let referred = node.chains.iter().flat_map(|chain| &chain.rules).filter_map(|rule| rule.counter.as_ref());
    let mut counters: Vec<&String> = node.counters.iter().chain(referred).collect();
    counters.sort();
    counters.dedup();
    for family in families {
        commands.push(format!("nft add table {family} lab"));
        commands.extend(counters.iter().map(|counter| format!("nft add counter {family} lab {counter}")));
    }
    for (n, chain) in node.chains.iter().enumerate() {
        let head = format!(
            "type {} hook {} priority {} ; policy {} ;",
            chain.kind, chain.hook, chain.priority.0, chain.policy
        );
        commands.push(format!("nft {}", quoted(&format!("add chain {} lab chain{n} {{ {head} }}", chain.family))));
        for rule in &chain.rules {
            let rule = of_family(&rule.to_string(), chain.family);
            commands.push(format!("nft {}", quoted(&format!("add rule {} lab chain{n} {rule}", chain.family))));
        }
    }
    commands
}

fn write_link(text: &mut String, topology: &Topology, link: &Link) {
    let [a, b] = [&link.a, &link.b].map(|end| interface(topology, end));
    let mac = |interface: Option<&Interface>| interface.and_then(|interface| interface.mac);
    if mac(a).is_none() && mac(b).is_none() {
        let [a, b] = [&link.a, &link.b].map(|end| yaml(&format!("{}:{}", end.node, end.interface)));
        line(text, 2, &format!("- endpoints: [{a}, {b}]"));
    } else {
        line(text, 2, "- type: veth");
        line(text, 3, "endpoints:");
        for (end, interface) in [(&link.a, a), (&link.b, b)] {
            line(text, 4, &format!("- node: {}", yaml(&end.node)));
            line(text, 5, &format!("interface: {}", yaml(&end.interface)));
            if let Some(mac) = mac(interface) {
                line(text, 5, &format!("mac: \"{mac}\""));
            }
        }
    }
    line(text, 3, &format!("mtu: {}", a.map_or(1500, mtu)));
}

fn interface<'a>(topology: &'a Topology, end: &LinkEnd) -> Option<&'a Interface> {
    topology.node(&end.node)?.interface(&end.interface)
}

/// What the kernel gives a cable that asks for none.
fn mtu(interface: &Interface) -> u32 {
    interface.mtu.unwrap_or(1500)
}

/// The MTU of the link that an interface is an end of: that of its first end.
fn link_mtu(topology: &Topology, node: &Node, end: &Interface) -> u32 {
    let of_end = |link: &&Link| [&link.a, &link.b].iter().any(|e| e.node == node.name && e.interface == end.name);
    let first = topology.links.iter().find(of_end).and_then(|link| interface(topology, &link.a));
    first.map_or_else(|| mtu(end), mtu)
}

fn line(text: &mut String, depth: usize, content: &str) {
    let _ = writeln!(text, "{}{content}", "  ".repeat(depth));
}

/// A text in double quotes; a dollar sign is doubled, because containerlab expands variables.
fn yaml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '$' => quoted.push_str("$$"),
            c if c.is_control() => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A word as the tokenizer of `exec` reads it.
fn quoted(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%".contains(c);
    if text.chars().all(safe) {
        return text.to_owned();
    }
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), |word| word.into_owned())
}
