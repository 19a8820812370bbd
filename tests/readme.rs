//! The sample of the README runs as it stands there.

// sample
use netns_test::prelude::*;

topology! {
    /// A client behind a masquerading gateway, and a server on the far side.
    struct Nat {
        node client { eth0: "10.0.0.2/24"; route default via "10.0.0.1"; }
        node gateway { lan: "10.0.0.1/24"; wan: "203.0.113.1/24"; forward; masquerade wan; }
        node server { eth0: "203.0.113.9/24"; }

        link client.eth0 -- gateway.lan;
        link gateway.wan -- server.eth0;
    }
}

#[netns_test]
fn the_gateway_hides_its_client(net: Nat) -> Result {
    let web = net.server.serve(tcp(443))?;

    net.client.reaches(net.server.tcp(443));
    net.client.cannot_reach(net.server.tcp(80), by::Refused);
    net.server.cannot_reach(net.client.tcp(443), by::NetworkUnreachable);

    assert_eq!(web.peers()[0].ip(), net.gateway.wan.addr());
    Ok(())
}
// end of the sample

#[test]
fn the_readme_shows_this_sample() {
    let (_, sample) = include_str!("readme.rs").split_once("// sample\n").expect("the mark is there");
    let (sample, _) = sample.split_once("// end of the sample\n").expect("the mark is there");
    assert!(include_str!("../README.md").contains(sample), "README.md does not show the sample of tests/readme.rs");
}
