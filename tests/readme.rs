//! The sample of the README runs as it stands there.

// sample
use netns_test::prelude::*;

#[netns_test]
fn the_gateway_hides_its_client() -> Result {
    let lab = Topology::builder()
        .node("client", |n| n.interface("eth0", "10.0.0.2/24").route("default via 10.0.0.1"))
        .node("gateway", |n| {
            n.interface("lan", "10.0.0.1/24").interface("wan", "203.0.113.1/24").forward().masquerade("wan")
        })
        .node("server", |n| n.interface("eth0", "203.0.113.9/24"))
        .link("client.eth0", "gateway.lan")
        .link("gateway.wan", "server.eth0")
        .build()?
        .up()?;
    let (client, server) = (lab.node("client")?, lab.node("server")?);
    let web = server.serve(tcp(443))?;

    client.reaches(server.tcp(443));
    client.cannot_reach(server.tcp(80), by::Refused);
    server.cannot_reach(client.tcp(443), by::NetworkUnreachable);

    assert_eq!(web.peers()[0].ip(), lab.node("gateway")?.interface("wan")?.addr());
    Ok(())
}
// end of the sample

#[test]
fn the_readme_shows_this_sample() {
    let (_, sample) = include_str!("readme.rs").split_once("// sample\n").expect("the mark is there");
    let (sample, _) = sample.split_once("// end of the sample\n").expect("the mark is there");
    assert!(include_str!("../README.md").contains(sample), "README.md does not show the sample of tests/readme.rs");
}
