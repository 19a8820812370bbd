//! A scenario in its sandbox: steps in order, each expectation with its verdict.

use std::collections::HashMap;

use netns_test_runtime::{
    capture::Listener,
    lab::{Lab, Node, Up},
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
        let mut captures = Ok(Captures::new());
        if undone.is_none() {
            let mut watched = Watched::new();
            let before = watch(step, &lab, &mut watched, false);
            undone = change(scenario, step, &lab).err();
            let after = before.and_then(|()| watch(step, &lab, &mut watched, true));
            captures = after.map(|()| watched.into_iter().map(|(place, (.., listener))| (place, listener)).collect());
        }
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

/// Captures by node and name of the interface, with what tells it from another of that name.
type Watched = HashMap<(String, String), (Node, u32, Listener)>;

/// Watches every interface of which the step expects something: those that are there before its changes, and afterwards
/// those that these have made.
fn watch(step: &Step, lab: &Lab, watched: &mut Watched, changed: bool) -> Result<(), String> {
    for place in step.expectations.iter().filter_map(|expectation| expectation.watches()) {
        let (name, interface) = place;
        // A capture would keep the network of a node that is to be removed.
        if !changed && step.changes.iter().any(|change| change.removes(name)) {
            continue;
        }
        let interface = match lab.node(name).and_then(|node| node.interface(interface)) {
            Ok(interface) => interface,
            Err(_) if !changed => continue,
            Err(error) => return Err(error.to_string()),
        };
        let (node, index) = (interface.node(), interface.info().map_err(|error| error.to_string())?.index);
        if watched.get(place).is_some_and(|(of, known, _)| (of, *known) == (node, index)) {
            continue;
        }
        let listener = interface.capture(any()).map_err(|error| error.to_string())?;
        watched.insert(place.clone(), (node.clone(), index, listener));
    }
    Ok(())
}
