//! Firewall and address translation.

use std::net::IpAddr;

use super::{
    Reader,
    reference::{ADDRESS, NFT},
};
use crate::{
    ChainKind, ConnState, Family, FirewallRule, Hook, IfName, Match, Nth, Policy, PortRange, Protocol, Verdict,
    build::{IntoNetwork, IntoValue, NodeBuilder, destination},
    check::{Item, Part},
    file::{
        MISSING_KEY, Mistake, Span,
        tree::{Data, Table, Value},
    },
};

impl Reader<'_> {
    /// Reads one value of a setting of netfilter.
    pub(super) fn netfilter(&mut self, n: usize, key: &str, value: &Value, node: NodeBuilder) -> NodeBuilder {
        let rules: Vec<usize> = node.node.chains.iter().map(|chain| chain.rules.len()).collect();
        let mut spans = vec![value.span.clone()];
        let node = match (key, &value.data) {
            ("masquerade", _) => match self.value::<IfName>(value) {
                Some(interface) => node.masquerade(interface),
                None => node,
            },
            ("masquerade_from", _) => match self.network(value) {
                Some(network) => node.masquerade_from(network),
                None => node,
            },
            ("snat" | "dnat", Data::Table(table)) => self.translation(key == "snat", table, node),
            ("forward_tcp" | "forward_udp", Data::Table(table)) => {
                self.forwarded(if key == "forward_tcp" { Protocol::Tcp } else { Protocol::Udp }, table, node)
            }
            ("firewall" | "bridge_firewall", Data::Table(hooks)) => {
                let family = if key == "firewall" { Family::Inet } else { Family::Bridge };
                return hooks.entries.iter().fold(node, |node, entry| {
                    let Ok(hook) = entry.key.name.parse::<Hook>() else { return node };
                    let rules: Vec<usize> = node.node.chains.iter().map(|chain| chain.rules.len()).collect();
                    let (node, spans) = self.chain(family, ChainKind::Filter, hook, &entry.value, node);
                    self.place_rules(n, &rules, &entry.key.span, &spans, &node);
                    node
                });
            }
            ("chain", Data::Table(table)) => {
                let word = |name| table.get(name).and_then(Value::text);
                let family = match word("family") {
                    Some("ip") => Family::Ip,
                    Some("ip6") => Family::Ip6,
                    Some("bridge") => Family::Bridge,
                    _ => Family::Inet,
                };
                let kind = if word("kind") == Some("nat") { ChainKind::Nat } else { ChainKind::Filter };
                match word("hook").and_then(|hook| hook.parse::<Hook>().ok()) {
                    Some(hook) => {
                        let (node, found) = self.chain(family, kind, hook, value, node);
                        spans = found;
                        node
                    }
                    None => node,
                }
            }
            _ => node,
        };
        self.place_rules(n, &rules, &value.span, &spans, &node);
        node
    }

    /// Notes the places of the rules that were added, in their order, given how many each chain had before.
    fn place_rules(&mut self, n: usize, before: &[usize], whole: &Span, spans: &[Span], node: &NodeBuilder) {
        let mut spans = spans.iter();
        for (c, chain) in node.node.chains.iter().enumerate() {
            if c >= before.len() {
                self.places.set(Item::Chain(n, c), Part::Whole, whole.clone());
            }
            for r in before.get(c).copied().unwrap_or_default()..chain.rules.len() {
                let span = spans.next().unwrap_or(whole);
                self.places.set(Item::FirewallRule(n, c, r), Part::Whole, span.clone());
            }
        }
    }

    fn translation(&mut self, source: bool, table: &Table, node: NodeBuilder) -> NodeBuilder {
        let matches = match table.get("match") {
            Some(value) => {
                self.with_addresses(value, &NFT).and_then(|text| self.understood(&text, str::parse::<Match>))
            }
            None => Some(Match::default()),
        };
        let to = table.get("to").and_then(|value| self.with_addresses(value, &ADDRESS));
        let (Some(matches), Some(to)) = (matches, to) else { return node };
        if source {
            match self.understood::<IpAddr>(&to, |text| text.into_value()) {
                Some(to) => node.snat(matches, to),
                None => node,
            }
        } else {
            match self.understood(&to, destination) {
                Some(_) => node.dnat(matches, to.text),
                None => node,
            }
        }
    }

    fn forwarded(&mut self, protocol: Protocol, table: &Table, node: NodeBuilder) -> NodeBuilder {
        let interface = table.get("interface").and_then(|value| self.value::<IfName>(value));
        let to = table.get("to").and_then(|value| self.with_addresses(value, &ADDRESS));
        let to = to.filter(|to| self.understood(to, destination).is_some());
        let port = table.get("port").and_then(number::<u16>);
        let (Some(interface), Some(port), Some(to)) = (interface, port, to) else { return node };
        match protocol {
            Protocol::Tcp => node.forward_tcp(interface, port, to.text),
            _ => node.forward_udp(interface, port, to.text),
        }
    }

    /// Reads a chain: its policy, its rules, or a table of both. Says where the rules stand.
    fn chain(
        &mut self,
        family: Family,
        kind: ChainKind,
        hook: Hook,
        value: &Value,
        node: NodeBuilder,
    ) -> (NodeBuilder, Vec<Span>) {
        let (mut policy, mut priority, mut rules) = (None, None, &[][..]);
        match &value.data {
            Data::Table(table) => {
                policy = table.get("policy").and_then(Value::text);
                priority = table.get("priority").and_then(number::<i32>);
                rules = table.get("rules").map(Value::elements).unwrap_or_default();
            }
            Data::List(values) => rules = values,
            _ => policy = value.text(),
        }
        let (rules, spans): (Vec<_>, Vec<_>) =
            rules.iter().filter_map(|value| Some((self.firewall_rule(value)?, value.span.clone()))).unzip();
        let node = node.chain(family, kind, hook, |mut chain| {
            if let Some(priority) = priority {
                chain = chain.priority(priority);
            }
            if let Some(policy) = policy.and_then(|policy| policy.parse::<Policy>().ok()) {
                chain = chain.policy(policy);
            }
            rules.into_iter().fold(chain, |chain, rule| chain.rule(rule))
        });
        (node, spans)
    }

    fn firewall_rule(&mut self, value: &Value) -> Option<FirewallRule> {
        let Data::Table(table) = &value.data else {
            let written = self.with_addresses(value, &NFT)?;
            return self.understood(&written, str::parse::<FirewallRule>);
        };
        let seen = self.found.len();
        let matches = Match {
            from: self.option(table, "from", Self::network),
            not_from: self.option(table, "not_from", Self::network),
            to: self.option(table, "to", Self::network),
            not_to: self.option(table, "not_to", Self::network),
            input: self.option(table, "input", Self::value::<IfName>),
            not_input: self.option(table, "not_input", Self::value::<IfName>),
            output: self.option(table, "output", Self::value::<IfName>),
            not_output: self.option(table, "not_output", Self::value::<IfName>),
            protocol: self.option(table, "protocol", |reader, value| match number::<u8>(value) {
                Some(number) => Some(Protocol::Other(number)),
                None => reader.read(value, str::parse::<Protocol>),
            }),
            source_port: self.option(table, "source_port", Self::ports),
            port: self.option(table, "port", Self::ports),
            states: table.get("state").into_iter().flat_map(Value::elements).filter_map(state).collect(),
            ethertype: table.get("ethertype").and_then(number::<u16>),
            nth: self.option(table, "nth", Self::nth),
        };
        // The word of nft for what happens without a verdict.
        let goes_on = table.get("verdict").and_then(Value::text) == Some("continue");
        let verdict = self.option(table, "verdict", |reader, value| {
            if goes_on {
                return None;
            }
            let written = reader.with_addresses(value, &NFT)?;
            reader.understood(&written, str::parse::<Verdict>)
        });
        let text = |reader: &mut Self, value: &Value| reader.written(value).map(|written| written.text);
        let counter = self.option(table, "counter", text);
        let comment = self.option(table, "comment", text);
        if verdict.is_none() && counter.is_none() && !goes_on && self.found.len() == seen {
            let mistake = Mistake::new(MISSING_KEY, value.span.clone(), "a firewall rule does nothing");
            self.found.push(mistake.help("add a `verdict`, such as `verdict = \"drop\"`, or a `counter`"));
        }
        (self.found.len() == seen).then_some(FirewallRule { matches, verdict, counter, comment })
    }

    fn option<T>(&mut self, table: &Table, key: &str, read: impl FnOnce(&mut Self, &Value) -> Option<T>) -> Option<T> {
        table.get(key).and_then(|value| read(self, value))
    }

    fn network(&mut self, value: &Value) -> Option<crate::Cidr> {
        let written = self.with_addresses(value, &ADDRESS)?;
        self.understood(&written, |text| text.into_network())
    }

    fn nth(&mut self, value: &Value) -> Option<Nth> {
        let Data::Table(table) = &value.data else { return None };
        let number = |key| table.get(key).and_then(number::<u32>);
        match Nth::new(number("every")?, number("packet")?) {
            Ok(nth) => Some(nth),
            Err(error) => {
                self.found.push(Mistake::invalid(&error, value.span.clone()));
                None
            }
        }
    }

    fn ports(&mut self, value: &Value) -> Option<PortRange> {
        match number::<u16>(value) {
            Some(port) => Some(port.into()),
            None => self.read(value, str::parse::<PortRange>),
        }
    }
}

fn number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    match value.data {
        Data::Number(number) => T::try_from(number).ok(),
        _ => None,
    }
}

fn state(value: &Value) -> Option<ConnState> {
    match value.text()? {
        "invalid" => Some(ConnState::Invalid),
        "new" => Some(ConnState::New),
        "established" => Some(ConnState::Established),
        "related" => Some(ConnState::Related),
        _ => None,
    }
}
