//! What there is where there is no Linux.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

const WHY: &str = "needs Linux";

/// The command `netns-test`, which needs Linux: here it says so and fails.
pub fn command() -> ExitCode {
    eprintln!("netns-test {WHY}");
    ExitCode::FAILURE
}

/// Tests of scenario files, which need Linux: here each pattern is an ignored test.
pub fn run(patterns: &[&str]) -> ExitCode {
    let trial =
        |pattern: &&str| Trial::test(*pattern, || Err(Failed::from(WHY))).with_kind(WHY).with_ignored_flag(true);
    libtest_mimic::run(&Arguments::from_args(), patterns.iter().map(trial).collect()).exit_code()
}
