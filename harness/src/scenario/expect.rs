//! What must hold: one table of `expect`, which is one test.

use std::{collections::HashMap, time::Duration};

use netns_test_runtime::{
    capture::Listener,
    lab::{Interface, Lab, Node},
    probe::{Target, judge, tcp, try_eventually, udp},
};
use netns_test_topology::file::{Span, WRONG_TYPE, tree::Value};

use super::{
    text::{Outcomes, Packets},
    words::{Keys, Place, Reader, Whom},
};

/// How long a capture waits for what it should have seen.
const SAW_WITHIN: Duration = Duration::from_secs(1);

/// How long nothing must pass, if the file does not say.
const QUIET_FOR: Duration = Duration::from_millis(50);

/// One expectation.
#[derive(Debug, Clone)]
pub(crate) struct Expect {
    /// What it says, in words fit for a name.
    pub(crate) words: String,
    pub(crate) span: Span,
    fact: Fact,
    eventually: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Fact {
    Reaches { from: Place, to: Goal, how: How, is: Outcomes },
    Resolves { from: (String, String), who: Whom, is: bool },
    Saw { on: (String, String), packets: Packets, within: Duration },
    Quiet { on: (String, String), packets: Packets, time: Duration },
    Route { on: String, to: Whom, is: Vec<String> },
    Neighbour { on: String, who: Whom, is: String },
    State { on: (String, String), is: String },
    Mtu { on: (String, String), is: u32 },
    Address { on: (String, String), is: netns_test_topology::Cidr, there: bool },
    Sysctl { on: String, key: String, is: String },
    Counter { on: String, name: String, packets: Range },
    Run { on: String, line: String, exit: i32, prints: Option<String> },
}

/// What a probe goes to.
#[derive(Debug, Clone)]
enum Goal {
    Ping(Whom),
    Tcp(Whom, u16),
    Udp(Whom, u16),
}

/// How a probe sends.
#[derive(Debug, Clone, Default)]
struct How {
    size: Option<usize>,
    dont_fragment: bool,
    ttl: Option<u8>,
    count: Option<u32>,
    within: Option<Duration>,
}

/// A number and how the one that was read compares to it.
#[derive(Debug, Clone)]
struct Range {
    text: String,
    least: u64,
    most: u64,
}

/// Captures that began before a step, by interface.
pub(crate) type Captures = HashMap<(String, String), Listener>;

const SUBJECTS: [&str; 2] = ["from", "on"];
const PROBES: [&str; 4] = ["ping", "tcp", "udp", "arp"];
const FACTS: [&str; 10] =
    ["saw", "quiet", "route_to", "neighbour", "state", "mtu", "address", "sysctl", "counter", "run"];

impl Expect {
    pub(crate) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let mut keys = Keys::of(value, reader)?;
        let name = keys.take("name").and_then(|name| reader.text(name)).map(str::to_owned);
        let eventually = keys.take("eventually").and_then(|time| reader.time(time));
        let fact = match keys.one_of(&SUBJECTS, reader) {
            Some(("from", from)) => probe(reader, &mut keys, from),
            Some((_, on)) => state(reader, &mut keys, on),
            None => None,
        };
        let span = keys.span.clone();
        keys.end(reader);
        let fact = fact?;
        Some(Self { words: name.unwrap_or_else(|| fact.words()), span, fact, eventually })
    }

    /// The interface that has to be watched before the step begins.
    pub(crate) fn watches(&self) -> Option<&(String, String)> {
        match &self.fact {
            Fact::Saw { on, .. } | Fact::Quiet { on, .. } => Some(on),
            _ => None,
        }
    }

    /// What was seen, or what is wrong.
    pub(crate) fn check(&self, lab: &Lab, captures: &Captures) -> Result<String, String> {
        let Some(within) = self.eventually else { return self.fact.check(lab, captures) };
        try_eventually(within, || self.fact.check(lab, captures)).map_err(words)
    }
}

fn probe(reader: &mut Reader, keys: &mut Keys, from: &Value) -> Option<Fact> {
    let from_place = reader.place(from);
    let (what, to) = keys.one_of(&PROBES, reader)?;
    if what == "arp" {
        let who = reader.text(to).map(str::to_owned).and_then(|text| reader.whom(&text, &to.span));
        let is = match keys.take("is").map(|is| (is, reader.text(is).map(str::to_owned))) {
            None => true,
            Some((is, text)) => match text.as_deref() {
                Some("answered") => true,
                Some("silence") => false,
                _ => {
                    let help = "write `answered`, which is also meant where nothing is written, or `silence`";
                    reader.wrong(WRONG_TYPE, &is.span, "this is no outcome of an ARP request", help);
                    return None;
                }
            },
        };
        let from = reader.interface(from)?;
        return Some(Fact::Resolves { from, who: who?, is });
    }
    let goal = goal(reader, what, to);
    let how = How {
        size: keys.take("size").and_then(|size| reader.number(size)),
        dont_fragment: keys.take("dont_fragment").and_then(|flag| reader.flag(flag)).unwrap_or(false),
        ttl: keys.take("ttl").and_then(|ttl| reader.number(ttl)),
        count: keys.take("count").and_then(|count| reader.number(count)),
        within: keys.take("within").and_then(|time| reader.time(time)),
    };
    let is = match keys.take("is") {
        Some(is) => Outcomes::read(reader, is)?,
        None => Outcomes::reached(),
    };
    Some(Fact::Reaches { from: from_place?, to: goal?, how, is })
}

fn goal(reader: &mut Reader, what: &str, to: &Value) -> Option<Goal> {
    let text = reader.text(to)?.to_owned();
    if what == "ping" {
        return reader.whom(&text, &to.span).map(Goal::Ping);
    }
    let (whom, port) = match text.rsplit_once(':').map(|(whom, port)| (whom, port.parse::<u16>())) {
        Some((whom, Ok(port))) => (whom.trim_start_matches('[').trim_end_matches(']'), port),
        _ => {
            let help = "write node, interface or address and port, such as `server:80` or `[2001:db8::1]:80`";
            reader.wrong(WRONG_TYPE, &to.span, format!("`{text}` has no port"), help);
            return None;
        }
    };
    let whom = reader.whom(whom, &to.span)?;
    Some(if what == "tcp" { Goal::Tcp(whom, port) } else { Goal::Udp(whom, port) })
}

fn state(reader: &mut Reader, keys: &mut Keys, on: &Value) -> Option<Fact> {
    let (what, value) = keys.one_of(&FACTS, reader)?;
    let is = |keys: &mut Keys, reader: &mut Reader| -> Option<String> {
        match keys.take("is") {
            Some(is) => reader.text(is).map(str::to_owned),
            None => {
                let help = "write what is expected: `is = \"…\"`";
                reader.wrong(netns_test_topology::file::MISSING_KEY, &value.span, "`is` is missing", help);
                None
            }
        }
    };
    Some(match what {
        "saw" => {
            let within = keys.take("within").map(|time| reader.time(time));
            let packets = Packets::read(reader, value);
            Fact::Saw { on: reader.interface(on)?, packets: packets?, within: within.unwrap_or(Some(SAW_WITHIN))? }
        }
        "quiet" => {
            let time = keys.take("for").map(|time| reader.time(time));
            let packets = Packets::read(reader, value);
            Fact::Quiet { on: reader.interface(on)?, packets: packets?, time: time.unwrap_or(Some(QUIET_FOR))? }
        }
        "route_to" => {
            let is = is(keys, reader);
            let to = reader.text(value).map(str::to_owned).and_then(|text| reader.whom(&text, &value.span));
            let is = is?.split_whitespace().map(str::to_owned).collect();
            Fact::Route { on: reader.node(on)?, to: to?, is }
        }
        "neighbour" => {
            let is = is(keys, reader);
            let who = reader.text(value).map(str::to_owned).and_then(|text| reader.whom(&text, &value.span));
            Fact::Neighbour { on: reader.node(on)?, who: who?, is: is?.to_lowercase() }
        }
        "state" => {
            let text = reader.text(value)?.to_owned();
            if !["up", "down", "no carrier", "gone"].contains(&text.as_str()) {
                let help = "write `up`, `down`, `no carrier` or `gone`";
                reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is no state of an interface"), help);
                return None;
            }
            Fact::State { on: reader.interface(on)?, is: text }
        }
        "mtu" => {
            let is = reader.number(value);
            Fact::Mtu { on: reader.interface(on)?, is: is? }
        }
        "address" => {
            let there = keys.take("there").map(|there| reader.flag(there));
            let is = reader.parsed(value);
            Fact::Address { on: reader.interface(on)?, is: is?, there: there.unwrap_or(Some(true))? }
        }
        "sysctl" => {
            let is = is(keys, reader);
            let key = reader.text(value)?.to_owned();
            Fact::Sysctl { on: reader.node(on)?, key, is: is? }
        }
        "counter" => {
            let packets = keys.take("packets");
            let name = reader.text(value)?.to_owned();
            let Some(packets) = packets else {
                let help = "write how many it must have counted: `packets = \">= 1\"`";
                reader.wrong(netns_test_topology::file::MISSING_KEY, &value.span, "`packets` is missing", help);
                return None;
            };
            Fact::Counter { on: reader.node(on)?, name, packets: Range::read(reader, packets)? }
        }
        _ => {
            let exit = keys.take("exit").map(|exit| reader.number(exit));
            let prints = keys.take("prints").map(|prints| reader.text(prints).map(str::to_owned));
            let line = reader.text(value)?.to_owned();
            let prints = match prints {
                Some(text) => Some(text?),
                None => None,
            };
            Fact::Run { on: reader.node(on)?, line, exit: exit.unwrap_or(Some(0))?, prints }
        }
    })
}

impl Range {
    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        if let netns_test_topology::file::tree::Data::Number(_) = value.data {
            let number: u64 = reader.number(value)?;
            return Some(Self { text: number.to_string(), least: number, most: number });
        }
        let text = reader.text(value)?.trim().to_owned();
        let (sign, number) = text.split_at(text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len()));
        let bounds = number.parse::<u64>().ok().and_then(|number| match sign.trim() {
            "" | "==" => Some((number, number)),
            ">=" => Some((number, u64::MAX)),
            "<=" => Some((0, number)),
            _ => None,
        });
        let Some((least, most)) = bounds else {
            let help = "write `\">= 1\"`, `\"<= 3\"` or a number";
            reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is no number of packets"), help);
            return None;
        };
        Some(Self { text, least, most })
    }
}

impl Fact {
    /// The fact in words; names of tests are made of it.
    fn words(&self) -> String {
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

    fn check(&self, lab: &Lab, captures: &Captures) -> Result<String, String> {
        let node = |name: &str| -> Result<Node, String> { lab.node(name).map_err(words) };
        let interface =
            |(on, name): &(String, String)| -> Result<Interface, String> { node(on)?.interface(name).map_err(words) };
        match self {
            Self::Reaches { from, to, how, is } => {
                let (prober, target) = match from {
                    Place::Node(name) => (node(name)?, how.apply(to.target(lab)?)),
                    Place::Interface(of, name) => (node(of)?, how.apply(to.target(lab)?).on(name)),
                };
                let evidence = judge(&prober, target, is.expectation(lab)?).map_err(words)?;
                Ok(evidence.report().outcome().to_string())
            }
            Self::Resolves { from, who, is } => {
                let mut seen = Vec::new();
                for address in who.addresses(lab)? {
                    let resolution = interface(from)?.who_has(address).map_err(words)?;
                    seen.extend(resolution.macs());
                }
                let text = match &seen[..] {
                    [] => "silence".to_owned(),
                    macs => {
                        format!("answered by {}", macs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                    }
                };
                same(seen.is_empty() != *is, text, if *is { "answered" } else { "silence" })
            }
            Self::Saw { on, packets, within } => {
                let packet = capture(captures, on)?.wait_for(packets.traffic(lab)?, *within).map_err(words)?;
                Ok(packet.to_string())
            }
            Self::Quiet { on, packets, time } => {
                capture(captures, on)?.quiet(packets.traffic(lab)?, *time).map_err(words)?;
                Ok("quiet".to_owned())
            }
            Self::Route { on, to, is } => {
                let node = node(on)?;
                let mut seen = Vec::new();
                for address in to.addresses(lab)? {
                    seen.push(route_words(&node, address)?);
                }
                let holds = seen.iter().all(|route| {
                    let words: Vec<&str> = route.split_whitespace().collect();
                    words.windows(is.len().max(1)).any(|some| some == &is[..])
                        || is.chunks(2).all(|pair| words.windows(pair.len()).any(|some| some == pair))
                });
                same(holds, seen.join("; "), &is.join(" "))
            }
            Self::Neighbour { on, who, is } => {
                let mut seen = Vec::new();
                for address in who.addresses(lab)? {
                    let entry = node(on)?.neighbour(address).map_err(words)?;
                    seen.push(entry.map_or("none".to_owned(), |entry| entry.state.to_string().to_lowercase()));
                }
                same(seen.iter().all(|state| state == is), seen.join(", "), is)
            }
            Self::State { on, is } => {
                let seen = match node(&on.0)?.links().map_err(words)?.into_iter().find(|link| link.name == on.1) {
                    None => "gone",
                    Some(link) if !link.flags.up() => "down",
                    Some(link) if !link.flags.lower_up() => "no carrier",
                    Some(_) => "up",
                };
                same(seen == is, seen.to_owned(), is)
            }
            Self::Mtu { on, is } => {
                let seen = interface(on)?.info().map_err(words)?.mtu;
                same(seen == *is, seen.to_string(), &is.to_string())
            }
            Self::Address { on, is, there } => {
                let all = interface(on)?.addresses().map_err(words)?;
                let all: Vec<String> = all.iter().map(|info| info.address.to_string()).collect();
                let seen = if all.is_empty() { "no address".to_owned() } else { all.join(", ") };
                let expected = format!("{}{is}", if *there { "" } else { "no " });
                same(all.contains(&is.to_string()) == *there, seen, &expected)
            }
            Self::Sysctl { on, key, is } => {
                let seen = node(on)?.sysctl(key).map_err(words)?;
                same(seen == *is, seen, is)
            }
            Self::Counter { on, name, packets } => {
                let seen = node(on)?.counter(name).map_err(words)?.packets;
                same((packets.least..=packets.most).contains(&seen), format!("{seen} packets"), &packets.text)
            }
            Self::Run { on, line, exit, prints } => {
                let output = node(on)?.command("sh").args(["-c", line]).output().map_err(words)?;
                let all = format!("{}{}", output.stdout, output.stderr);
                let status = output.status.code();
                if status != Some(*exit) {
                    return Err(format!("expected exit status {exit}, seen {}\n{all}", output.status));
                }
                match prints {
                    Some(text) if !all.contains(text.as_str()) => {
                        Err(format!("expected output with `{text}`, seen\n{all}"))
                    }
                    _ => Ok(all.trim_end().to_owned()),
                }
            }
        }
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

fn capture<'a>(captures: &'a Captures, on: &(String, String)) -> Result<&'a Listener, String> {
    captures.get(on).ok_or_else(|| format!("`{}.{}` was not there to be watched when the step began", on.0, on.1))
}

/// The route that a node would take, as `ip route get` would say it.
fn route_words(node: &Node, address: std::net::IpAddr) -> Result<String, String> {
    let route = match node.route_to(address) {
        Ok(route) => route,
        Err(error) => return Ok(error.to_string()),
    };
    let links = node.links().map_err(words)?;
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

fn same(holds: bool, seen: String, expected: &str) -> Result<String, String> {
    if holds { Ok(seen) } else { Err(format!("expected {expected}, seen {seen}")) }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
