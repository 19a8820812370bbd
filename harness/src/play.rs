//! A scenario in its sandbox: steps in order, each expectation with its verdict.

use netns_test_runtime::{
    lab::{Lab, Up},
    probe::any,
};

use crate::{
    scenario::{Captures, Scenario, Step},
    verdict::Verdict,
};

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
        let mut tell = |verdict: Verdict| {
            verdict.record(position);
            position += 1;
        };
        if step.only_changes().is_some() {
            tell(match &undone {
                Some(why) => Verdict::wrong("not done", why),
                None => Verdict::holds("done"),
            });
        }
        for expectation in &step.expectations {
            tell(match (&undone, &captures) {
                (Some(why), _) | (None, Err(why)) => Verdict::wrong("not looked at", why),
                (None, Ok(captures)) => match expectation.check(&lab, captures) {
                    Ok(seen) => Verdict::holds(&seen),
                    Err(wrong) => Verdict::wrong(&wrong.seen, &wrong.report),
                },
            });
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
    if step.changes.is_empty() {
        return Ok(());
    }
    // What is expected is expected of the changed network, not of the moment in which it changes.
    lab.settle().map_err(|error| format!("nothing is known of step `{}` and what follows\n  {error}", step.name))
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
