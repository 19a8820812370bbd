//! The network namespace of a node by itself: its path, its descriptor, its name.
#![cfg(target_os = "linux")]

mod networks;

use std::{
    fs, io,
    os::{
        fd::{AsFd, AsRawFd},
        linux::fs::MetadataExt,
        unix::fs::symlink,
    },
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path as FilePath,
    thread,
};

use netns_test::prelude::*;
use networks::Path;
use nix::{
    errno::Errno,
    sched::{CloneFlags, setns},
    sys::stat::fstat,
};

#[netns_test]
fn a_namespace_is_named_by_path_and_descriptor(net: Path) -> Result {
    assert_eq!(fs::metadata(net.a.netns_path()?)?.st_ino(), net.a.netns_inode()?);
    assert_eq!(fs::File::from(net.a.netns_fd()?).metadata()?.st_ino(), net.a.netns_inode()?);
    assert_eq!(fstat(net.a.as_fd())?.st_ino, net.a.netns_inode()?);
    Ok(())
}

#[netns_test]
fn a_thread_enters_a_namespace_by_its_descriptor(net: Path) -> Result {
    let interfaces = |node: &Node| {
        let inside = || {
            setns(node.as_fd(), CloneFlags::CLONE_NEWNET)?;
            let all = nix::net::if_::if_nameindex()?;
            nix::Result::Ok(all.iter().map(|one| one.name().to_string_lossy().into_owned()).collect::<Vec<_>>())
        };
        thread::scope(|scope| scope.spawn(inside).join().expect("no panic"))
    };
    assert_eq!(interfaces(&net.a)?, ["lo", "eth0"]);
    assert_eq!(interfaces(&net.b)?, ["lo", "eth0"]);
    assert_eq!(interfaces(&net.r)?, ["lo", "left", "right"]);
    assert_eq!(interfaces(&netns_test::here())?, ["lo"]);
    Ok(())
}

#[netns_test]
fn a_lent_descriptor_does_not_keep_a_removed_node() -> Result {
    let lab = Path::topology().up()?;
    let a = lab.node("a")?;
    let lent = a.as_fd();
    // It waits until nothing holds the namespace.
    lab.remove_node(&a)?;
    let entered =
        thread::scope(|scope| scope.spawn(|| setns(lent, CloneFlags::CLONE_NEWNET)).join().expect("no panic"));
    assert_eq!(entered, Err(Errno::EINVAL), "it is open, and no namespace");
    let panic = catch_unwind(AssertUnwindSafe(|| a.as_fd().as_raw_fd())).expect_err("it is gone");
    assert!(panic.downcast_ref::<String>().is_some_and(|text| text.contains("node `a` is gone")));
    Ok(())
}

#[netns_test]
fn a_namespace_is_offered_where_programs_look_for_an_engines() -> Result {
    const DOCKERS: &str = "/var/run/docker/netns";
    let lab = Topology::builder().node("a", |n| n).node("b", |n| n).node("c", |n| n).build()?.up()?;
    let (a, b, c) = (lab.node("a")?, lab.node("b")?, lab.node("c")?);
    // To one node everything was shown before, to another only afterwards.
    b.command("true").output()?;
    a.offer_netns(format!("{DOCKERS}/first"))?;
    b.run(|| c.offer_netns(format!("{DOCKERS}/second")))?;

    let inode = |name: &str| fs::metadata(format!("{DOCKERS}/{name}")).map(|found| found.st_ino());
    let inodes = || Ok::<_, io::Error>((inode("first")?, inode("second")?));
    let expected = (a.netns_inode()?, c.netns_inode()?);
    assert_eq!((inodes()?, b.run(inodes)?, c.run(inodes)?, a.run(inodes)?), (expected, expected, expected, expected));
    let late = lab.add_node("late")?;
    assert_eq!(late.run(inodes)?, expected);
    let stat = format!("stat --dereference --format %i {DOCKERS}/second");
    for node in [&b, &c, &late] {
        let seen = node.command("sh").args(["-c", &stat]).output()?;
        assert_eq!(seen.stdout.trim(), expected.1.to_string(), "{}", seen.stderr);
    }

    // It is taken over by name, and ends with the node.
    b.offer_netns("/run/docker/netns/second")?;
    assert_eq!(late.run(|| inode("second"))?, b.netns_inode()?);
    lab.remove_node(&b)?;
    assert_eq!(inode("second").expect_err("it is gone").kind(), io::ErrorKind::NotFound);
    fs::write(format!("{DOCKERS}/file"), "made by a program")?;
    let refused = |path: &str| a.offer_netns(path).expect_err("it is refused").to_string();
    assert_eq!(
        refused("/run/docker/netns/file"),
        "on node `a`: cannot name its namespace `/run/docker/netns/file`: a program has made a file of that name"
    );
    for outside in ["/tmp/netns", "/run/../tmp/netns", "netns", "/run"] {
        assert_eq!(
            refused(outside),
            format!(
                "on node `a`: cannot name its namespace `{outside}`: the path is not below `/run` or `/var/run` (help: \
                 elsewhere it would be a file of the host)"
            )
        );
    }
    drop(lab);
    assert_eq!(fs::read_dir(DOCKERS)?.count(), 1, "what programs have made stays");
    assert!(FilePath::new(DOCKERS).join("file").exists());
    Ok(())
}

#[netns_test]
fn a_namespace_is_named_where_ip_netns_looks_while_its_node_lives() -> Result {
    let named = || {
        let mut names: Vec<_> = fs::read_dir("/run/netns")?
            .map(|e| Ok(e?.file_name().into_string().unwrap()))
            .collect::<io::Result<_>>()?;
        names.sort();
        io::Result::Ok(names)
    };
    fs::write("/run/netns/b", "made by a program")?;
    symlink("/proc/1/ns/net", "/run/netns/c")?;

    let lab = Topology::builder().node("a", |n| n).node("b", |n| n).node("c", |n| n).build()?.up()?;
    let (a, d) = (lab.node("a")?, lab.add_node("d")?);
    assert_eq!(named()?, ["a", "b", "c", "d"]);
    for node in [&a, &d] {
        let inode = |node: &Node| fs::metadata(format!("/run/netns/{node}")).map(|found| found.st_ino());
        assert_eq!(inode(node)?, node.netns_inode()?);
        assert_eq!(a.run(|| inode(node))?, node.netns_inode()?, "every node sees the names");
    }
    let later = Topology::builder().node("a", |n| n).build()?.up()?;
    assert_eq!(fs::metadata("/run/netns/a")?.st_ino(), later.node("a")?.netns_inode()?, "the later has the name");
    drop(later);
    lab.remove_node(&d)?;
    assert_eq!(named()?, ["b", "c"]);
    drop(lab);
    assert_eq!(named()?, ["b", "c"], "what programs have named stays");
    assert_eq!(fs::read_link("/run/netns/c")?, FilePath::new("/proc/1/ns/net"));
    Ok(())
}

#[netns_test]
fn networks_of_the_same_names_come_and_go_at_once() -> Result {
    let topology = Topology::builder().node("a", |n| n).build()?;
    let build = || (0..50).try_for_each(|_| topology.up().map(drop));
    thread::scope(|scope| {
        let builders: Vec<_> = (0..4).map(|_| scope.spawn(build)).collect();
        builders.into_iter().try_for_each(|builder| builder.join().expect("it does not panic"))
    })?;
    assert_eq!(fs::read_dir("/run/netns")?.count(), 0);
    Ok(())
}

#[netns_test]
#[ignore = "needs ip"]
fn ip_netns_lists_the_nodes_and_runs_programs_on_them(net: Path) -> Result {
    let ip = |arguments: &[&str]| -> Result<Vec<String>> {
        let output = netns_test::here().command("ip").args(arguments).output()?;
        assert!(output.status.success(), "ip {arguments:?}: {}", output.stderr);
        Ok(output.stdout.lines().map(|line| line.split_whitespace().next().unwrap_or_default().to_owned()).collect())
    };
    let mut names = ip(&["netns", "list"])?;
    names.sort();
    assert_eq!(names, ["a", "b", "r"]);
    let inside = ip(&["netns", "exec", "a", "readlink", "/proc/self/ns/net"])?;
    assert_eq!(inside, [format!("net:[{}]", net.a.netns_inode()?)]);
    let interfaces = ip(&["netns", "exec", "a", "ls", "/sys/class/net"])?;
    assert_eq!(interfaces, ["eth0", "lo"]);
    Ok(())
}
