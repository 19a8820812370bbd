//! What a network namespace has of its own, and which processes are in it.

use std::{collections::BTreeSet, fs, process::Command};

use netns_test::prelude::*;

use crate::{
    common::claim,
    programs,
    seen::{self, outcome},
};

/// Two namespaces that nothing connects; the first has an address.
struct Two {
    a: Node,
    b: Node,
}

impl Network for Two {
    fn topology() -> Topology {
        Topology::builder()
            .profile(Profile::Kernel)
            .node("a", |a| a.with(Departure::LoopbackUp).interface("lo", "10.9.9.9/32"))
            .node("b", |b| b.with(Departure::LoopbackUp))
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { a: lab.node("a")?, b: lab.node("b")? })
    }
}

#[netns_test]
fn namespaces_are_isolated_from_each_other(net: Two) -> Result {
    let inodes = BTreeSet::from([net.a.netns_inode()?, net.b.netns_inode()?]);
    claim("docker-home-network-netns-c1", 2, inodes.len());

    let outcomes = [outcome(&net.a, ping("10.9.9.9"))?, outcome(&net.b, ping("10.9.9.9"))?];
    claim("docker-home-network-netns-c1b", ["reached", "network unreachable"], outcomes);
    Ok(())
}

#[netns_test]
fn each_has_its_own_routes(net: Two) -> Result {
    net.a.add_route("blackhole 10.77.0.0/16")?;
    let routes = [seen::routes(&net.a)?, seen::routes(&net.b)?];
    claim("docker-home-network-netns-c2", [vec!["10.77.0.0/16"], vec![]], routes);
    Ok(())
}

#[netns_test]
fn each_has_its_own_firewall(net: Two) -> Result {
    let replies = || -> Result<Vec<bool>> {
        [&net.a, &net.b].map(|node| Ok(node.probe(ping("127.0.0.1")).run()?.is_reached())).into_iter().collect()
    };
    assert_eq!(replies()?, [true; 2]);
    net.a.add_firewall_rule(Family::Inet, Hook::Output, Match::icmp().drop())?;
    let rules = [net.a.firewall_rules()?.len(), net.b.firewall_rules()?.len()];
    claim("docker-home-network-netns-c3", [1, 0], rules);

    claim("docker-home-network-netns-c3b", vec![false, true], replies()?);
    Ok(())
}

#[netns_test]
fn each_has_its_own_devices(net: Two) -> Result {
    net.a.add_bridge("br0")?;
    let names = [seen::names(&net.a)?, seen::names(&net.b)?];
    claim("docker-home-network-netns-c4", [vec!["br0", "lo"], vec!["lo"]], names);
    Ok(())
}

#[netns_test]
fn a_process_is_in_the_namespace_of_its_parent(net: Two) -> Result {
    let grandchild = "sh -c 'readlink /proc/self/ns/net; true'; true";
    let printed = net.a.command("sh").args(["-c", grandchild]).output()?.stdout;
    claim("docker-home-network-netns-c5", format!("net:[{}]", net.a.netns_inode()?), printed.trim().to_owned());
    Ok(())
}

#[netns_test]
fn without_a_namespace_of_their_own_processes_share_one() -> Result {
    let own = fs::read_link("/proc/thread-self/ns/net")?.display().to_string();
    let child = || -> Result<String> {
        let printed = Command::new("readlink").arg("/proc/self/ns/net").output()?.stdout;
        Ok(String::from_utf8(printed)?.trim().to_owned())
    };
    claim("docker-home-network-netns-c6", [own.clone(), own], [child()?, child()?]);
    Ok(())
}

#[netns_test]
#[ignore = "needs ip"]
fn ip_makes_a_namespace_with_a_name() -> Result {
    programs::good("ip netns add newtonsapple")?;
    claim("docker-home-network-netns-c7", vec!["newtonsapple"], programs::names()?);
    Ok(())
}
