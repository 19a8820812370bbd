//! The networks in `examples/topologies`, built in the kernel and asked what their files say of them.

use std::{collections::BTreeSet, fs};

use netns_test::prelude::*;

/// Builds the network of a file.
fn up(name: &str) -> Result<Lab> {
    Ok(Topology::from_file(format!("examples/topologies/{name}.toml"))?.up()?)
}

#[netns_test]
fn nat_hides_the_client_and_leads_one_port_to_the_server() -> Result {
    let lab = up("nat")?;
    let (client, server, front) = (lab.node("client")?, lab.node("server")?, lab.node("front")?);
    server.serve(tcp(80))?;
    let wire = front.interface("wan")?.capture(tcp(8080))?;

    client.reaches(tcp("203.0.113.9:8080"));
    client.cannot_reach(tcp("203.0.113.9:80"), by::Refused);
    client.cannot_reach(server.tcp(80), by::NetworkUnreachable);

    wire.saw(tcp(8080).from("203.0.113.1"));
    Ok(())
}

#[netns_test]
fn lan_joins_the_hosts_of_an_array_and_a_printer() -> Result {
    let lab = up("lan")?;
    let printer = lab.node("printer")?;

    assert_eq!(lab.node("lan")?.links()?.len(), 11, "lo, the bridge and nine ports");
    for host in 0..8 {
        lab.node(&format!("host-{host}"))?.reaches(printer.ping());
    }
    printer.reaches(ping("10.0.0.8"));
    Ok(())
}

#[netns_test]
fn container_bridge_lets_containers_out_and_one_port_in() -> Result {
    let lab = up("container_bridge")?;
    let (red, blue, internet) = (lab.node("red")?, lab.node("blue")?, lab.node("internet")?);
    blue.serve(tcp(80))?;
    let wire = internet.interface("eth0")?.capture(icmp())?;

    red.reaches(blue.ping());
    red.reaches(internet.ping());
    internet.reaches(tcp("192.0.2.1:80"));
    internet.cannot_reach(ping("192.168.15.1"), by::NetworkUnreachable);

    wire.saw(icmp().from("192.0.2.1"));
    Ok(())
}

#[netns_test]
fn overlay_carries_the_frames_of_containers_and_a_guest_stays_outside() -> Result {
    let lab = up("overlay")?;
    let (left, red, blue, guest) = (lab.node("left")?, lab.node("red")?, lab.node("blue")?, lab.node("guest")?);
    let wire = left.interface("eth0")?.capture(udp(4789))?;

    red.reaches(blue.ping());
    guest.reaches(left.ping().v4());
    red.cannot_reach(guest.ping(), by::NetworkUnreachable);

    wire.saw(udp(4789).to("192.0.2.2"));
    Ok(())
}

#[netns_test]
fn dual_stack_routes_both_families_over_two_routers() -> Result {
    let lab = up("dual_stack")?;
    let (left, right) = (lab.node("left")?, lab.node("right")?);

    left.reaches(right.ping());
    right.reaches(left.ping());
    left.reaches(ping("fd00:2::2"));
    Ok(())
}

#[netns_test]
fn firewall_passes_what_its_rules_say() -> Result {
    let lab = up("firewall")?;
    let (client, server, firewall) = (lab.node("client")?, lab.node("server")?, lab.node("firewall")?);
    server.serve(tcp(443))?;
    server.serve(tcp(25))?;
    client.serve(tcp(443))?;

    client.reaches(server.tcp(443));
    client.reaches(server.ping());
    client.cannot_reach(server.tcp(25), by::Prohibited);
    server.cannot_reach(client.tcp(443), by::Prohibited);
    client.cannot_reach(firewall.tcp(22), by::Timeout);
    Ok(())
}

topology! {
    /// The network of a file, with a field for each node and interface.
    struct Nat = "examples/topologies/nat.toml";
}

#[netns_test]
fn a_network_in_a_file_has_fields(net: Nat) -> Result {
    net.server.serve(tcp(80))?;

    net.client.reaches(tcp("203.0.113.9:8080"));
    assert_eq!(net.front.wan.addr().to_string(), "203.0.113.9");
    Ok(())
}

topology! {
    struct Lan = "examples/topologies/lan.toml";
}

#[netns_test]
fn names_in_a_file_that_are_no_identifiers_get_some(net: Lan) {
    assert_eq!(net.host_7.name(), "host-7");
    assert_eq!(net.lan.host_7_eth0.name(), "host-7-eth0");
}

#[test]
fn a_topology_in_a_file_is_the_same_compiled_and_read() -> Result {
    assert_eq!(topology!("examples/topologies/nat.toml"), Topology::from_file("examples/topologies/nat.toml")?);
    Ok(())
}

#[test]
fn every_file_of_the_examples_is_built_by_a_test() {
    let tests = include_str!("files.rs");
    let files = fs::read_dir("examples/topologies").unwrap().map(|entry| entry.unwrap().path());
    let names: BTreeSet<String> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let built = |name: &&String| !tests.contains(&format!("up(\"{name}\")"));
    assert_eq!(names.iter().filter(built).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(names.len(), 6);
}

#[test]
fn a_wrong_file_is_shown_with_its_lines() {
    let path = std::env::temp_dir().join(format!("netns-test-{}-wrong.toml", std::process::id()));
    fs::write(&path, "[node.a]\neth0 = \"10.0.0.1\"\n").unwrap();
    let error = Topology::from_file(&path).unwrap_err().to_string();
    fs::remove_file(&path).unwrap();
    assert!(error.contains("`10.0.0.1` has no prefix length"), "{error}");
    assert!(error.contains(" 2 │ eth0 = \"10.0.0.1\"") && error.contains(&path.display().to_string()), "{error}");
}
