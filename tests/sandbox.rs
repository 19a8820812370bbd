//! What a test sees of its sandbox.

use std::fs;

use netns_test::prelude::*;

#[netns_test]
fn the_test_is_process_2_and_root() {
    assert_eq!(std::process::id(), 2);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("\nUid:\t0\t0\t0\t0\n"), "{status}");
}

#[netns_test]
fn there_is_only_loopback_and_it_is_up() -> Result {
    let names: Vec<_> = fs::read_dir("/sys/class/net")?.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["lo"]);
    std::net::TcpListener::bind("127.0.0.1:80")?;
    Ok(())
}

#[netns_test]
async fn an_async_test_runs_on_several_threads() {
    let blocked = tokio::spawn(async { 7 });
    // This thread is kept busy without an await: the task needs another one.
    while !blocked.is_finished() {
        std::thread::yield_now();
    }
    assert_eq!(blocked.await.unwrap(), 7);
}

mod nested {
    use super::*;

    #[netns_test(timeout = "5s")]
    #[should_panic(expected = "on purpose")]
    fn a_panic_is_expected() {
        panic!("on purpose");
    }
}
