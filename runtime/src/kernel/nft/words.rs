//! Firewall rules in words, in the notation of nft(8).

use std::fmt::{self, Display, Write};

use netns_test_topology::{
    ChainKind, Cidr, ConnState, Family, FirewallRule, Hook, PortRange, Protocol, Reject, Verdict,
};

/// A rule of a chain of this family as `nft list ruleset` would show it, without its counter.
pub(super) fn rule(family: Family, rule: &FirewallRule) -> String {
    let mut words = Words(String::new());
    let m = &rule.matches;
    for (key, name) in
        [("iifname", &m.input), ("iifname !=", &m.not_input), ("oifname", &m.output), ("oifname !=", &m.not_output)]
    {
        words.optional(key, name.as_ref().map(|name| format!("\"{name}\"")));
    }
    words.optional("ether type", m.ethertype.map(|ethertype| format!("{ethertype:#06x}")));
    for (key, negation, network) in
        [("saddr", "", m.from), ("saddr", "!= ", m.not_from), ("daddr", "", m.to), ("daddr", "!= ", m.not_to)]
    {
        if let Some(network) = network {
            let ip = if network.addr().is_ipv6() { "ip6" } else { "ip" };
            let network = network.network();
            if network == Cidr::host(network.addr()) {
                words.say(format_args!("{ip} {key} {negation}{}", network.addr()));
            } else {
                words.say(format_args!("{ip} {key} {negation}{network}"));
            }
        }
    }
    let protocol = m.protocol.map(protocol);
    match &protocol {
        Some(protocol) if m.source_port.is_none() && m.port.is_none() => {
            words.say(format_args!("meta l4proto {protocol}"))
        }
        _ => (),
    }
    let protocol = protocol.as_deref().unwrap_or("th");
    for (key, range) in [("sport", &m.source_port), ("dport", &m.port)] {
        words.optional(format!("{protocol} {key}"), range.as_ref().map(ports));
    }
    let states: Vec<&str> = m.states.iter().copied().map(state).collect();
    words.optional("ct state", (!states.is_empty()).then(|| states.join(",")));
    words.optional("counter name", rule.counter.as_ref().map(|name| format!("\"{name}\"")));
    if let Some(verdict) = &rule.verdict {
        words.say(verdict_words(family, verdict));
    }
    words.optional("comment", rule.comment.as_ref().map(|comment| format!("\"{comment}\"")));
    if words.0.is_empty() { "counter".into() } else { words.0 }
}

/// The family's name, as nft writes it.
pub(super) fn family(family: Family) -> &'static str {
    match family {
        Family::Inet => "inet",
        Family::Ip => "ip",
        Family::Ip6 => "ip6",
        Family::Bridge => "bridge",
    }
}

/// The hook's name, as nft writes it.
pub(super) fn hook(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Output => "output",
        Hook::Postrouting => "postrouting",
    }
}

/// The chain type's name, as nft writes it.
pub(super) fn kind(kind: ChainKind) -> &'static str {
    match kind {
        ChainKind::Filter => "filter",
        ChainKind::Nat => "nat",
    }
}

struct Words(String);

impl Words {
    fn say(&mut self, words: impl Display) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        write!(self.0, "{words}").expect("writing to a string does not fail");
    }

    fn optional(&mut self, key: impl Display, value: Option<impl Display>) {
        if let Some(value) = value {
            self.say(format_args!("{key} {value}"));
        }
    }
}

fn verdict_words(family: Family, verdict: &Verdict) -> String {
    let at = |to: &std::net::IpAddr| if to.is_ipv6() { format!("[{to}]") } else { to.to_string() };
    match verdict {
        Verdict::Accept => "accept".into(),
        Verdict::Drop => "drop".into(),
        Verdict::Reject(Reject::Port) => "reject".into(),
        Verdict::Reject(Reject::Host) if family == Family::Ip => "reject with icmp host-unreachable".into(),
        Verdict::Reject(Reject::Host) if family == Family::Ip6 => "reject with icmpv6 addr-unreachable".into(),
        Verdict::Reject(Reject::Host) => "reject with icmpx host-unreachable".into(),
        Verdict::Reject(Reject::Network) if family == Family::Ip => "reject with icmp net-unreachable".into(),
        Verdict::Reject(Reject::Network) => format!("reject with {} no-route", icmp(family)),
        Verdict::Reject(Reject::AdminProhibited) => format!("reject with {} admin-prohibited", icmp(family)),
        Verdict::Reject(Reject::TcpReset) => "reject with tcp reset".into(),
        Verdict::Masquerade => "masquerade".into(),
        Verdict::Snat { to, ports: None } => format!("snat to {to}"),
        Verdict::Snat { to, ports: Some(range) } => format!("snat to {}:{}", at(to), ports(range)),
        Verdict::Dnat { to, port: None } => format!("dnat to {to}"),
        Verdict::Dnat { to, port: Some(port) } => format!("dnat to {}:{port}", at(to)),
    }
}

fn icmp(family: Family) -> &'static str {
    match family {
        Family::Ip => "icmp",
        Family::Ip6 => "icmpv6",
        Family::Inet | Family::Bridge => "icmpx",
    }
}

fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Icmp => "icmp".into(),
        Protocol::Tcp => "tcp".into(),
        Protocol::Udp => "udp".into(),
        Protocol::Icmpv6 => "ipv6-icmp".into(),
        Protocol::Other(33) => "dccp".into(),
        Protocol::Other(132) => "sctp".into(),
        Protocol::Other(136) => "udplite".into(),
        Protocol::Other(number) => number.to_string(),
    }
}

fn ports(PortRange(range): &PortRange) -> impl Display + use<> {
    struct Range(u16, u16);
    impl Display for Range {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.0 == self.1 { write!(f, "{}", self.0) } else { write!(f, "{}-{}", self.0, self.1) }
        }
    }
    Range(*range.start(), *range.end())
}

fn state(state: ConnState) -> &'static str {
    match state {
        ConnState::Invalid => "invalid",
        ConnState::New => "new",
        ConnState::Established => "established",
        ConnState::Related => "related",
    }
}

#[cfg(test)]
mod tests {
    use netns_test_topology::Match;

    use super::*;

    #[test]
    fn a_rule_reads_as_nft_writes_it() {
        let matches = Match {
            from: "192.168.15.3/24".parse().ok(),
            output: "eth0".parse().ok(),
            protocol: Some(Protocol::Tcp),
            port: Some(PortRange(80..=90)),
            states: vec![ConnState::New, ConnState::Related],
            ..Match::default()
        };
        let comment = Some("web".into());
        let to = "fd00::1".parse().unwrap();
        let seen = rule(
            Family::Inet,
            &FirewallRule { comment, ..FirewallRule::new(matches, Verdict::Dnat { to, port: Some(8080) }) },
        );
        assert_eq!(
            seen,
            "oifname \"eth0\" ip saddr 192.168.15.0/24 tcp dport 80-90 ct state new,related \
             dnat to [fd00::1]:8080 comment \"web\""
        );
        assert_eq!(
            rule(Family::Ip, &FirewallRule { verdict: None, ..FirewallRule::new(Match::default(), Verdict::Drop) }),
            "counter"
        );
    }
}
