//! The command `netns-test`.

use std::process::ExitCode;

fn main() -> ExitCode {
    netns_test_harness::command()
}
