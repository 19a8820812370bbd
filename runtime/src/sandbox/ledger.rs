//! What test runs leave in the target directory: the list of skipped tests, and the records of passed claims.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Says on the real standard error, and in `netns-test/skipped.txt`, that a test was skipped.
///
/// A test runner shows neither the output of a passing test nor, without a way to say it, that it did not run.
pub fn skipped(test: &str, reason: &str) {
    let reason = reason.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    // `eprintln!` would be captured by the test harness; this is not.
    let _ = io::stderr().write_all(format!("netns-test: skipped {test}: {reason}\n").as_bytes());
    append(Path::new("skipped.txt"), &format!("{test}: {reason}\n"));
}

/// Whether a test that the host refuses is to be skipped: `NETNS_TEST=skip`.
pub fn refusals_are_skips() -> bool {
    env::var_os("NETNS_TEST").is_some_and(|value| value == "skip")
}

/// Writes a test's records to `netns-test/records/`, one JSON object a line.
///
/// A failure without records leaves an empty one where there are any: the test has no part any more in what it recorded
/// when it passed.
pub(crate) fn recorded(test: &str, passed: bool, records: &[String]) {
    if records.is_empty() && (passed || !directory().join("records").exists()) {
        return;
    }
    let none = [String::new()];
    let records = if records.is_empty() { &none[..] } else { records };
    let program = program().file_name().map_or_else(|| "unknown".into(), |name| name.to_string_lossy().into_owned());
    let lines: String = records
        .iter()
        .map(|record| format!("{{\"test\":{},\"passed\":{passed},\"record\":{}}}\n", json(test), json(record)))
        .collect();
    append(&Path::new("records").join(program + ".jsonl"), &lines);
}

/// The directory for what test runs leave: `netns-test` in the target directory.
///
/// That is the nearest directory above the program that Cargo has tagged as a cache, else the program's own.
pub fn directory() -> PathBuf {
    let program = program();
    let tagged = program.ancestors().skip(1).find(|directory| directory.join("CACHEDIR.TAG").exists());
    tagged.or(program.parent()).unwrap_or(Path::new(".")).join("netns-test")
}

fn program() -> PathBuf {
    env::current_exe().unwrap_or_default()
}

/// Appends in one write, so that lines of parallel tests stay whole.
fn append(name: &Path, text: &str) {
    let path = directory().join(name);
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::OpenOptions::new().append(true).create(true).open(&path)?.write_all(text.as_bytes())
    };
    if let Err(error) = write() {
        let words = format!("netns-test: cannot write {}: {error}; it would have said: {text}", path.display());
        let _ = io::stderr().write_all(words.as_bytes());
    }
}

fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_json() {
        assert_eq!(json("a\"b\\c\nd\te"), r#""a\"b\\c\nd\u0009e""#);
    }

    #[test]
    fn the_directory_lies_under_the_tagged_target_directory() {
        assert!(directory().parent().unwrap().join("CACHEDIR.TAG").exists());
    }
}
