//! What a runner reported: each test's verdict, and what it printed of a failed one.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Ignored,
    /// A word that none of the runners should use for one of our tests.
    Other,
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) verdicts: BTreeMap<String, Verdict>,
    sections: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Report {
    pub(crate) fn of_libtest(text: String) -> Self {
        let mut report = Self::default();
        let mut section: Option<String> = None;
        for line in text.lines() {
            if let Some((name, verdict)) = line.strip_prefix("test ").and_then(|line| line.split_once(" ... ")) {
                let name = name.strip_suffix(" - should panic").unwrap_or(name);
                let verdict = match verdict {
                    "ok" => Verdict::Passed,
                    "FAILED" => Verdict::Failed,
                    word if word.starts_with("ignored") => Verdict::Ignored,
                    _ => Verdict::Other,
                };
                report.verdicts.insert(name.to_owned(), verdict);
            } else if let Some(name) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----")) {
                section = Some(name.to_owned());
            } else if line == "failures:" {
                section = None;
            } else if let Some(name) = &section {
                report.sections.entry(name.clone()).or_default().push_str(&format!("{line}\n"));
            }
        }
        Self { text, ..report }
    }

    pub(crate) fn of_nextest(text: String) -> Self {
        let mut report = Self::default();
        let mut section: Option<String> = None;
        for line in text.lines() {
            let status = line.trim_start().split_once(" [").filter(|(word, rest)| {
                word.chars().all(|c| c.is_ascii_uppercase() || c == '-') && rest.contains("] (")
            });
            if let Some((word, rest)) = status {
                let name = rest.split_whitespace().last().unwrap_or_default().to_owned();
                let verdict = match word {
                    "PASS" => Verdict::Passed,
                    "FAIL" => Verdict::Failed,
                    "SKIP" => Verdict::Ignored,
                    _ => Verdict::Other,
                };
                report.verdicts.insert(name.clone(), verdict);
                section = Some(name);
            } else if line.starts_with("──────") {
                section = None;
            } else if let Some(name) = &section {
                report.sections.entry(name.clone()).or_default().push_str(&format!("{}\n", line.trim_start()));
            }
        }
        Self { text, ..report }
    }

    /// What was printed of a failed test.
    pub(crate) fn section(&self, test: &str) -> &str {
        self.sections.get(test).map_or("", String::as_str)
    }

    /// Every test that was reported must be expected, every expected one reported, each in just that way and with
    /// all these words.
    pub(crate) fn is(&self, expected: &[(&str, Verdict, &[&str])]) {
        let mut faults = Vec::new();
        for (name, verdict, words) in expected {
            let found = self.verdicts.get(*name);
            if found != Some(verdict) {
                faults.push(format!("{name}: expected {verdict:?}, reported as {found:?}"));
            }
            for word in *words {
                if !self.section(name).contains(word) {
                    faults.push(format!("{name}: the report does not say {word:?}"));
                }
            }
        }
        for name in self.verdicts.keys().filter(|name| !expected.iter().any(|(known, ..)| known == name)) {
            faults.push(format!("{name} is reported and not expected"));
        }
        assert!(faults.is_empty(), "{}\n\n{}", faults.join("\n"), shortened(&self.text));
    }
}

/// Each line cut, and none of those that a test printed without end.
fn shortened(text: &str) -> String {
    let lines = text.lines().filter(|line| *line != "again" && line.trim() != "again");
    lines.map(|line| line.chars().take(200).chain(['\n']).collect::<String>()).collect()
}
