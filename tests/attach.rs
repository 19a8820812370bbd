//! Namespaces that were there before become nodes.

use std::{sync::mpsc, thread};

use netns_test::prelude::*;
use nix::{
    sched::{CloneFlags, unshare},
    unistd::gettid,
};

/// A network namespace of nobody's lab, held by a thread until the sender is dropped.
fn foreign_namespace() -> (String, mpsc::Sender<()>) {
    let (tell, told) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
        tell.send(format!("/proc/self/task/{}/ns/net", gettid())).expect("the test waits");
        let _ = ended.recv();
    });
    (told.recv().expect("a path"), end)
}

fn lab() -> Result<Lab> {
    Ok(Topology::builder().node("host", |node| node).build()?.up()?)
}

#[netns_test]
fn a_namespace_that_exists_becomes_a_node_and_outlives_the_lab() -> Result {
    let (path, _held) = foreign_namespace();
    let first = lab()?;
    let red = first.attach("red", &path)?;
    assert_eq!(red.links()?.len(), 1);

    let (near, far) = first.node("host")?.connect("veth-red", &red, "eth0")?;
    near.add_address("10.0.0.1/24")?;
    far.add_address("10.0.0.2/24")?;
    near.up()?;
    far.up()?;
    far.wait_until_running()?;
    first.node("host")?.reaches(red.ping());
    red.interface("lo")?.up()?;
    drop(first);

    let second = lab()?;
    let lo = second.attach("red", &path)?.interface("lo")?.info()?;
    assert!(lo.flags.up(), "what was done to it stays");
    Ok(())
}

#[netns_test]
fn what_is_no_network_namespace_is_told_with_its_path() -> Result {
    let lab = lab()?;
    let said = |path: &str| lab.attach("red", path).unwrap_err().to_string();
    assert_eq!(
        said("/etc/hosts"),
        "`/etc/hosts` is no network namespace (help: write a path such as `/run/netns/red` or `/proc/42/ns/net`)"
    );
    assert_eq!(said("/proc/self/ns/uts"), said("/etc/hosts").replace("/etc/hosts", "/proc/self/ns/uts"));
    assert_eq!(said("/none"), "on node `red`: cannot open `/none`: No such file or directory (os error 2)");
    assert_eq!(
        lab.attach("host", "/proc/self/ns/net").unwrap_err().to_string(),
        "this network already has a node named `host`"
    );
    Ok(())
}

#[netns_test]
fn a_process_has_a_namespace_to_attach() -> Result {
    let lab = lab()?;
    let mine = lab.attach_process("me", std::process::id())?;
    assert_eq!(mine.links()?, netns_test::here().links()?);
    Ok(())
}

/// Its path is in the variable: a namespace that real root has made, and this test's user does not own.
#[netns_test]
#[ignore = "needs a network namespace of the host's root: FOREIGN_NETNS"]
fn a_namespace_of_the_host_is_refused_with_its_owner_and_the_remedy() -> Result {
    let path = std::env::var("FOREIGN_NETNS")?;
    let said = lab()?.attach("red", &path).unwrap_err().to_string();
    assert!(
        said.starts_with(&format!(
            "cannot enter the network namespace `{path}`: it belongs to the host's user namespace"
        )),
        "{said}"
    );
    assert!(said.contains("`user_namespace = false`"), "{said}");
    Ok(())
}

#[netns_test]
fn programs_in_a_namespace_that_was_attached_are_not_the_labs_to_end() -> Result {
    let mut child = std::process::Command::new("sleep").arg("1000").spawn()?;
    let lab = Topology::builder().node("a", |n| n).build()?.up()?;
    let attached = lab.attach_process("theirs", child.id())?;
    let ours = attached.command("cat").stdin_piped().spawn()?;
    drop(lab);
    assert!(child.try_wait()?.is_none());
    assert!(ours.try_wait()?.is_some());
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// A test of real root, without a user namespace of its own, can attach what the host's root has made.
#[netns_test(user_namespace = false)]
#[ignore = "needs real root, and a network namespace of the host's: FOREIGN_NETNS"]
fn real_root_attaches_a_namespace_of_the_host() -> Result {
    let path = std::env::var("FOREIGN_NETNS")?;
    let lab = lab()?;
    let red = lab.attach("red", &path)?;
    let (near, far) = lab.node("host")?.connect("veth-red", &red, "eth0")?;
    near.add_address("10.0.0.1/24")?;
    far.add_address("10.0.0.2/24")?;
    near.up()?;
    far.up()?;
    far.wait_until_running()?;
    lab.node("host")?.reaches(red.ping());

    // The host's own directories are still in sight, and its first process is not the sandbox's.
    let started = |path: &str| std::fs::read_to_string(path);
    assert_ne!(started("/run/host/proc/1/stat")?, started("/proc/1/stat")?);
    assert_eq!(started("/proc/1/comm")?, "netns-test-init\n");
    assert!(std::fs::exists("/run/host/run")?);
    Ok(())
}
