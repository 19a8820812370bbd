//! Before there is any cable: two namespaces, each alone in the world.

use netns_test::{Target, prelude::*};

use crate::{common::claim, seen, tutorial::Namespaces};

#[netns_test]
fn namespaces_without_a_cable_reach_nobody(net: Namespaces) -> Result {
    // The addresses are the ones that both get in the next chapter.
    let between = [seen::outcome(&net.red, ping("192.168.15.2"))?, seen::outcome(&net.blue, ping("192.168.15.1"))?];
    claim("container-network-2-c1", ["network unreachable"; 2], between);

    let probe = |from: &Node, to: Target| seen::outcome(from, to);
    let host = [
        probe(&net.red, ping("172.31.5.10"))?,
        probe(&net.red, ping("172.17.0.1"))?,
        probe(&net.blue, ping("172.31.5.10"))?,
        probe(&net.blue, ping("172.17.0.1"))?,
    ];
    claim("container-network-2-c2", ["network unreachable"; 4], host);

    net.host.reaches(ping("172.31.5.10"));
    net.host.reaches(ping("172.17.0.1"));
    net.inet.reaches(ping("172.31.5.10"));
    Ok(())
}

#[netns_test]
fn the_internet_is_there_for_the_host_alone(net: Namespaces) -> Result {
    let internet = || ping("8.8.8.8");
    let refused = "network unreachable by the node itself, nothing sent";
    let reports = [net.red.probe(internet()).run()?, net.blue.probe(internet()).run()?];
    claim("container-network-2-c3", [refused; 2], reports.each_ref().map(seen::verdict));

    claim("container-network-2-c3b", "reached by 8.8.8.8, sent", seen::verdict(&net.host.probe(internet()).run()?));
    Ok(())
}
