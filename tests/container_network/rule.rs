//! The rule that translates: where it stands, what it takes in that it should not, and others that do the same.

use netns_test::{RuleHandle, prelude::*, topology::build::MatchBuilder};

use crate::{
    common::claim,
    seen::{SILENCE, outcome, source_seen_by},
    tutorial::{PRIVATE, Routed, translate},
};

#[netns_test]
fn the_rule_is_listed_at_postrouting(net: Routed) -> Result {
    let rule = Match::any().from(PRIVATE).verdict(Verdict::Masquerade);
    net.host.add_firewall_rule(Family::Ip, Hook::Postrouting, rule)?;

    let chains = net.host.firewall_chains()?;
    let listed = net.host.firewall_rules()?.into_iter().map(|rule| {
        let chain = chains.iter().find(|chain| chain.name == rule.chain && chain.table == rule.table);
        let (kind, hook) = chain.map(|chain| (chain.kind.clone(), chain.hook)).unwrap_or_default();
        (kind.unwrap_or_default(), hook, rule.expressions.join(" "))
    });
    // A source in a network (its address, masked, compared), counted and masqueraded.
    let expected = ("nat".to_owned(), Some(Hook::Postrouting), "payload bitwise cmp counter masq".to_owned());
    claim("container-network-2.4-c8", vec![expected], listed.collect::<Vec<_>>());
    Ok(())
}

#[netns_test]
fn a_rule_for_everything_rewrites_what_the_bridge_passes_on(net: Routed) -> Result {
    let rule = translate(&net.host)?;
    assert_eq!(net.host.sysctl("net.bridge.bridge-nf-call-iptables")?.trim(), "1");
    let seen_by_blue = || source_seen_by(&net.blue, "veth-blue", &net.red, ping("192.168.15.2"));
    claim("container-network-2.4-c18", "192.168.15.3", seen_by_blue()?);

    net.host.set_forward(false)?;
    let between = [
        outcome(&net.red, ping("192.168.15.2").within(SILENCE))?,
        outcome(&net.blue, ping("192.168.15.1").within(SILENCE))?,
    ];
    claim("container-network-2.4-c18b", ["timeout", "timeout"], between);

    net.host.set_sysctl("net.bridge.bridge-nf-call-iptables", 0)?;
    claim("container-network-2.4-c18c", "192.168.15.1", seen_by_blue()?);
    // The rule is there, and works for what is routed.
    net.host.set_forward(true)?;
    assert_eq!(source_seen_by(&net.inet, "eth0", &net.red, ping("8.8.8.8"))?, "172.31.5.10");
    rule.remove()?;
    Ok(())
}

#[netns_test]
fn a_rule_for_what_leaves_keeps_off_what_the_bridge_passes_on(net: Routed) -> Result {
    net.host.set_forward(true)?;
    let both = |matches: MatchBuilder| -> Result<[String; 2]> {
        let rule = net.host.masquerade_matching(matches)?;
        let inside = source_seen_by(&net.blue, "veth-blue", &net.red, ping("192.168.15.2"))?;
        let outside = source_seen_by(&net.inet, "eth0", &net.red, ping("8.8.8.8"))?;
        rule.remove()?;
        Ok([inside, outside])
    };

    let not_to_itself = both(Match::any().from(PRIVATE).not_to(PRIVATE))?;
    let out_of_eth0 = both(Match::any().from(PRIVATE).output("eth0"))?;
    claim("container-network-2.4-c18d", [["192.168.15.1", "172.31.5.10"]; 2], [not_to_itself, out_of_eth0]);
    Ok(())
}

#[netns_test]
fn other_rules_translate_the_same(net: Routed) -> Result {
    net.host.set_forward(true)?;
    let answered = |rule: RuleHandle| -> Result<[String; 2]> {
        let (to, over) = (ping("8.8.8.8"), outcome(&net.red, ping("8.8.8.8"))?);
        let source = source_seen_by(&net.inet, "eth0", &net.red, to)?;
        rule.remove()?;
        Ok([over, source])
    };
    let expected = ["reached", "172.31.5.10"];

    let out_of_eth0 = Match::any().from(PRIVATE).output("eth0").verdict(Verdict::Masquerade);
    let rule = net.host.add_firewall_rule(Family::Ip, Hook::Postrouting, out_of_eth0)?;
    claim("container-network-2.4-c20", expected, answered(rule)?);
    // Nothing of the first rule helps the second.
    net.red.cannot_reach(ping("8.8.8.8"), by::Timeout);
    let rule = net.host.snat(Match::any().from(PRIVATE).output("eth0"), "172.31.5.10")?;
    claim("container-network-2.4-c21", expected, answered(rule)?);
    Ok(())
}
