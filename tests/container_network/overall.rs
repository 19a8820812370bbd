//! What a container is to the network: a process in a namespace of its own.

use std::fs;

use netns_test::prelude::*;

use crate::{
    common::claim,
    tutorial::{fresh, host},
};

/// The host, and a container beside it.
struct Container {
    host: Node,
    container: Node,
}

impl Network for Container {
    fn topology() -> Topology {
        host(|host| host).node("container", fresh).build().expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { host: lab.node("host")?, container: lab.node("container")? })
    }
}

#[netns_test]
fn a_container_is_a_process_in_a_namespace_of_its_own(net: Container) -> Result {
    // What a process on a node sees of its own namespace, asked on a thread there.
    let namespace = |node: &Node| node.run(|| fs::read_link("/proc/thread-self/ns/net"));
    let seen = namespace(&net.container)? != namespace(&net.host)?;
    claim("container-network-0-c1", true, seen);
    Ok(())
}
