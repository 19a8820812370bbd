//! A runner that starts a process for each test has each file played once.

use std::{
    env, fs,
    path::Path,
    process::{self, Command, ExitCode, Output},
};

use libtest_mimic::{Arguments, Failed, Trial};

/// Where a file that is played says so.
const PLAYED: &str = "PLAYED";

fn main() -> ExitCode {
    if env::var_os(PLAYED).is_some() {
        return netns_test_harness::run(&["tests/together/*.toml"]);
    }
    let trials = vec![
        Trial::test("processes_of_one_run_have_a_file_played_once", || {
            expect(&[("first", "1"), ("first", "1"), ("first", "1")], 1)
        }),
        Trial::test("each_run_and_each_attempt_plays_a_file_anew", || {
            expect(&[("first", "1"), ("second", "1"), ("second", "2"), ("second", "2")], 3)
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Starts two tests of a file for each run and attempt, and looks at what they say and how often the file was played.
fn expect(runs: &[(&str, &str)], times: usize) -> Result<(), Failed> {
    let played = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("played-{}-{times}", process::id()));
    for (run, attempt) in runs {
        let test = |name: &str| -> Result<Output, Failed> {
            let run = format!("{run}-{}-{times}", process::id());
            let output = Command::new(env::current_exe()?)
                .args(["--exact", name, "--nocapture"])
                .env(PLAYED, &played)
                .envs([("NEXTEST_RUN_ID", &*run), ("NEXTEST_EXECUTION_MODE", "process-per-test")])
                .env("NEXTEST_ATTEMPT", attempt)
                .env_remove("NETNS_TEST")
                .output()?;
            Ok(output)
        };
        let holds = test("counted::counted::a_pings_b")?;
        let told = String::from_utf8_lossy(&holds.stdout);
        assert!(holds.status.success() && told.contains("1 passed"), "{holds:?}");
        let fails = test("counted::counted::b_does_not_answer_on_port_80")?;
        let told = String::from_utf8_lossy(&fails.stdout);
        assert!(!fails.status.success() && told.contains("counted.toml:17:3") && told.contains("refused"), "{told}");
    }
    let lines = fs::read_to_string(&played)?;
    fs::remove_file(&played)?;
    assert_eq!(lines, "played\n".repeat(times));
    Ok(())
}
