//! A problem on its way to the list.

use super::Problem;

/// A problem that is reported once it has its help: without one, nobody would know what to do about it.
#[must_use = "a problem without `help` is not reported"]
pub(super) struct Report<'a> {
    problems: &'a mut Vec<Problem>,
    problem: Problem,
}

impl<'a> Report<'a> {
    pub(super) fn new(problems: &'a mut Vec<Problem>, problem: Problem) -> Self {
        Self { problems, problem }
    }

    /// Adds a fact behind it.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.problem.notes.push(note.into());
        self
    }

    /// Reports it, with what to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) {
        self.problem.help = Some(help.into());
        self.problems.push(self.problem);
    }
}
