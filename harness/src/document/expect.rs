//! What is expected of a command, and whether it came.

use std::{fmt, iter};

use netns_test_runtime::probe::Reason;
use netns_test_topology::check::nearest;

use crate::verdict::Verdict;

/// What is expected of a command; without words, that it succeeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) exit: Exit,
    pub(crate) prints: Vec<String>,
    pub(crate) lacks: Vec<String>,
    /// What a `ping` tells.
    pub(crate) outcome: Option<Reason>,
    /// Lines in order, `…` or `...` standing for anything.
    pub(crate) shows: Vec<String>,
    /// Why it is not run.
    pub(crate) skip: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Exit {
    #[default]
    Zero,
    Is(i32),
    /// Any but 0.
    Fails,
}

impl Expected {
    /// Reads terms such as `exit 2; prints "no such device"` or `timeout`.
    ///
    /// # Errors
    ///
    /// The term that is none, with help.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut expected = Self::default();
        for term in text.split(';').map(str::trim).filter(|term| !term.is_empty()) {
            let (word, rest) = term.split_once(char::is_whitespace).unwrap_or((term, ""));
            let rest = rest.trim();
            let quoted = || rest.trim_matches(['"', '`', '\'']).to_owned();
            match (word, rest) {
                ("fails", "") => expected.exit = Exit::Fails,
                ("exit", number) => {
                    let status = number.parse().map_err(|_| format!("`{number}` is no exit status, such as `exit 2`"));
                    expected.exit = Exit::Is(status?);
                }
                ("prints" | "lacks" | "skip", _) if quoted().trim().is_empty() => {
                    return Err(format!("`{word}` needs a text: `{word} \"…\"`"));
                }
                ("prints", _) => expected.prints.push(quoted()),
                ("lacks", _) => expected.lacks.push(quoted()),
                ("skip", _) => expected.skip = Some(quoted()),
                _ => expected.outcome = Some(reason_named(term)?),
            }
        }
        Ok(expected)
    }

    /// Whether a command that printed this and ended so is as expected.
    pub(crate) fn judge(&self, status: i32, output: &str) -> Verdict {
        let seen_outcome = outcome(status, output);
        let proof = self.prints.first().and_then(|text| output.lines().find(|l| squeezed(l).contains(&squeezed(text))));
        let brief = match (&self.outcome, seen_outcome, proof.or(output.trim().lines().last())) {
            (Some(_), Some(seen), _) => seen.to_string(),
            (_, _, Some(line)) if status == 0 => line.trim().to_owned(),
            (_, _, Some(line)) => format!("exit status {status}: {}", line.trim()),
            (_, _, None) => format!("exit status {status}"),
        };
        let wrong = self.wrong(status, output, seen_outcome);
        if wrong.is_empty() {
            return Verdict::holds(&brief);
        }
        let wrong = wrong.join("\n");
        let report = match output.trim_end() {
            "" => format!("{wrong}\n\nit printed nothing"),
            output => format!("{wrong}\n\nit printed\n{}", indented(output)),
        };
        Verdict::wrong(&brief, report.trim_end())
    }

    fn wrong(&self, status: i32, output: &str, seen: Option<Reason>) -> Vec<String> {
        let mut wrong = Vec::new();
        match (self.outcome, seen) {
            (Some(expected), Some(seen)) if !covers(expected, seen) => {
                wrong.push(format!("expected {expected}, seen {seen}"));
            }
            (Some(expected), None) => wrong.push(format!(
                "expected {expected}, and nothing that `ping` tells was seen; it exited with status {status}"
            )),
            _ => {}
        }
        match self.exit {
            // An outcome has the exit status that `ping` gives it.
            Exit::Zero if status != 0 && self.outcome.is_none() => {
                wrong.push(format!("expected success, seen exit status {status}"));
            }
            Exit::Is(expected) if status != expected => {
                wrong.push(format!("expected exit status {expected}, seen {status}"));
            }
            Exit::Fails if status == 0 => wrong.push("expected a failure, seen success".to_owned()),
            _ => {}
        }
        let missing = self.prints.iter().filter(|text| !squeezed(output).contains(&squeezed(text)));
        wrong.extend(missing.map(|text| format!("expected output with `{text}`")));
        let there = self.lacks.iter().filter(|text| squeezed(output).contains(&squeezed(text)));
        wrong.extend(there.map(|text| format!("expected output without `{text}`")));
        if let Some(line) = first_not_shown(&self.shows, output) {
            wrong.push(format!("expected the line `{line}`, after those that the document shows before it"));
        }
        wrong
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.map(|outcome| outcome.to_string());
        let exit = match self.exit {
            Exit::Is(status) => Some(format!("exit status {status}")),
            Exit::Fails => Some("a failure".to_owned()),
            Exit::Zero => None,
        };
        let prints = self.prints.iter().map(|text| format!("prints `{text}`"));
        let lacks = self.lacks.iter().map(|text| format!("does not print `{text}`"));
        let shows = (!self.shows.is_empty()).then(|| "prints what is shown".to_owned());
        let all: Vec<String> = outcome.into_iter().chain(exit).chain(prints).chain(lacks).chain(shows).collect();
        f.write_str(&if all.is_empty() { "success".to_owned() } else { all.join(", ") })
    }
}

/// The outcome of that name.
pub(crate) fn reason_named(name: &str) -> Result<Reason, String> {
    let names = Reason::ALL.map(|reason| (reason, reason.to_string()));
    if let Some((reason, _)) = names.iter().find(|(_, known)| known == name) {
        return Ok(*reason);
    }
    let words = ["fails", "exit", "prints", "lacks", "skip"];
    Err(match nearest(name, names.iter().map(|(_, known)| known.as_str()).chain(words)) {
        Some(near) => format!("`{name}` is no expectation: did you mean `{near}`?"),
        None => format!(
            "`{name}` is no expectation: write `exit N`, `fails`, `prints \"…\"`, `lacks \"…\"`, `skip \"…\"` or an \
             outcome such as `timeout`"
        ),
    })
}

fn covers(expected: Reason, seen: Reason) -> bool {
    expected == seen || expected == Reason::Anything && seen != Reason::Reached
}

/// What a `ping` of iputils tells.
fn outcome(status: i32, output: &str) -> Option<Reason> {
    const WORDS: [(&str, Reason); 11] = [
        ("Destination Net Unreachable", Reason::NetworkUnreachable),
        ("Network is unreachable", Reason::NetworkUnreachable),
        ("Destination Host Unreachable", Reason::HostUnreachable),
        ("Packet filtered", Reason::Prohibited),
        ("Destination Port Unreachable", Reason::Refused),
        ("message too long", Reason::PacketTooBig),
        ("Frag needed", Reason::PacketTooBig),
        ("Time to live exceeded", Reason::TtlExceeded),
        ("Cannot assign requested address", Reason::NoSourceAddress),
        ("want to ping broadcast", Reason::BroadcastRefused),
        ("sendmsg: Operation not permitted", Reason::LocalDrop),
    ];
    let said = |text: &str| WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, reason)| *reason);
    if status == 0 && output.contains("bytes from") {
        return Some(Reason::Reached);
    }
    // What it could not send for another reason is lost in its count too, and no answer of the network.
    let complains = |line: &str| {
        let (program, complaint) = line.split_once(": ").unwrap_or_default();
        matches!(program.rsplit('/').next(), Some("ping" | "ping6")) && !complaint.starts_with("Warning: ")
    };
    if output.lines().any(|line| complains(line) && said(line).is_none()) {
        return None;
    }
    said(output).or_else(|| output.contains("100% packet loss").then_some(Reason::Timeout))
}

/// The first line of the document that the output does not have after those before it.
fn first_not_shown<'a>(shows: &'a [String], output: &str) -> Option<&'a str> {
    let mut lines = output.lines().map(squeezed);
    shows.iter().map(String::as_str).find(|shown| {
        let shown = squeezed(shown);
        !matches!(&*shown, "…" | "...") && !lines.any(|line| is_like(&shown, &line))
    })
}

/// Whether a line is as shown, `…` or `...` standing for anything.
fn is_like(shown: &str, line: &str) -> bool {
    let shown = shown.replace("...", "…");
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|begin| line.strip_prefix(begin)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn indented(text: &str) -> String {
    text.trim_end().lines().flat_map(|line| iter::once("  ").chain([line, "\n"])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Word;

    #[test]
    fn an_expectation_is_read_from_its_words() {
        let expected = Expected::read("exit 2; prints \"no such device\"").expect("two terms");
        assert_eq!((expected.exit, expected.prints), (Exit::Is(2), vec!["no such device".to_owned()]));
        assert_eq!(
            Expected::read("network unreachable").expect("an outcome").outcome,
            Some(Reason::NetworkUnreachable)
        );
        assert_eq!(Expected::read("timout").unwrap_err(), "`timout` is no expectation: did you mean `timeout`?");
        assert_eq!(Expected::read("prints").unwrap_err(), "`prints` needs a text: `prints \"…\"`");
        assert_eq!(Expected::read("prints \"\"").unwrap_err(), "`prints` needs a text: `prints \"…\"`");
        assert_eq!(Expected::read("exit two").unwrap_err(), "`two` is no exit status, such as `exit 2`");
    }

    #[test]
    fn success_is_expected_where_nothing_is_said() {
        assert_eq!(Expected::default().judge(0, "").word, Word::Holds);
        let verdict = Expected::default().judge(2, "No such file\n");
        assert_eq!((verdict.word, verdict.seen.as_str()), (Word::Wrong, "exit status 2: No such file"));
        let silent = Expected::default().judge(2, "\n").report;
        assert_eq!(silent, "expected success, seen exit status 2\n\nit printed nothing");
    }

    #[test]
    fn what_ping_tells_is_an_outcome() {
        let timeout = Expected::read("timeout").expect("an outcome");
        assert_eq!(timeout.judge(1, "1 packets transmitted, 0 received, 100% packet loss, time 0ms").word, Word::Holds);
        let verdict = timeout.judge(0, "64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.05 ms\n");
        assert_eq!((verdict.word, verdict.seen.as_str()), (Word::Wrong, "reached"));
        let verdict = timeout.judge(2, "ping: connect: Network is unreachable\n");
        assert_eq!((verdict.word, verdict.seen.as_str()), (Word::Wrong, "network unreachable"));
        assert_eq!(timeout.judge(127, "ping: not found").word, Word::Wrong);
    }

    #[test]
    fn what_the_node_itself_refuses_to_send_is_no_timeout() {
        let timeout = Expected::read("timeout").expect("an outcome");
        let lost = "1 packets transmitted, 0 received, 100% packet loss, time 0ms\n";
        let judge =
            |said: &str| timeout.judge(1, &format!("PING 10.0.0.9 (10.0.0.9) 56(84) bytes of data.\n{said}\n\n{lost}"));
        let verdict = judge("/usr/bin/ping: sendmsg: Operation not permitted");
        assert_eq!((verdict.word, verdict.seen.as_str()), (Word::Wrong, "dropped on the node itself"));
        for said in ["ping: sendmsg: Invalid argument", "ping6: sendmsg: No buffer space available", "ping: odd"] {
            let verdict = judge(said);
            assert!(verdict.report.contains("nothing that `ping` tells was seen"), "{said}: {verdict:?}");
        }
        assert_eq!(
            judge("ping: Warning: source address might be selected on device other than: eth0.").word,
            Word::Holds
        );
    }

    #[test]
    fn not_reached_is_every_outcome_but_one() {
        let not_reached = Expected::read("not reached").expect("an outcome");
        assert_eq!(not_reached.judge(2, "ping: connect: Network is unreachable\n").word, Word::Holds);
        assert_eq!(
            not_reached.judge(1, "1 packets transmitted, 0 received, 100% packet loss, time 0ms").word,
            Word::Holds
        );
        assert_eq!(not_reached.judge(0, "64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.05 ms\n").word, Word::Wrong);
        assert_eq!(not_reached.judge(127, "ping: not found").word, Word::Wrong);
    }

    #[test]
    fn an_exit_status_that_is_written_beside_an_outcome_counts() {
        let lost = "1 packets transmitted, 0 received, 100% packet loss, time 0ms";
        let judge = |words: &str| Expected::read(words).expect("terms").judge(1, lost).word;
        assert_eq!([judge("timeout"), judge("timeout; exit 1"), judge("timeout; fails")], [Word::Holds; 3]);
        assert_eq!([judge("timeout; exit 0"), judge("timeout; exit 2"), judge("reached; exit 1")], [Word::Wrong; 3]);
        assert_eq!(Expected::read("timeout; exit 1").expect("terms").to_string(), "timeout, exit status 1");
    }

    #[test]
    fn what_is_shown_comes_in_order_with_gaps() {
        let shows =
            |lines: &[&str]| Expected { shows: lines.iter().map(ToString::to_string).collect(), ..Expected::default() };
        let output = "1: lo:  <LOOPBACK> mtu 65536\n2: eth0@if7: <UP>\n";
        assert_eq!(shows(&["1: lo: <LOOPBACK> …", "2: eth0@...: <UP>"]).judge(0, output).word, Word::Holds);
        assert_eq!(shows(&["2: eth0@...: <UP>", "1: lo: …"]).judge(0, output).word, Word::Wrong);
        assert_eq!(shows(&["1: lo: <LOOPBACK>"]).judge(0, output).word, Word::Wrong);
    }
}
