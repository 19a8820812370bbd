//! Firewall rules as `nft` takes and lists them in a chain of a given family.

use std::fmt;

use super::{Cidr, Family, FirewallRule, IfName, Match, PortRange, Protocol, Reject, Verdict};

/// A rule in the words that [nft(8)] takes and lists in a chain of one family.
///
/// Its display form has them without a nameless counter.
///
/// ```
/// use netns_test_topology::{Family, Match};
///
/// let rule = Match::tcp(80).reject().build()?.nft(Family::Ip);
/// assert_eq!(rule.to_string(), "tcp dport 80 reject with icmp port-unreachable");
/// assert_eq!(rule.counted(), "tcp dport 80 counter reject with icmp port-unreachable");
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NftRule {
    matches: Vec<String>,
    statements: Vec<String>,
}

impl NftRule {
    /// The words with a counter between what is matched and what is done: a network that was built has one there.
    pub fn counted(&self) -> String {
        let words: Vec<&str> = self
            .matches
            .iter()
            .map(String::as_str)
            .chain(["counter"])
            .chain(self.statements.iter().map(|w| &**w))
            .collect();
        words.join(" ")
    }
}

impl fmt::Display for NftRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.matches.iter().chain(&self.statements).map(String::as_str).collect();
        if words.is_empty() { f.pad("counter") } else { f.pad(&words.join(" ")) }
    }
}

impl FirewallRule {
    /// The rule in a chain of this family.
    pub fn nft(&self, family: Family) -> NftRule {
        let mut writer = Writer { family, version: None, words: Vec::new() };
        writer.matches(&self.matches);
        if let Some(Verdict::Snat { to, .. } | Verdict::Dnat { to, .. }) = &self.verdict {
            writer.limit_to(to.is_ipv6());
        }
        // Last, so that it counts what all else takes.
        writer.words.extend(self.matches.nth.map(|nth| nth.to_string()));
        let mut statements = Vec::new();
        statements.extend(self.counter.as_ref().map(|counter| format!("counter name \"{counter}\"")));
        statements.extend(self.verdict.as_ref().map(|verdict| verdict_in(family, verdict)));
        statements.extend(self.comment.as_ref().map(|comment| format!("comment \"{comment}\"")));
        NftRule { matches: writer.words, statements }
    }
}

struct Writer {
    family: Family,
    /// Whether the rule is limited to IPv6, or to IPv4.
    version: Option<bool>,
    words: Vec<String>,
}

impl Writer {
    fn matches(&mut self, m: &Match) {
        for (key, name) in
            [("iifname", &m.input), ("iifname !=", &m.not_input), ("oifname", &m.output), ("oifname !=", &m.not_output)]
        {
            self.words.extend(name.as_ref().map(|name| format!("{key} \"{}\"", exact(name))));
        }
        let ethertype = if self.family == Family::Bridge { "ether type" } else { "meta protocol" };
        self.words.extend(m.ethertype.map(|number| format!("{ethertype} {number:#06x}")));
        self.version = match m.ethertype.filter(|_| self.family == Family::Bridge) {
            Some(0x0800) => Some(false),
            Some(0x86dd) => Some(true),
            _ => None,
        };
        for (key, is, is_not) in [("saddr", m.from, m.not_from), ("daddr", m.to, m.not_to)] {
            for (negation, network) in [("", is), ("!= ", is_not)] {
                if let Some(network) = network {
                    self.network(key, negation, network.network());
                }
            }
        }
        let protocol = m.protocol.map(protocol);
        let ports = [("sport", &m.source_port), ("dport", &m.port)];
        if let (Some(protocol), [(_, None), (_, None)]) = (&protocol, &ports) {
            self.words.push(format!("meta l4proto {protocol}"));
        }
        let header = protocol.as_deref().unwrap_or("th");
        let ports = ports.iter().filter_map(|(key, range)| Some(format!("{header} {key} {}", range.as_ref()?)));
        self.words.extend(ports);
        if !m.states.is_empty() {
            let states: Vec<String> = m.states.iter().map(ToString::to_string).collect();
            self.words.push(format!("ct state {}", states.join(",")));
        }
    }

    fn network(&mut self, key: &str, negation: &str, network: Cidr) {
        if network.prefix() == 0 && negation.is_empty() {
            return self.limit_to(network.is_ipv6());
        }
        self.version = Some(network.is_ipv6());
        let header = if network.is_ipv6() { "ip6" } else { "ip" };
        match network == Cidr::host(network.addr()) {
            true => self.words.push(format!("{header} {key} {negation}{}", network.addr())),
            false => self.words.push(format!("{header} {key} {negation}{network}")),
        }
    }

    /// Says which IP version the rule is for, unless it is known.
    fn limit_to(&mut self, v6: bool) {
        if self.version.replace(v6).is_none() {
            match self.family {
                Family::Inet => self.words.push(format!("meta nfproto {}", if v6 { "ipv6" } else { "ipv4" })),
                Family::Bridge => self.words.push(format!("meta protocol {}", if v6 { "ip6" } else { "ip" })),
                Family::Ip | Family::Ip6 => {}
            }
        }
    }
}

/// A `*` at the end would stand for any name that begins so.
fn exact(name: &IfName) -> String {
    match name.strip_suffix('*') {
        Some(begin) => format!("{begin}\\*"),
        None => name.to_string(),
    }
}

fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Other(33) => "dccp".into(),
        Protocol::Other(132) => "sctp".into(),
        Protocol::Other(136) => "udplite".into(),
        other => other.to_string(),
    }
}

fn verdict_in(family: Family, verdict: &Verdict) -> String {
    let translate = |verb: &str, to: &std::net::IpAddr, ports: Option<&PortRange>| {
        let version = match family {
            Family::Inet if to.is_ipv6() => " ip6",
            Family::Inet => " ip",
            _ => "",
        };
        match ports {
            None => format!("{verb}{version} to {to}"),
            Some(ports) if to.is_ipv6() => format!("{verb}{version} to [{to}]:{ports}"),
            Some(ports) => format!("{verb}{version} to {to}:{ports}"),
        }
    };
    match verdict {
        Verdict::Reject(how) => format!("reject with {}", answer(family, *how)),
        Verdict::Snat { to, ports } => translate("snat", to, ports.as_ref()),
        Verdict::Dnat { to, port } => translate("dnat", to, port.map(PortRange::from).as_ref()),
        other => other.to_string(),
    }
}

fn answer(family: Family, how: Reject) -> &'static str {
    match (how, family) {
        (Reject::TcpReset, _) => "tcp reset",
        (Reject::Port, Family::Ip) => "icmp port-unreachable",
        (Reject::Port, Family::Ip6) => "icmpv6 port-unreachable",
        (Reject::Port, _) => "icmpx port-unreachable",
        (Reject::Host, Family::Ip) => "icmp host-unreachable",
        (Reject::Host, Family::Ip6) => "icmpv6 addr-unreachable",
        (Reject::Host, _) => "icmpx host-unreachable",
        (Reject::Network, Family::Ip) => "icmp net-unreachable",
        (Reject::Network, Family::Ip6) => "icmpv6 no-route",
        (Reject::Network, _) => "icmpx no-route",
        (Reject::AdminProhibited, Family::Ip) => "icmp admin-prohibited",
        (Reject::AdminProhibited, Family::Ip6) => "icmpv6 admin-prohibited",
        (Reject::AdminProhibited, _) => "icmpx admin-prohibited",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConnState;

    fn words(family: Family, rule: crate::build::RuleBuilder) -> String {
        rule.build().unwrap().nft(family).to_string()
    }

    #[test]
    fn a_rule_reads_as_nft_lists_it() {
        let rule =
            Match::tcp(80..=90).from("192.168.15.3/24").output("eth0").state(ConnState::New).drop().comment("web");
        assert_eq!(
            words(Family::Inet, rule),
            "oifname \"eth0\" ip saddr 192.168.15.0/24 tcp dport 80-90 ct state new drop comment \"web\""
        );
        let everything = FirewallRule { verdict: None, ..FirewallRule::new(Match::default(), Verdict::Drop) };
        assert_eq!(everything.nft(Family::Ip).to_string(), "counter");
        assert_eq!(everything.nft(Family::Ip).counted(), "counter");
    }

    #[test]
    fn a_translation_in_a_mixed_family_names_its_version() {
        let to = "fd00::1".parse().unwrap();
        let rule = Match::tcp(80).verdict(Verdict::Dnat { to, port: Some(8080) });
        assert_eq!(words(Family::Inet, rule.clone()), "tcp dport 80 meta nfproto ipv6 dnat ip6 to [fd00::1]:8080");
        assert_eq!(words(Family::Ip6, rule), "tcp dport 80 dnat to [fd00::1]:8080");
    }

    #[test]
    fn a_frame_of_an_ip_version_is_not_limited_to_it_again() {
        let rule = |ethertype| Match { ethertype, to: "0.0.0.0/0".parse().ok(), ..Match::default() };
        let words = |matches| FirewallRule::new(matches, Verdict::Drop).nft(Family::Bridge).to_string();
        assert_eq!(words(rule(Some(0x0800))), "ether type 0x0800 drop");
        assert_eq!(words(rule(None)), "meta protocol ip drop");
    }

    #[test]
    fn a_star_in_a_name_is_no_wildcard() {
        assert_eq!(words(Family::Inet, Match::any().input("eth*").drop()), "iifname \"eth\\*\" drop");
    }
}
