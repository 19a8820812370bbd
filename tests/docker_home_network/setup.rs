//! What has to be there first: less than the text says.

use std::{collections::BTreeSet, fs, io, os::unix::fs::symlink};

use netns_test::prelude::*;

use crate::{
    common::claim,
    home::{Home, Listed},
    programs,
    seen::source_seen_by,
};

#[netns_test]
#[ignore = "needs ip"]
fn ip_makes_its_directory_itself_and_only_a_link_by_hand_needs_it() -> Result {
    fs::remove_dir("/run/netns")?;
    let refused = match symlink("/proc/self/ns/net", "/var/run/netns/x") {
        Err(error) => error.kind(),
        Ok(()) => io::ErrorKind::Other,
    };
    claim("docker-home-network-setup-c1b", io::ErrorKind::NotFound, refused);

    programs::good("ip netns add newtonsapple")?;
    let made: Vec<_> =
        fs::read_dir("/var/run/netns")?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    claim("docker-home-network-setup-c1", vec!["newtonsapple"], made);
    Ok(())
}

#[netns_test]
fn translation_needs_no_helper(net: Home) -> Result {
    net.router.set_forward(true)?;
    net.router.masquerade("eth0")?;
    let source = source_seen_by(&net.verizon, "eth1", &net.laptop, ping("8.8.8.8"))?;
    // Nothing has given the router a helper.
    claim("docker-home-network-setup-c2", "10.25.1.65", source);
    Ok(())
}

#[netns_test]
fn a_bridges_ports_are_known_without_the_bridge_utilities(net: Listed) -> Result {
    let host = net.host;
    let bridge = host.interface("home")?.index()?;
    let links = host.links()?.into_iter().filter(|link| link.master == Some(bridge));
    let by_netlink: BTreeSet<String> = links.map(|link| link.name).collect();
    // Where brctl(8) looks.
    let by_files = host.run(|| -> io::Result<BTreeSet<String>> {
        let entries = fs::read_dir("/sys/class/net/home/brif")?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    })?;
    assert!(!by_files.is_empty());
    claim("docker-home-network-setup-c3", by_files, by_netlink);
    Ok(())
}
