//! The page about scenario files has every key, and its examples are read.

use std::{fs, path::Path};

use netns_test_topology::file::Source;

use super::{Scenario, change, expect, interface, node};

/// Keys that say more of a change or of an expectation.
const MORE: [&str; 10] =
    ["name", "eventually", "is", "answer_ttl", "size", "dont_fragment", "may_fragment", "ttl", "count", "within"];

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md");
    fs::read_to_string(page).expect("the page is in the repository")
}

/// The network of the page's own scenario.
fn network(page: &str) -> &str {
    let scenario = page.split("```toml\n").nth(1).expect("the page begins with a scenario");
    scenario.split("[[step]]").next().unwrap_or_default()
}

/// Key and example of each row, and whether the row is about a change.
fn rows(page: &str) -> Vec<(&str, &str, bool)> {
    let (before, after) = page.split_once("\n## Expectations\n").expect("a chapter about expectations");
    let rows = |part, is_change| {
        let rows = str::lines(part).filter_map(|row| row.strip_prefix("| `"));
        rows.filter_map(move |row| {
            let (key, _) = row.split_once("` |")?;
            let (_, example) = row.strip_suffix("` |")?.rsplit_once("| `")?;
            Some((key, example, is_change))
        })
    };
    rows(before, true).chain(rows(after, false)).filter(|(_, example, _)| example.starts_with('{')).collect()
}

#[test]
fn every_key_has_a_row_with_an_example() {
    let page = page();
    let rows = rows(&page);
    let missing = |keys: Vec<&'static str>, of_changes: bool| -> Vec<&str> {
        let is_there = |key: &&str| rows.iter().any(|(row, _, is_change)| row == key && *is_change == of_changes);
        keys.into_iter().filter(|key| !is_there(key)).collect()
    };
    let changes = [&change::SUBJECTS[..], &change::INTERFACE, &change::NODE].concat();
    assert_eq!(missing(changes, true), Vec::<&str>::new(), "changes without a row");
    let facts = [&expect::SUBJECTS[..], &expect::PROBES, &expect::FACTS, &interface::KEYS, &node::KEYS, &MORE].concat();
    assert_eq!(missing(facts, false), Vec::<&str>::new(), "expectations without a row");
}

#[test]
fn every_example_is_read_and_has_its_key() {
    let page = page();
    for (key, example, is_change) in rows(&page) {
        assert!(example.contains(&format!("{key} = ")), "{example} is no example of `{key}`");
        let ping = "{ from = \"client\", ping = \"server\" }";
        let step = match is_change {
            true => format!("change = [{example}]\nexpect = [{ping}]"),
            false => format!("expect = [{example}]"),
        };
        let source = Source::new("docs/scenarios.md", format!("{}[[step]]\n{step}\n", network(&page)));
        if let Err(mistakes) = Scenario::parse(&source) {
            panic!("{example}\n{mistakes}");
        }
    }
}

#[test]
fn every_outcome_is_on_the_page() {
    let page = page();
    for reason in netns_test_runtime::probe::Reason::ALL {
        assert!(page.contains(&format!("`{reason}`")), "{reason}");
    }
}
