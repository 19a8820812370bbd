//! Programs on a node by the launcher of another crate.

mod networks;

use netns_test::{
    prelude::*,
    unshare::{Command, Stdio},
};
use networks::Path;
use std::io::Read;

/// The output of a shell's commands on a node.
fn output(node: &Node, commands: &str) -> Result<String> {
    let mut command = Command::new("/bin/sh");
    command.args(&["-ec", commands]).stdout(Stdio::piped());
    let mut child = node.lend(&mut command)?.spawn().map_err(|error| error.to_string())?;
    let mut text = String::new();
    child.stdout.take().ok_or("no pipe")?.read_to_string(&mut text)?;
    let status = child.wait()?;
    assert!(status.success(), "{status}");
    Ok(text)
}

#[netns_test]
fn a_borrowed_node_shows_its_interfaces(net: Path) -> Result {
    let list = "echo /sys/class/net/*; grep -c : /proc/net/dev";
    assert_eq!(output(&net.a, list)?, "/sys/class/net/eth0 /sys/class/net/lo\n2\n");
    assert_eq!(output(&net.r, list)?, "/sys/class/net/left /sys/class/net/lo /sys/class/net/right\n3\n");
    Ok(())
}

#[netns_test]
fn a_borrowed_node_is_in_its_namespaces(net: Path) -> Result {
    let seen = output(&net.b, "readlink /proc/self/ns/net")?;
    assert_eq!(seen.trim_end(), format!("net:[{}]", net.b.netns_inode()?));
    assert_ne!(seen.trim_end(), std::fs::read_link("/proc/self/ns/net")?.to_string_lossy());
    Ok(())
}

#[netns_test]
fn a_node_that_is_gone_is_not_lent() -> Result {
    let lab = Path::topology().up()?;
    let (a, r, b) = (lab.node("a")?, lab.node("r")?, lab.node("b")?);
    drop(lab);
    for node in [a, r, b] {
        let error = node.lend(&mut Command::new("/bin/true")).map(drop).expect_err("the network has ended");
        assert!(matches!(error, netns_test::Error::Gone { .. }), "{error}");
    }
    Ok(())
}
