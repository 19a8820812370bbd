//! What passing tests recorded: one file a test program, one JSON object a line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use super::record::{Claim, INVERTED};

/// The claims that the latest run of each test passed with.
#[derive(Debug, Default)]
pub(crate) struct Records {
    passed: BTreeMap<Test, BTreeSet<String>>,
}

/// A test of a program; the same module path can be compiled into two programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Test {
    /// The program's file name without the hash that Cargo appends.
    pub(crate) program: String,
    /// The crate, the modules and the function.
    pub(crate) path: String,
}

impl Records {
    /// Reads a directory of records; an empty one if it does not exist.
    pub(crate) fn read(directory: &Path) -> Result<Self, String> {
        let words = |error| format!("cannot read {}: {error}", directory.display());
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries.map_err(words)?,
        };
        for entry in entries {
            let entry = entry.map_err(words)?;
            if entry.path().extension().is_some_and(|extension| extension == "jsonl") {
                files.push((entry.metadata().and_then(|found| found.modified()).map_err(words)?, entry.path()));
            }
        }
        // A program that was built twice has two files: the one that was written last has the last word.
        files.sort();
        let mut records = Self::default();
        for (_, path) in files {
            let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            records.add(program(&name), &text).map_err(|error| format!("{}, {error}", path.display()))?;
        }
        Ok(records)
    }

    /// Adds the records of a program, first to last; an error names the line.
    pub(crate) fn add(&mut self, program: &str, text: &str) -> Result<(), String> {
        for (number, line) in (1..).zip(text.lines()) {
            let record: Value = serde_json::from_str(line).map_err(|error| format!("line {number}: {error}"))?;
            let (Some(path), Some(passed), Some(text)) =
                (record["test"].as_str(), record["passed"].as_bool(), record["record"].as_str())
            else {
                return Err(format!("line {number}: not a record: {line}"));
            };
            let claims = self.passed.entry(Test { program: program.to_owned(), path: path.to_owned() }).or_default();
            match text.parse::<Claim>() {
                // It was meant to fail, and says nothing of what it checks.
                Err(_) if text.starts_with(INVERTED) => {}
                // A test that fails takes back what it recorded when it passed.
                _ if !passed => claims.clear(),
                Ok(claim) => {
                    claims.insert(claim.id);
                }
                // Tests may record other things as well.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Whether a passing test recorded this claim.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.passed.values().any(|claims| claims.contains(id))
    }

    /// Every recorded claim, with the tests that recorded it.
    pub(crate) fn claims(&self) -> BTreeMap<&str, Vec<&Test>> {
        let mut claims: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
        for (test, ids) in &self.passed {
            for id in ids {
                claims.entry(id).or_default().push(test);
            }
        }
        claims
    }
}

/// The name of a program without Cargo's hash: `network-0123456789abcdef` is `network`.
pub(super) fn program(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((program, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => program,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(test: &str, passed: bool, id: &str) -> String {
        let claim = Claim { id: id.into(), expected: "Some(\"a\tb\")".into(), seen: "1".into() };
        assert_eq!(claim.to_string().parse(), Ok(Claim { expected: "Some(\"a\\tb\")".into(), ..claim.clone() }));
        let record = Value::from(claim.to_string());
        format!("{{\"test\":\"{test}\",\"passed\":{passed},\"record\":{record}}}\n")
    }

    fn recorded(lines: &[String]) -> Vec<String> {
        let mut records = Records::default();
        records.add("program", &lines.concat()).unwrap();
        records.claims().keys().map(ToString::to_string).collect()
    }

    #[test]
    fn only_claims_of_passing_tests_count() {
        let other = r#"{"test":"t","passed":true,"record":"a note"}"#.to_owned() + "\n";
        assert_eq!(recorded(&[line("t", true, "a-1-c1"), line("u", false, "a-1-c2"), other]), ["a-1-c1"]);
    }

    #[test]
    fn the_latest_run_of_a_test_counts() {
        assert_eq!(recorded(&[line("t", false, "a-1-c1"), line("t", true, "a-1-c1")]), ["a-1-c1"]);
        assert!(recorded(&[line("t", true, "a-1-c1"), line("t", false, "a-1-c1")]).is_empty());
        // Also for what the failed run did not get to, and not for another test.
        let lines = [line("t", true, "a-1-c1"), line("t", true, "a-1-c2"), line("u", true, "a-1-c3")];
        assert_eq!(recorded(&[lines.concat(), line("t", false, "a-1-c1")]), ["a-1-c3"]);
        let before_its_first_claim = "{\"test\":\"t\",\"passed\":false,\"record\":\"\"}\n".to_owned();
        assert_eq!(recorded(&[lines.concat(), before_its_first_claim]), ["a-1-c3"]);
    }

    #[test]
    fn a_test_that_fails_by_an_inverted_claim_takes_nothing_back() {
        let inverted = format!("{{\"test\":\"t\",\"passed\":false,\"record\":\"{INVERTED}a-1-c1\"}}\n");
        assert_eq!(recorded(&[line("t", true, "a-1-c1"), inverted]), ["a-1-c1"]);
    }

    #[test]
    fn the_same_path_in_two_programs_is_two_tests() {
        let mut records = Records::default();
        records.add("one", &line("t", true, "a-1-c1")).unwrap();
        records.add("two", &line("t", false, "a-1-c1")).unwrap();
        assert!(records.has("a-1-c1"));
        assert_eq!(records.claims()["a-1-c1"].iter().map(|test| &*test.program).collect::<Vec<_>>(), ["one"]);
    }

    #[test]
    fn what_is_not_a_record_is_an_error_with_its_line() {
        let mut records = Records::default();
        let text = line("t", true, "a-1-c1") + "{\"test\":\"t\"}\n";
        assert_eq!(records.add("p", &text).unwrap_err(), "line 2: not a record: {\"test\":\"t\"}");
        assert!(records.add("p", "{\"test\":").unwrap_err().starts_with("line 1: "));
    }

    #[test]
    fn the_file_written_last_has_the_last_word() {
        let directory = std::env::temp_dir().join(format!("netns-test-xtask-{}", std::process::id()));
        let file = |hash: &str, text: String| {
            fs::create_dir_all(&directory).unwrap();
            let path = directory.join(format!("network-{hash}.jsonl"));
            fs::write(&path, text).unwrap();
            fs::File::open(path).unwrap()
        };
        let early = SystemTime::UNIX_EPOCH;
        file("ffffffffffffffff", line("t", true, "a-1-c1")).set_modified(early).unwrap();
        let last = file("0000000000000000", line("t", false, "a-1-c1"));
        assert!(!Records::read(&directory).unwrap().has("a-1-c1"));

        last.set_modified(early - std::time::Duration::from_secs(1)).unwrap();
        assert!(Records::read(&directory).unwrap().has("a-1-c1"));

        fs::remove_dir_all(&directory).unwrap();
        assert!(Records::read(&directory).unwrap().claims().is_empty());
    }

    #[test]
    fn a_program_is_known_without_its_hash() {
        assert_eq!(program("container_network-0123456789abcdef"), "container_network");
        assert_eq!(program("container-network"), "container-network");
        assert_eq!(program("surface-face"), "surface-face");
    }
}
