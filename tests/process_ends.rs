//! How programs on nodes end: told, by themselves, with their network.
#![cfg(target_os = "linux")]

mod networks;

use std::{
    os::unix::process::ExitStatusExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path as FilePath,
};

use netns_test::{
    Error, Process,
    prelude::*,
    process::{SIGCONT, SIGSTOP},
};
use networks::Path;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

fn sh(node: &Node, script: &str) -> std::result::Result<Process, Error> {
    node.command("sh").args(["-c", script]).spawn()
}

fn is_there(id: u32) -> bool {
    FilePath::new(&format!("/proc/{id}")).exists()
}

/// Whether it has ended: process 1 may not have got round to reaping it.
fn is_gone(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).map_or(true, |state| state.contains(") Z "))
}

/// A program that never ends by itself: it waits for input that never comes.
fn waits(node: &Node) -> std::result::Result<Process, Error> {
    node.command("cat").stdin_piped().spawn()
}

#[netns_test]
fn a_signal_is_sent_to_a_program_and_not_after_its_end(net: Path) -> Result {
    let program = waits(&net.r)?;
    program.signal(SIGSTOP)?;
    program.signal(SIGCONT)?;
    program.signal(34)?;
    assert_eq!(program.wait()?.signal(), Some(34));
    let error = program.signal(SIGTERM).expect_err("it has ended").to_string();
    assert_eq!(error, "on node `r`: cannot send SIGTERM to `cat`: No such process (os error 3)");
    Ok(())
}

#[netns_test]
fn a_program_is_ended_in_an_orderly_way_and_then_by_force(net: Path) -> Result {
    let orderly = net
        .a
        .command("sh")
        .args(["-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do read x; done"])
        .stdin_piped()
        .spawn()?;
    orderly.wait_log("ready")?;
    assert_eq!(orderly.terminate()?.code(), Some(5));
    assert_eq!(orderly.stdout(), "ready\nbye\n");
    assert_eq!(orderly.terminate()?.code(), Some(5), "it has ended");
    let stubborn = sh(&net.b, "trap '' TERM; echo ready; while :; do sleep 1000; done")?;
    stubborn.wait_log("ready")?;
    assert_eq!(stubborn.terminate_within(Duration::from_millis(10))?.signal(), Some(9));
    Ok(())
}

#[netns_test]
fn a_process_is_killed_when_its_network_goes_and_not_when_its_handle_does() -> Result {
    let lab = Path::topology().up()?;
    let a = lab.node("a")?;
    let (dropped, kept, killed) = (waits(&a)?, waits(&a)?, waits(&a)?);
    let ids = [dropped.id(), kept.id(), killed.id()];
    assert!(ids.into_iter().all(is_there));
    drop(dropped);
    assert_eq!(killed.kill()?.signal(), Some(9));
    assert_eq!(ids.map(is_there), [true, true, false]);
    drop(lab);
    assert_eq!(ids.map(is_there), [false; 3]);
    assert_eq!(kept.wait()?.signal(), Some(9));
    Ok(())
}

#[netns_test]
fn what_a_program_leaves_behind_is_not_waited_for_and_ends_with_the_network() -> Result {
    let lab = Path::topology().up()?;
    let a = lab.node("a")?;
    // It holds the pipe of its parent's output, is in another session and nobody's child.
    let parent = sh(&a, "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' & echo $!")?;
    let daemon: u32 = parent.wait_log("")?.parse()?;
    assert!(parent.wait()?.success());
    let of_a_closure = a.run(|| std::process::Command::new("sleep").arg("1000").spawn())?;
    assert!(is_there(daemon) && is_there(of_a_closure.id()));
    drop(lab);
    assert!(is_gone(daemon));
    let state = std::fs::read_to_string(format!("/proc/{}/stat", of_a_closure.id()))?;
    assert!(state.contains(") Z "), "{state}");
    Ok(())
}

#[netns_test]
fn a_program_that_cannot_be_watched_is_ended(net: Path) -> Result {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let there = || -> std::io::Result<Vec<String>> {
        let all = std::fs::read_dir("/proc")?.filter_map(|entry| {
            std::fs::read_to_string(entry.ok()?.path().join("comm")).ok().filter(|name| name == "sleep\n")
        });
        Ok(all.collect())
    };
    // The node's namespaces are there.
    net.a.run(|| ());
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let open = std::fs::read_dir("/proc/self/fd")?.count() as u64;
    // One descriptor more in each turn: so each step fails once.
    let mut left = Vec::new();
    let mut begun = 0;
    for room in 0.. {
        setrlimit(Resource::RLIMIT_NOFILE, open + room, hard)?;
        let started = net.a.command("sleep").arg("1000").spawn();
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
        match started {
            Err(error) => {
                begun += usize::from(error.to_string().contains("help: a limit of open descriptors"));
                left.extend(there()?.into_iter().map(|_| format!("{room} more: {error}")));
                if !left.is_empty() {
                    break;
                }
            }
            Ok(program) => {
                program.kill()?;
                break;
            }
        }
    }
    assert_eq!(left, [""; 0], "programs that run on");
    assert!(begun > 0, "none had begun");
    // Whoever reads what programs print has come to be.
    assert_eq!(net.a.command("echo").arg("hello").output()?.stdout, "hello\n");
    Ok(())
}

#[netns_test]
fn a_removed_node_takes_its_programs_with_it() -> Result {
    let lab = Path::topology().up()?;
    let a = lab.node("a")?;
    let daemon = sh(&a, "setsid sleep 1000 & echo $!")?;
    let id: u32 = daemon.wait_log("")?.parse()?;
    lab.remove_node(&a)?;
    assert!(is_gone(id));
    lab.node("r")?.interface("left").expect_err("the cable went with it");
    Ok(())
}

#[netns_test]
fn a_program_that_the_test_relies_on_must_not_end_by_itself() {
    let died = |handle_goes_first: bool| {
        let lab = Path::topology().up().expect("it can be built");
        let a = lab.node("a").expect("there is one");
        let daemon = sh(&a, "echo ready; read x; echo fatal >&2; exit 3").expect("there is a shell");
        daemon.ready(log("ready")).expect("it says so");
        daemon.wait_for_the_end();
        if handle_goes_first {
            drop(daemon);
        }
        catch_unwind(AssertUnwindSafe(|| drop(lab)))
    };
    for handle_goes_first in [true, false] {
        let panic = died(handle_goes_first).expect_err("the network says so");
        let text = panic.downcast_ref::<String>().expect("a text");
        assert!(text.starts_with("on node `a`: `sh` ended before the test did, with exit status: 3\n"), "{text}");
        assert!(text.ends_with("\n    ready\n    fatal"), "{text}");
    }
    // One whose end the test asked for, or knows of, may end.
    let lab = Path::topology().up().expect("it can be built");
    let a = lab.node("a").expect("there is one");
    let (one, other) = (sh(&a, "echo ready; exit 1").expect("a shell"), waits(&a).expect("a program"));
    one.ready(log("ready")).expect("it says so");
    assert_eq!(one.wait().expect("it ends").code(), Some(1));
    other.terminate().expect("it can be ended");
    drop(lab);
}

#[netns_test]
fn a_program_that_the_test_relies_on_must_not_end_either_when_nobody_has_its_handle() -> Result {
    let lab = Path::topology().up()?;
    let a = lab.node("a")?;
    let daemon = a.command("sh").args(["-c", "echo ready; cat"]).stdin_piped().spawn()?;
    daemon.ready(log("ready"))?;
    let id = daemon.id();
    drop(daemon);
    kill(Pid::from_raw(id.try_into()?), Signal::SIGKILL)?;
    eventually(Duration::from_secs(10), || !is_there(id));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(lab))).expect_err("the network says so");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.starts_with("on node `a`: `sh` ended before the test did, with signal: 9"), "{text}");
    Ok(())
}

/// Waits without the test's knowing.
trait WaitForTheEnd {
    fn wait_for_the_end(&self);
}

impl WaitForTheEnd for Process {
    fn wait_for_the_end(&self) {
        eventually(Duration::from_secs(10), || !is_there(self.id()));
    }
}

#[netns_test]
fn a_function_of_a_process_is_no_test_of_its_own() {
    // Nothing of the launcher's agreement reaches the copy.
    let lab = Path::topology().up().expect("it can be built");
    let output = lab.node("a").expect("there is one").process(|_: u8| netns_test::record("none"), 0).output();
    assert!(output.expect("it runs").status.success());
}
