//! Runners that are killed in the middle of a run: nothing that they started lives on.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    fixture::{program, with_each_runner},
    leftovers::Watch,
};

/// Starts the command, waits for its daemon, and sends the signal to the process, or with a minus to its group.
fn kill_in_mid_run(command: &Command, signal: Signal, group: bool) {
    let (watch, mut command) = Watch::begin(command);
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    watch.until_running("sleep 1000");
    let target = if group { -i32::try_from(child.id()).unwrap() } else { watch.command_of(child.id()) };
    kill(Pid::from_raw(target), signal).unwrap();
    let status = child.wait().unwrap();
    watch.end(&[]);
    assert!(!status.success());
}

#[test]
fn nothing_outlives_a_killed_runner() {
    with_each_runner("nothing_outlives_a_killed_runner", |runner| {
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGHUP] {
            kill_in_mid_run(&runner.command(&["hanging"]), signal, false);
        }
        // As a terminal does it.
        kill_in_mid_run(&runner.command(&["hanging"]), Signal::SIGINT, true);
    });
}

#[test]
fn nothing_outlives_a_killed_test_binary() {
    let binary = crate::fixture::test_binary("hanging");
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        kill_in_mid_run(&program(&binary), signal, false);
    }
}
