//! What a test sees of its sandbox.
#![cfg(target_os = "linux")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{TcpListener, UdpSocket},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use netns_test::prelude::*;

#[netns_test]
fn the_test_is_process_2_and_root() {
    assert_eq!(std::process::id(), 2);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("\nUid:\t0\t0\t0\t0\n"), "{status}");
}

#[netns_test]
fn nobody_else_is_in_its_process_namespace() -> Result {
    let mut numbers: Vec<u32> =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    Ok(())
}

#[netns_test]
fn there_is_only_loopback_and_it_is_up() -> Result {
    let names: Vec<_> = fs::read_dir("/sys/class/net")?.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["lo"]);
    TcpListener::bind("127.0.0.1:80")?;
    TcpListener::bind("[::1]:80")?;
    let error = UdpSocket::bind("0.0.0.0:0")?.connect("192.0.2.1:53").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NetworkUnreachable);
    Ok(())
}

#[netns_test]
fn run_is_its_own_and_empty() -> Result {
    let mut names: Vec<_> = fs::read_dir("/run")?.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names.retain(|name| name != "netns-test" && name != "systemd" && name != "resolvconf");
    assert_eq!(names, ["lock", "netns"]);
    assert!(Path::new("/var/run/netns").is_dir());
    Ok(())
}

#[netns_test]
fn names_are_its_own() -> Result {
    assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname")?, "netns-test\n");
    assert!(fs::read_to_string("/etc/hosts")?.contains("localhost netns-test"));
    assert_eq!(std::net::ToSocketAddrs::to_socket_addrs("netns-test:80")?.next(), Some("127.0.0.1:80".parse()?));
    Ok(())
}

#[netns_test]
fn files_that_it_makes_belong_to_whoever_runs_it() -> Result {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("made-in-a-sandbox");
    fs::write(&path, "")?;
    assert_eq!(fs::metadata(&path)?.uid(), 0, "root in here is the user out there");
    fs::remove_file(&path)?;
    Ok(())
}

#[netns_test]
fn its_environment_and_name_are_those_of_the_test() {
    assert!(env::vars_os().all(|(name, _)| !name.to_string_lossy().starts_with("NETNS_TEST_")));
    assert_eq!(thread::current().name(), Some("its_environment_and_name_are_those_of_the_test"));
}

#[netns_test]
fn a_test_that_is_called_gets_a_sandbox_of_its_own() {
    let own = fs::read_link("/proc/self/ns/net").unwrap();
    fs::write("/run/outer", "").unwrap();
    run_is_its_own_and_empty();
    assert!(Path::new("/run/outer").exists());
    assert_eq!(fs::read_link("/proc/self/ns/net").unwrap(), own);
}

#[netns_test]
fn a_child_that_outlives_its_parent_is_reaped_by_process_1() -> Result {
    let (reader, writer) = std::io::pipe()?;
    // The shell ends at once, and leaves behind what reads until the pipe is closed.
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<&0; cat <&3 & echo $!"]).stdin(reader).stdout(Stdio::piped());
    let mut child = shell.spawn()?;
    drop(shell);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line)?;
    child.wait()?;
    let orphan = format!("/proc/{}/stat", line.trim());
    assert_eq!(fs::read_to_string(&orphan)?.split(' ').nth(3), Some("1"));
    drop(writer);
    eventually(Duration::from_secs(5), || if Path::new(&orphan).exists() { Err("still there") } else { Ok(()) });
    Ok(())
}

#[netns_test]
async fn an_async_test_runs_on_several_threads() {
    let (told, tell) = std::sync::mpsc::channel();
    tokio::spawn(async move { told.send(7) });
    // This blocks the body's thread, and the task runs all the same.
    assert_eq!(tell.recv_timeout(Duration::from_secs(10)), Ok(7));
}

mod nested {
    use super::*;

    #[netns_test(timeout = "5s")]
    #[should_panic(expected = "on purpose")]
    fn a_panic_is_expected() {
        panic!("on purpose");
    }
}
