//! What came of the files, for eyes and for programs.

use std::{sync::Arc, time::Duration};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::{Status, say};
use crate::{
    suite::{Case, Suite},
    verdict::{Verdict, Word},
};

/// The widest columns: claim, expected, seen.
const WIDTHS: [usize; 3] = [56, 34, 48];

/// How many lines a cell may have: what a program printed has no end.
const LINES: usize = 3;

/// How many hold, and what is to be said of the others.
#[derive(Debug, Default)]
pub(super) struct Tally {
    holds: usize,
    wrong: Vec<String>,
    skipped: usize,
    refused: bool,
    files: usize,
}

impl Tally {
    pub(super) fn add(&mut self, suite: &Suite) {
        self.files += 1;
        self.refused |= suite.is_refused();
        let mut last = None;
        for (case, verdict) in verdicts(suite) {
            match verdict.word {
                Word::Holds => self.holds += 1,
                Word::Skipped => self.skipped += 1,
                // What ended a file is the same for all that follows: it is told once.
                Word::Wrong if last == Some(&verdict.report) => {
                    self.wrong.push(format!("{}: {}: the same", case.place, case.claim));
                }
                Word::Wrong => {
                    last = Some(&verdict.report);
                    self.wrong.push(format!("{}: {}\n\n{}\n", case.place, case.claim, indented(&verdict.report)));
                }
            }
        }
    }

    pub(super) fn print(&self, elapsed: Duration, colours: bool) {
        for report in &self.wrong {
            say(report.trim_end());
            say("");
        }
        let all = self.holds + self.wrong.len();
        let (paint, words) = match self.wrong.len() {
            0 => (GREEN, format!("{all} of {all} hold")),
            wrong => (RED, format!("{wrong} of {all} do not hold")),
        };
        let skipped = if self.skipped > 0 { format!(", {} skipped", self.skipped) } else { String::new() };
        let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
        say(&format!("{}{skipped} · {files} · {:.1} s", painted(&words, paint, colours), elapsed.as_secs_f32()));
    }

    pub(super) fn status(&self) -> Status {
        match (self.refused, self.wrong.is_empty()) {
            (true, _) => Status::Refused,
            (_, false) => Status::Wrong,
            _ => Status::Good,
        }
    }
}

pub(super) const GREEN: &str = "\x1b[32m";
pub(super) const RED: &str = "\x1b[31m";
pub(super) const YELLOW: &str = "\x1b[33m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";

/// Prints a file as a table of claim, expected and seen.
pub(super) fn table(suite: &Suite, colours: bool) {
    let rows: Vec<(&Case, &Verdict)> = verdicts(suite).collect();
    let column = |n: usize, head: &str, text: &dyn Fn(&(&Case, &Verdict)) -> usize| {
        rows.iter().map(text).chain([head.len()]).max().unwrap_or_default().min(WIDTHS[n])
    };
    let claim = column(0, "claim", &|(case, _)| width(&case.claim));
    let expected = column(1, "expected", &|(case, _)| width(&case.expected));
    let lines = |claims: &str, expecteds: &str, seen: &str| {
        let cells = [wrapped(claims, claim), wrapped(expecteds, expected), wrapped(seen, WIDTHS[2])];
        let line = |n: usize| {
            let cell = |column: usize| cells[column].get(n).map_or("", String::as_str);
            let line = format!("{}  {}  {}", padded(cell(0), claim), padded(cell(1), expected), cell(2));
            line.trim_end().to_owned()
        };
        (0..cells.iter().map(Vec::len).max().unwrap_or_default()).map(line).collect::<Vec<_>>()
    };
    let path = suite.path.display();
    say(&format!("{}  {}", painted(&suite.title, BOLD, colours), painted(&path.to_string(), DIM, colours)));
    say(&painted(&format!("          {}", lines("claim", "expected", "seen")[0]), DIM, colours));
    let mut step = None;
    for (case, verdict) in rows {
        if step != Some(&case.step) {
            say(&format!("  {}", case.step));
            step = Some(&case.step);
        }
        let (word, paint) = match verdict.word {
            Word::Holds => ("ok    ", GREEN),
            Word::Wrong => ("FAIL  ", RED),
            Word::Skipped => ("skip  ", YELLOW),
        };
        for (n, line) in lines(&case.claim, &case.expected, &verdict.seen).iter().enumerate() {
            let word = if n == 0 { painted(word, paint, colours) } else { " ".repeat(word.len()) };
            say(&format!("    {word}{line}"));
        }
    }
    say("");
}

/// One document for programs.
pub(super) fn json(suites: &[Arc<Suite>]) -> String {
    let case = |(case, verdict): (&Case, &Verdict)| {
        let word = match verdict.word {
            Word::Holds => "holds",
            Word::Wrong => "wrong",
            Word::Skipped => "skipped",
        };
        json!({
            "name": case.name, "step": case.step, "claim": case.claim, "place": case.place, "expected": case.expected,
            "seen": verdict.seen, "verdict": word, "report": verdict.report,
        })
    };
    let files = suites.iter().map(|suite| {
        json!({ "file": suite.path, "title": suite.title, "cases": verdicts(suite).map(case).collect::<Vec<_>>() })
    });
    format!("{:#}", json!({ "files": files.collect::<Vec<_>>() }))
}

/// A report in the format that CI servers read.
pub(super) fn junit(suites: &[Arc<Suite>]) -> String {
    let mut report = quick_junit::Report::new("netns-test");
    for suite in suites {
        let mut tests = TestSuite::new(suite.path.display().to_string());
        for (case, verdict) in verdicts(suite) {
            let status = match verdict.word {
                Word::Holds => TestCaseStatus::success(),
                Word::Wrong => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(format!("expected {}, seen {}", case.expected, verdict.seen));
                    status.set_description(format!("{}\n{}", case.place, verdict.report));
                    status
                }
                Word::Skipped => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(verdict.seen.clone());
                    status
                }
            };
            tests.add_test_case(TestCase::new(case.name.clone(), status));
        }
        report.add_test_suite(tests);
    }
    report.to_string().expect("a report of texts can be written")
}

fn verdicts(suite: &Suite) -> impl Iterator<Item = (&Case, &Verdict)> {
    suite.cases.iter().enumerate().map(|(position, case)| (case, suite.verdict(position)))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// In lines of that width, broken between words where it can be; what is too long for [`LINES`] ends with `…`.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the beginning");
        if !line.is_empty() && width(line) + 1 + width(word) <= most {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for letter in word.chars() {
            if lines.last().is_some_and(|line| width(line) == most) {
                lines.push(String::new());
            }
            lines.last_mut().expect("there is one from the beginning").push(letter);
        }
    }
    if lines.len() > LINES {
        lines.truncate(LINES);
        let last = &mut lines[LINES - 1];
        *last = last.chars().take(most - 1).chain(['…']).collect();
    }
    lines
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(self::width(text))))
}

pub(super) fn painted(text: &str, paint: &str, colours: bool) -> String {
    if colours { format!("{paint}{text}\x1b[0m") } else { text.to_owned() }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_broken_between_words() {
        assert_eq!(wrapped("red reaches blue", 16), ["red reaches blue"]);
        assert_eq!(wrapped("red reaches  blue", 11), ["red reaches", "blue"]);
        assert_eq!(wrapped("NO-CARRIER,UP", 10), ["NO-CARRIER", ",UP"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn a_cell_of_too_many_lines_says_that_there_is_more() {
        assert_eq!(wrapped("one two three four", 5), ["one", "two", "thre…"]);
    }
}
