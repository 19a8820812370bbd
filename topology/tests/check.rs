//! Each check: a network in which it fires, with its exact words, and one that is nearly the same and passes.

#[path = "check/addresses.rs"]
mod addresses;
#[path = "check/bridges.rs"]
mod bridges;
#[path = "check/firewall.rs"]
mod firewall;
#[path = "check/gateways.rs"]
mod gateways;
#[path = "check/links.rs"]
mod links;
#[path = "check/mtu.rs"]
mod mtu;
#[path = "check/names.rs"]
mod names;
#[path = "check/overlay.rs"]
mod overlay;
#[path = "check/routes.rs"]
mod routes;
#[path = "check/settings.rs"]
mod settings;
#[path = "check/verdicts.rs"]
mod verdicts;

use netns_test_topology::{
    Profile, Topology,
    build::{NodeBuilder, TopologyBuilder},
    check::{Check, Item, Part, Severity},
};

/// The problems of a network as `name: message (help)`. Each has a help.
#[track_caller]
fn problems(builder: TopologyBuilder) -> Vec<String> {
    let Err(problems) = builder.build() else { return Vec::new() };
    problems
        .iter()
        .map(|p| {
            let notes: String = p.notes.iter().map(|note| format!(" | {note}")).collect();
            let help = p.help.as_ref().unwrap_or_else(|| panic!("there is no help: {p}"));
            format!("{}: {}{notes} ({help})", p.name(), p.message)
        })
        .collect()
}

#[track_caller]
fn fires(builder: TopologyBuilder, expected: &[&str]) {
    assert_eq!(problems(builder), expected);
}

#[track_caller]
fn passes(builder: TopologyBuilder) {
    assert_eq!(problems(builder), [""; 0]);
}

/// Two nodes on a cable, in 10.0.0.0/24; what is said about `a` comes on top.
fn pair(a: impl FnOnce(NodeBuilder) -> NodeBuilder) -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| a(n.interface("eth0", "10.0.0.1/24")))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("a.eth0", "b.eth0")
}

/// Two nodes on a cable, in fd00::/64; what is said about `a` comes on top.
fn pair_v6(a: impl FnOnce(NodeBuilder) -> NodeBuilder) -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| a(n.interface("eth0", "fd00::1/64")))
        .node("b", |n| n.interface("eth0", "fd00::2/64"))
        .link("a.eth0", "b.eth0")
}

/// Two nodes on a cable with these addresses.
fn addressed(a: &[&str], b: &[&str]) -> TopologyBuilder {
    Topology::builder()
        .node("a", |n| n.interface("eth0", a.to_vec()))
        .node("b", |n| n.interface("eth0", b.to_vec()))
        .link("a.eth0", "b.eth0")
}

#[test]
fn the_table_has_a_code_a_name_and_a_test_for_each_check() {
    for (n, check) in Check::ALL.iter().enumerate() {
        assert_eq!(check.code, format!("N{:04}", n + 1));
        assert_eq!(Check::named(check.name), Some(check), "two checks are named {}", check.name);
        assert!(check.explanation.ends_with('.') && !check.example.is_empty(), "{}", check.name);
        let tests = [
            include_str!("check.rs"),
            include_str!("check/addresses.rs"),
            include_str!("check/bridges.rs"),
            include_str!("check/firewall.rs"),
            include_str!("check/gateways.rs"),
            include_str!("check/links.rs"),
            include_str!("check/mtu.rs"),
            include_str!("check/names.rs"),
            include_str!("check/overlay.rs"),
            include_str!("check/routes.rs"),
            include_str!("check/settings.rs"),
            include_str!("check/verdicts.rs"),
        ];
        let tested = tests.iter().any(|text| text.contains(&format!("\"{}: ", check.name)));
        assert!(tested, "no test sees {} fire", check.name);
    }
}

#[test]
fn an_empty_topology_is_fine() {
    passes(Topology::builder());
    passes(Topology::builder().node("a", |n| n));
}

#[test]
fn invalid_value() {
    fires(
        Topology::builder().node("a", |n| n.interface("eth0", "10.0.1.1")),
        &["invalid_value: `10.0.1.1` has no prefix length (write an address with its network, such as `10.0.1.1/24`)"],
    );
    fires(
        pair(|n| n.route("default vai 10.0.0.2")),
        &["invalid_value: unknown word `vai` in the route `default vai 10.0.0.2` (did you mean `via`?)"],
    );
    passes(pair(|n| n.route("default via 10.0.0.2")));
}

#[test]
fn what_could_not_be_read_brings_no_problems_that_follow_from_it() {
    // Without its address `a` has no subnet that the gateway is in, and that is not worth a word.
    let builder = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1").route("default via 10.0.0.2"))
        .node("b", |n| n.interface("eth0", ["10.0.0.0/24", "10.0.0.2/24"]))
        .link("a.eth0", "b.eth0");
    fires(
        builder,
        &[
            "invalid_value: `10.0.0.1` has no prefix length (write an address with its network, such as `10.0.0.1/24`)",
            "network_address: `10.0.0.0` is the network address of `10.0.0.0/24`, not a host in it (the first host is \
             `10.0.0.1/24`)",
        ],
    );
}

#[test]
fn unknown_allow() {
    fires(
        Topology::builder().allow("network_adress").allow("unplugged").allow("no such thing"),
        &[
            "unknown_allow: there is no check named `network_adress` (did you mean `network_address`?)",
            "unknown_allow: the check `unplugged` cannot be allowed: an interface is neither an end of a link nor \
             anything else that could be made (leave it out: only what the kernel would accept can be allowed)",
            "unknown_allow: there is no check named `no such thing` (name a check, such as `network_address`; \
             `netns-test explain` lists all)",
        ],
    );
    passes(Topology::builder().allow("network_address"));
}

#[test]
fn every_mistake_can_be_allowed() {
    for check in Check::ALL {
        let expected = usize::from(check.severity != Severity::Mistake);
        assert_eq!(problems(Topology::builder().allow(check.name)).len(), expected, "{}", check.name);
    }
}

#[test]
fn a_problem_reads_like_a_compilers() {
    let problems = pair(|n| n.route("default via 10.0.9.1")).link("a.eth0", "c.eth0").build().unwrap_err();
    assert_eq!(
        problems.to_string(),
        "\
error[N0020]: gateway `10.0.9.1` is not on-link for node `a`: the kernel would answer `Network is unreachable`
       help: `a` is attached to `10.0.0.0/24`
 --> node `a`, route `default via 10.0.9.1`

error[N0007]: no node named `c`
       help: declare it, or name one that there is: `a`, `b`
 --> link a.eth0 -- c.eth0

error[N0011]: `a.eth0` is plugged in twice
         it is an end of the link a.eth0 -- b.eth0 already
       help: a cable has two ends: use a switch to join more than two interfaces
 --> link a.eth0 -- c.eth0"
    );
}

#[test]
fn a_place_says_which_part_of_which_item() {
    let problems =
        pair(|n| n.route("default via 10.0.0.2").route("10.9.0.0/16 via 10.0.9.1 dev wan")).build().unwrap_err();
    let place = &problems.iter().next().unwrap().place;
    assert_eq!((place.item, place.part), (Item::Route(0, 1), Part::Device(0)));
}

#[test]
fn problems_come_in_the_order_of_the_parts() {
    let found = problems(
        Topology::builder()
            .allow("nonsense")
            .node("a", |n| n.counter("1").route("10.1.1.1/8 dev lo").interface("eth0", "10.0.0.0/24"))
            .node("a", |n| n)
            .link("x.eth0", "a.eth0"),
    );
    let names: Vec<&str> = found.iter().map(|p| p.split(':').next().unwrap()).collect();
    assert_eq!(
        names,
        ["unknown_allow", "network_address", "route_host_bits", "counter_name", "duplicate_node", "unknown_node"]
    );
}

#[test]
fn a_kernel_node_is_checked_as_any_other() {
    passes(pair(|n| n.profile(Profile::Kernel)));
}
