//! Networks rendered for readers: the script, and pictures.
//!
//! The expected texts are files in `tests/render/`; `UPDATE_EXPECTED=1 cargo test` writes them anew, to be looked at.

use std::{env, fs, path::PathBuf};

use netns_test_topology::{Departure, Hook, Match, Profile, Topology, build::TopologyBuilder, render};

/// A client behind a masquerading gateway with a bridge, and a server in the kernel's profile.
fn nat() -> Topology {
    build(
        Topology::builder()
            .name("Nat")
            .node("client", |n| {
                n.interface("eth0", ["10.0.0.2/24", "fd00::2/64"]).route("default via 10.0.0.1").nameserver("8.8.8.8")
            })
            .node("gateway", |n| {
                n.bridge("lan", |b| b.port("port").address("10.0.0.1/24").mac("02:00:00:00:00:01"))
                    .interface_with("wan", |i| i.address("203.0.113.1/24").mtu(1400))
                    .forward()
                    .masquerade("wan")
                    .firewall(Hook::Forward, |c| c.rule(Match::tcp(25).drop().counter("smtp").comment("no mail")))
                    .rule("from 10.0.0.0/8 lookup 100")
                    .neighbour("203.0.113.9", "02:00:00:00:00:09", "wan")
                    .sysctl("net.ipv4.conf.wan.rp_filter", 1)
            })
            .node("server", |n| {
                n.profile(Profile::Kernel).with(Departure::LoopbackUp).interface("eth0", "203.0.113.9/24")
            })
            .link("client.eth0", "gateway.port")
            .link("gateway.wan", "server.eth0"),
    )
}

/// Names that a shell, `nft` or a picture would misread.
fn hostile() -> Topology {
    build(
        Topology::builder()
            .name("<b>\"&'</b>")
            .node("a", |n| {
                n.interface("x'y$(id)", "10.0.0.1/24")
                    .interface("`<&>\"#;|", "10.0.1.1/24")
                    .interface("-eth*", "10.0.2.1/24")
                    .route("default via 10.0.0.2 dev x'y$(id)")
                    .sysctl("net.ipv4.conf.x'y$(id).rp_filter", 1)
                    .firewall(Hook::Input, |c| c.drop(Match::any().input("-eth*")))
            })
            .node("b", |n| {
                n.interface("eth0.1", "10.0.0.2/24").interface("\\n", "10.0.1.2/24").interface("end", "10.0.2.2/24")
            })
            .link(("a", "x'y$(id)"), ("b", "eth0.1"))
            .link(("a", "`<&>\"#;|"), ("b", "\\n"))
            .link(("a", "-eth*"), ("b", "end")),
    )
}

fn build(builder: TopologyBuilder) -> Topology {
    builder.build().unwrap_or_else(|problems| panic!("{problems}"))
}

#[track_caller]
fn is_as_in(file: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/render").join(file);
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{} is not as expected; it is now:\n{text}", path.display());
}

#[test]
fn the_script_of_a_gateway() {
    is_as_in("nat.sh", &render::script(&nat().plan()));
}

#[test]
fn the_script_of_names_that_need_quotes() {
    is_as_in("hostile.sh", &render::script(&hostile().plan()));
}
