//! Facts about a network, and whether they hold.

use std::{collections::HashMap, time::Duration};

use netns_test_runtime::{
    capture::Listener,
    lab::{Interface, Lab, Node},
    probe::{Target, judge, tcp, udp},
};
use netns_test_topology::Cidr;

use super::{
    text::{Outcomes, Packets},
    words::{Place, Whom},
};

/// What can hold or not.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    Reaches { from: Place, to: Goal, how: How, is: Outcomes },
    Resolves { from: (String, String), who: Whom, is: bool },
    Saw { on: (String, String), packets: Packets, within: Duration },
    Quiet { on: (String, String), packets: Packets, time: Duration },
    Route { on: String, to: Whom, is: Vec<String> },
    Neighbour { on: String, who: Whom, is: String },
    State { on: (String, String), is: String },
    Mtu { on: (String, String), is: u32 },
    Address { on: (String, String), is: Cidr, there: bool },
    Sysctl { on: String, key: String, is: String },
    Counter { on: String, name: String, packets: Range },
    Run { on: String, line: String, exit: i32, prints: Option<String> },
}

/// What a probe goes to.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    Ping(Whom),
    Tcp(Whom, u16),
    Udp(Whom, u16),
}

/// How a probe sends.
#[derive(Debug, Clone, Default)]
pub(super) struct How {
    pub(super) size: Option<usize>,
    pub(super) dont_fragment: bool,
    pub(super) ttl: Option<u8>,
    pub(super) count: Option<u32>,
    pub(super) within: Option<Duration>,
}

/// A number and how the one that was read compares to it.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) text: String,
    pub(super) least: u64,
    pub(super) most: u64,
}

/// What was seen in the place of what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// In a few words.
    pub(crate) seen: String,
    /// All that can be told of it.
    pub(crate) report: String,
}

impl Wrong {
    /// Nothing could be seen.
    pub(crate) fn unknown(report: impl ToString) -> Self {
        Self { seen: "no verdict".to_owned(), report: report.to_string() }
    }
}

/// Captures that began before a step, by interface.
pub(crate) type Captures = HashMap<(String, String), Listener>;

impl Fact {
    /// The fact in words; names of tests are made of it.
    pub(super) fn words(&self) -> String {
        let place = |(node, interface): &(String, String)| format!("{node}.{interface}");
        match self {
            Self::Reaches { from, to: Goal::Ping(to), .. } => format!("{from} pings {to}"),
            Self::Reaches { from, to: Goal::Tcp(to, port), .. } => format!("{from} tcp {to}:{port}"),
            Self::Reaches { from, to: Goal::Udp(to, port), .. } => format!("{from} udp {to}:{port}"),
            Self::Resolves { from, who, .. } => format!("{} arp {who}", place(from)),
            Self::Saw { on, .. } => format!("{} saw", place(on)),
            Self::Quiet { on, .. } => format!("{} quiet", place(on)),
            Self::Route { on, to, .. } => format!("{on} route to {to}"),
            Self::Neighbour { on, who, .. } => format!("{on} neighbour {who}"),
            Self::State { on, is } => format!("{} {is}", place(on)),
            Self::Mtu { on, .. } => format!("{} mtu", place(on)),
            Self::Address { on, is, .. } => format!("{} address {is}", place(on)),
            Self::Sysctl { on, key, .. } => format!("{on} {key}"),
            Self::Counter { on, name, .. } => format!("{on} counter {name}"),
            Self::Run { on, line, .. } => format!("{on} runs {line}"),
        }
    }

    /// What is expected, in a few words.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Reaches { is, .. } => is.to_string(),
            Self::Resolves { is: true, .. } => "answered".to_owned(),
            Self::Resolves { is: false, .. } => "silence".to_owned(),
            Self::Saw { packets, .. } => packets.to_string(),
            Self::Quiet { packets, .. } => format!("no {packets}"),
            Self::Route { is, .. } => is.join(" "),
            Self::Neighbour { is, .. } | Self::State { is, .. } | Self::Sysctl { is, .. } => is.clone(),
            Self::Mtu { is, .. } => is.to_string(),
            Self::Address { is, there, .. } => format!("{}{is}", if *there { "" } else { "no " }),
            Self::Counter { packets, .. } => format!("{} packets", packets.text),
            Self::Run { exit, prints: None, .. } => format!("exit status {exit}"),
            Self::Run { exit: 0, prints: Some(text), .. } => format!("prints `{text}`"),
            Self::Run { exit, prints: Some(text), .. } => format!("exit status {exit}, prints `{text}`"),
        }
    }

    pub(super) fn check(&self, lab: &Lab, captures: &Captures) -> Result<String, Wrong> {
        let node = |name: &str| -> Result<Node, Wrong> { lab.node(name).map_err(Wrong::unknown) };
        let interface = |(on, name): &(String, String)| -> Result<Interface, Wrong> {
            node(on)?.interface(name).map_err(Wrong::unknown)
        };
        match self {
            Self::Reaches { from, to, how, is } => {
                let target = how.apply(to.target(lab).map_err(Wrong::unknown)?);
                let (prober, target) = match from {
                    Place::Node(name) => (node(name)?, target),
                    Place::Interface(of, name) => (node(of)?, target.on(name)),
                };
                let expectation = is.expectation(lab).map_err(Wrong::unknown)?;
                match judge(&prober, target, expectation) {
                    Ok(evidence) => Ok(evidence.report().outcome().to_string()),
                    Err(wrong) => Err(Wrong { seen: wrong.seen().to_owned(), report: wrong.to_string() }),
                }
            }
            Self::Resolves { from, who, is } => {
                let mut macs = Vec::new();
                for address in who.addresses(lab).map_err(Wrong::unknown)? {
                    let resolution = interface(from)?.who_has(address).map_err(Wrong::unknown)?;
                    macs.extend(resolution.macs().iter().map(ToString::to_string));
                }
                let answered = !macs.is_empty();
                let seen = if answered { format!("answered by {}", macs.join(", ")) } else { "silence".to_owned() };
                self.same(answered == *is, seen)
            }
            Self::Saw { on, packets, within } => {
                let wanted = packets.traffic(lab).map_err(Wrong::unknown)?;
                let packet = capture(captures, on)?.wait_for(wanted, *within);
                packet.map(|packet| packet.to_string()).map_err(|error| wrong("no such packet", error))
            }
            Self::Quiet { on, packets, time } => {
                let unwanted = packets.traffic(lab).map_err(Wrong::unknown)?;
                let quiet = capture(captures, on)?.quiet(unwanted, *time);
                quiet.map(|()| "quiet".to_owned()).map_err(|error| wrong("not quiet", error))
            }
            Self::Route { on, to, is } => {
                let node = node(on)?;
                let mut seen = Vec::new();
                for address in to.addresses(lab).map_err(Wrong::unknown)? {
                    seen.push(route_words(&node, address)?);
                }
                let says = |route: &String| {
                    let words: Vec<&str> = route.split_whitespace().collect();
                    is.chunks(2).all(|pair| words.windows(pair.len()).any(|some| some == pair))
                };
                self.same(seen.iter().all(says), seen.join("; "))
            }
            Self::Neighbour { on, who, is } => {
                let mut seen = Vec::new();
                for address in who.addresses(lab).map_err(Wrong::unknown)? {
                    let entry = node(on)?.neighbour(address).map_err(Wrong::unknown)?;
                    seen.push(entry.map_or("none".to_owned(), |entry| entry.state.to_string().to_lowercase()));
                }
                self.same(seen.iter().all(|state| state == is), seen.join(", "))
            }
            Self::State { on, is } => {
                let links = node(&on.0)?.links().map_err(Wrong::unknown)?;
                let seen = match links.into_iter().find(|link| link.name == on.1) {
                    None => "gone",
                    Some(link) if !link.flags.up() => "down",
                    Some(link) if !link.flags.lower_up() => "no carrier",
                    Some(_) => "up",
                };
                self.same(seen == is, seen.to_owned())
            }
            Self::Mtu { on, is } => {
                let seen = interface(on)?.info().map_err(Wrong::unknown)?.mtu;
                self.same(seen == *is, seen.to_string())
            }
            Self::Address { on, is, there } => {
                let all = interface(on)?.addresses().map_err(Wrong::unknown)?;
                let all: Vec<String> = all.iter().map(|info| info.address.to_string()).collect();
                let seen = if all.is_empty() { "no address".to_owned() } else { all.join(", ") };
                self.same(all.contains(&is.to_string()) == *there, seen)
            }
            Self::Sysctl { on, key, is } => {
                let seen = node(on)?.sysctl(key).map_err(Wrong::unknown)?;
                self.same(seen == *is, seen)
            }
            Self::Counter { on, name, packets } => {
                let seen = node(on)?.counter(name).map_err(Wrong::unknown)?.packets;
                self.same((packets.least..=packets.most).contains(&seen), format!("{seen} packets"))
            }
            Self::Run { on, line, exit, prints } => {
                let output = node(on)?.command("sh").args(["-c", line]).output().map_err(Wrong::unknown)?;
                let all = format!("{}{}", output.stdout, output.stderr);
                let printed = prints.as_ref().is_none_or(|text| all.contains(text.as_str()));
                if output.status.code() == Some(*exit) && printed {
                    return Ok(all.lines().next().unwrap_or("it printed nothing").to_owned());
                }
                let (expected, seen) = (self.expected(), output.status.to_string());
                Err(Wrong { report: format!("expected {expected}, seen {seen}\n{all}"), seen })
            }
        }
    }

    fn same(&self, holds: bool, seen: String) -> Result<String, Wrong> {
        if holds {
            return Ok(seen);
        }
        Err(Wrong { report: format!("expected {}, seen {seen}", self.expected()), seen })
    }
}

impl Goal {
    fn target(&self, lab: &Lab) -> Result<Target, String> {
        let at = |whom: &Whom, port: u16, probe: fn(&[std::net::SocketAddr]) -> Target| {
            let all: Vec<_> = whom.addresses(lab)?.into_iter().map(|address| (address, port).into()).collect();
            Ok(probe(&all).named(whom.to_string()))
        };
        match self {
            Self::Ping(whom) => whom.target(lab),
            Self::Tcp(whom, port) => at(whom, *port, |all| tcp(all)),
            Self::Udp(whom, port) => at(whom, *port, |all| udp(all)),
        }
    }
}

impl How {
    fn apply(&self, mut target: Target) -> Target {
        if let Some(size) = self.size {
            target = target.size(size);
        }
        if self.dont_fragment {
            target = target.dont_fragment();
        }
        if let Some(ttl) = self.ttl {
            target = target.ttl(ttl);
        }
        if let Some(count) = self.count {
            target = target.count(count);
        }
        if let Some(within) = self.within {
            target = target.within(within);
        }
        target
    }
}

fn capture<'a>(captures: &'a Captures, on: &(String, String)) -> Result<&'a Listener, Wrong> {
    let (node, interface) = on;
    let missing = || Wrong::unknown(format!("`{node}.{interface}` was not there to be watched when the step began"));
    captures.get(on).ok_or_else(missing)
}

fn wrong(seen: &str, error: impl ToString) -> Wrong {
    Wrong { seen: seen.to_owned(), report: error.to_string() }
}

/// The route that a node would take, as `ip route get` would say it.
fn route_words(node: &Node, address: std::net::IpAddr) -> Result<String, Wrong> {
    let route = match node.route_to(address) {
        Ok(route) => route,
        Err(error) => return Ok(error.to_string()),
    };
    let links = node.links().map_err(Wrong::unknown)?;
    let mut text = String::new();
    for hop in &route.hops {
        if let Some(via) = hop.via {
            text += &format!("via {via} ");
        }
        let name = links.iter().find(|link| link.index == hop.index).map_or("?", |link| &link.name);
        text += &format!("dev {name} ");
    }
    if let Some(source) = route.source {
        text += &format!("src {source}");
    }
    Ok(text.trim_end().to_owned())
}
