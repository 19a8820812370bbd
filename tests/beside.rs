//! The forms in which other test libraries work beside `#[netns_test]`; `netns_test::beside` documents them.
#![cfg(target_os = "linux")]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
};

use googletest::prelude::{eq, expect_that, gtest, verify_that};
use netns_test::prelude::*;
use nix::fcntl::{Flock, FlockArg};
use proptest::prelude::*;
use serial_test::file_serial;

fn is_in_a_sandbox() -> bool {
    std::process::id() == 2
}

#[netns_test]
fn proptest_runs_its_cases_in_one_sandbox() {
    let strategy = proptest::collection::vec(1u16.., 1..4);
    proptest!(ProptestConfig { cases: 8, ..ProptestConfig::default() }, |(ports in strategy)| {
        let ports: std::collections::BTreeSet<u16> = ports.into_iter().collect();
        let listeners: Vec<_> = ports.iter().map(|port| TcpListener::bind(("127.0.0.1", *port))).collect();
        prop_assert!(listeners.iter().all(|listener| listener.is_ok()), "{:?}", listeners);
    });
}

#[netns_test]
fn a_failing_case_of_proptest_is_shrunk_and_fails_the_test() {
    let failure = std::panic::catch_unwind(|| {
        proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(port in 0u16..)| {
            prop_assert!(port < 1000);
        });
    });
    let text = failure.expect_err("there is such a case").downcast::<String>().expect("a text");
    assert!(text.contains("minimal failing input: port = 1000"), "{text}");
}

#[netns_test]
fn insta_compares_a_snapshot_of_a_node() -> Result {
    let topology = Topology::builder()
        .node("a", |n| n.interface("eth0", ["10.0.0.2/24", "fd00::2/64"]).route("default via 10.0.0.1"))
        .node("r", |n| n.interface("eth0", "10.0.0.1/24"))
        .link("a.eth0", "r.eth0");
    let lab = topology.build()?.up()?;
    insta::assert_snapshot!(lab.node("a")?.state()?, @r"
    lo: loopback up, unknown, mtu 65536
      127.0.0.1/8
      ::1/128
    eth0: veth up, up, mtu 1500, <mac>
      10.0.0.2/24
      <link-local>/64
      fd00::2/64
    routes
      0.0.0.0/0 via 10.0.0.1 dev eth0
      10.0.0.0/24 dev eth0 src 10.0.0.2
      fd00::/64 dev eth0 metric 256
    rules
      from all lookup 253 priority 32767
      from all lookup 254 priority 32766
      from all lookup 255 priority 0
      inet6 from all lookup 254 priority 32766
      inet6 from all lookup 255 priority 0
    ");
    Ok(())
}

#[gtest]
#[netns_test::test]
fn googletest_collects_what_is_wrong_in_a_sandbox() -> googletest::Result<()> {
    expect_that!(is_in_a_sandbox(), eq(true));
    TcpListener::bind("127.0.0.1:80").expect("the network is the test's own");
    verify_that!(TcpStream::connect("127.0.0.1:81").is_err(), eq(true))
}

/// Where tests that must not run at the same time would meet.
fn place() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("one-at-a-time")
}

fn one_at_a_time() {
    assert!(is_in_a_sandbox());
    let file = fs::File::create(place()).expect("it can be written");
    let _lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).expect("nobody else is in here");
    // Long enough for the others to come by: each has a network to make.
    drop(Topology::builder().node("a", |n| n).build().expect("no fault").up());
}

#[file_serial(place, path => "tests/one-at-a-time.lock")]
#[netns_test::test]
fn serial_tests_run_one_after_the_other_1() {
    one_at_a_time();
}

#[file_serial(place, path => "tests/one-at-a-time.lock")]
#[netns_test::test]
fn serial_tests_run_one_after_the_other_2() {
    one_at_a_time();
}

#[file_serial(place, path => "tests/one-at-a-time.lock")]
#[netns_test::test]
fn serial_tests_run_one_after_the_other_3() {
    one_at_a_time();
}

#[test_log::test(netns_test::netns_test)]
fn test_log_has_its_logger_in_the_sandbox() {
    assert!(is_in_a_sandbox());
    assert!(log::log_enabled!(log::Level::Error));
}
