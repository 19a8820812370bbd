//! Scenario files as tests of libtest-mimic.

use std::{
    collections::HashMap,
    path::Path,
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use libtest_mimic::{Arguments, Failed, Trial};
use netns_test_runtime::sandbox::{End, Sandbox, inside};

use crate::{
    play::{Verdict, play},
    scenario::Scenario,
};

/// Runs the scenario files that the patterns name, each expectation as a test.
///
/// The patterns are those of [`glob`], from the directory in which the program runs: for `cargo test` and nextest, the
/// package's. The arguments are libtest's.
///
/// A file that cannot be read is a test that fails, and so is a pattern that no file matches.
pub fn run(patterns: &[&str]) -> ExitCode {
    if let Some(inside) = inside() {
        // The name of a sandbox is the file.
        inside.run(|| match Scenario::read(Path::new(inside.name())) {
            Ok(scenario) => played(play(&scenario)),
            Err(error) => played(Err(error.to_string())),
        });
    }
    let arguments = Arguments::from_args();
    let mut names = Names::default();
    let trials = patterns.iter().flat_map(|pattern| trials_of_pattern(pattern, &mut names)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn played(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn trials_of_pattern(pattern: &str, names: &mut Names) -> Vec<Trial> {
    let fails = |name: String, why: String| vec![Trial::test(name, move || Err(Failed::from(why)))];
    let paths = match glob::glob(pattern) {
        Ok(paths) => paths,
        Err(error) => return fails(slug(pattern), format!("`{pattern}` is no pattern: {error}")),
    };
    let mut trials = Vec::new();
    let mut found = false;
    for path in paths {
        found = true;
        trials.extend(match path {
            Ok(path) => trials_of_file(&path, names),
            Err(error) => fails(slug(&error.path().to_string_lossy()), error.to_string()),
        });
    }
    if !found {
        return fails(slug(pattern), format!("no file matches `{pattern}`"));
    }
    trials
}

fn trials_of_file(path: &Path, names: &mut Names) -> Vec<Trial> {
    let file = slug(&path.file_stem().unwrap_or_default().to_string_lossy());
    let scenario = match Scenario::read(path) {
        Ok(scenario) => Arc::new(scenario),
        Err(error) => return vec![Trial::test(file, move || Err(error.to_string().into()))],
    };
    let once = Arc::new(OnceLock::new());
    let all = scenario.steps.iter().flat_map(|step| step.expectations.iter().map(move |expect| (step, expect)));
    all.enumerate()
        .map(|(position, (step, expect))| {
            let name = names.unique(format!("{file}::{}::{}", slug(&step.name), slug(&expect.words)));
            let (scenario, once, path) = (scenario.clone(), once.clone(), path.to_owned());
            let place = scenario.place(&expect.span);
            Trial::test(name, move || {
                let performance: &Performance = once.get_or_init(|| Performance::of(&path, &scenario));
                performance.verdict(position).map_err(|why| Failed::from(format!("{place}: {why}")))
            })
        })
        .collect()
}

/// The names of tests so far: equal ones are numbered.
#[derive(Debug, Default)]
struct Names(HashMap<String, usize>);

impl Names {
    fn unique(&mut self, name: String) -> String {
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{count}") }
    }
}

/// What came of a scenario that was played.
#[derive(Debug)]
struct Performance {
    verdicts: HashMap<usize, Result<String, String>>,
    end: String,
}

impl Performance {
    /// Plays it, in a sandbox of its own.
    fn of(path: &Path, scenario: &Scenario) -> Self {
        let report = Sandbox::new(path.to_string_lossy()).timeout(scenario.timeout).report();
        let verdicts = report.records.iter().filter_map(|line| Verdict::of_record(line));
        let verdicts = verdicts.map(|verdict| (verdict.position, verdict.seen)).collect();
        let notes: String = report.notes.iter().map(|note| format!("\nnote: {note}")).collect();
        let end = match report.end {
            End::Passed => "it was not looked at".to_owned(),
            End::Failed(_) => report.output.clone(),
            end => format!("{end}\n{}", report.output),
        };
        Self { verdicts, end: end.trim_end().to_owned() + &notes }
    }

    fn verdict(&self, position: usize) -> Result<(), String> {
        match self.verdicts.get(&position) {
            Some(Ok(_)) => Ok(()),
            Some(Err(why)) => Err(why.clone()),
            None => Err(self.end.clone()),
        }
    }
}

/// Lower-case letters, digits and single underscores.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_fit_for_a_filter() {
        assert_eq!(slug("Before NAT, nothing comes back"), "before_nat_nothing_comes_back");
        assert_eq!(slug("client pings 203.0.113.9"), "client_pings_203_0_113_9");
    }
}
