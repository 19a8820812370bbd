//! What the host's firewall has to say about frames that only cross its bridge.

use netns_test::{
    Report,
    kernel::{AddressInfo, ChainInfo, Scope},
    prelude::*,
    topology::{BridgeOptions, build::NodeBuilder},
};

use crate::{
    common::claim,
    seen,
    tutorial::{BLUE, Bridged, bridged_by},
};

/// Whether frames on bridges pass the IPv4 hooks of their node.
const CALL_IPTABLES: &str = "net.bridge.bridge-nf-call-iptables";

#[netns_test]
fn the_kernel_accepts_by_default_and_dropping_is_somebodys_doing(net: Bridged) -> Result {
    // No chain at all, and frames that would meet one pass: whoever wants something dropped has to say so.
    assert!(net.host.has_no_firewall()?);
    net.red.reaches(ping("192.168.15.2"));
    for hook in [Hook::Input, Hook::Forward, Hook::Output] {
        net.host.set_policy(Family::Ip, hook, Policy::default())?;
    }
    let accepting = vec!["INPUT ACCEPT", "FORWARD ACCEPT", "OUTPUT ACCEPT"];
    claim("container-network-2.2-c19", accepting.clone(), policies(&net.host)?);

    net.host.set_policy(Family::Ip, Hook::Forward, Policy::Drop)?;
    let dropping = vec!["INPUT ACCEPT", "FORWARD DROP", "OUTPUT ACCEPT"];
    claim("container-network-2.2-c19b", dropping, policies(&net.host)?);

    net.host.set_policy(Family::Ip, Hook::Forward, Policy::Accept)?;
    claim("container-network-2.2-c20", accepting, policies(&net.host)?);
    Ok(())
}

#[netns_test]
fn bridged_packets_meet_the_forward_policy_and_arp_does_not(net: Bridged) -> Result {
    net.host.set_policy(Family::Ip, Hook::Forward, Policy::Drop)?;

    let there = net.red.probe(ping("192.168.15.2")).run()?;
    let back = net.blue.probe(ping("192.168.15.1")).run()?;
    claim("container-network-2.2-c21", "timeout", there.outcome().to_string());
    claim("container-network-2.2-c21b", "timeout", back.outcome().to_string());
    let known = vec![format!("192.168.15.2 ether {BLUE} C veth-red")];
    claim("container-network-2.2-c21c", known, seen::arp_table(&net.red)?);
    let sent = |report: &Report| u64::from(report.answer().sent.left);
    assert_eq!((sent(&there), sent(&back)), (1, 1));
    let dropped = net.host.policy_counter(Family::Ip, Hook::Forward)?.packets;
    claim("container-network-2.2-c21d", sent(&there) + sent(&back), dropped);

    net.host.set_policy(Family::Ip, Hook::Forward, Policy::Accept)?;
    claim("container-network-2.2-c23", "reached", seen::outcome(&net.red, ping("192.168.15.2"))?);
    Ok(())
}

#[netns_test]
fn the_forward_policy_concerns_bridged_packets_only_if_a_setting_says_so(net: Bridged) -> Result {
    net.host.set_policy(Family::Ip, Hook::Forward, Policy::Drop)?;
    net.red.cannot_reach(ping("192.168.15.2"), by::Timeout);

    net.host.set_sysctl(CALL_IPTABLES, 0)?;
    claim("container-network-2.2-c22", "reached", seen::outcome(&net.red, ping("192.168.15.2"))?);
    // Each namespace has a setting of its own: the host's does not count on another node.
    let settings = [net.host.sysctl(CALL_IPTABLES)?, net.blue.sysctl(CALL_IPTABLES)?];
    claim("container-network-2.2-c24", ["0", "1"].map(str::to_owned), settings);

    let this_bridge = BridgeOptions { nf_call_iptables: Some(true), ..BridgeOptions::default() };
    net.host.interface("v-net-0")?.set_bridge(&this_bridge)?;
    let seen = (net.host.sysctl(CALL_IPTABLES)?, seen::outcome(&net.red, ping("192.168.15.2"))?);
    claim("container-network-2.2-c25", ("0".to_owned(), "timeout".to_owned()), seen);
    Ok(())
}

#[netns_test]
fn another_chain_at_the_same_hook_drops_what_the_first_accepts() -> Result {
    let with_second_chain = |policy| {
        let forward = |host: NodeBuilder, priority, policy| {
            host.chain(Family::Ip, ChainKind::Filter, Hook::Forward, |chain| chain.policy(policy).priority(priority))
        };
        let chains = move |host| forward(forward(host, 0, Policy::Accept), 10, policy);
        bridged_by(chains, |bridge| bridge, |container| container)
    };
    let lab = with_second_chain(Policy::Accept).build()?.up()?;
    lab.node("red")?.reaches(ping("192.168.15.2"));
    drop(lab);

    let lab = with_second_chain(Policy::Drop).build()?.up()?;
    let outcome = seen::outcome(&lab.node("red")?, ping("192.168.15.2"))?;
    let seen = (policies(&lab.node("host")?)?.join(", "), outcome);
    claim("container-network-2.2-c20c", ("FORWARD ACCEPT, FORWARD DROP".to_owned(), "timeout".to_owned()), seen);
    Ok(())
}

#[netns_test]
#[ignore = "needs iptables-legacy"]
fn a_policy_of_legacy_iptables_drops_what_nftables_accepts_and_the_other_way_round(net: Bridged) -> Result {
    let legacy = |arguments: &[&str]| -> Result<String> {
        let output = net.host.command("iptables-legacy").args(arguments).output()?;
        assert!(output.status.success(), "{}", output.stderr);
        Ok(output.stdout.trim().to_owned())
    };
    let observed = |nftables: Policy, of_legacy: &str| -> Result<(String, String, String)> {
        net.host.set_policy(Family::Ip, Hook::Forward, nftables)?;
        legacy(&["--policy", "FORWARD", of_legacy])?;
        let listed = legacy(&["--list-rules", "FORWARD"])?;
        let outcome = seen::outcome(&net.red, ping("192.168.15.2"))?;
        Ok((policies(&net.host)?.join(", "), listed, outcome))
    };
    let seen =
        [observed(Policy::Accept, "ACCEPT")?, observed(Policy::Accept, "DROP")?, observed(Policy::Drop, "ACCEPT")?];
    let expected = [
        ("FORWARD ACCEPT", "-P FORWARD ACCEPT", "reached"),
        ("FORWARD ACCEPT", "-P FORWARD DROP", "timeout"),
        ("FORWARD DROP", "-P FORWARD ACCEPT", "timeout"),
    ];
    claim("container-network-2.2-c20b", expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())), seen);
    Ok(())
}

#[netns_test]
fn a_chain_of_the_bridge_family_stops_even_arp(net: Bridged) -> Result {
    net.host.set_policy(Family::Bridge, Hook::Forward, Policy::Drop)?;
    let wire = net.blue.interface("veth-blue")?.capture(arp())?;

    let report = net.red.probe(ping("192.168.15.2")).run()?;
    assert!(report.answer().sent.solicitations > 0);
    let heard = wire.count(arp().from("192.168.15.1"))?;
    let seen = format!("{}, {} entries, blue heard {heard}", report.outcome(), seen::arp_table(&net.red)?.len());
    claim("container-network-2.2-c20d", "timeout, 0 entries, blue heard 0", seen);

    net.host.set_policy(Family::Bridge, Hook::Forward, Policy::Accept)?;
    eventually(Duration::from_secs(5), || net.red.probe(ping("192.168.15.2")));
    wire.saw(arp().requests().from("192.168.15.1"));
    Ok(())
}

#[netns_test]
fn ipv6_obeys_its_own_policy_which_drops_neighbour_discovery_as_well(net: Bridged) -> Result {
    let blue = net.blue.interface("veth-blue")?.mac()?.link_local();
    let to_blue = || ping(blue).on("veth-red");
    // Both ends take an address a moment after they carry, and check first that nobody else has it.
    for node in [&net.red, &net.blue] {
        let is_usable = |info: &AddressInfo| info.scope == Scope::Link && !info.tentative;
        eventually(Duration::from_secs(10), || node.addresses().is_ok_and(|all| all.iter().any(is_usable)));
    }

    net.host.set_policy(Family::Ip, Hook::Forward, Policy::Drop)?;
    net.red.cannot_reach(ping("192.168.15.2"), by::Timeout);
    claim("container-network-2.2-c26", "reached", seen::outcome(&net.red, to_blue())?);
    let known = |node: &Node| node.neighbour(blue.into()).map(|entry| entry.and_then(|entry| entry.mac));
    assert_eq!(known(&net.red)?.map(|mac| mac.to_string()).as_deref(), Some(BLUE));

    net.host.set_policy(Family::Ip6, Hook::Forward, Policy::Drop)?;
    net.red.flush_neighbours()?;
    let report = net.red.probe(to_blue()).run()?;
    assert!(report.answer().sent.solicitations > 0);
    let seen = format!("{}, MAC {:?}", report.outcome(), known(&net.red)?);
    claim("container-network-2.2-c26b", "timeout, MAC None", seen);
    Ok(())
}

/// The policy of every IPv4 filter chain, in the words of iptables, by hook and priority.
fn policies(node: &Node) -> Result<Vec<String>> {
    let mut chains: Vec<ChainInfo> = node.firewall_chains()?;
    chains.retain(|chain| chain.family.to_string() == "ip" && chain.kind.as_deref() == Some("filter"));
    chains.sort_by_key(|chain| (chain.hook, chain.priority));
    let words = chains.iter().filter_map(|chain| {
        let (hook, policy) = (chain.hook?, chain.policy?);
        Some(format!("{hook:?} {policy:?}").to_uppercase())
    });
    Ok(words.collect())
}
