//! What is done to a network: one table of `change`.

use std::{net::IpAddr, str::FromStr};

use netns_test_runtime::lab::{Interface, Lab, Node};
use netns_test_topology::{
    BridgeOptions, Cidr, Family, FdbEntry, FirewallRule, Hook, IfName, InvalidValue, Mac, Macvlan, Match, Neighbour,
    NodeName, Policy, Route, Rule, Sysctl, Vxlan,
    file::{
        MISSING_KEY, Span, WRONG_TYPE,
        tree::{Data, Value},
    },
};

use super::{
    text::Packets,
    words::{Keys, Place, Reader},
};

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) span: Span,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Connect([(String, String); 2]),
    AddNode(NodeName),
    Interface((String, String), OnInterface),
    Node(String, OnNode),
}

#[derive(Debug, Clone)]
enum OnInterface {
    Up,
    Down,
    Mtu(u32),
    Mac(Mac),
    AddAddress(Cidr),
    RemoveAddress(Cidr),
    Master(Option<String>),
    Delete,
    Rename(IfName),
    MoveTo(String),
    NfCallIptables(bool),
}

#[derive(Debug, Clone)]
enum OnNode {
    Bridge(IfName),
    Vxlan(IfName, Box<Vxlan>),
    Macvlan(IfName, Box<Macvlan>),
    AddRoute(Route),
    RemoveRoute(Route),
    AddRule(Rule),
    RemoveRule(Rule),
    AddNeighbour(Neighbour),
    RemoveNeighbour(IpAddr, IfName),
    AddFdb(FdbEntry),
    ReplaceFdb(FdbEntry),
    RemoveFdb(FdbEntry),
    OfferNetns(String),
    Forward(bool),
    ForwardV6(bool),
    Sysctl(Sysctl),
    Masquerade(String),
    MasqueradeFrom(Cidr),
    AddFirewallRule(Hook, Box<FirewallRule>),
    DropForwarded(Packets),
    Policy(Family, Hook, Policy),
    ClearFirewall,
    FlushConnections,
    FlushNeighbours,
    Serve(Packets),
    Run(String),
    Start(String, Option<Packets>),
    Remove,
}

/// The keys one of which each change has.
pub(super) const SUBJECTS: [&str; 3] = ["on", "connect", "add_node"];
/// The keys that change an interface.
pub(super) const INTERFACE: [&str; 9] =
    ["set", "mtu", "mac", "add_address", "remove_address", "master", "nf_call_iptables", "rename", "move_to"];
/// The keys that change a node.
pub(super) const NODE: [&str; 26] = [
    "bridge",
    "vxlan",
    "macvlan",
    "add_route",
    "remove_route",
    "add_rule",
    "remove_rule",
    "add_neighbour",
    "remove_neighbour",
    "add_fdb",
    "replace_fdb",
    "remove_fdb",
    "offer_netns",
    "forward",
    "forward_v6",
    "sysctl",
    "masquerade",
    "masquerade_from",
    "add_firewall_rule",
    "drop_forwarded",
    "policy",
    "flush",
    "serve",
    "run",
    "start",
    "remove",
];

impl Change {
    pub(crate) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let mut keys = Keys::of(value, "{ on = \"a.eth0\", set = \"down\" }", reader)?;
        if keys.has_but_not(&[&INTERFACE[..], &NODE].concat(), &SUBJECTS) {
            let help = "say what is changed: `on = \"NODE\"` or `on = \"NODE.INTERFACE\"`";
            reader.wrong(MISSING_KEY, &keys.span, "`on` is missing", help);
            return None;
        }
        let found = reader.found.len();
        let action = match keys.one_of(&SUBJECTS, reader) {
            Some(("connect", ends)) => connect(reader, ends),
            Some(("add_node", name)) => reader.parsed::<NodeName>(name).map(|name| {
                reader.make(&Place::Node(name.to_string()));
                Action::AddNode(name)
            }),
            Some((_, on)) => match reader.place(on) {
                // What follows says that this is about the other.
                Some(Place::Interface(..)) if keys.has_but_not(&NODE, &INTERFACE) => {
                    reader.node(on);
                    None
                }
                Some(Place::Node(_)) if keys.has_but_not(&INTERFACE, &NODE) => {
                    reader.interface(on);
                    None
                }
                Some(Place::Interface(node, interface)) => keys.one_of(&INTERFACE, reader).and_then(|(what, value)| {
                    let done = on_interface(reader, &node, &interface, what, value);
                    done.map(|done| Action::Interface((node, interface), done))
                }),
                Some(Place::Node(node)) => keys.one_of(&NODE, reader).and_then(|(what, value)| {
                    let listening = (what == "start").then(|| keys.take("listening")).flatten();
                    on_node(reader, &node, what, value, listening).map(|done| Action::Node(node, done))
                }),
                None => None,
            },
            None => None,
        };
        let span = keys.span.clone();
        // What comes after a place that is wrong was not looked at.
        if action.is_some() || reader.found.len() == found {
            keys.end(reader);
        }
        Some(Self { span, action: action? })
    }

    /// Whether it removes that node.
    pub(crate) fn removes(&self, node: &str) -> bool {
        matches!(&self.action, Action::Node(on, OnNode::Remove) if on == node)
    }

    /// Does it.
    pub(crate) fn carry_out(&self, lab: &Lab) -> Result<(), String> {
        let node = |name: &str| -> Result<Node, String> { lab.node(name).map_err(words) };
        match &self.action {
            Action::AddNode(name) => lab.add_node(name).map(drop).map_err(words),
            Action::Connect([a, b]) => node(&a.0)?.connect(&a.1, &node(&b.0)?, &b.1).map(drop).map_err(words),
            Action::Interface((on, name), done) => done.carry_out(&node(on)?.interface(name).map_err(words)?, lab),
            Action::Node(on, done) => done.carry_out(&node(on)?, lab),
        }
    }
}

fn connect(reader: &mut Reader, value: &Value) -> Option<Action> {
    let text = reader.text(value)?.to_owned();
    let ends: Vec<&str> = text.split("--").map(str::trim).collect();
    let [a, b] = ends[..] else {
        reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is no cable"), "write `a.eth1 -- b.eth1`");
        return None;
    };
    let mut end = |text: &str| -> Option<(String, String)> {
        let (node, interface) = text.split_once('.').unwrap_or((text, ""));
        reader.place_named(node, &value.span)?;
        if interface.is_empty() {
            let help = "write node and interface, such as `a.eth1`";
            reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is not the end of a cable"), help);
            return None;
        }
        if let Err(error) = IfName::new(interface) {
            reader.invalid(&error, value);
            return None;
        }
        let made = Place::Interface(node.to_owned(), interface.to_owned());
        reader.make(&made);
        Some((node.to_owned(), interface.to_owned()))
    };
    Some(Action::Connect([end(a)?, end(b)?]))
}

fn on_interface(reader: &mut Reader, node: &str, name: &str, what: &str, value: &Value) -> Option<OnInterface> {
    Some(match what {
        "set" => match reader.text(value)? {
            "up" => OnInterface::Up,
            "down" => OnInterface::Down,
            "gone" => OnInterface::Delete,
            other => {
                let message = format!("an interface cannot be set `{other}`");
                reader.wrong(WRONG_TYPE, &value.span, message, "write `up`, `down` or `gone`");
                return None;
            }
        },
        "mtu" => OnInterface::Mtu(reader.number(value)?),
        "mac" => OnInterface::Mac(reader.parsed(value)?),
        "add_address" => OnInterface::AddAddress(reader.parsed(value)?),
        "remove_address" => OnInterface::RemoveAddress(reader.parsed(value)?),
        "master" => match value.data {
            Data::Flag(false) => OnInterface::Master(None),
            _ => OnInterface::Master(Some(reader.text(value)?.to_owned())),
        },
        "rename" => {
            let name: IfName = reader.parsed(value)?;
            reader.make(&Place::Interface(node.to_owned(), name.to_string()));
            OnInterface::Rename(name)
        }
        "nf_call_iptables" => OnInterface::NfCallIptables(reader.flag(value)?),
        _ => {
            let there = reader.node(value)?;
            reader.make(&Place::Interface(there.clone(), name.to_owned()));
            OnInterface::MoveTo(there)
        }
    })
}

fn on_node(reader: &mut Reader, node: &str, what: &str, value: &Value, listening: Option<&Value>) -> Option<OnNode> {
    Some(match what {
        "bridge" => {
            let name: IfName = reader.parsed(value)?;
            reader.make(&Place::Interface(node.to_owned(), name.to_string()));
            OnNode::Bridge(name)
        }
        "vxlan" => {
            let (name, vxlan) = made_of(reader, node, value)?;
            OnNode::Vxlan(name, Box::new(vxlan))
        }
        "macvlan" => {
            let (name, macvlan) = made_of(reader, node, value)?;
            OnNode::Macvlan(name, Box::new(macvlan))
        }
        "add_route" => OnNode::AddRoute(reader.parsed(value)?),
        "remove_route" => OnNode::RemoveRoute(reader.parsed(value)?),
        "add_rule" => OnNode::AddRule(reader.parsed(value)?),
        "remove_rule" => OnNode::RemoveRule(reader.parsed(value)?),
        "add_neighbour" => OnNode::AddNeighbour(reader.parsed(value)?),
        "remove_neighbour" => {
            let text = reader.text(value)?.to_owned();
            let words: Vec<&str> = text.split_whitespace().collect();
            let read = match words[..] {
                [address, "dev", dev] => address.parse().ok().zip(IfName::new(dev).ok()),
                _ => None,
            };
            let Some((address, dev)) = read else {
                let help = "write address and interface, such as `10.0.0.9 dev eth0`";
                reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is no neighbour to remove"), help);
                return None;
            };
            OnNode::RemoveNeighbour(address, dev)
        }
        "add_fdb" => OnNode::AddFdb(reader.parsed(value)?),
        "replace_fdb" => OnNode::ReplaceFdb(reader.parsed(value)?),
        "remove_fdb" => OnNode::RemoveFdb(reader.parsed(value)?),
        "offer_netns" => OnNode::OfferNetns(reader.text(value)?.to_owned()),
        "forward" => OnNode::Forward(reader.flag(value)?),
        "forward_v6" => OnNode::ForwardV6(reader.flag(value)?),
        "sysctl" => {
            let setting: Sysctl = reader.parsed(value)?;
            if let Err(error) = Sysctl::check_name(&setting.key) {
                reader.invalid(&error, value);
                return None;
            }
            OnNode::Sysctl(setting)
        }
        "masquerade" => {
            let interface = reader.text(value)?.to_owned();
            reader.place_named(&format!("{node}.{interface}"), &value.span)?;
            OnNode::Masquerade(interface)
        }
        "masquerade_from" => OnNode::MasqueradeFrom(reader.parsed(value)?),
        "add_firewall_rule" => {
            let text = reader.text(value)?.trim().to_owned();
            let (hook, rule) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
            match (hook.parse::<Hook>(), rule.trim().parse::<FirewallRule>()) {
                (Ok(hook), Ok(rule)) => OnNode::AddFirewallRule(hook, Box::new(rule)),
                (Err(error), _) | (_, Err(error)) => {
                    reader.invalid(&error, value);
                    return None;
                }
            }
        }
        "drop_forwarded" => OnNode::DropForwarded(Packets::forwarded(reader, value)?),
        "policy" => {
            let text = reader.text(value)?.to_owned();
            let words: Vec<&str> = text.split_whitespace().collect();
            let read = match words[..] {
                [hook, policy] => hook.parse().ok().zip(policy.parse().ok()),
                _ => None,
            };
            let Some((hook, policy)) = read else {
                let help = "write hook and policy, such as `forward drop`";
                reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is no policy"), help);
                return None;
            };
            OnNode::Policy(Family::Inet, hook, policy)
        }
        "flush" => match reader.text(value)? {
            "firewall" => OnNode::ClearFirewall,
            "connections" => OnNode::FlushConnections,
            "neighbours" => OnNode::FlushNeighbours,
            other => {
                let help = "write `firewall`, `connections` or `neighbours`";
                reader.wrong(WRONG_TYPE, &value.span, format!("`{other}` cannot be flushed"), help);
                return None;
            }
        },
        "serve" => OnNode::Serve(Packets::served(reader, value)?),
        "run" => OnNode::Run(reader.command(value)?),
        "start" => {
            let listening = match listening {
                Some(value) => Some(Packets::with_port(reader, value)?),
                None => None,
            };
            OnNode::Start(reader.command(value)?, listening)
        }
        _ if reader.flag(value)? => OnNode::Remove,
        _ => {
            reader.wrong(MISSING_KEY, &value.span, "this changes nothing", "write `remove = true`");
            return None;
        }
    })
}

/// A name, and behind it what is made in the words of `ip link add`.
fn made_of<T: FromStr<Err = InvalidValue>>(reader: &mut Reader, node: &str, value: &Value) -> Option<(IfName, T)> {
    let text = reader.text(value)?.trim().to_owned();
    let (name, words) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    match (IfName::new(name), words.trim().parse()) {
        (Ok(name), Ok(made)) => {
            reader.make(&Place::Interface(node.to_owned(), name.to_string()));
            Some((name, made))
        }
        (Err(error), _) | (_, Err(error)) => {
            reader.invalid(&error, value);
            None
        }
    }
}

impl OnInterface {
    fn carry_out(&self, interface: &Interface, lab: &Lab) -> Result<(), String> {
        match self {
            Self::Up => interface.up(),
            Self::Down => interface.down(),
            Self::Mtu(mtu) => interface.set_mtu(*mtu),
            Self::Mac(mac) => interface.set_mac(*mac),
            Self::AddAddress(address) => interface.add_address(*address),
            Self::RemoveAddress(address) => interface.remove_address(*address),
            Self::Master(None) => interface.unset_master(),
            Self::Master(Some(bridge)) => {
                interface.node().interface(bridge).and_then(|bridge| interface.set_master(&bridge))
            }
            Self::Delete => interface.delete(),
            Self::Rename(name) => interface.rename(name).map(drop),
            Self::NfCallIptables(on) => {
                interface.set_bridge(&BridgeOptions { nf_call_iptables: Some(*on), ..BridgeOptions::default() })
            }
            Self::MoveTo(node) => lab.node(node).and_then(|node| interface.move_to(&node)).map(drop),
        }
        .map_err(words)
    }
}

impl OnNode {
    fn carry_out(&self, node: &Node, lab: &Lab) -> Result<(), String> {
        match self {
            Self::Bridge(name) => node.add_bridge(name).and_then(|bridge| bridge.up()),
            Self::Vxlan(name, vxlan) => node.add_vxlan(name, &**vxlan).and_then(|made| made.up()),
            Self::Macvlan(name, macvlan) => node.add_macvlan(name, &**macvlan).and_then(|made| made.up()),
            Self::AddRoute(route) => node.add_route(route),
            Self::RemoveRoute(route) => node.remove_route(route),
            Self::AddRule(rule) => node.add_rule(rule),
            Self::RemoveRule(rule) => node.remove_rule(rule),
            Self::AddNeighbour(entry) => node.add_neighbour(entry.address, entry.mac, &entry.dev),
            Self::RemoveNeighbour(address, dev) => node.remove_neighbour(*address, dev),
            Self::AddFdb(entry) => node.add_fdb(entry),
            Self::ReplaceFdb(entry) => node.replace_fdb(entry),
            Self::RemoveFdb(entry) => node.remove_fdb(entry),
            Self::OfferNetns(path) => node.offer_netns(path),
            Self::Forward(on) => node.set_forward(*on),
            Self::ForwardV6(on) => node.set_forward_v6(*on),
            Self::Sysctl(Sysctl { key, value }) => node.set_sysctl(key, value),
            Self::Masquerade(interface) => node.masquerade(interface).map(drop),
            Self::MasqueradeFrom(network) => node.masquerade_matching(Match::any().from(*network)).map(drop),
            Self::AddFirewallRule(hook, rule) => {
                node.add_firewall_rule(Family::Inet, *hook, (**rule).clone()).map(drop)
            }
            Self::DropForwarded(packets) => node.drop_forwarded(packets.traffic(lab)?).map(drop),
            Self::Policy(family, hook, policy) => node.set_policy(*family, *hook, *policy),
            Self::ClearFirewall => node.clear_firewall(),
            Self::FlushConnections => node.flush_connections(),
            Self::FlushNeighbours => node.flush_neighbours(),
            Self::Serve(packets) => node.serve(packets.traffic(lab)?).map(drop),
            Self::Run(line) => return run(node, line),
            Self::Start(line, listening) => return start(node, line, listening.as_ref(), lab),
            Self::Remove => lab.remove_node(node),
        }
        .map_err(words)
    }
}

/// Runs a command to its end, which must be a good one.
fn run(node: &Node, line: &str) -> Result<(), String> {
    let output = node.command("sh").args(["-c", line]).output().map_err(words)?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`{line}` ended with {}\n{}{}", output.status, output.stdout, output.stderr))
}

/// Starts a command that runs until the network ends.
fn start(node: &Node, line: &str, listening: Option<&Packets>, lab: &Lab) -> Result<(), String> {
    let process = node.command("sh").args(["-c", &format!("exec {line}")]).spawn().map_err(words)?;
    if let Some(packets) = listening {
        process.wait_until_listening(packets.traffic(lab)?).map_err(words)?;
    }
    // Dropping it would end it; the node ends it anyway.
    std::mem::forget(process);
    Ok(())
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
