//! Chains and rules in the words of `nft list ruleset`.

use std::fmt;

use super::{
    Chain, ChainKind, Cidr, ConnState, Family, FirewallRule, Hook, Match, Nth, Policy, PortRange, Protocol, Reject,
    Verdict,
};

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Family::Inet => "inet",
            Family::Ip => "ip",
            Family::Ip6 => "ip6",
            Family::Bridge => "bridge",
        })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Hook::Prerouting => "prerouting",
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::Postrouting => "postrouting",
        })
    }
}

impl fmt::Display for ChainKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ChainKind::Filter => "filter",
            ChainKind::Nat => "nat",
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Policy::Accept => "accept",
            Policy::Drop => "drop",
        })
    }
}

impl fmt::Display for ConnState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ConnState::Invalid => "invalid",
            ConnState::New => "new",
            ConnState::Established => "established",
            ConnState::Related => "related",
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protocol::Icmp => f.pad("icmp"),
            Protocol::Tcp => f.pad("tcp"),
            Protocol::Udp => f.pad("udp"),
            Protocol::Icmpv6 => f.pad("ipv6-icmp"),
            Protocol::Other(number) => f.pad(&number.to_string()),
        }
    }
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("numgen inc mod {} {}", self.every(), self.packet()))
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.0.start(), self.0.end());
        if first == last { f.pad(&first.to_string()) } else { f.pad(&format!("{first}-{last}")) }
    }
}

/// Prints the chain on one line: its head as `nft` writes it, then the rules, separated by `;`.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} priority {} policy {} {{",
            self.family, self.kind, self.hook, self.priority.0, self.policy
        )?;
        for (n, rule) in self.rules.iter().enumerate() {
            write!(f, "{} {rule}", if n == 0 { "" } else { ";" })?;
        }
        f.write_str(" }")
    }
}

/// Prints the rule in the syntax of [nft(8)], such as `tcp dport 25 drop`.
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
impl fmt::Display for FirewallRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = self.matches.words();
        if let Some(counter) = &self.counter {
            words.push(format!("counter name \"{counter}\""));
        }
        if let Some(verdict) = &self.verdict {
            words.push(verdict.to_string());
        }
        if let Some(comment) = &self.comment {
            words.push(format!("comment \"{comment}\""));
        }
        f.write_str(&words.join(" "))
    }
}

/// Prints the match in the syntax of [nft(8)]; the empty match, which takes every packet, prints nothing.
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.words().join(" "))
    }
}

impl Match {
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (name, is, is_not) in
            [("iifname", &self.input, &self.not_input), ("oifname", &self.output, &self.not_output)]
        {
            words.extend(is.as_ref().map(|dev| format!("{name} \"{dev}\"")));
            words.extend(is_not.as_ref().map(|dev| format!("{name} != \"{dev}\"")));
        }
        if let Some(ethertype) = self.ethertype {
            words.push(format!("ether type {ethertype:#06x}"));
        }
        for (name, is, is_not) in [("saddr", &self.from, &self.not_from), ("daddr", &self.to, &self.not_to)] {
            words.extend(is.map(|net| format!("{} {name} {}", family(&net), short(&net))));
            words.extend(is_not.map(|net| format!("{} {name} != {}", family(&net), short(&net))));
        }
        let ports = [("sport", &self.source_port), ("dport", &self.port)];
        if let Some(protocol) = self.protocol {
            if ports.iter().all(|(_, range)| range.is_none()) {
                words.push(format!("meta l4proto {protocol}"));
            }
            words.extend(
                ports.iter().filter_map(|(name, range)| Some(format!("{protocol} {name} {}", range.as_ref()?))),
            );
        } else {
            words.extend(ports.iter().filter_map(|(name, range)| Some(format!("th {name} {}", range.as_ref()?))));
        }
        if !self.states.is_empty() {
            let states: Vec<String> = self.states.iter().map(ConnState::to_string).collect();
            words.push(format!("ct state {}", states.join(",")));
        }
        words.extend(self.nth.map(|nth| nth.to_string()));
        words
    }
}

/// Prints the verdict in the syntax of [nft(8)], such as `reject with tcp reset`.
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Accept => f.write_str("accept"),
            Verdict::Drop => f.write_str("drop"),
            Verdict::Reject(Reject::Port) => f.write_str("reject"),
            Verdict::Reject(Reject::Host) => f.write_str("reject with icmpx host-unreachable"),
            Verdict::Reject(Reject::Network) => f.write_str("reject with icmpx no-route"),
            Verdict::Reject(Reject::AdminProhibited) => f.write_str("reject with icmpx admin-prohibited"),
            Verdict::Reject(Reject::TcpReset) => f.write_str("reject with tcp reset"),
            Verdict::Masquerade => f.write_str("masquerade"),
            Verdict::Snat { to, ports: None } => write!(f, "snat to {to}"),
            Verdict::Snat { to, ports: Some(ports) } if to.is_ipv6() => write!(f, "snat to [{to}]:{ports}"),
            Verdict::Snat { to, ports: Some(ports) } => write!(f, "snat to {to}:{ports}"),
            Verdict::Dnat { to, port: None } => write!(f, "dnat to {to}"),
            Verdict::Dnat { to, port: Some(port) } if to.is_ipv6() => write!(f, "dnat to [{to}]:{port}"),
            Verdict::Dnat { to, port: Some(port) } => write!(f, "dnat to {to}:{port}"),
        }
    }
}

fn family(net: &Cidr) -> &'static str {
    if net.is_ipv6() { "ip6" } else { "ip" }
}

/// A single host without its prefix length.
fn short(net: &Cidr) -> String {
    if net.prefix() == if net.is_ipv6() { 128 } else { 32 } { net.addr().to_string() } else { net.to_string() }
}
