//! Tests that fail, crash, hang or leak, each with the verdict and the words that it must get.

use crate::{
    fixture::{self, Runner, with_each_runner},
    leftovers::Watch,
    report::{
        Report,
        Verdict::{Failed, Ignored, Passed},
    },
};

fn run(runner: Runner, binary: &str, arguments: &[&str], files: &[&str]) -> (Report, bool) {
    let mut command = runner.command(&[binary]);
    command.args(arguments);
    let (watch, mut command) = Watch::begin(&command);
    let output = command.output().unwrap();
    watch.end(files);
    (runner.report(&output), output.status.success())
}

const UNBUILT: &str = "cannot build the network of this test: on node `a`: cannot set net.ipv4.ip_foward = 1";

#[test]
fn every_failing_case_fails_with_its_own_words() {
    with_each_runner("every_failing_case_fails_with_its_own_words", |runner| {
        let (report, green) = run(runner, "failing", &[], &[]);
        assert!(!green, "{}", report.text);
        report.is(&[
            (
                "assertion",
                Failed,
                &["said before\n", "thread 'assertion'", "panicked at tests/failing.rs:13:5:\n", "arithmetic"],
            ),
            (
                "spawned_task",
                Failed,
                &["panicked at tests/failing.rs:18:26:\nin a task", "panicked at tests/failing.rs:18:55:"],
            ),
            ("other_thread", Failed, &["panicked at tests/failing.rs:24:24:\nin a thread"]),
            ("error", Failed, &["Error: invalid digit found in string\n", "at tests/failing.rs:30:18\n"]),
            ("async_error", Failed, &["Error: Custom { kind: Other, error: \"from a future\" }\n"]),
            ("exit_code", Failed, &["non-zero status code (7)"]),
            (
                "panics_with_other_words",
                Failed,
                &["tests/failing.rs:47:5:\nthat\n", "panic did not contain expected string"],
            ),
            ("does_not_panic", Failed, &["test did not panic as expected"]),
            ("segfault", Failed, &["killed by SIGSEGV (invalid memory reference) before the test returned"]),
            ("segfault_is_no_panic", Failed, &["killed by SIGSEGV", "test did not panic as expected"]),
            ("aborts", Failed, &["killed by SIGABRT"]),
            ("stack_overflow", Failed, &["thread 'stack_overflow'", "has overflowed its stack", "killed by SIGABRT"]),
            ("exits_with_0", Failed, &["exited with code 0 before the test returned"]),
            ("exits_with_3", Failed, &["exited with code 3 before the test returned"]),
            ("kills_itself", Failed, &["killed by SIGKILL"]),
            ("endless", Failed, &["the first half\n", "timed out after 2s; still running:", "sleep 1000"]),
            ("endless_is_no_panic", Failed, &["timed out after 1s", "test did not panic as expected"]),
            ("endless_output", Failed, &["again\n", "timed out after 2s"]),
            ("crashes_at_its_end", Failed, &["the test returned, but its process was then killed by SIGABRT"]),
            ("prints_much_and_no_text", Failed, &["\u{fffd}", " then text ", "after much much"]),
            ("records_a_claim", Failed, &["fails after its record"]),
            (
                "verdict_of_a_probe",
                Failed,
                &["panicked at tests/failing.rs:151:24:\n", "192.0.2.1:80", "network unreachable"],
            ),
            ("verdict_that_was_awaited", Failed, &["panicked at tests/failing.rs:156:5:\n", "network unreachable"]),
            (
                "program_that_ends_too_soon",
                Failed,
                &[
                    "]: cannot bind\n",
                    "on node `here`: waited until `sh` listens on tcp port 80, but it ended before, with exit status: 3\n",
                    "cannot bind",
                    "at tests/failing.rs:162:5",
                ],
            ),
            ("program_that_never_ends", Failed, &["]: here I am\n", "timed out after 2s; still running:", "cat ("]),
            ("socket_on_no_node", Failed, &["NetworkUnreachable", "help: if this was on no node"]),
            (
                "socket_on_no_node_by_question_mark",
                Failed,
                &[
                    "Error: Network is unreachable (os error 101)", "help: if this was on no node, it was in the test's own network",
                    "`#[netns_test(on = node)]`",
                ],
            ),
            ("address_of_no_node", Failed, &["Cannot assign requested address", "help: if this was on no node, it was in"]),
            ("address_of_no_node_unwrapped", Failed, &["AddrNotAvailable", "help: if this was on no node, it was in"]),
            ("binary_that_nobody_built", Failed, &["there is no binary `wbe`", "did you mean `web`?"]),
            ("closure_on_a_node", Failed, &["panicked at tests/failing.rs:146:31:\non a node"]),
            ("network_that_cannot_be_built_is_no_panic", Failed, &[UNBUILT, "test did not panic as expected"]),
            ("network_that_cannot_be_built_is_no_expected_panic", Failed, &[UNBUILT, "test did not panic as expected"]),
            (
                "topology_with_a_fault_is_no_panic",
                Failed,
                &["the topology has no fault: ", "test did not panic as expected"],
            ),
            (
                "checks_that_a_panic_ends",
                Failed,
                &[
                    "panicked at tests/failing.rs:220:9:\nin the middle",
                    "1 of 1 checks had failed before\n",
                    "tests/failing.rs:219:16:\nit does not hold that one is two",
                ],
            ),
        ]);
        // The process of a test has the command line of another one, for which its copy of the program was executed.
        let endless = report.section("endless");
        assert!(endless.contains("endless (sleeping)") && !endless.contains("--test-threads=1"), "{endless}");
    });
}

#[test]
fn every_passing_case_passes_and_leaves_nothing() {
    with_each_runner("every_passing_case_passes_and_leaves_nothing", |runner| {
        let arguments: &[&str] = if runner == Runner::Cargo { &["--", "--test-threads=4"] } else { &["-j4"] };
        let (report, green) = run(runner, "passing", arguments, &["one", "two"]);
        report.is(&[
            ("one::same_name_and_port", Passed, &[]),
            ("two::same_name_and_port", Passed, &[]),
            ("is_quiet", Passed, &[]),
            ("panics_as_expected", Passed, &[]),
            ("is_ignored", Ignored, &[]),
            ("r#loop", Passed, &[]),
            ("on_the_current_thread", Passed, &[]),
            ("on_one_worker", Passed, &[]),
            ("leaves_a_daemon", Passed, &[]),
            ("leaves_mounts_and_a_named_namespace", Passed, &[]),
            ("leaves_connections_that_nobody_answers", Passed, &[]),
            ("children_have_no_descriptor_of_ours", Passed, &[]),
            ("runs_itself_again", Passed, &[]),
            ("records_a_claim", Passed, &[]),
        ]);
        assert!(green, "{}", report.text);
        assert!(!report.text.contains("words on std"), "{}", report.text);
    });
}

#[test]
fn the_samples_compile_and_pass_in_a_crate_of_their_own() {
    with_each_runner("the_samples_compile_and_pass_in_a_crate_of_their_own", |runner| {
        let (report, green) = run(runner, "samples", &[], &[]);
        report.is(&[
            ("a_fresh_namespace_is_cut_off", Passed, &[]),
            ("every_failure_has_its_reason", Passed, &[]),
            ("a_real_server_in_a_node", Passed, &[]),
            ("a_closure_runs_on_a_node", Passed, &[]),
            ("a_task_runs_on_a_node", Passed, &[]),
            ("traffic_stops_when_the_cable_is_pulled", Passed, &[]),
            ("should_panic_sees_the_report", Passed, &[]),
            ("a_body_runs_on_a_node", Passed, &[]),
        ]);
        assert!(green, "{}", report.text);
    });
}

#[test]
fn one_test_is_run_by_its_exact_name_and_shown_as_it_runs() {
    let mut command = Runner::Cargo.command(&["passing"]);
    command.args(["--", "--exact", "is_quiet", "--nocapture"]);
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("words on stdout\n") && err.contains("words on stderr\n"), "{out}{err}");
    assert!(out.contains("1 passed"), "{out}");
    // The words of the harness inside would be a second one.
    assert_eq!(out.matches("running 1 test").count(), 1, "{out}");
}

#[test]
fn a_record_says_whether_its_test_passed() {
    // Those of earlier builds; whatever runs beside us only adds the same lines, and those of other tests.
    let _ = std::fs::remove_dir_all(fixture::target().join("netns-test/records"));
    let _ = run(Runner::Cargo, "passing", &["--", "records_a_claim", "is_quiet"], &[]);
    let _ = run(Runner::Cargo, "failing", &["--", "records_a_claim", "exit_code"], &[]);
    let mut lines = String::new();
    for entry in std::fs::read_dir(fixture::target().join("netns-test/records")).unwrap() {
        lines += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let passed = r#"{"test":"passing::records_a_claim","passed":true,"record":"claim of a \"passing\" test"}"#;
    let failed = r#"{"test":"failing::records_a_claim","passed":false,"record":"claim of a failing test"}"#;
    let failed_at_once = r#"{"test":"failing::exit_code","passed":false,"record":""}"#;
    let expected = [passed, failed, failed_at_once];
    assert!(expected.iter().all(|line| lines.lines().any(|found| found == *line)), "{lines}");
    let tests = ["::records_a_claim\"", "::is_quiet\"", "::exit_code\""];
    let mut of_these = lines.lines().filter(|line| tests.iter().any(|test| line.contains(test)));
    assert!(of_these.all(|line| expected.contains(&line)), "{lines}");
}
