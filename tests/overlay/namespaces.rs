//! The four namespaces of a node, which Docker keeps below a directory of its own.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use netns_test::prelude::*;
use nix::mount::{MsFlags, mount};

use crate::{common::claim, printed::Printed, seen};

/// Where Docker keeps them.
const DIRECTORY: &str = "/var/run/docker/netns";

/// The networks that the tutorial lists, by the numbers that the swarm gave to them.
const DEMONET: &str = "jv8c30bcmnza";
const INGRESS: &str = "jk79gn3pi7ge";
const CONTAINER: &str = "06e0e24ce06d";

/// The name of the namespace of a swarm's network.
fn of_network(id: &str) -> String {
    format!("1-{}", &id[..10])
}

/// Mounts the namespaces of a node where Docker would.
fn mounted(printed: &Printed) -> Result {
    fs::create_dir_all(DIRECTORY)?;
    let named = [
        (CONTAINER.to_owned(), &printed.container),
        (of_network(INGRESS), &printed.ingress),
        (of_network(DEMONET), &printed.overlay),
        ("ingress_sbox".to_owned(), &printed.sandbox),
    ];
    for (name, node) in named {
        let path = Path::new(DIRECTORY).join(name);
        File::create(&path)?.set_permissions(Permissions::from_mode(0o444))?;
        mount(Some(&node.netns_path()?), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    }
    Ok(())
}

/// The names in the directory, sorted.
fn listed() -> Result<Vec<String>> {
    let names = fs::read_dir(DIRECTORY)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: BTreeSet<String> = names.collect::<std::io::Result<_>>()?;
    Ok(names.into_iter().collect())
}

#[netns_test]
fn a_node_has_four_namespaces_beside_its_own() -> Result {
    let printed = Printed::one()?;
    mounted(&printed)?;
    let paths: Vec<PathBuf> = listed()?.iter().map(|name| Path::new(DIRECTORY).join(name)).collect();

    let mut holds = Vec::new();
    for (n, path) in paths.iter().enumerate() {
        let node = printed.lab.attach(&format!("entered{n}"), path)?;
        holds.push(seen::names(&node)?.join(" "));
    }
    // The ingress network's own interfaces are not needed to tell it from the others.
    let expected = ["eth0 eth1 lo", "lo", "br0 lo veth2 vxlan1", "eth1 lo"];
    claim("overlay-swarm-c3", expected.map(str::to_owned).to_vec(), holds);

    let inodes: BTreeSet<u64> = paths.iter().map(|path| Ok(fs::metadata(path)?.ino())).collect::<Result<_>>()?;
    let own = printed.node.netns_inode()?;
    claim("overlay-swarm-c3b", (4, false), (inodes.len(), inodes.contains(&own)));

    let expected = ["06e0e24ce06d", "1-jk79gn3pi7", "1-jv8c30bcmn", "ingress_sbox"];
    claim("overlay-swarm-c4", expected.map(str::to_owned).to_vec(), listed()?);

    let files: BTreeSet<(u32, u64)> = paths
        .iter()
        .map(|path| fs::metadata(path).map(|file| (file.mode() & 0o7777, file.len())))
        .collect::<std::io::Result<_>>()?;
    claim("overlay-swarm-c5", BTreeSet::from([(0o444, 0)]), files);
    Ok(())
}

#[netns_test]
fn a_path_is_enough_to_enter() -> Result {
    let printed = Printed::one()?;
    mounted(&printed)?;
    let container = printed.container.netns_inode()?;
    let names = || -> Result<Vec<(PathBuf, u64)>> {
        let paths = fs::read_dir("/var/run/netns")?.map(|entry| Ok(entry?.path()));
        paths.map(|path| path.and_then(|path| Ok((path.clone(), fs::metadata(path)?.ino())))).collect()
    };
    // The library has named it there, as it does every node.
    for (path, _) in names()?.into_iter().filter(|(_, inode)| *inode == container) {
        fs::remove_file(path)?;
    }
    let named: Vec<u64> = names()?.into_iter().map(|(_, inode)| inode).collect();
    assert!(!named.is_empty(), "the other nodes have names");

    let entered = printed.lab.attach("entered", Path::new(DIRECTORY).join(CONTAINER))?;
    let inside = entered.run(|| fs::metadata("/proc/thread-self/ns/net").map(|file| file.ino()))?;
    claim("overlay-swarm-c6", (container, false), (inside, named.contains(&container)));
    Ok(())
}

#[netns_test]
#[ignore = "needs nsenter"]
fn nsenter_enters_no_namespace_without_a_name() -> Result {
    let printed = Printed::one()?;
    mounted(&printed)?;
    let nsenter = |variable: &str| -> Result<(bool, String)> {
        let line = format!("{variable} nsenter --net=$C0netns readlink /proc/self/ns/net");
        let output = Command::new("sh").args(["-c", &line]).env_remove("C0netns").output()?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    };
    let inside = format!("net:[{}]", printed.container.netns_inode()?);
    let seen = (nsenter("")?, nsenter(&format!("C0netns={DIRECTORY}/{CONTAINER};"))?);
    claim("overlay-container-c0", ((false, String::new()), (true, inside)), seen);
    Ok(())
}
