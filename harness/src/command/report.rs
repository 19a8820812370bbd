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
    let line = |claims: &str, expecteds: &str, seen: &str| {
        format!("{} {} {}", padded(claims, claim + 1), padded(expecteds, expected + 1), cut(seen, WIDTHS[2]))
    };
    let path = suite.path.display();
    say(&format!("{}  {}", painted(&suite.title, BOLD, colours), painted(&path.to_string(), DIM, colours)));
    say(&painted(&format!("          {}", line("claim", "expected", "seen")), DIM, colours));
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
        let row = line(&case.claim, &case.expected, &verdict.seen);
        say(&format!("    {}{}", painted(word, paint, colours), row.trim_end()));
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

/// On one line, and no longer than that.
fn cut(text: &str, width: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn padded(text: &str, width: usize) -> String {
    let cut = cut(text, width.saturating_sub(1));
    format!("{cut}{}", " ".repeat(width.saturating_sub(self::width(&cut))))
}

pub(super) fn painted(text: &str, paint: &str, colours: bool) -> String {
    if colours { format!("{paint}{text}\x1b[0m") } else { text.to_owned() }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
