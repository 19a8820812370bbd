//! Runners that are killed in the middle of a run: nothing that they started lives on.

use std::{
    fs,
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
fn whoever_reads_the_output_of_a_test_binary_waits_for_that_process_alone() {
    let (watch, mut command) = Watch::begin(&program(&crate::fixture::test_binary("hanging")));
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    watch.until_running("sleep 1000");
    let binary = watch.command_of(child.id());
    let tasks = fs::read_dir(format!("/proc/{binary}/task")).unwrap().map(|task| task.unwrap().path());
    let children: String = tasks.map(|task| fs::read_to_string(task.join("children")).unwrap()).collect();
    let outputs: Vec<_> = children
        .split_whitespace()
        .flat_map(|makes_sandboxes| [1, 2].map(|fd| format!("/proc/{makes_sandboxes}/fd/{fd}")))
        .map(|fd| fs::read_link(fd).unwrap())
        .collect();
    kill(Pid::from_raw(binary), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    watch.end(&[]);
    assert!(!outputs.is_empty() && outputs.iter().all(|output| output == "/dev/null"), "{outputs:?}");
}

#[test]
fn nothing_outlives_a_killed_test_binary() {
    let binary = crate::fixture::test_binary("hanging");
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        kill_in_mid_run(&program(&binary), signal, false);
    }
}
