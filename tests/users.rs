//! The users and groups that programs in a sandbox can become.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;

use netns_test::prelude::*;
use nix::unistd::{Gid, Uid, chown, setgid, setgroups, setuid};

/// How many users there are in this sandbox.
fn users() -> u64 {
    let map = std::fs::read_to_string("/proc/self/uid_map").expect("/proc is there");
    map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok()).sum()
}

/// Becomes somebody else, as a daemon does that needs root no more.
fn drop_privileges(id: u32) -> std::io::Result<()> {
    let explain = |call: &str, error: nix::Error| std::io::Error::other(format!("{call}({id}) failed: {error}"));
    setgroups(&[Gid::from_raw(id)]).map_err(|error| explain("setgroups", error))?;
    setgid(Gid::from_raw(id)).map_err(|error| explain("setgid", error))?;
    setuid(Uid::from_raw(id)).map_err(|error| explain("setuid", error))?;
    println!("I am {}", Uid::current());
    Ok(())
}

#[netns_test]
fn a_program_that_drops_its_privileges_is_told_why_it_cannot() -> Result {
    let daemon = netns_test::here().process(drop_privileges, 33).spawn()?;
    if users() > 1 {
        assert_eq!(daemon.wait_log("I am")?, "I am 33");
        return Ok(());
    }
    let error = daemon.ready(log("I am")).expect_err("there is root alone").to_string();
    assert!(error.contains("setgroups(33) failed: EPERM"), "{error}");
    assert!(error.contains("help: this sandbox has one user and one group, root"), "{error}");
    assert!(
        error.contains("tell the program to stay root (dnsmasq `--no-daemon`, nginx `user root; master_process off;`)"),
        "{error}"
    );
    assert!(error.contains("`#[netns_test(ids = \"subordinate\")]`"), "{error}");
    Ok(())
}

/// Says that it is ready when it is somebody else already.
fn notify_as(id: u32) -> std::io::Result<()> {
    drop_privileges(id)?;
    let path = std::env::var_os("NOTIFY_SOCKET").ok_or(std::io::ErrorKind::NotFound)?;
    std::os::unix::net::UnixDatagram::unbound()?.send_to(b"READY=1", path).map(drop)
}

#[netns_test(ids = "subordinate")]
#[ignore = "needs newuidmap, and for an ordinary user ranges in /etc/subuid and /etc/subgid"]
fn with_subordinate_ids_a_program_can_drop_its_privileges() -> Result {
    assert!(users() > 1000, "{}", users());
    let node = netns_test::here();
    assert_eq!(node.process(drop_privileges, 33).output()?.stdout, "I am 33\n");
    std::fs::write("/run/file", "")?;
    chown("/run/file", Some(Uid::from_raw(33)), None)?;
    // What belongs to whoever runs the test still does.
    let status = std::fs::read_to_string("/proc/self/status")?;
    assert!(status.contains("\nUid:\t0\t0\t0\t0\n"), "{status}");
    Ok(())
}

#[netns_test(ids = "subordinate")]
#[ignore = "needs newuidmap, and for an ordinary user ranges in /etc/subuid and /etc/subgid"]
fn with_subordinate_ids_a_program_without_privileges_can_notify() -> Result {
    let daemon = netns_test::here().process(notify_as, 33).spawn()?;
    daemon.wait_for(notify()).run()?;
    assert!(daemon.wait()?.success());
    Ok(())
}

#[netns_test(ids = "subordinate")]
#[ignore = "needs newuidmap, and for an ordinary user ranges in /etc/subuid and /etc/subgid"]
fn with_subordinate_ids_a_directory_keeps_its_owner_when_a_file_is_put_there() -> Result {
    let node = netns_test::here();
    node.private_tmp()?;
    node.run(|| {
        std::fs::create_dir("/tmp/daemon")?;
        std::fs::set_permissions("/tmp/daemon", std::fs::Permissions::from_mode(0o2750))?;
        chown("/tmp/daemon", Some(Uid::from_raw(33)), Some(Gid::from_raw(34))).map_err(std::io::Error::from)
    })?;
    let seen = node.command("stat").args(["-c", "%u:%g %a", "/tmp/daemon"]).file("/tmp/daemon/config", "").output()?;
    assert_eq!(seen.stdout, "33:34 2750\n");
    Ok(())
}
