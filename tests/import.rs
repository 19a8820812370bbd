//! Labs of other engines, imported and built: each behaves as its file says.

use netns_test::{prelude::*, topology::import::Imported};

fn containerlab(name: &str) -> Result<Lab> {
    up(Topology::from_containerlab(format!("{}/tests/labs/containerlab/{name}.clab.yml", env!("CARGO_MANIFEST_DIR")))?)
}

fn kathara(name: &str) -> Result<Lab> {
    up(Topology::from_kathara(format!("{}/tests/labs/kathara/{name}", env!("CARGO_MANIFEST_DIR")))?)
}

fn up(lab: Imported) -> Result<Lab> {
    Ok(lab.topology.up()?)
}

// ---- containerlab

#[netns_test]
fn links_of_both_forms_carry_packets() -> Result {
    let lab = containerlab("forms")?;
    let (left, right) = (lab.node("left")?, lab.node("right")?);
    left.reaches(ping("10.2.0.1"));
    right.reaches(ping("10.1.0.1"));
    assert_eq!(right.interface("eth1")?.mac()?, "02:00:00:00:02:01".parse()?);
    Ok(())
}

#[netns_test]
fn a_link_has_the_mtu_of_the_file_or_of_containerlab() -> Result {
    let lab = containerlab("forms")?;
    assert_eq!(lab.node("left")?.interface("eth1")?.info()?.mtu, 1400);
    assert_eq!(lab.node("right")?.interface("eth1")?.info()?.mtu, 9500);
    lab.node("right")?.cannot_reach(ping("10.1.0.1").size(1400).dont_fragment(), by::PacketTooBig);
    Ok(())
}

#[netns_test]
fn hosts_on_a_bridge_reach_their_own_subnet_alone() -> Result {
    let lab = containerlab("lan")?;
    let (red1, blue1) = (lab.node("red1")?, lab.node("blue1")?);
    red1.reaches(ping("10.10.0.2"));
    blue1.reaches(ping("fd00:b::2"));
    red1.cannot_reach(ping("fd00:b::2"), by::NetworkUnreachable);
    red1.cannot_reach(ping("10.10.0.3"), by::HostUnreachable);
    assert_eq!(red1.interface("eth1")?.mac()?, "02:00:00:00:0a:01".parse()?);
    Ok(())
}

#[netns_test]
fn a_gateway_translates_forwards_and_rejects() -> Result {
    let lab = containerlab("nat")?;
    let (client, gateway, server) = (lab.node("client")?, lab.node("gateway")?, lab.node("server")?);
    server.serve(tcp(80))?;
    server.serve(tcp(25))?;
    client.serve(tcp(80))?;
    let wire = server.interface("eth1")?.capture(icmp())?;

    client.reaches(tcp("203.0.113.9:80"));
    client.cannot_reach(tcp("203.0.113.9:25"), by::Refused);
    server.reaches(tcp("203.0.113.1:8080"));
    server.cannot_reach(ping("192.168.7.2"), by::NetworkUnreachable);

    client.reaches(ping("203.0.113.9"));
    wire.saw(icmp().from("203.0.113.1").to("203.0.113.9"));
    assert_eq!(gateway.sysctl("net.ipv4.conf.eth2.rp_filter")?, "1");
    Ok(())
}

#[netns_test]
fn routes_of_every_kind_do_what_they_say() -> Result {
    let lab = containerlab("policy")?;
    let a = lab.node("a")?;
    a.reaches(ping("10.4.0.1"));
    a.cannot_reach(ping("10.66.0.1"), by::Blackhole);
    a.cannot_reach(ping("10.67.0.1"), by::HostUnreachable);
    a.cannot_reach(ping("10.68.0.1"), by::Prohibited);
    lab.node("b")?.reaches(ping("fd00:4::1"));
    Ok(())
}

#[netns_test]
fn a_policy_rule_chooses_the_way_by_the_source() -> Result {
    let lab = containerlab("policy")?;
    let (east, west) =
        (lab.node("c")?.interface("net0")?.capture(icmp())?, lab.node("d")?.interface("net0")?.capture(icmp())?);
    let a = lab.node("a")?;
    a.reaches(ping("10.9.0.9").source([10, 3, 0, 1]));
    east.saw(icmp().from("10.3.0.1"));
    a.reaches(ping("10.9.0.9").source([10, 3, 0, 7]));
    west.saw(icmp().from("10.3.0.7"));
    Ok(())
}

#[netns_test]
fn a_node_asks_the_name_servers_of_its_lab() -> Result {
    for (lab, node, server) in
        [(containerlab("nat")?, "client", "203.0.113.9"), (kathara("edge")?, "inside", "198.51.100.9")]
    {
        let read = lab.node(node)?.run(|| std::fs::read_to_string("/etc/resolv.conf"))?;
        assert!(read.contains(&format!("nameserver {server}")), "{read}");
    }
    Ok(())
}

// ---- Kathará

#[netns_test]
fn two_computers_share_a_collision_domain() -> Result {
    let lab = kathara("pair")?;
    let (left, right) = (lab.node("left")?, lab.node("right")?);
    left.reaches(ping("10.20.0.2"));
    assert_eq!(left.interface("eth0")?.mac()?, "02:00:00:00:00:01".parse()?);
    assert_eq!(right.sysctl("net.ipv6.conf.eth0.disable_ipv6")?, "1");
    Ok(())
}

#[netns_test]
fn a_device_that_goes_down_takes_no_carrier_from_the_other() -> Result {
    let lab = kathara("pair")?;
    lab.node("right")?.interface("eth0")?.down()?;
    let left = lab.node("left")?;
    left.interface("eth0")?.wait_until_running()?;
    left.cannot_reach(ping("10.20.0.2"), by::HostUnreachable);
    Ok(())
}

#[netns_test]
fn three_computers_share_a_collision_domain() -> Result {
    let lab = kathara("lan")?;
    let (pc1, pc2) = (lab.node("pc1")?, lab.node("pc2")?);
    pc1.reaches(ping("10.21.0.2"));
    pc1.reaches(ping("fd00:21::2"));
    pc1.cannot_reach(ping("10.21.0.3"), by::Timeout);
    pc2.cannot_reach(ping("10.21.0.4"), by::HostUnreachable);
    assert_eq!(pc2.sysctl("net.ipv4.conf.all.arp_ignore")?, "1");
    Ok(())
}

#[netns_test]
fn routers_forward_between_the_lans_that_they_know() -> Result {
    let lab = kathara("routers")?;
    let (pc1, pc2, pc3) = (lab.node("pc1")?, lab.node("pc2")?, lab.node("pc3")?);
    pc1.reaches(ping("200.1.1.7"));
    pc2.reaches(ping("195.11.14.5"));
    pc1.reaches(ping("10.30.0.2"));
    // r2 has no way back to the LAN of pc3, and answers nobody.
    pc3.cannot_reach(ping("200.1.1.7"), by::Timeout | by::NetworkUnreachable);
    pc2.cannot_reach(ping("10.30.0.2"), by::NetworkUnreachable.by(&lab.node("r2")?));
    Ok(())
}

#[netns_test]
fn an_edge_router_translates_and_filters() -> Result {
    let lab = kathara("edge")?;
    let (inside, guest, server) = (lab.node("inside")?, lab.node("guest")?, lab.node("server")?);
    let wire = server.interface("eth0")?.capture(icmp())?;
    inside.reaches(ping("198.51.100.9"));
    wire.saw(icmp().from("198.51.100.1").to("198.51.100.9"));
    guest.cannot_reach(ping("198.51.100.9"), by::Timeout);
    guest.reaches(ping("10.40.0.2"));
    Ok(())
}
