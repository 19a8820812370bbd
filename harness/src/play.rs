//! A scenario in its sandbox: steps in order, each expectation with its verdict.

use std::fmt::Write;

use netns_test_runtime::{
    lab::{Lab, Up},
    probe::any,
    sandbox::record,
};

use crate::scenario::{Captures, Scenario, Step};

/// The verdict of an expectation, as it goes from the sandbox to whoever reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Its position among the expectations of the scenario.
    pub(crate) position: usize,
    /// What was seen, or what is wrong.
    pub(crate) seen: Result<String, String>,
}

impl Verdict {
    fn record(&self) {
        let (word, text) = match &self.seen {
            Ok(text) => ("holds", text),
            Err(text) => ("wrong", text),
        };
        let mut line = String::new();
        // A text does not refuse to be written to.
        let _ = write!(line, "{} {word} ", self.position);
        line.extend(text.chars().take(20_000));
        record(&line);
    }

    pub(crate) fn of_record(line: &str) -> Option<Self> {
        let (position, rest) = line.split_once(' ')?;
        let (word, text) = rest.split_once(' ')?;
        let seen = match word {
            "holds" => Ok(text.to_owned()),
            "wrong" => Err(text.to_owned()),
            _ => return None,
        };
        Some(Self { position: position.parse().ok()?, seen })
    }
}

/// Plays a scenario; the verdicts go to the launcher as records.
pub(crate) fn play(scenario: &Scenario) -> Result<(), String> {
    let lab = scenario.topology.up().map_err(|error| format!("the network cannot be built: {error}"))?;
    let mut position = 0;
    let mut undone: Option<String> = None;
    for step in &scenario.steps {
        if undone.is_none() {
            undone = change(scenario, step, &lab).err();
        }
        let captures = match &undone {
            None => captures(step, &lab),
            Some(_) => Ok(Captures::new()),
        };
        for expectation in &step.expectations {
            let seen = match (&undone, &captures) {
                (Some(why), _) | (None, Err(why)) => Err(why.clone()),
                (None, Ok(captures)) => expectation.check(&lab, captures),
            };
            Verdict { position, seen }.record();
            position += 1;
        }
    }
    Ok(())
}

/// Carries out what a step changes; what comes after a change that was refused would prove nothing.
fn change(scenario: &Scenario, step: &Step, lab: &Lab) -> Result<(), String> {
    for change in &step.changes {
        change.carry_out(lab).map_err(|why| {
            format!(
                "step `{}` could not be done, so nothing is known of it and what follows\n  {}: {why}",
                step.name,
                scenario.place(&change.span)
            )
        })?;
    }
    Ok(())
}

/// Watches every interface of which the step expects something, before it is probed.
fn captures(step: &Step, lab: &Lab) -> Result<Captures, String> {
    let mut captures = Captures::new();
    for (node, interface) in step.expectations.iter().filter_map(|expectation| expectation.watches()) {
        let key = (node.clone(), interface.clone());
        if captures.contains_key(&key) {
            continue;
        }
        let begun = lab.node(node).and_then(|node| node.interface(interface)?.capture(any()));
        captures.insert(key, begun.map_err(|error| error.to_string())?);
    }
    Ok(captures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_as_it_was_written() {
        assert_eq!(
            Verdict::of_record("3 holds reached\nin 1 ms"),
            Some(Verdict { position: 3, seen: Ok("reached\nin 1 ms".into()) })
        );
        assert_eq!(Verdict::of_record("0 wrong "), Some(Verdict { position: 0, seen: Err(String::new()) }));
        assert_eq!(Verdict::of_record("holds"), None);
    }
}
