//! Topologies read from files: what they say, and where what is wrong stands.

use std::{fs, path::Path};

use netns_test_topology::{Topology, file::Source};

#[path = "file/mistakes.rs"]
mod mistakes;
#[cfg(feature = "proptest")]
#[path = "file/written.rs"]
mod written;

/// Reads a text that is right.
fn topology(text: &str) -> Topology {
    Topology::from_source(&Source::new("test.toml", text)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn a_file_says_the_same_as_the_builder() {
    let read = topology(
        r#"
        title = "nat"
        [node.client]
        eth0 = "10.0.0.2/24"
        route = ["default via 10.0.0.1"]
        [node.gateway]
        lan = "10.0.0.1/24"
        wan = "203.0.113.1/24"
        forward = true
        masquerade = "wan"
        [node.server]
        eth0 = "203.0.113.9/24"
        [links]
        inside = "client.eth0 -- gateway.lan"
        outside = { ends = "gateway.wan -- server.eth0", mtu = 1400 }
        "#,
    );
    let built = Topology::builder()
        .name("nat")
        .node("client", |n| n.interface("eth0", "10.0.0.2/24").route("default via 10.0.0.1"))
        .node("gateway", |n| {
            n.interface("lan", "10.0.0.1/24").interface("wan", "203.0.113.1/24").forward().masquerade("wan")
        })
        .node("server", |n| n.interface("eth0", "203.0.113.9/24"))
        .link("client.eth0", "gateway.lan")
        .link_with_mtu("gateway.wan", "server.eth0", 1400);
    assert_eq!(read, built.build().unwrap());
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_its_path() {
    let error = Topology::from_file("no/such/file.toml").unwrap_err().to_string();
    assert!(error.starts_with("cannot read the topology file no/such/file.toml: No such file"), "{error}");
}
