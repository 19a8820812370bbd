//! Waiting for a fact, and collecting wrong ones.

use std::{
    fmt, mem,
    panic::Location,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{
    Expectation, Probe, Prober, Report, Target, Wrong,
    assert::{reached, try_cannot_reach, try_reaches},
    outcome::Millis,
};

/// The first pause between attempts; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How long a probe that is repeated waits for an answer.
const PROBE: Duration = Duration::from_millis(250);

/// Repeats an attempt until it succeeds: at once, and then after short pauses.
///
/// An attempt is a `Result`, an `Option`, a `bool`, or a [`Probe`] (which succeeds when it reaches its target).
///
/// The time is for when the last attempt begins. One that has begun in time counts, however long it takes: an attempt that
/// must also end in time needs a limit of its own.
///
/// # Panics
///
/// If it has not succeeded when the time is up; with the last failure.
#[track_caller]
pub fn eventually<A: Attempted>(within: Duration, attempt: impl FnMut() -> A) -> A::Success {
    match try_eventually(within, attempt) {
        Ok(success) => success,
        Err(text) => panic!("{text}"),
    }
}

/// [`eventually`] as a value.
///
/// # Errors
///
/// The last failure and how long was tried, if it has not succeeded when the time is up.
pub fn try_eventually<A: Attempted>(within: Duration, mut attempt: impl FnMut() -> A) -> Result<A::Success, Wrong> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut tries = 0;
    loop {
        let left = within.saturating_sub(begun.elapsed());
        let failure = match attempt().settle(left) {
            Ok(success) => return Ok(success),
            Err(failure) => failure,
        };
        tries += 1;
        let left = within.saturating_sub(begun.elapsed());
        if left.is_zero() {
            let tried = format!("not within {within:?} ({tries} attempts in {})", Millis(begun.elapsed()));
            let seen = format!("not within {within:?}");
            return Err(Wrong { seen, report: format!("{tried}; the last:\n\n{failure}") });
        }
        crate::pause_for(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What an attempt may return; see [`eventually`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether an attempt succeeded",
    note = "return a probe, a `Result`, an `Option` or a `bool`; assertions such as `reaches` panic at the first failure"
)]
pub trait Attempted {
    /// What it gives when it succeeds.
    type Success;

    /// Whether it did, given no more than this time.
    ///
    /// # Errors
    ///
    /// The failure, in words.
    fn settle(self, left: Duration) -> Result<Self::Success, String>;
}

impl<T, E: fmt::Display> Attempted for Result<T, E> {
    type Success = T;

    fn settle(self, _left: Duration) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

impl<T> Attempted for Option<T> {
    type Success = T;

    fn settle(self, _left: Duration) -> Result<T, String> {
        self.ok_or_else(|| "the closure returned None".to_owned())
    }
}

impl Attempted for bool {
    type Success = ();

    fn settle(self, _left: Duration) -> Result<(), String> {
        if self { Ok(()) } else { Err("the closure returned false".to_owned()) }
    }
}

impl Attempted for Probe {
    type Success = Report;

    fn settle(self, left: Duration) -> Result<Report, String> {
        let report = self.hurry(PROBE.min(left.max(FIRST_PAUSE))).run().map_err(|error| error.to_string())?;
        reached(report).map(|evidence| evidence.report().clone()).map_err(|wrong| wrong.to_string())
    }
}

/// Collects wrong facts, so that all are reported and not the first alone.
#[derive(Debug, Default)]
pub struct Checks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    made: usize,
    failures: Vec<(&'static Location<'static>, String)>,
}

impl Checks {
    /// Nothing checked yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Checks that every address of the target answers.
    #[track_caller]
    pub fn reaches(&self, prober: impl Prober, target: Target) {
        self.note(try_reaches(&prober, target));
    }

    /// Checks that no address of the target answers, each for a reason that is expected.
    #[track_caller]
    pub fn cannot_reach(&self, prober: impl Prober, target: Target, expected: impl Into<Expectation>) {
        self.note(try_cannot_reach(&prober, target, expected.into()));
    }

    /// Checks a fact.
    #[track_caller]
    pub fn that(&self, fact: &str, holds: bool) {
        self.note(if holds { Ok(()) } else { Err(format!("it does not hold that {fact}")) });
    }

    /// Checks that two values are equal.
    #[track_caller]
    pub fn equal<T: PartialEq<U> + fmt::Debug, U: fmt::Debug>(&self, subject: &str, seen: T, expected: U) {
        let holds = seen == expected;
        self.note(if holds {
            Ok(())
        } else {
            Err(format!("{subject}\n\n  expected  {expected:?}\n  got       {seen:?}"))
        });
    }

    /// Checks that something worked.
    #[track_caller]
    pub fn ok<T, E: fmt::Display>(&self, result: Result<T, E>) {
        self.note(result);
    }

    /// Ends the collection.
    ///
    /// # Panics
    ///
    /// With every failure, if there was one; also if nothing was checked at all.
    #[track_caller]
    pub(crate) fn finish(self) {
        let state = mem::take(&mut *self.state());
        assert!(state.made > 0, "nothing was checked");
        if !state.failures.is_empty() {
            panic!("{}", state.report("failed"));
        }
    }

    #[track_caller]
    fn note<T, E: fmt::Display>(&self, result: Result<T, E>) {
        let at = Location::caller();
        let mut state = self.state();
        state.made += 1;
        if let Err(error) = result {
            state.failures.push((at, error.to_string()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells what was collected when a panic ends the collection.
impl Drop for Checks {
    fn drop(&mut self) {
        let state = self.state();
        if thread::panicking() && !state.failures.is_empty() {
            eprintln!("{}", state.report("had failed before"));
        }
    }
}

impl State {
    fn report(&self, failed: &str) -> String {
        let listed: Vec<String> = self.failures.iter().map(|(at, text)| format!("{at}:\n{text}")).collect();
        format!("{} of {} checks {failed}\n\n{}", listed.len(), self.made, listed.join("\n\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_that_is_there_is_found_at_once() {
        assert_eq!(eventually(Duration::ZERO, || Some(5)), 5);
    }

    #[test]
    fn a_fact_is_waited_for() {
        let mut tries = 0;
        eventually(Duration::from_secs(60), || {
            tries += 1;
            tries == 5
        });
        assert_eq!(tries, 5);
    }

    #[test]
    #[should_panic(expected = "the last:\n\nno such thing")]
    fn the_last_failure_is_reported() {
        eventually(Duration::from_millis(5), || Err::<(), _>("no such thing"));
    }

    #[test]
    #[should_panic(expected = "2 of 3 checks failed")]
    fn every_wrong_fact_is_reported() {
        let checks = Checks::new();
        checks.that("one is one", true);
        checks.equal("a sum", 1 + 1, 3);
        checks.ok(Err::<(), _>("broken"));
        checks.finish();
    }

    #[test]
    #[should_panic(expected = "nothing was checked")]
    fn checking_nothing_is_a_failure() {
        Checks::new().finish();
    }
}
