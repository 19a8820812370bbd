//! Networks rendered for readers: the script, and pictures.
//!
//! The expected texts are files in `tests/render/`; `UPDATE_EXPECTED=1 cargo test` writes them anew, to be looked at.

use std::{env, fs, path::PathBuf};

use netns_test_topology::{Departure, Hook, Match, Policy, Profile, Topology, build::TopologyBuilder, render};

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

fn pictures() -> [(&'static str, Topology); 4] {
    [("nat", nat()), ("bridged", bridged()), ("hostile", hostile()), ("campus", campus())]
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

/// Thirty nodes: a core of two routers, each with a switch of ten hosts, a circle of routers, and nodes alone.
fn campus() -> Topology {
    let mut builder = Topology::builder().name("campus");
    for (router, third) in [("east", 1), ("west", 2)] {
        builder = builder.node(router, |n| {
            n.interface("core", format!("10.0.0.{third}/30"))
                .interface("lan", [format!("10.0.{third}.1/24"), format!("fd00:{third}::1/64")])
                .interface("ring", format!("10.9.{third}.1/24"))
                .forward()
                .route(format!("10.0.{}.0/24 via 10.0.0.{}", 3 - third, 3 - third).as_str())
        });
        let hosts: Vec<String> = (1..=10).map(|host| format!("{router}{host}")).collect();
        for (number, host) in (10..).zip(&hosts) {
            builder = builder.node(host.as_str(), |n| {
                n.interface("eth0", [format!("10.0.{third}.{number}/24"), format!("fd00:{third}::{number}/64")])
            });
        }
        let mut ends: Vec<String> = hosts.iter().map(|host| format!("{host}.eth0")).collect();
        ends.push(format!("{router}.lan"));
        builder = builder.switch(format!("{router}-lan").as_str(), ends.iter().map(String::as_str));
    }
    builder = builder
        .node("edge", |n| {
            n.interface("e", "10.9.1.2/24")
                .interface("w", "10.9.2.2/24")
                .interface("wan", "203.0.113.1/24")
                .forward()
                .masquerade("wan")
                .firewall(Hook::Forward, |c| c.policy(Policy::Drop).rule(Match::any().input("e").accept()))
        })
        .node("internet", |n| n.interface("eth0", "203.0.113.9/24").interface_with("old", |i| i.down()))
        .node("backup", |n| n.interface("eth0", ()))
        .link("east.core", "west.core")
        .link("east.ring", "edge.e")
        .link("west.ring", "edge.w")
        .link("edge.wan", "internet.eth0")
        .link("internet.old", "backup.eth0")
        .node("spare1", |n| n)
        .node("spare3", |n| n)
        .node("spare2", |n| n.interface_with("lo", |i| i.address("192.0.2.1/32")));
    build(builder)
}

/// The first tutorial: two namespaces on a bridge of the host.
fn bridged() -> Topology {
    build(
        Topology::builder()
            .name("two namespaces on a bridge")
            .node("host", |n| {
                n.bridge("v-net-0", |b| b.address("192.168.15.5/24").port("veth-red-br").port("veth-blue-br"))
            })
            .node("red", |n| n.interface("veth-red", "192.168.15.1/24"))
            .node("blue", |n| n.interface("veth-blue", "192.168.15.2/24"))
            .link("red.veth-red", "host.veth-red-br")
            .link("blue.veth-blue", "host.veth-blue-br"),
    )
}

#[test]
fn the_script_of_a_gateway() {
    is_as_in("nat.sh", &render::script(&nat().plan()));
}

#[test]
fn the_script_of_names_that_need_quotes() {
    is_as_in("hostile.sh", &render::script(&hostile().plan()));
}

#[test]
fn the_tree_of_text() {
    for (name, network) in pictures() {
        is_as_in(&format!("{name}.txt"), &render::text(&network));
    }
}

#[test]
fn the_mermaid_flowchart() {
    for (name, network) in pictures() {
        is_as_in(&format!("{name}.mmd"), &render::mermaid(&network));
    }
}

#[test]
fn the_graph_for_graphviz() {
    for (name, network) in pictures() {
        is_as_in(&format!("{name}.dot"), &render::dot(&network));
    }
}

#[test]
fn the_picture() {
    for (name, network) in pictures() {
        is_as_in(&format!("{name}.svg"), &render::svg(&network));
    }
}
