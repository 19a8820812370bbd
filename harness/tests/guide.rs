//! The scenarios that the guides show are right, and what they say holds.

use std::{fs, path::Path, process::Command};

/// The scenarios in a page, or in a module's documentation, each with the line where it begins.
fn scenarios(page: &str) -> Vec<(usize, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let text = fs::read_to_string(path).expect("the page is in the repository");
    let lines = text.lines().map(|line| line.strip_prefix("//!").map_or(line, str::trim_start));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let fences = text.match_indices("```toml\n").map(|(at, fence)| (at, &text[at + fence.len()..]));
    let scenario = |(at, rest): (usize, &str)| {
        let scenario = rest.split_once("```")?.0;
        scenario.contains("[[step]]").then(|| (text[..at].lines().count() + 1, scenario.to_owned()))
    };
    fences.filter_map(scenario).collect()
}

#[test]
fn every_scenario_in_the_guides_holds() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guides");
    fs::create_dir_all(&directory).expect("the directory can be made");
    let mut files = Vec::new();
    for page in ["docs/guide.md", "docs/scenarios.md", "harness/src/lib.rs"] {
        let scenarios = scenarios(page);
        assert!(!scenarios.is_empty(), "{page} shows none");
        for (line, scenario) in scenarios {
            let file = directory.join(format!("{}-{line}.toml", page.replace('/', "-")));
            fs::write(&file, scenario).expect("the file can be written");
            files.push(file);
        }
    }
    assert!(files.len() >= 5, "{files:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_netns-test")).arg("run").args(&files).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}
