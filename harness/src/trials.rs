//! Files as tests of libtest-mimic.

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use netns_test_runtime::sandbox::{inside, report_skip};

use crate::{
    suite::{Case, Names, PLAY, Suite, name_of, perform, slug},
    verdict::Word,
};

/// Runs the scenario files that the patterns name, each expectation as a test.
///
/// The patterns are those of [`glob`], from the directory in which the program runs: for `cargo test` and nextest, the
/// package's. The arguments are libtest's.
///
/// A file that cannot be read is a test that fails, and so is a pattern that no file matches.
pub fn run(patterns: &[&str]) -> ExitCode {
    perform_inside();
    let arguments = Arguments::from_args();
    let mut names = Names::default();
    let trials = patterns.iter().flat_map(|pattern| trials_of_pattern(pattern, &mut names)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// If this process is a sandbox's that was made to play a file, plays it and ends.
pub(crate) fn perform_inside() {
    if let Some(inside) = inside()
        && let Some(path) = inside.name().strip_prefix(PLAY)
    {
        inside.run(|| match perform(path) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        });
    }
}

fn trials_of_pattern(pattern: &str, names: &mut Names) -> Vec<Trial> {
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
    match Suite::read(path, names, false) {
        Ok(suite) => trials_of_suite(&Arc::new(suite.shared())),
        Err(mistakes) => fails(name_of(path), mistakes),
    }
}

pub(crate) fn trials_of_suite(suite: &Arc<Suite>) -> Vec<Trial> {
    let trial = |(position, case): (usize, &Case)| {
        let (suite, case) = (suite.clone(), case.clone());
        Trial::ignorable_test(case.name.clone(), move || {
            let verdict = suite.verdict(position);
            match verdict.word {
                Word::Holds => Ok(Completion::Completed),
                Word::Skipped => {
                    // Nextest shows it as passed, and it is not written in the file.
                    if suite.is_skipped() {
                        report_skip(&case.name, &verdict.seen);
                    }
                    Ok(Completion::ignored_with(&verdict.seen))
                }
                Word::Wrong => Err(Failed::from(format!("{}: {}", case.place, verdict.report))),
            }
        })
    };
    suite.cases.iter().enumerate().map(trial).collect()
}

fn fails(name: String, why: String) -> Vec<Trial> {
    vec![Trial::test(name, move || Err(Failed::from(why)))]
}
