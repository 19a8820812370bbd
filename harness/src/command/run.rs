//! `netns-test run`: files as tests.

use std::{
    io::{IsTerminal, Write, stderr},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use clap::{Args, ValueEnum};
use libtest_mimic::Arguments as Libtest;

use super::{Status, colours, files, report, say};
use crate::{
    suite::{Names, Suite},
    trials::trials_of_suite,
};

/// How many files are played at once, for each core: most of the time they wait for timeouts that they expect.
const FILES_PER_CORE: usize = 4;

/// What to run.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Scenario files, tutorials and their side files, or directories of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to tell what came of it: `table` if it is not said
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Arguments of libtest, which also choose its output: a filter, `--exact`, `--list`, `--test-threads`, …
    #[arg(last = true, value_name = "LIBTEST")]
    libtest: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Claim, expected and seen, file by file
    Table,
    /// One line a test, as libtest prints it
    Libtest,
    /// One JSON document
    Json,
    /// A JUnit report
    Junit,
}

impl Run {
    pub(super) fn run(&self) -> ExitCode {
        let begun = Instant::now();
        let format = match (self.format, self.libtest.is_empty()) {
            (Some(format), true) => format,
            (None, true) => Format::Table,
            (None | Some(Format::Libtest), false) => Format::Libtest,
            (Some(format), false) => {
                let format = format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
                eprintln!(
                    "netns-test: what stands behind `--` is for libtest, which cannot tell by `--format {format}`"
                );
                eprintln!("  help: leave one of them out");
                return ExitCode::from(2);
            }
        };
        let (suites, wrong) = match files::expand(&self.files) {
            Ok(files) => read(&files),
            Err(why) => (Vec::new(), vec![why]),
        };
        for mistakes in &wrong {
            eprintln!("{}\n", mistakes.trim_end());
        }
        if !wrong.is_empty() {
            eprintln!("netns-test: nothing was run");
            return Status::Wrong.into();
        }
        if format == Format::Libtest {
            let arguments = ["netns-test".to_owned()].into_iter().chain(self.libtest.iter().cloned());
            let trials = suites.iter().flat_map(trials_of_suite).collect();
            let concluded = libtest_mimic::run(&Libtest::from_iter(arguments), trials);
            return match concluded.has_failed() {
                true if suites.iter().any(|suite| suite.is_refused()) => Status::Refused,
                true => Status::Wrong,
                false => Status::Good,
            }
            .into();
        }
        let next = AtomicUsize::new(0);
        let workers = (thread::available_parallelism().map_or(1, usize::from) * FILES_PER_CORE).min(suites.len());
        let mut tally = report::Tally::default();
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(suite) = suites.get(next.fetch_add(1, Relaxed)) {
                        suite.verdict(0);
                    }
                });
            }
            for (number, suite) in suites.iter().enumerate() {
                let progress = Progress::begin(&format!("{} of {}  {}", number + 1, suites.len(), suite.title));
                // Waits for the worker that plays it.
                suite.verdict(0);
                progress.end();
                if format == Format::Table {
                    report::table(suite, colours());
                }
                tally.add(suite);
            }
        });
        match format {
            Format::Json => say(&report::json(&suites)),
            Format::Junit => say(&report::junit(&suites)),
            Format::Table | Format::Libtest => tally.print(begun.elapsed(), colours()),
        }
        tally.status().into()
    }
}

/// Reads all files, so that a mistake in one is said before anything runs.
fn read(files: &[PathBuf]) -> (Vec<Arc<Suite>>, Vec<String>) {
    let (mut suites, mut wrong) = (Vec::new(), Vec::new());
    let mut names = Names::default();
    for file in files {
        match Suite::read(file, &mut names, stderr().is_terminal()) {
            Ok(suite) => suites.push(Arc::new(suite)),
            Err(mistakes) => wrong.push(mistakes),
        }
    }
    (suites, wrong)
}

/// A line on a terminal that says what is being played.
struct Progress(bool);

impl Progress {
    fn begin(what: &str) -> Self {
        let shown = stderr().is_terminal();
        if shown {
            eprint!("\r\x1b[K{what} …");
            // A terminal that cannot be written to shows nothing.
            let _ = stderr().flush();
        }
        Self(shown)
    }

    fn end(self) {
        if self.0 {
            eprint!("\r\x1b[K");
        }
    }
}
