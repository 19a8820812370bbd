//! Firewall and NAT: chains that exist, rules that can match, verdicts that are possible.

use std::collections::HashSet;

use super::{Check, Checker, Item, Part};
use crate::{Chain, ChainKind, Cidr, Family, FirewallRule, Hook, IfName, Match, Node, Protocol, Reject, Verdict};

/// The EtherType of ARP ([RFC 826](https://www.rfc-editor.org/rfc/rfc826)).
const ARP: u16 = 0x0806;

impl Checker<'_> {
    pub(super) fn check_firewall(&mut self, n: usize, node: &Node) {
        let mut seen = HashSet::new();
        for (c, chain) in node.chains.iter().enumerate() {
            let item = Item::Chain(n, c);
            if !seen.insert((chain.family, chain.kind, chain.hook, chain.priority)) {
                let message = format!("node `{}` has two such chains, and nothing says which is first", node.name);
                self.report(Check::DUPLICATE_CHAIN, item, Part::Whole, message)
                    .help("put their rules into one chain, or give one another priority");
            }
            self.check_chain(item, chain);
            for (r, rule) in chain.rules.iter().enumerate() {
                let item = Item::FirewallRule(n, c, r);
                self.check_interface_matches(item, node, chain, &rule.matches);
                self.check_families(item, chain, rule);
                self.check_ports(item, rule);
                self.check_verdict(item, node, chain, rule);
                let m = &rule.matches;
                let names =
                    [&m.input, &m.not_input, &m.output, &m.not_output].into_iter().flatten().map(|name| &**name);
                for name in names.clone().filter(|name| name.ends_with('*') && name.contains('\\')) {
                    let message = format!("`{name}` ends with an asterisk and has a backslash");
                    self.report(Check::UNQUOTABLE, item, Part::Whole, message)
                        .help("nft has no way to write both: give the interface another name");
                }
                for text in names.chain(rule.comment.as_deref()).filter(|text| text.contains('"')) {
                    self.report(Check::UNQUOTABLE, item, Part::Whole, format!("`{text}` has a double quote"))
                        .help("nft has no way to write one: leave it out");
                }
                if let Some(counter) = &rule.counter {
                    self.check_counter_name(item, counter);
                }
                if let Some(comment) = rule.comment.as_ref().filter(|comment| comment.len() > 128) {
                    let message = format!("this comment has {} bytes", comment.len());
                    self.report(Check::LONG_COMMENT, item, Part::Whole, message)
                        .help("shorten it: nftables keeps at most 128 bytes");
                }
            }
        }
    }

    fn check_chain(&mut self, item: Item, chain: &Chain) {
        if chain.kind != ChainKind::Nat {
            return;
        }
        if chain.family == Family::Bridge {
            self.report(Check::CHAIN_KIND, item, Part::Whole, "the bridge family has no NAT chains")
                .help("translate in the `inet` family of the node that routes");
        } else if chain.hook == Hook::Forward {
            self.report(Check::CHAIN_KIND, item, Part::Whole, "there is no NAT chain at forward")
                .help("destinations are changed at prerouting, sources at postrouting");
        } else if chain.priority.0 <= -200 {
            let message = format!("a NAT chain cannot have priority {}", chain.priority.0);
            self.report(Check::CHAIN_KIND, item, Part::Whole, message)
                .help("it needs connection tracking, which comes at -200: choose a higher number");
        }
    }

    fn check_interface_matches(&mut self, item: Item, node: &Node, chain: &Chain, matches: &Match) {
        // What a bridge sends has no incoming interface any more; what a router sends has (since Linux 5.7).
        let after_bridge = chain.family == Family::Bridge && chain.hook == Hook::Postrouting;
        let groups: [(Part, [&Option<IfName>; 2], &str, bool); 2] = [
            (
                Part::Input,
                [&matches.input, &matches.not_input],
                "came in by",
                chain.hook != Hook::Output && !after_bridge,
            ),
            (
                Part::Output,
                [&matches.output, &matches.not_output],
                "goes out by",
                !matches!(chain.hook, Hook::Prerouting | Hook::Input),
            ),
        ];
        for (part, names, how, known) in groups {
            for name in names.into_iter().flatten() {
                if !known {
                    let message = format!("at {} no packet is known by the interface it {how}", chain.hook);
                    let (verb, hooks) = match part {
                        Part::Input if after_bridge => ("outgoing", "prerouting, input or forward"),
                        Part::Input => ("outgoing", "prerouting, input, forward or postrouting"),
                        _ => ("incoming", "forward, output or postrouting"),
                    };
                    self.report(Check::NEVER_MATCHES, item, part, message)
                        .help(format!("match the {verb} interface, or put the rule at {hooks}"));
                } else if *name != *"lo" && node.interface(name).is_none() {
                    self.report_unknown(Check::UNMATCHED_INTERFACE, item, part, node, name);
                }
            }
        }
    }

    fn check_families(&mut self, item: Item, chain: &Chain, rule: &FirewallRule) {
        let m = &rule.matches;
        let mut v6: Vec<bool> =
            [&m.from, &m.not_from, &m.to, &m.not_to].into_iter().flatten().map(Cidr::is_ipv6).collect();
        if let Some(Verdict::Snat { to, .. } | Verdict::Dnat { to, .. }) = &rule.verdict {
            v6.push(to.is_ipv6());
        }
        if v6.contains(&true) && v6.contains(&false) {
            self.report(Check::MATCH_FAMILIES, item, Part::Whole, "the addresses of this rule are not of one family")
                .help("write one rule for IPv4 and one for IPv6");
        }
        let carries = |ethertype: u16, v6: bool| ethertype == if v6 { 0x86dd } else { 0x0800 };
        if let Some(ethertype) = m.ethertype.filter(|ethertype| v6.iter().any(|v6| !carries(*ethertype, *v6))) {
            let message = format!("frames of the EtherType {ethertype:#06x} have no such addresses");
            self.report(Check::MATCH_FAMILIES, item, Part::Whole, message)
                .help("leave the EtherType out: the addresses say it already");
        }
        if let (Some(ARP), Some(protocol)) = (m.ethertype, m.protocol) {
            self.report(Check::MATCH_FAMILIES, item, Part::Whole, format!("no ARP packet carries {protocol}"))
                .help("leave the EtherType or the protocol out");
        }
        let chains_own = match chain.family {
            Family::Ip => false,
            Family::Ip6 => true,
            Family::Inet | Family::Bridge => match m.protocol {
                Some(Protocol::Icmp) if v6.contains(&true) => {
                    return self.never(item, "no IPv6 packet carries ICMP for IPv4", "match ICMPv6");
                }
                Some(Protocol::Icmpv6) if v6.contains(&false) => {
                    return self.never(item, "no IPv4 packet carries ICMPv6", "match ICMP");
                }
                _ => return,
            },
        };
        if v6.contains(&!chains_own) {
            let message = format!("the `{}` family has no such addresses", chain.family);
            self.report(Check::MATCH_FAMILIES, item, Part::Whole, message)
                .help("use the `inet` family, which has both");
        }
        match m.protocol {
            Some(Protocol::Icmp) if chains_own => {
                self.never(item, "no IPv6 packet carries ICMP for IPv4", "match ICMPv6")
            }
            Some(Protocol::Icmpv6) if !chains_own => self.never(item, "no IPv4 packet carries ICMPv6", "match ICMP"),
            _ => {}
        }
    }

    fn never(&mut self, item: Item, message: &str, help: &str) {
        self.report(Check::NEVER_MATCHES, item, Part::Whole, message).help(help);
    }

    fn check_ports(&mut self, item: Item, rule: &FirewallRule) {
        let m = &rule.matches;
        let transport = matches!(m.protocol, Some(Protocol::Tcp | Protocol::Udp));
        let set = match &rule.verdict {
            Some(Verdict::Snat { ports: Some(ports), .. }) => Some(ports),
            _ => None,
        };
        for range in [&m.source_port, &m.port].into_iter().flatten().chain(set) {
            if range.0.is_empty() {
                let message = format!("there is no port from {} to {}", range.0.start(), range.0.end());
                self.report(Check::PORT_RANGE, item, Part::Whole, message).help("write the lower port first");
            }
        }
        let sets_port = set.is_some() || matches!(rule.verdict, Some(Verdict::Dnat { port: Some(_), .. }));
        if !transport && (m.source_port.is_some() || m.port.is_some() || sets_port) {
            let verb = if sets_port { "sets" } else { "matches" };
            self.report(
                Check::PORT_WITHOUT_PROTOCOL,
                item,
                Part::Whole,
                format!("this rule {verb} a port, but not TCP or UDP"),
            )
            .help("only TCP and UDP have ports here: match one of them");
        }
    }

    fn check_verdict(&mut self, item: Item, node: &Node, chain: &Chain, rule: &FirewallRule) {
        let Some(verdict) = &rule.verdict else { return };
        let nat_at = |hooks: &[Hook]| chain.kind == ChainKind::Nat && hooks.contains(&chain.hook);
        let (possible, name, where_to) = match verdict {
            Verdict::Accept | Verdict::Drop => return,
            Verdict::Reject(_) if chain.family == Family::Bridge => (
                matches!(chain.hook, Hook::Prerouting | Hook::Input),
                "rejecting",
                "at prerouting or input in the bridge family",
            ),
            Verdict::Reject(_) => {
                (chain.hook != Hook::Postrouting, "rejecting", "at prerouting, input, forward or output")
            }
            Verdict::Masquerade => (nat_at(&[Hook::Postrouting]), "masquerading", "in a NAT chain at postrouting"),
            Verdict::Snat { .. } => (
                nat_at(&[Hook::Postrouting, Hook::Input]),
                "changing the source",
                "in a NAT chain at postrouting or input",
            ),
            Verdict::Dnat { .. } => (
                nat_at(&[Hook::Prerouting, Hook::Output]),
                "changing the destination",
                "in a NAT chain at prerouting or output",
            ),
        };
        if !possible {
            self.report(
                Check::VERDICT_PLACE,
                item,
                Part::Whole,
                format!("{name} is not possible in a {} chain at {}", chain.kind, chain.hook),
            )
            .help(format!("it is possible {where_to}"));
            return;
        }
        if *verdict == Verdict::Reject(Reject::TcpReset) && rule.matches.protocol != Some(Protocol::Tcp) {
            self.report(Check::RESET_WITHOUT_TCP, item, Part::Whole, "only TCP can be rejected with a TCP reset")
                .help("match TCP, or reject with an ICMP message");
        }
        let source_nat =
            matches!(verdict, Verdict::Masquerade | Verdict::Snat { .. }) && chain.hook == Hook::Postrouting;
        if source_nat && !self.forwards(node, chain, verdict) {
            let verb = if *verdict == Verdict::Masquerade { "masquerades" } else { "changes sources" };
            self.report(
                Check::NAT_WITHOUT_FORWARD,
                item,
                Part::Whole,
                format!("node `{}` {verb} but does not forward", node.name),
            )
            .help("add `forward`, or no packet of another node comes this way");
        }
    }

    fn forwards(&self, node: &Node, chain: &Chain, verdict: &Verdict) -> bool {
        let set = |key: &str| node.sysctls.iter().any(|s| s.key == key && s.value.trim() != "0");
        let v4 = node.forward_v4 || set("net.ipv4.ip_forward") || set("net.ipv4.conf.all.forwarding");
        let v6 = node.forward_v6 || set("net.ipv6.conf.all.forwarding");
        match (chain.family, verdict) {
            (_, Verdict::Snat { to, .. }) => {
                if to.is_ipv6() {
                    v6
                } else {
                    v4
                }
            }
            (Family::Ip, _) => v4,
            (Family::Ip6, _) => v6,
            _ => v4 || v6,
        }
    }
}
