//! What must hold: one table of `expect`, which is one test.

use std::time::Duration;

use netns_test_runtime::{lab::Lab, probe::try_eventually};
use netns_test_topology::file::{
    MISSING_KEY, Span, WRONG_TYPE,
    tree::{Data, Value},
};

use super::{
    fact::{Captures, Fact, Goal, How, Range, Wrong},
    text::{Outcomes, Packets},
    words::{Keys, Reader},
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
    pub(crate) fn check(&self, lab: &Lab, captures: &Captures) -> Result<String, Wrong> {
        let Some(within) = self.eventually else { return self.fact.check(lab, captures) };
        let mut seen = None;
        let attempt = || {
            self.fact.check(lab, captures).map_err(|wrong| {
                seen = Some(wrong.seen);
                wrong.report
            })
        };
        let tried = try_eventually(within, attempt).map_err(|wrong| wrong.to_string());
        tried.map_err(|report| Wrong { seen: seen.unwrap_or_default(), report })
    }

    /// What is expected, in a few words.
    pub(crate) fn expected(&self) -> String {
        let expected = self.fact.expected();
        match self.eventually {
            Some(within) => format!("{expected} within {within:?}"),
            None => expected,
        }
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
                reader.wrong(MISSING_KEY, &value.span, "`is` is missing", help);
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
                reader.wrong(MISSING_KEY, &value.span, "`packets` is missing", help);
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
        if let Data::Number(_) = value.data {
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
