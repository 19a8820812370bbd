//! What came of an expectation, as it goes from the sandbox to whoever reports it.

use netns_test_runtime::sandbox::record;

/// The longest report, in characters: a program may print without end.
const LONGEST: usize = 20_000;

/// How an expectation came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Holds,
    Wrong,
    /// Its file says that it is not looked at, and why.
    Skipped,
}

/// The verdict of an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) word: Word,
    /// What was seen, on one line.
    pub(crate) seen: String,
    /// All that can be told of it.
    pub(crate) report: String,
}

impl Verdict {
    pub(crate) fn holds(seen: &str) -> Self {
        Self { word: Word::Holds, seen: one_line(seen), report: String::new() }
    }

    pub(crate) fn wrong(seen: &str, report: &str) -> Self {
        Self { word: Word::Wrong, seen: one_line(seen), report: report.chars().take(LONGEST).collect() }
    }

    pub(crate) fn skipped(why: &str) -> Self {
        Self { word: Word::Skipped, seen: one_line(why), report: String::new() }
    }

    /// Tells it to the launcher, for the expectation at that position in its file.
    pub(crate) fn record(&self, position: usize) {
        record(&self.to_record(position));
    }

    pub(crate) fn to_record(&self, position: usize) -> String {
        let word = match self.word {
            Word::Holds => "holds",
            Word::Wrong => "wrong",
            Word::Skipped => "skipped",
        };
        format!("{position} {word} {}\n{}", self.seen, self.report)
    }

    pub(crate) fn of_record(line: &str) -> Option<(usize, Self)> {
        let (position, rest) = line.split_once(' ')?;
        let (word, rest) = rest.split_once(' ')?;
        let (seen, report) = rest.split_once('\n')?;
        let word = match word {
            "holds" => Word::Holds,
            "wrong" => Word::Wrong,
            "skipped" => Word::Skipped,
            _ => return None,
        };
        Some((position.parse().ok()?, Self { word, seen: seen.to_owned(), report: report.to_owned() }))
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_as_it_was_written() {
        let (position, verdict) = Verdict::of_record("3 wrong timeout\nexpected\n  reached").expect("a record");
        assert_eq!((position, verdict), (3, Verdict::wrong("timeout", "expected\n  reached")));
        assert_eq!(Verdict::of_record("holds"), None);
    }
}
