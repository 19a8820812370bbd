//! What the `ip` command calls a namespace: a file in a directory of its own.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::symlink,
    process::{Command, Output},
};

use netns_test::prelude::*;

use crate::common::claim;

const OWN: &str = "/var/run/netns";
const DOCKERS: &str = "/var/run/docker/netns";

fn ip(arguments: &str) -> io::Result<Output> {
    Command::new("ip").args(arguments.split_whitespace()).output()
}

/// Runs what must succeed.
fn good(arguments: &str) -> Result<String> {
    let output = ip(arguments)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {complaint}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The names that `ip netns` lists.
fn names() -> Result<BTreeSet<String>> {
    Ok(good("netns")?.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// Makes a namespace where Docker keeps its own, which has no name elsewhere.
fn of_docker(name: &str) -> Result {
    good("netns add made")?;
    fs::create_dir_all(DOCKERS)?;
    fs::write(format!("{DOCKERS}/{name}"), "")?;
    let mounted =
        Command::new("mount").args(["--bind", &format!("{OWN}/made"), &format!("{DOCKERS}/{name}")]).status()?;
    assert!(mounted.success());
    good("netns delete made")?;
    Ok(())
}

#[netns_test]
#[ignore = "needs ip and mount"]
fn ip_lists_what_is_in_its_directory_and_nothing_else() -> Result {
    good("netns add red")?;
    good("netns add blue")?;
    claim("container-network-1-c2", set(["blue", "red"]), names()?);

    of_docker("06e0e24ce06d")?;
    claim("container-network-1-c3", set(["blue", "red"]), names()?);

    symlink(format!("{DOCKERS}/06e0e24ce06d"), format!("{OWN}/linked"))?;
    claim("container-network-1-c4", set(["blue", "linked", "red"]), names()?);
    Ok(())
}

#[netns_test]
#[ignore = "needs ip and mount"]
fn a_link_in_the_place_of_its_directory_shows_dockers_namespaces() -> Result {
    of_docker("06e0e24ce06d")?;
    // `ip netns add` mounted the directory over itself.
    let _ = Command::new("umount").arg(OWN).output()?;
    fs::remove_dir(OWN)?;
    symlink(DOCKERS, OWN)?;
    claim("container-network-1-c5", set(["06e0e24ce06d"]), names()?);
    let inside = good("netns exec 06e0e24ce06d readlink /proc/self/ns/net")?;
    let own = fs::read_link("/proc/thread-self/ns/net")?.display().to_string();
    claim("container-network-1-c5b", (true, false), (inside.starts_with("net:["), inside.trim() == own));

    good("netns add x")?;
    let files = fs::read_dir(DOCKERS)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    claim("container-network-1-c5c", set(["06e0e24ce06d", "x"]), files.collect::<io::Result<BTreeSet<_>>>()?);
    Ok(())
}

#[netns_test]
#[ignore = "needs ip and mount"]
fn a_link_in_its_directory_is_a_name_that_leads_nowhere() -> Result {
    of_docker("06e0e24ce06d")?;
    good("netns add red")?;
    // What `ln -s` does if the second path is a directory.
    symlink(DOCKERS, format!("{OWN}/netns"))?;
    claim("container-network-1-c6", set(["netns", "red"]), names()?);

    let output = ip("netns exec netns true")?;
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let expected = (false, "setting the network namespace \"netns\" failed: Invalid argument".to_owned());
    claim("container-network-1-c6b", expected, (output.status.success(), complaint));
    Ok(())
}
