//! Hosts that refuse something: the cause and the remedy are in the report, and a skip is seen.

use std::fs;

use crate::{
    fixture::{self, Runner, with_each_runner},
    leftovers::Watch,
    report::{
        Report,
        Verdict::{self, Failed, Passed},
    },
};

const ALL: [&str; 8] = [
    "runs_at_all",
    "panics_for_a_reason",
    "sees_only_its_own_network",
    "has_name_files_of_its_own",
    "builds_a_network_with_nat",
    "runs_its_body_on_a_node",
    "forwards_ipv6",
    "fails",
];

fn run(runner: Runner, way: &str, skip: bool) -> Report {
    let mut command = runner.through(&["refused"], "refuse", way);
    if skip {
        command.env("NETNS_TEST", "skip");
    }
    let (watch, mut command) = Watch::begin(&command);
    let output = command.output().unwrap();
    watch.end(&[]);
    runner.report(&output)
}

/// Every test fails, and says this.
fn refuses(test: &str, way: &str, words: &[&str]) {
    with_each_runner(test, |runner| {
        let words = [words, &["help   or NETNS_TEST=skip"]].concat();
        let expected: Vec<(&str, Verdict, &[&str])> = ALL.iter().map(|name| (*name, Failed, &words[..])).collect();
        run(runner, way, false).is(&expected);
    });
}

/// Every test runs, but for those that say why they cannot; what was lost is in the report of the one that fails.
fn goes_on(test: &str, way: &str, notes: &[&str], cannot: &[(&str, &str)]) {
    with_each_runner(test, |runner| {
        let words: Vec<(&str, Vec<&str>)> = cannot.iter().map(|(name, word)| (*name, vec![*word])).collect();
        let expected = ALL.iter().map(|name| -> (&str, Verdict, &[&str]) {
            match words.iter().find(|(known, _)| known == name) {
                Some((_, words)) => (*name, Failed, &words[..]),
                None if *name == "fails" => (*name, Failed, notes),
                None => (*name, Passed, &[]),
            }
        });
        run(runner, way, false).is(&expected.collect::<Vec<_>>());
    });
}

#[test]
fn a_host_that_refuses_nothing_loses_nothing() {
    let report = run(Runner::Cargo, "nothing", false);
    let as_ever = |name: &'static str| -> (&str, Verdict, &[&str]) {
        if name == "fails" { (name, Failed, &["for the notes"]) } else { (name, Passed, &[]) }
    };
    report.is(&ALL.map(as_ever));
    assert!(!report.section("fails").contains("netns-test: note"), "{}", report.text);
}

#[test]
fn no_user_namespaces_left_is_enospc() {
    let words = ["ENOSPC", "cause  user.max_user_namespaces = 0", "help   sudo sysctl -w user.max_user_namespaces="];
    refuses("no_user_namespaces_left_is_enospc", "no-user-namespaces", &words);
}

#[test]
fn no_network_namespaces_left_is_enospc() {
    let words = ["ENOSPC", "cause  user.max_net_namespaces = 0", "help   sudo sysctl -w user.max_net_namespaces="];
    refuses("no_network_namespaces_left_is_enospc", "no-network-namespaces", &words);
}

#[test]
fn a_seccomp_filter_is_named() {
    let words = ["EPERM", "cause  a seccomp filter", "help   docker run --security-opt seccomp=unconfined"];
    refuses("a_seccomp_filter_is_named", "seccomp", &words);
}

#[test]
fn root_without_capabilities_is_told_which() {
    let words = ["EPERM", "while writing the uid map", "cause  uid 0 without CAP_SETFCAP, CAP_SETUID, CAP_SETGID"];
    refuses("root_without_capabilities_is_told_which", "powerless-root", &words);
}

#[test]
fn a_masked_proc_is_lived_with() {
    goes_on("a_masked_proc_is_lived_with", "masked-proc", &["netns-test: note: /proc is the host's"], &[]);
}

#[test]
fn a_read_only_proc_and_sys_are_lived_with() {
    let notes = ["netns-test: note: /proc is the host's", "netns-test: note: /sys is the host's"];
    // The kernel has no other way to switch this on.
    let refused = "cannot set net.ipv6.conf.all.forwarding = 1: /proc/sys is read-only (EROFS)";
    goes_on("a_read_only_proc_and_sys_are_lived_with", "read-only-proc", &notes, &[("forwards_ipv6", refused)]);
}

#[test]
fn a_resolv_conf_that_links_into_run_is_lived_with() {
    goes_on("a_resolv_conf_that_links_into_run_is_lived_with", "linked-resolv-conf", &[], &[]);
}

#[test]
fn a_skip_is_seen_and_listed() {
    let list = fixture::target().join("netns-test/skipped.txt");
    with_each_runner("a_skip_is_seen_and_listed", |runner| {
        let _ = fs::remove_file(&list);
        let report = run(runner, "no-user-namespaces", true);
        report.is(&ALL.map(|name| -> (&str, Verdict, &[&str]) { (name, Passed, &[]) }));
        let mut lines: Vec<_> = fs::read_to_string(&list).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        let mut names = ALL.map(|name| format!("refused::{name}: cannot create a sandbox: ENOSPC"));
        names.sort();
        assert_eq!(lines.len(), names.len(), "{lines:?}");
        assert!(lines.iter().zip(&names).all(|(line, name)| line.starts_with(name)), "{lines:?}");
        // nextest shows nothing of a test that passes; cargo test shows the real standard error.
        if runner == Runner::Cargo {
            assert!(report.text.contains("netns-test: skipped refused::runs_at_all: "), "{}", report.text);
        }
    });

    let _ = fs::remove_file(&list);
    let output = Runner::Cargo.command(&["skipping"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(&list).unwrap(), "skipping::skips_itself: this kernel has no such thing\n");
}
