//! Facts about a network, and whether they hold.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::{
    interface::OfInterface,
    node::OfNode,
    text::{Outcomes, Packets},
    words::{Place, Whom, names},
};
use netns_test_runtime::{
    capture::{Filter, Listener, Packet},
    lab::{Interface, Lab, Node},
    probe::{Answer, Outcome, Target, judge, tcp, udp},
};

/// What can hold or not.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    Reaches { from: Place, to: Goal, how: How, is: Outcomes, answer_ttl: Option<u8> },
    Resolves { from: (String, String), who: Whom, is: bool },
    Saw { on: (String, String), packets: Packets, ttl: Option<u8>, within: Duration },
    Quiet { on: (String, String), packets: Packets, time: Duration },
    OfInterface(String, String, OfInterface),
    OfNode(String, OfNode),
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
    pub(super) may_fragment: bool,
    pub(super) ttl: Option<u8>,
    pub(super) count: Option<u32>,
    pub(super) within: Option<Duration>,
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
            Self::OfInterface(node, interface, fact) => fact.words(&format!("{node}.{interface}")),
            Self::OfNode(node, fact) => fact.words(node),
            Self::Run { on, line, .. } => format!("{on} runs {line}"),
        }
    }

    /// What is expected, in a few words.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Reaches { is, answer_ttl: None, .. } => is.to_string(),
            Self::Reaches { is, answer_ttl: Some(ttl), .. } => format!("{is}, TTL {ttl}"),
            Self::Resolves { is: true, .. } => "answered".to_owned(),
            Self::Resolves { is: false, .. } => "silence".to_owned(),
            Self::Saw { packets, ttl: None, .. } => packets.to_string(),
            Self::Saw { packets, ttl: Some(ttl), .. } => format!("{packets}, TTL {ttl}"),
            Self::Quiet { packets, .. } => format!("no {packets}"),
            Self::OfInterface(.., fact) => fact.expected(),
            Self::OfNode(_, fact) => fact.expected(),
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
            Self::Reaches { from, to, how, is, answer_ttl } => {
                let target = how.apply(to.target(lab).map_err(Wrong::unknown)?);
                let (prober, target) = match from {
                    Place::Node(name) => (node(name)?, target),
                    Place::Interface(of, name) => (node(of)?, target.on(name)),
                };
                let expectation = is.expectation(lab).map_err(Wrong::unknown)?;
                match judge(&prober, target, expectation) {
                    Ok(evidence) => {
                        let outcome = evidence.report().outcome();
                        let Some(wanted) = answer_ttl else { return Ok(outcome.to_string()) };
                        let ttls: BTreeSet<Option<u8>> = evidence.report().answers.iter().map(ttl_of).collect();
                        let words = ttls.iter().map(|ttl| ttl.map_or("no TTL".to_owned(), |ttl| format!("TTL {ttl}")));
                        self.same(ttls == BTreeSet::from([Some(*wanted)]), format!("{outcome}, {}", names(words)))
                    }
                    Err(wrong) => Err(Wrong { seen: wrong.seen().to_owned(), report: wrong.to_string() }),
                }
            }
            Self::Resolves { from, who, is } => {
                let (mut macs, mut silent) = (Vec::new(), Vec::new());
                for address in who.addresses(lab).map_err(Wrong::unknown)? {
                    let resolution = interface(from)?.who_has(address).map_err(Wrong::unknown)?;
                    match &resolution.macs()[..] {
                        [] => silent.push(address),
                        some => macs.extend(some.iter().map(ToString::to_string)),
                    }
                }
                let (holds, seen) = match (macs.is_empty(), silent.is_empty()) {
                    (true, _) => (!is, "silence".to_owned()),
                    (false, true) => (*is, format!("answered by {}", macs.join(", "))),
                    (false, false) => {
                        (false, format!("answered by {}, but not for {}", macs.join(", "), names(silent)))
                    }
                };
                self.same(holds, seen)
            }
            Self::Saw { on, packets, ttl, within } => {
                let wanted = packets.traffic(lab).map_err(Wrong::unknown)?;
                let listener = capture(captures, on)?;
                let packet = match ttl {
                    None => listener.wait_for(wanted, *within),
                    Some(ttl) => {
                        let is_meant = |packet: &Packet| wanted.matches(packet) && packet.ttl() == Some(*ttl);
                        listener.wait_for(is_meant, *within)
                    }
                };
                packet.map(|packet| in_words(&packet)).map_err(|error| wrong("no such packet", error))
            }
            Self::Quiet { on, packets, time } => {
                let unwanted = packets.traffic(lab).map_err(Wrong::unknown)?;
                let quiet = capture(captures, on)?.quiet(unwanted, *time);
                quiet.map(|()| "quiet".to_owned()).map_err(|error| wrong("not quiet", error))
            }
            Self::OfInterface(on, name, fact) => {
                let (holds, seen) = fact.look(lab, &node(on)?, name)?;
                self.same(holds, seen)
            }
            Self::OfNode(on, fact) => {
                let (holds, seen) = fact.look(lab, &node(on)?)?;
                self.same(holds, seen)
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
        if self.may_fragment {
            target = target.may_fragment();
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

/// The TTL or hop limit that an answer has left.
fn ttl_of(answer: &Answer) -> Option<u8> {
    match answer.outcome {
        Outcome::Reached { ttl, .. } => ttl,
        _ => None,
    }
}

fn capture<'a>(captures: &'a Captures, on: &(String, String)) -> Result<&'a Listener, Wrong> {
    let (node, interface) = on;
    let missing = || Wrong::unknown(format!("`{node}.{interface}` was not there to be watched when the step began"));
    captures.get(on).ok_or_else(missing)
}

/// A packet without what tells it from others of its kind: its interface, identifiers and length.
fn in_words(packet: &Packet) -> String {
    let text = packet.to_string();
    let text = text.split_once(' ').map_or(&*text, |(_, rest)| rest);
    let is_told = |part: &&str| !["id ", "seq ", "length "].iter().any(|begin| part.starts_with(begin));
    text.split(", ").filter(is_told).collect::<Vec<_>>().join(", ")
}

fn wrong(seen: &str, error: impl ToString) -> Wrong {
    Wrong { seen: seen.to_owned(), report: error.to_string() }
}
