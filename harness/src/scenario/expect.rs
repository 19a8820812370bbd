//! What must hold: one table of `expect`, which is one test.

use std::time::Duration;

use netns_test_runtime::{
    lab::Lab,
    probe::{Target, try_eventually},
};
use netns_test_topology::file::{MISSING_KEY, Span, UNKNOWN_KEY, WRONG_TYPE, tree::Value};

use super::{
    fact::{Captures, Fact, Goal, How, Wrong},
    interface::{self, OfInterface},
    node::{self, OfNode},
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

/// The keys one of which each expectation has.
pub(super) const SUBJECTS: [&str; 2] = ["from", "on"];
/// The keys of probes.
pub(super) const PROBES: [&str; 4] = ["ping", "tcp", "udp", "arp"];
/// The keys of what can hold of somebody, beside those of interfaces and nodes.
pub(super) const FACTS: [&str; 3] = ["saw", "quiet", "run"];

impl Expect {
    pub(crate) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let mut keys = Keys::of(value, "{ from = \"a\", ping = \"b\" }", reader)?;
        let facts = [&FACTS[..], &interface::KEYS, &node::KEYS].concat();
        let missing = if keys.has_but_not(&PROBES, &SUBJECTS) {
            Some(("`from` is missing", "say who probes: `from = \"NODE\"`"))
        } else if keys.has_but_not(&facts, &SUBJECTS) {
            Some(("`on` is missing", "say of whom it holds: `on = \"NODE\"` or `on = \"NODE.INTERFACE\"`"))
        } else {
            None
        };
        if let Some((message, help)) = missing {
            reader.wrong(MISSING_KEY, &keys.span, message, help);
            return None;
        }
        let displaced = match (keys.has_any(&["on"]), keys.has_any(&["from"])) {
            (true, false) if !keys.has_any(&facts) => keys.place_of(&PROBES).map(|place| (place, "from", "on")),
            (false, true) if !keys.has_any(&PROBES) => keys.place_of(&facts).map(|place| (place, "on", "from")),
            _ => None,
        };
        if let Some(((key, span), with, without)) = displaced {
            let message = format!("`{key}` goes with `{with}`, and not with `{without}`");
            reader.wrong(UNKNOWN_KEY, span, message, format!("write `{with}` in the place of `{without}`"));
            return None;
        }
        let found = reader.found.len();
        let name = keys.take("name").and_then(|name| reader.text(name)).map(str::to_owned);
        let eventually = keys.take("eventually").and_then(|time| reader.limit(time));
        let fact = match keys.one_of(&SUBJECTS, reader) {
            Some(("from", from)) => probe(reader, &mut keys, from),
            Some((_, on)) => state(reader, &mut keys, on),
            None => None,
        };
        let span = keys.span.clone();
        // What comes after a mistake was not looked at.
        if fact.is_some() || reader.found.len() == found {
            keys.end(reader);
        }
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
            Some(within) => format!("{expected}, tried for {within:?}"),
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
    for key in ["size", "count", "answer_ttl"] {
        if let Some(value) = keys.take(key).filter(|_| what == "tcp") {
            let message = format!("a TCP probe connects once and sends no data: `{key}` has no meaning");
            reader.wrong(WRONG_TYPE, &value.span, message, "leave it out, or ask by `ping` or `udp`");
            return None;
        }
    }
    let goal = goal(reader, what, to);
    let mut cut =
        |key, reader: &mut Reader| keys.take(key).and_then(|flag| Some((reader.flag(flag)?, flag.span.clone())));
    let (never, anywhere) = (cut("dont_fragment", reader), cut("may_fragment", reader));
    if let (Some((true, _)), Some((true, span))) = (&never, &anywhere) {
        reader.wrong(WRONG_TYPE, span, "it cannot be forbidden and allowed to cut a packet", "leave one of them out");
        return None;
    }
    let how = How {
        size: keys.take("size").and_then(|size| payload(reader, size)),
        dont_fragment: never.is_some_and(|(never, _)| never),
        may_fragment: anywhere.is_some_and(|(anywhere, _)| anywhere),
        ttl: keys.take("ttl").and_then(|ttl| reader.count(ttl)),
        count: keys.take("count").and_then(|count| packets(reader, what, count)),
        within: keys.take("within").and_then(|time| reader.limit(time)),
    };
    let is = match keys.take("is") {
        Some(is) => Outcomes::read(reader, is)?,
        None => Outcomes::reached(),
    };
    let answer_ttl = keys.take("answer_ttl").map(|ttl| {
        if !is.may_be_reached() {
            let message = "what is not reached gives no answer that has a TTL";
            reader.wrong(WRONG_TYPE, &ttl.span, message, "leave `answer_ttl` out");
            return None;
        }
        reader.count(ttl)
    });
    let answer_ttl = answer_ttl.map_or(Some(None), |ttl| ttl.map(Some))?;
    Some(Fact::Reaches { from: from_place?, to: goal?, how, is, answer_ttl })
}

fn goal(reader: &mut Reader, what: &str, to: &Value) -> Option<Goal> {
    let text = reader.text(to)?.to_owned();
    if what == "ping" {
        return reader.whom(&text, &to.span).map(Goal::Ping);
    }
    let (whom, port) = match text.rsplit_once(':').map(|(whom, port)| (whom, port.parse::<u16>())) {
        Some((whom, Ok(port @ 1..))) => (whom.trim_start_matches('[').trim_end_matches(']'), port),
        _ => {
            let help = "write node, interface or address and port, such as `server:80` or `[2001:db8::1]:80`";
            reader.wrong(WRONG_TYPE, &to.span, format!("`{text}` has no port from 1 to 65535"), help);
            return None;
        }
    };
    let whom = reader.whom(whom, &to.span)?;
    Some(if what == "tcp" { Goal::Tcp(whom, port) } else { Goal::Udp(whom, port) })
}

fn state(reader: &mut Reader, keys: &mut Keys, on: &Value) -> Option<Fact> {
    let facts = [&FACTS[..], &interface::KEYS, &node::KEYS].concat();
    // A table about a neighbour may say a MAC address, and is about a neighbour.
    let (what, value) = match keys.take("neighbour") {
        Some(value) => ("neighbour", value),
        None => keys.one_of(&facts, reader)?,
    };
    if interface::KEYS.contains(&what) {
        let fact = OfInterface::read(reader, keys, what, value);
        return reader.interface(on).and_then(|(node, interface)| Some(Fact::OfInterface(node, interface, fact?)));
    }
    if node::KEYS.contains(&what) {
        let fact = OfNode::read(reader, keys, what, value);
        return reader.node(on).and_then(|node| Some(Fact::OfNode(node, fact?)));
    }
    Some(match what {
        "saw" => {
            let within = keys.take("within").map(|time| reader.time(time));
            let ttl = keys.take("ttl").map(|ttl| reader.count(ttl));
            let packets = Packets::read(reader, value);
            let (within, ttl) = (within.unwrap_or(Some(SAW_WITHIN))?, ttl.map_or(Some(None), |ttl| ttl.map(Some))?);
            Fact::Saw { on: reader.interface(on)?, packets: packets?, ttl, within }
        }
        "quiet" => {
            let time = keys.take("for").map(|time| reader.time(time));
            let packets = Packets::read(reader, value);
            Fact::Quiet { on: reader.interface(on)?, packets: packets?, time: time.unwrap_or(Some(QUIET_FOR))? }
        }
        _ => {
            let exit = keys.take("exit").map(|exit| reader.number::<u8>(exit));
            let prints = keys.take("prints").map(|prints| reader.printed(prints));
            let line = reader.command(value)?;
            let prints = prints.map_or(Some(None), |text| text.map(Some))?;
            Fact::Run { on: reader.node(on)?, line, exit: exit.unwrap_or(Some(0))?.into(), prints }
        }
    })
}

fn packets(reader: &mut Reader, what: &str, value: &Value) -> Option<u32> {
    let count = reader.count(value)?;
    if what == "ping" && count > Target::MAX_ECHOES {
        let most = Target::MAX_ECHOES;
        let message = format!("{count} echo requests are more than their 16-bit sequence numbers tell apart ({most})");
        reader.wrong(WRONG_TYPE, &value.span, message, "write a smaller number");
        return None;
    }
    Some(count)
}

fn payload(reader: &mut Reader, value: &Value) -> Option<usize> {
    let size = reader.number(value)?;
    if size > Target::MAX_SIZE {
        let message = format!("a payload of {size} bytes is more than IP carries ({})", Target::MAX_SIZE);
        reader.wrong(WRONG_TYPE, &value.span, message, "write a smaller one");
        return None;
    }
    Some(size)
}
