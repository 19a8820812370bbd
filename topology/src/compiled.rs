//! A topology as the text that `topology!` leaves in the code: one line a fact, so that it costs the compiler nothing.
//!
//! No part of the public interface: only the text that [`write`] makes is read.

use std::{fmt::Write as _, str::FromStr, time::Duration};

use crate::{
    BridgeOptions, Chain, Draft, FirewallRule, IfName, Interface, InvalidValue, Kind, Link, LinkEnd, Node, NodeName,
    Priority, Role, Sysctl, Topology, Verdict,
};

/// Writes a topology down.
pub fn write(draft: &Draft) -> String {
    // Taken apart, so that a new field is not forgotten here.
    let Draft { name, profile, nodes, links, allow } = draft;
    let mut text = Lines(String::new());
    text.line("topology", escape(name));
    text.line("profile", profile);
    allow.iter().for_each(|check| text.line("allow", escape(check)));
    nodes.iter().for_each(|node| write_node(&mut text, node));
    for Link { a, b } in links {
        text.line("link", format_args!("{} {} {} {}", a.node, a.interface, b.node, b.interface));
    }
    text.0
}

/// Reads what [`write`] wrote, which was checked then.
///
/// # Errors
///
/// If it is something else: another version of this crate wrote it.
pub fn read(text: &str) -> Result<Topology, InvalidValue> {
    let mut draft = Draft::default();
    for line in text.lines() {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "topology" => draft.name = unescape(rest),
            "profile" => draft.profile = rest.parse()?,
            "allow" => draft.allow.push(unescape(rest)),
            "node" => draft.nodes.push(Node::new(rest.parse()?)),
            "switch" => draft.nodes.push(Node { role: Role::Switch, ..Node::new(rest.parse()?) }),
            "link" => {
                let mut words = rest.split(' ');
                let mut end = || {
                    let mut word = || words.next().unwrap_or_default();
                    Ok::<_, InvalidValue>(LinkEnd { node: NodeName::new(word())?, interface: IfName::new(word())? })
                };
                draft.links.push(Link { a: end()?, b: end()? });
            }
            _ => {
                let node = draft.nodes.last_mut().ok_or_else(|| strange(line))?;
                read_node(node, key, rest).ok_or_else(|| strange(line))??;
            }
        }
    }
    Ok(Topology(draft))
}

struct Lines(String);

impl Lines {
    fn line(&mut self, key: &str, value: impl std::fmt::Display) {
        writeln!(self.0, "{key} {value}").expect("a string takes every text");
    }

    fn some(&mut self, key: &str, value: Option<impl std::fmt::Display>) {
        value.into_iter().for_each(|value| self.line(key, value));
    }
}

fn write_node(text: &mut Lines, node: &Node) {
    let Node {
        name,
        role,
        profile,
        departures,
        interfaces,
        forward_v4,
        forward_v6,
        routes,
        rules,
        neighbours,
        fdb,
        sysctls,
        chains,
        counters,
        nameservers,
    } = node;
    text.line(if *role == Role::Switch { "switch" } else { "node" }, name);
    text.some("own_profile", *profile);
    departures.iter().for_each(|(departure, on)| text.line(if *on { "with" } else { "without" }, departure));
    interfaces.iter().for_each(|interface| write_interface(text, interface));
    text.some("forward", forward_v4.then_some("v4"));
    text.some("forward", forward_v6.then_some("v6"));
    routes.iter().for_each(|route| text.line("route", route));
    rules.iter().for_each(|rule| text.line("rule", rule));
    neighbours.iter().for_each(|neighbour| text.line("neighbour", neighbour));
    fdb.iter().for_each(|entry| text.line("fdb", entry));
    for Sysctl { key, value } in sysctls {
        text.line("sysctl", format_args!("{} {}", key, escape(value)));
    }
    for Chain { family, hook, kind, priority, policy, rules } in chains {
        text.line("chain", format_args!("{family} {kind} {hook} {} {policy}", priority.0));
        for rule in rules {
            // Read from text, a rule does something; one that does not is told apart by its key.
            match (&rule.verdict, &rule.counter) {
                (None, None) => {
                    let accepting = FirewallRule { verdict: Some(Verdict::Accept), ..rule.clone() };
                    text.line("idle_firewall", escape(&accepting.to_string()));
                }
                _ => text.line("firewall", escape(&rule.to_string())),
            }
        }
    }
    counters.iter().for_each(|counter| text.line("counter", escape(counter)));
    nameservers.iter().for_each(|server| text.line("nameserver", server));
}

fn write_interface(text: &mut Lines, interface: &Interface) {
    let Interface { name, kind, addresses, mac, mtu, up, master } = interface;
    match kind {
        Kind::Loopback => text.line("loopback", name),
        Kind::Veth => text.line("interface", name),
        Kind::Vxlan(vxlan) => text.line("vxlan", format_args!("{name} {vxlan}")),
        Kind::Macvlan(macvlan) => text.line("macvlan", format_args!("{name} {macvlan}")),
        Kind::Bridge(options) => {
            let BridgeOptions {
                stp,
                forward_delay,
                ageing,
                multicast_snooping,
                nf_call_iptables,
                nf_call_ip6tables,
                nf_call_arptables,
            } = options;
            text.line("bridge", name);
            text.some("stp", *stp);
            text.some("forward_delay", forward_delay.map(|time| time.as_nanos()));
            text.some("ageing", ageing.map(|time| time.as_nanos()));
            text.some("multicast_snooping", *multicast_snooping);
            text.some("nf_call_iptables", *nf_call_iptables);
            text.some("nf_call_ip6tables", *nf_call_ip6tables);
            text.some("nf_call_arptables", *nf_call_arptables);
        }
    }
    addresses.iter().for_each(|address| text.line("address", address));
    text.some("mac", *mac);
    text.some("mtu", *mtu);
    text.some("down", (!up).then_some(""));
    text.some("master", master.as_ref());
}

/// `None` if there is no such line.
fn read_node(node: &mut Node, key: &str, rest: &str) -> Option<Result<(), InvalidValue>> {
    fn keep<T: FromStr<Err = InvalidValue>>(rest: &str, keep: impl FnOnce(T)) -> Option<Result<(), InvalidValue>> {
        Some(rest.parse().map(keep))
    }
    match key {
        "own_profile" => keep(rest, |profile| node.profile = Some(profile)),
        "with" | "without" => keep(rest, |departure| {
            node.departures.insert(departure, key == "with");
        }),
        "interface" | "loopback" | "bridge" => {
            let kind = match key {
                "interface" => Kind::Veth,
                "loopback" => Kind::Loopback,
                _ => Kind::Bridge(BridgeOptions::default()),
            };
            keep(rest, |name| node.interfaces.push(Interface::new(name, kind)))
        }
        "vxlan" | "macvlan" => {
            let (name, settings) = rest.split_once(' ')?;
            Some((|| {
                let name: IfName = name.parse()?;
                let kind =
                    if key == "vxlan" { Kind::Vxlan(settings.parse()?) } else { Kind::Macvlan(settings.parse()?) };
                node.interfaces.push(Interface::new(name, kind));
                Ok(())
            })())
        }
        "forward" if rest == "v4" => {
            node.forward_v4 = true;
            Some(Ok(()))
        }
        "forward" => {
            node.forward_v6 = true;
            Some(Ok(()))
        }
        "route" => keep(rest, |route| node.routes.push(route)),
        "rule" => keep(rest, |rule| node.rules.push(rule)),
        "neighbour" => keep(rest, |neighbour| node.neighbours.push(neighbour)),
        "fdb" => keep(rest, |entry| node.fdb.push(entry)),
        "sysctl" => {
            let (key, value) = rest.split_once(' ')?;
            node.sysctls.push(Sysctl { key: key.to_owned(), value: unescape(value) });
            Some(Ok(()))
        }
        "chain" => {
            let mut words = rest.split(' ');
            let (family, kind, hook) = (words.next()?.parse(), words.next()?.parse(), words.next()?.parse());
            let (priority, policy) = (Priority(words.next()?.parse().ok()?), words.next()?.parse());
            Some((|| {
                let (family, kind, hook, policy) = (family?, kind?, hook?, policy?);
                node.chains.push(Chain { family, hook, kind, priority, policy, rules: Vec::new() });
                Ok(())
            })())
        }
        "firewall" | "idle_firewall" => {
            let chain = node.chains.last_mut()?;
            keep(&unescape(rest), |rule: FirewallRule| {
                let verdict = rule.verdict.filter(|_| key == "firewall");
                chain.rules.push(FirewallRule { verdict, ..rule });
            })
        }
        "counter" => {
            node.counters.push(unescape(rest));
            Some(Ok(()))
        }
        "nameserver" => {
            node.nameservers.push(rest.parse().ok()?);
            Some(Ok(()))
        }
        _ => read_interface(node.interfaces.last_mut()?, key, rest),
    }
}

fn read_interface(interface: &mut Interface, key: &str, rest: &str) -> Option<Result<(), InvalidValue>> {
    let switch = || rest.parse::<bool>().ok();
    let time = || rest.parse().ok().map(Duration::from_nanos);
    match (key, &mut interface.kind) {
        ("address", _) => return Some(rest.parse().map(|address| interface.addresses.push(address))),
        ("mac", _) => return Some(rest.parse().map(|mac| interface.mac = Some(mac))),
        ("mtu", _) => interface.mtu = Some(rest.parse().ok()?),
        ("down", _) => interface.up = false,
        ("master", _) => return Some(rest.parse().map(|master| interface.master = Some(master))),
        ("stp", Kind::Bridge(options)) => options.stp = Some(switch()?),
        ("forward_delay", Kind::Bridge(options)) => options.forward_delay = Some(time()?),
        ("ageing", Kind::Bridge(options)) => options.ageing = Some(time()?),
        ("multicast_snooping", Kind::Bridge(options)) => options.multicast_snooping = Some(switch()?),
        ("nf_call_iptables", Kind::Bridge(options)) => options.nf_call_iptables = Some(switch()?),
        ("nf_call_ip6tables", Kind::Bridge(options)) => options.nf_call_ip6tables = Some(switch()?),
        ("nf_call_arptables", Kind::Bridge(options)) => options.nf_call_arptables = Some(switch()?),
        _ => return None,
    }
    Some(Ok(()))
}

fn strange(line: &str) -> InvalidValue {
    InvalidValue::new(format!("`{line}` is no line of a topology"))
}

/// The text without line breaks.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(text: &str) -> String {
    let mut letters = text.chars();
    let mut whole = String::new();
    while let Some(letter) = letters.next() {
        whole.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            other => other,
        });
    }
    whole
}
