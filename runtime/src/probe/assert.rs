//! Verdicts: what a report proves, and the words for what it does not.

use std::{fmt, time::Duration};

use nix::libc;

use super::{Answer, Expectation, Origin, Outcome, ProbeError, Prober, Reason, Report, Target, target::Place};

/// How long an assertion that expects an answer waits for it.
const REACHES: Duration = Duration::from_secs(2);

/// How long an assertion that expects none waits, if the neighbours' timers do not ask for more.
const CANNOT_REACH: Duration = Duration::from_millis(300);

/// What an assertion saw when it held.
#[derive(Debug, Clone)]
pub struct Evidence {
    report: Report,
}

impl Evidence {
    /// What the probe saw.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// Asserts that every address of the target answers.
///
/// # Panics
///
/// If one does not, or the probe itself failed.
#[track_caller]
pub fn reaches(prober: impl Prober, target: Target) -> Evidence {
    // No closure: it would panic at its own place, and not at the caller's.
    match try_reaches(&prober, target) {
        Ok(evidence) => evidence,
        Err(wrong) => panic!("{wrong}"),
    }
}

/// Asserts that no address of the target answers, each for a reason that is expected.
///
/// # Panics
///
/// If one answers, also if only some of several packets are answered; if one does not for another reason, or the probe
/// itself failed; if [`Reason::Reached`] is among what is expected.
#[track_caller]
pub fn cannot_reach(prober: impl Prober, target: Target, expected: impl Into<Expectation>) -> Evidence {
    match try_cannot_reach(&prober, target, expected.into()) {
        Ok(evidence) => evidence,
        Err(wrong) => panic!("{wrong}"),
    }
}

/// The verdict of [`reaches`] or [`cannot_reach`] as a value, for whoever reports many.
///
/// # Errors
///
/// What the assertion would panic with.
pub fn judge(prober: impl Prober, target: Target, expected: impl Into<Expectation>) -> Result<Evidence, Wrong> {
    let expected = expected.into();
    if expected == Expectation::from(Reason::Reached) {
        try_reaches(&prober, target)
    } else {
        try_expected(&prober, target, expected)
    }
}

/// Why an assertion does not hold: subject, expectation, fact, and help where there is some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{report}")]
pub struct Wrong {
    pub(super) seen: String,
    pub(super) report: String,
}

impl Wrong {
    /// What was seen, in a few words.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    fn unknown(to: &str, error: &ProbeError) -> Self {
        Self { seen: "no verdict".into(), report: format!("cannot tell whether {to} is reached\n\n  {error}") }
    }
}

pub(super) fn try_reaches(prober: &impl Prober, target: Target) -> Result<Evidence, Wrong> {
    let to = target.to_string();
    let run = prober.probe(target).patience(REACHES).run();
    run.map_err(|error| Wrong::unknown(&to, &error)).and_then(reached)
}

pub(super) fn try_cannot_reach(prober: &impl Prober, target: Target, expected: Expectation) -> Result<Evidence, Wrong> {
    if expected.allows_an_answer() {
        let help = "`reaches` asserts that it is reached, `probe(…).run()?.is(…)` tells one of several outcomes";
        let report = format!("`cannot_reach` expects why it is not reached, and not `{expected}`\n\n  help: {help}");
        return Err(Wrong { seen: "no verdict".into(), report });
    }
    try_expected(prober, target, expected)
}

fn try_expected(prober: &impl Prober, target: Target, expected: Expectation) -> Result<Evidence, Wrong> {
    let to = target.to_string();
    let run = prober.probe(target).patience(CANNOT_REACH).run();
    let report = run.map_err(|error| Wrong::unknown(&to, &error))?;
    match report.answers.iter().find(|answer| answer.received > 0 && !answer.outcome.is_reached()) {
        Some(answer) => Err(Failure { report: &report, answer, expected: &expected, speaker: false }.wrong()),
        None => as_expected(report, &expected),
    }
}

impl Report {
    /// Asserts that every answer is as expected.
    ///
    /// # Panics
    ///
    /// If one is not.
    #[track_caller]
    pub fn expect(self, expected: impl Into<Expectation>) -> Evidence {
        match as_expected(self, &expected.into()) {
            Ok(evidence) => evidence,
            Err(wrong) => panic!("{wrong}"),
        }
    }

    /// Whether every answer is as expected.
    pub fn is(&self, expected: impl Into<Expectation>) -> bool {
        let expected = expected.into();
        self.answers.iter().all(|answer| expected.matches(answer))
    }
}

/// Evidence that every address was reached, or why not.
pub(super) fn reached(report: Report) -> Result<Evidence, Wrong> {
    match report.answers.iter().find(|a| !a.outcome.is_reached()) {
        None => Ok(Evidence { report }),
        Some(answer) => Err(Failure { report: &report, answer, expected: &"reached", speaker: false }.wrong()),
    }
}

/// Evidence that every answer is as expected, or which is not.
pub(super) fn as_expected(report: Report, expected: &Expectation) -> Result<Evidence, Wrong> {
    match report.answers.iter().find(|a| !expected.matches(a)) {
        None => Ok(Evidence { report }),
        Some(answer) => {
            let speaker = expected.matches_but_for_the_speaker(answer);
            Err(Failure { report: &report, answer, expected, speaker }.wrong())
        }
    }
}

/// The text of a failed assertion: subject, expectation, fact, help.
struct Failure<'a> {
    report: &'a Report,
    answer: &'a Answer,
    expected: &'a dyn fmt::Display,
    /// Whether only who said it is wrong.
    speaker: bool,
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, answer, expected, .. } = self;
        let prober = &report.prober;
        let place = Place(report.target.protocol, answer.target);
        let verb = match answer.outcome {
            Outcome::Reached { .. } => "reaches",
            _ if answer.received > 0 => "does not always reach",
            _ => "cannot reach",
        };
        write!(f, "{prober} {verb} {place}")?;
        if let Some(label) = &report.target.label {
            write!(f, " ({label})")?;
        }
        if !answer.outcome.is_reached() {
            write!(f, ": {}", answer.outcome)?;
        }
        write!(f, "\n\n  expected  {expected}\n  got       {}", report.fact(answer))?;
        if let Some(local) = answer.local.filter(|l| !l.ip().is_unspecified()) {
            let from = Place(report.target.protocol, local).to_string();
            let from = from.split('/').next().unwrap_or_default();
            let to = place.to_string();
            write!(f, "\n\n  {prober}    {from} → {}", to.split('/').next().unwrap_or_default())?;
        }
        for other in report.answers.iter().filter(|a| !std::ptr::eq(*a, *answer)) {
            write!(f, "\n  also      {}: {}", Place(report.target.protocol, other.target), report.fact(other))?;
        }
        match self.help() {
            Some(help) => write!(f, "\n\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl Failure<'_> {
    fn wrong(&self) -> Wrong {
        let outcome = self.answer.outcome;
        let seen = match self.answer.received {
            some if some > 0 && !outcome.is_reached() => format!("{outcome}, {some} answered"),
            _ => outcome.to_string(),
        };
        Wrong { seen, report: self.to_string() }
    }

    fn help(&self) -> Option<String> {
        let (prober, answer) = (&self.report.prober, self.answer);
        let to = answer.target.ip();
        if self.speaker {
            return Some("the outcome is as expected, but somebody else said it".into());
        }
        if answer.received > 0 && !answer.outcome.is_reached() {
            return Some(format!("some packets were answered: what decides about {to} lets a part of them pass"));
        }
        Some(match (answer.outcome, answer.origin) {
            // The errors of its own that it gives an address to are those of a filter.
            (Outcome::NetworkUnreachable | Outcome::Prohibited | Outcome::Refused, Origin::Local)
                if answer.reporter.is_some_and(|by| by != to) =>
            {
                format!("a filter of {prober} rejects it")
            }
            (Outcome::NetworkUnreachable, Origin::Local) => format!("{prober} has no route to {to}; nothing was sent"),
            (Outcome::NetworkUnreachable | Outcome::HostUnreachable, Origin::Remote(by)) => {
                format!("{by} could not pass it on, or a node that translates addresses said so in its name")
            }
            (Outcome::HostUnreachable, _) => {
                format!("nobody answered for the next hop's MAC, or a route or filter of {prober} says unreachable")
            }
            (Outcome::Refused, Origin::Remote(by)) if by != to => format!("a filter at {by} rejects it"),
            (Outcome::Refused, _) => format!("{to} answered: nobody listens there, or a filter rejects"),
            (Outcome::Prohibited, Origin::Remote(by)) => format!("a filter or a prohibit route at {by} forbids it"),
            (Outcome::Prohibited, _) => format!("a prohibit route of {prober} forbids it"),
            (Outcome::NoSourceAddress, _) => format!("{prober} has no address to send from; nothing was sent"),
            (Outcome::BroadcastRefused, _) => format!("{to} is a broadcast address of {prober}"),
            (Outcome::LocalDrop(libc::ENOBUFS | libc::ENETDOWN), _) => format!(
                "the interface of {prober} on the way there has no carrier or is down, or its queue is full; after a \
                 change, `Lab::settle` waits until the kernel has it"
            ),
            (Outcome::LocalDrop(_), _) => format!("look at the output rules of {prober}"),
            (Outcome::Timeout, _) if answer.sent.left > 0 => {
                format!(
                    "it left the node: dropped on the way there or back ({prober} included), no way back, a node that \
                     does not forward, or nobody who answers"
                )
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Sent, by, ping, tcp};

    fn report(target: Target, outcome: Outcome, origin: Origin) -> Report {
        let answers = target.addresses().expect("it has some").iter().map(|addr| Answer {
            target: *addr,
            outcome,
            origin,
            reporter: None,
            local: "10.0.0.2:43064".parse().ok(),
            sent: Sent { accepted: 1, left: 1, solicitations: 0 },
            received: 0,
            elapsed: Duration::from_millis(300),
            detail: String::new(),
        });
        Report { prober: "client".into(), answers: answers.collect(), target }
    }

    #[test]
    fn a_failure_gives_subject_expectation_fact_and_help() {
        let seen = report(tcp("203.0.113.9:25"), Outcome::Timeout, Origin::None);
        let text = reached(seen).expect_err("a timeout is not reached").to_string();
        assert_eq!(
            text,
            "client cannot reach 203.0.113.9:25/tcp: timeout\n\n  \
             expected  reached\n  \
             got       timeout after 300 ms; 1 SYN sent, nothing came back\n\n  \
             client    10.0.0.2:43064 → 203.0.113.9:25\n\n  \
             help: it left the node: dropped on the way there or back (client included), no way back, a node that does \
             not forward, or nobody who answers"
        );
    }

    #[test]
    fn a_wrong_reason_fails() {
        let seen = report(ping("192.0.2.1").named("server"), Outcome::NetworkUnreachable, Origin::Local);
        let text = as_expected(seen, &by::Timeout.into()).expect_err("it is another reason").to_string();
        assert!(text.starts_with("client cannot reach 192.0.2.1 (server): network unreachable"), "{text}");
        assert!(text.contains("expected  timeout"), "{text}");
    }

    #[test]
    fn a_wrong_speaker_fails_and_is_named() {
        let by = Origin::Remote("10.0.0.1".parse().expect("a literal"));
        let seen = report(ping("192.0.2.1"), Outcome::NetworkUnreachable, by);
        let text = as_expected(seen, &by::NetworkUnreachable.local()).expect_err("it is remote").to_string();
        assert!(text.contains("got       network unreachable, said 10.0.0.1"), "{text}");
        assert!(text.contains("somebody else said it"), "{text}");
    }

    #[test]
    fn every_address_counts() {
        let targets = ping(vec!["10.0.0.1".parse().expect("ip"), "10.0.0.2".parse().expect("ip")]);
        let mut seen = report(targets, Outcome::Timeout, Origin::None);
        seen.answers[0].outcome =
            Outcome::Reached { rtt: Duration::ZERO, ttl: Some(64), source: seen.answers[0].target.ip() };
        assert!(reached(seen.clone()).is_err());
        let text = as_expected(seen, &by::Timeout.into()).expect_err("one answered").to_string();
        assert!(text.starts_with("client reaches 10.0.0.1"), "{text}");
    }
}
