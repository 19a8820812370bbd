//! Programs that the text calls.

use std::process::Command;

use netns_test::prelude::*;

/// Runs a program where the test is; what it printed, or its complaint.
pub(crate) fn run(line: &str) -> Result<std::result::Result<String, String>> {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap_or_default()).args(words).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
}

/// The same for one that must succeed.
pub(crate) fn good(line: &str) -> Result<String> {
    match run(line)? {
        Ok(printed) => Ok(printed),
        Err(complaint) => Err(format!("{line}: {complaint}").into()),
    }
}

/// The names that `ip netns` lists, sorted.
pub(crate) fn names() -> Result<Vec<String>> {
    let printed = good("ip netns list")?;
    let mut names: Vec<String> =
        printed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}
