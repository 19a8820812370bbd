//! Statements of a node that are no interfaces, through the builder.

use netns_test_topology::{
    Chain, ChainKind, Family, FdbEntry, FirewallRule, Neighbour, Priority, Route, Rule, Verdict, build::NodeBuilder,
    check::Check,
};

use super::Lower;
use crate::topology::{
    fault::Fault,
    flat::FlatNode,
    places::Phrase,
    tree::{ChainItem, Statement},
};

impl Lower {
    pub(super) fn statement(&mut self, n: NodeBuilder, statement: &Statement, node: &FlatNode<'_>) -> NodeBuilder {
        let position = node.position;
        match statement {
            Statement::Interface(_) => n,
            Statement::Route(words) => {
                let phrase = self.phrase(words, node);
                let Some(route) = self.parsed::<Route>(&phrase) else { return n };
                self.node().routes.push(phrase);
                n.route(route)
            }
            Statement::Rule(words) => {
                let phrase = self.phrase(words, node);
                let Some(rule) = self.parsed::<Rule>(&phrase) else { return n };
                self.node().rules.push(phrase);
                n.rule(rule)
            }
            Statement::Neighbour(words) => {
                let phrase = self.phrase(words, node);
                let Some(found) = self.parsed::<Neighbour>(&phrase) else { return n };
                self.node().neighbours.push(phrase);
                n.neighbour(found.address, found.mac, found.dev)
            }
            Statement::Fdb(words) => {
                let phrase = self.phrase(words, node);
                let Some(found) = self.parsed::<FdbEntry>(&phrase) else { return n };
                self.node().fdb.push(phrase);
                n.fdb(found)
            }
            Statement::Sysctl { key, value } => {
                let (Some(name), Some(value)) = (self.text(key, position), self.text(value, position)) else {
                    return n;
                };
                let place = self.at(key.place);
                self.node().sysctls.push(place);
                n.sysctl(name, value)
            }
            Statement::Forward { v4, v6 } => {
                let n = if *v4 { n.forward_v4() } else { n };
                if *v6 { n.forward_v6() } else { n }
            }
            Statement::Masquerade(place, word) => {
                let Some(name) = self.name(word, position, node) else { return n };
                let mut phrase = Phrase::new(self.at(place.to(word.place)));
                phrase.push("oifname", phrase.whole);
                phrase.push(&name, self.at(word.place));
                let n = n.masquerade(name);
                self.chains(&n, &phrase);
                n
            }
            Statement::MasqueradeFrom(place, text) => {
                let Some(network) = self.network(text, position) else { return n };
                let phrase = Phrase::new(self.at(place.to(text.place)));
                let n = n.masquerade_from(network);
                self.chains(&n, &phrase);
                n
            }
            Statement::Nat(words, hook) => {
                let phrase = self.phrase(words, node);
                let Some(rule) = self.parsed::<FirewallRule>(&phrase) else { return n };
                let v6 =
                    matches!(&rule.verdict, Some(Verdict::Snat { to, .. } | Verdict::Dnat { to, .. }) if to.is_ipv6());
                let n = n.chain(family(v6), ChainKind::Nat, *hook, |chain| chain.rule(rule));
                self.chains(&n, &phrase);
                n
            }
            Statement::ForwardPort { place, tcp, interface, port, to } => {
                let (Some(name), Some(text)) = (self.name(interface, position, node), self.text(to, position)) else {
                    return n;
                };
                // The builder would only say that it cannot be read.
                if let Err(error) = format!("dnat to {text}").parse::<FirewallRule>() {
                    let place = self.at(to.place);
                    self.faults.push(Fault::invalid(place, &error));
                    return n;
                }
                let mut phrase = Phrase::new(self.at(place.to(to.place)));
                phrase.push("iifname", phrase.whole);
                phrase.push(&name, self.at(interface.place));
                let n = if *tcp { n.forward_tcp(name, *port, text) } else { n.forward_udp(name, *port, text) };
                self.chains(&n, &phrase);
                n
            }
            Statement::Chain(chain) => self.chain(n, chain, node),
            Statement::Counter(text) => {
                let Some(name) = self.text(text, position) else { return n };
                let place = self.at(text.place);
                self.node().counters.push(place);
                n.counter(name)
            }
            Statement::Profile(profile, _) => n.profile(*profile),
            Statement::Departure(departure, on, _) => {
                if *on {
                    n.with(*departure)
                } else {
                    n.without(*departure)
                }
            }
            Statement::NameServers(texts) => texts.iter().fold(n, |n, text| {
                let Some(server) = self.address(text, position) else { return n };
                let place = self.at(text.place);
                self.node().nameservers.push(place);
                n.nameserver(server)
            }),
        }
    }

    fn chain(&mut self, n: NodeBuilder, item: &ChainItem, node: &FlatNode<'_>) -> NodeBuilder {
        let priority = item.priority.map(Priority);
        let key = |chain: &Chain| (chain.family, chain.kind, chain.hook, chain.priority);
        let whole = self.at(item.place);
        let mut rules = Vec::new();
        for words in &item.rules {
            let phrase = self.phrase(words, node);
            rules.extend(self.parsed::<FirewallRule>(&phrase).map(|rule| (rule, phrase)));
        }
        let mut wanted = None;
        let n = n.chain(item.family, item.kind, item.hook, |mut chain| {
            if let Some(Priority(number)) = priority {
                chain = chain.priority(number);
            }
            if let Some(policy) = item.policy {
                chain = chain.policy(policy);
            }
            for (rule, _) in &rules {
                chain = chain.rule(rule.clone());
            }
            wanted = Some(key(chain.as_chain()));
            chain
        });
        let at = n.as_node().chains.iter().position(|chain| Some(key(chain)) == wanted);
        let written = std::mem::take(&mut self.node().written);
        if let Some(at) = at {
            if written.contains(&at) {
                let message =
                    format!("node `{}` has two such chains, and nothing says which is first", n.as_node().name);
                let help = "put their rules into one chain, or give one another priority";
                let fault = Fault::new(whole, message).help(help);
                self.faults.push(Fault { code: Some(Check::DUPLICATE_CHAIN.code), ..fault });
            }
            let chains = &mut self.node().chains;
            while chains.len() <= at {
                chains.push((whole, Vec::new()));
            }
            chains[at].1.extend(rules.into_iter().map(|(_, phrase)| phrase));
        }
        self.node().written = written.into_iter().chain(at).collect();
        n
    }

    /// Takes down where the rules were written that a statement has just added.
    fn chains(&mut self, n: &NodeBuilder, phrase: &Phrase) {
        let chains = &mut self.node().chains;
        for (c, chain) in n.as_node().chains.iter().enumerate() {
            if c == chains.len() {
                chains.push((phrase.whole, Vec::new()));
            }
            while chains[c].1.len() < chain.rules.len() {
                chains[c].1.push(phrase.clone());
            }
        }
    }
}

fn family(v6: bool) -> Family {
    if v6 { Family::Ip6 } else { Family::Ip }
}
