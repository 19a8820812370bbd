//! Firewall and NAT: chains, and what their rules match.

use netns_test_topology::{
    ChainKind, Family, FirewallRule, Hook, Match, PortRange, Protocol, Verdict,
    build::{MatchBuilder, TopologyBuilder},
};

use super::{fires, pair, passes};

/// A node alone with one rule at one place.
pub(crate) fn ruled(family: Family, kind: ChainKind, hook: Hook, matches: Match, verdict: Verdict) -> TopologyBuilder {
    let rule = FirewallRule::new(matches, verdict);
    pair(|n| n.forward().chain(family, kind, hook, |c| c.rule(rule)))
}

pub(crate) fn filtered(hook: Hook, matches: Match, verdict: Verdict) -> TopologyBuilder {
    ruled(Family::Inet, ChainKind::Filter, hook, matches, verdict)
}

#[test]
fn nat_without_forward() {
    let expected = |verb| {
        format!(
            "nat_without_forward: node `a` {verb} but does not forward (add `forward`, or no packet of another node comes \
         this way)"
        )
    };
    fires(pair(|n| n.masquerade("eth0")), &[&expected("masquerades")]);
    fires(pair(|n| n.masquerade("eth0").forward_v6()), &[&expected("masquerades")]);
    fires(pair(|n| n.snat(Match::any().output("eth0"), "10.0.0.1")), &[&expected("changes sources")]);
    passes(pair(|n| n.masquerade("eth0").forward_v4()));
    passes(pair(|n| n.masquerade_from("fd00::/64").forward_v6()));
    passes(pair(|n| n.masquerade("eth0").sysctl("net.ipv4.ip_forward", 1)));
    passes(pair(|n| n.masquerade("eth0")).allow("nat_without_forward"));
}

#[test]
fn chain_kind() {
    let chain = |family, hook, priority| {
        pair(|n| {
            n.chain(family, ChainKind::Nat, hook, |c| match priority {
                Some(priority) => c.priority(priority),
                None => c,
            })
        })
    };
    fires(
        chain(Family::Inet, Hook::Forward, None),
        &[
            "chain_kind: there is no NAT chain at forward (destinations are changed at prerouting, sources at postrouting)",
        ],
    );
    fires(
        chain(Family::Bridge, Hook::Prerouting, None),
        &["chain_kind: the bridge family has no NAT chains (translate in the `inet` family of the node that routes)"],
    );
    fires(
        chain(Family::Inet, Hook::Prerouting, Some(-200)),
        &[
            "chain_kind: a NAT chain cannot have priority -200 (it needs connection tracking, which comes at -200: choose a \
           higher number)",
        ],
    );
    passes(chain(Family::Inet, Hook::Prerouting, Some(-199)));
}

#[test]
fn duplicate_chain() {
    let mut draft =
        pair(|n| n.firewall(Hook::Input, |c| c).firewall(Hook::Output, |c| c)).build().unwrap().into_draft();
    draft.nodes[0].chains[1].hook = Hook::Input;
    let problem = draft.problems().into_iter().next().unwrap();
    assert_eq!(
        format!("{}: {}", problem.name(), problem.message),
        "duplicate_chain: node `a` has two such chains, and nothing says which is first"
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c).firewall(Hook::Input, |c| c.priority(5))));
}

#[test]
fn never_matches() {
    let eth0 = || Some("eth0".parse().unwrap());
    fires(
        filtered(Hook::Output, Match { input: eth0(), ..Match::default() }, Verdict::Drop),
        &[
            "never_matches: at output no packet is known by the interface it came in by (match the outgoing interface, or \
           put the rule at prerouting, input, forward or postrouting)",
        ],
    );
    fires(
        filtered(Hook::Prerouting, Match { not_output: eth0(), ..Match::default() }, Verdict::Drop),
        &[
            "never_matches: at prerouting no packet is known by the interface it goes out by (match the incoming interface, \
           or put the rule at forward, output or postrouting)",
        ],
    );
    let icmp = |protocol, family| {
        ruled(
            family,
            ChainKind::Filter,
            Hook::Input,
            Match { protocol: Some(protocol), ..Match::default() },
            Verdict::Drop,
        )
    };
    fires(icmp(Protocol::Icmpv6, Family::Ip), &["never_matches: no IPv4 packet carries ICMPv6 (match ICMP)"]);
    fires(icmp(Protocol::Icmp, Family::Ip6), &["never_matches: no IPv6 packet carries ICMP for IPv4 (match ICMPv6)"]);
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::icmp().from("fd00::1")))),
        &["never_matches: no IPv6 packet carries ICMP for IPv4 (match ICMPv6)"],
    );
    passes(icmp(Protocol::Icmpv6, Family::Inet));
    let at_postrouting = |family| {
        let matches = Match { input: eth0(), ..Match::default() };
        ruled(family, ChainKind::Filter, Hook::Postrouting, matches, Verdict::Drop)
    };
    passes(at_postrouting(Family::Inet));
    fires(
        at_postrouting(Family::Bridge),
        &["never_matches: at postrouting no packet is known by the interface it came in by (match the outgoing \
           interface, or put the rule at prerouting, input or forward)"],
    );
    passes(filtered(Hook::Forward, Match { input: eth0(), output: eth0(), ..Match::default() }, Verdict::Drop));
}

#[test]
fn match_families() {
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::any().from("10.0.0.0/8").to("fd00::/8")))),
        &[
            "match_families: the addresses of this rule are not of one family (write one rule for IPv4 and one for IPv6)",
        ],
    );
    let v6 = Match { from: Some("fd00::/8".parse().unwrap()), ..Match::default() };
    fires(
        ruled(Family::Ip, ChainKind::Filter, Hook::Input, v6.clone(), Verdict::Drop),
        &["match_families: the `ip` family has no such addresses (use the `inet` family, which has both)"],
    );
    fires(
        pair(|n| n.dnat(Match::any().to("fd00::1"), "10.0.0.2")),
        &[
            "match_families: the addresses of this rule are not of one family (write one rule for IPv4 and one for IPv6)",
            "match_families: the `ip` family has no such addresses (use the `inet` family, which has both)",
        ],
    );
    passes(filtered(Hook::Input, v6, Verdict::Drop));
}

#[test]
fn an_ethertype_has_addresses_of_its_own_family() {
    let arp = |matches: MatchBuilder| {
        pair(|n| n.bridge_firewall(Hook::Forward, |chain| chain.drop(matches.ethertype(0x0806))))
    };
    fires(
        arp(Match::any().to("10.0.0.0/8")),
        &["match_families: frames of the EtherType 0x0806 have no such addresses (leave the EtherType out: the \
           addresses say it already)"],
    );
    fires(
        arp(Match::tcp(80)),
        &["match_families: no ARP packet carries tcp (leave the EtherType or the protocol out)"],
    );
    passes(arp(Match::any()));
    passes(pair(|n| n.bridge_firewall(Hook::Forward, |chain| chain.drop(Match::tcp(80).ethertype(0x0800)))));
}

#[test]
fn port_without_protocol() {
    let help = "(only TCP and UDP have ports here: match one of them)";
    let port = |protocol| Match { protocol, port: Some(PortRange::from(443)), ..Match::default() };
    for protocol in [None, Some(Protocol::Icmp)] {
        fires(
            filtered(Hook::Input, port(protocol), Verdict::Drop),
            &[&format!("port_without_protocol: this rule matches a port, but not TCP or UDP {help}")],
        );
    }
    fires(
        pair(|n| n.dnat(Match::any().input("eth0"), "10.0.0.2:80")),
        &[&format!("port_without_protocol: this rule sets a port, but not TCP or UDP {help}")],
    );
    passes(filtered(Hook::Input, port(Some(Protocol::Udp)), Verdict::Drop));
    passes(pair(|n| n.forward_tcp("eth0", 8080, "10.0.0.2:80").dnat(Match::any().input("eth0"), "10.0.0.2")));
}

#[test]
fn port_range() {
    let (first, last) = (1000, 2000);
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::tcp(last..=first)))),
        &["port_range: there is no port from 2000 to 1000 (write the lower port first)"],
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c.drop(Match::tcp(first..=last)))));
}

#[test]
fn long_comment() {
    let comment =
        |length| pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().drop().comment("x".repeat(length)))));
    fires(comment(129), &["long_comment: this comment has 129 bytes (shorten it: nftables keeps at most 128 bytes)"]);
    passes(comment(128));
}

#[test]
fn unquotable() {
    fires(
        pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().drop().comment("no \"mail\"")))),
        &["unquotable: `no \"mail\"` has a double quote (nft has no way to write one: leave it out)"],
    );
    passes(pair(|n| n.firewall(Hook::Input, |c| c.rule(Match::any().drop().comment("no 'mail'")))));
    // nft drops all backslashes of a name in which one stands before an asterisk at the end.
    let named = |name: &'static str| {
        pair(|n| n.bridge(name, |bridge| bridge).firewall(Hook::Input, |c| c.rule(Match::any().input(name).drop())))
    };
    fires(
        named(r"a\b*"),
        &[
            r"unquotable: `a\b*` ends with an asterisk and has a backslash (nft has no way to write both: give the interface another name)",
        ],
    );
    passes(named(r"a\b"));
    passes(named("ab*"));
}
