//! From the text to the draft, through the builder, with the place of each part.

use std::{collections::HashSet, net::IpAddr};

use netns_test_topology::{
    ChainKind, Cidr, Draft, FirewallRule, IfName, InvalidValue, LinkEnd, NodeName, Priority, Template, Topology,
    Verdict,
    build::{BridgeBuilder, InterfaceBuilder, NodeBuilder},
    check::{self, Check, Severity, nearest},
    parse_duration,
};

use super::{
    Bundle,
    fault::{Fault, Place},
    flat::{Flat, FlatNode, What},
    places::{EndPlaces, InterfacePlaces, LinkPlaces, NodePlaces, Phrase, Places},
    scope::{Position, Scope, kernel_name, plain, positions},
    statement::KEYWORDS,
    tokens::{Text, Word},
    tree::{ChainItem, Declaration, End, Form, InterfaceItem, Setting, Source, Statement, SwitchItem, Value, Words},
};

/// A draft, the names in it, and everything that is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    pub(crate) draft: Draft,
    pub(crate) scope: Scope,
    pub(crate) faults: Vec<Fault>,
}

/// Makes the draft of a declaration and checks it. Whether its text was faultless decides which checks make sense.
pub(crate) fn lower(declaration: &Declaration, parts: &[Bundle], faultless: bool) -> Lowered {
    let Source::Body(items) = &declaration.source else { return Lowered::default() };
    let scope = Scope::of(items, parts, "");
    let mut flat = Flat::of(items, parts, &scope);
    let mut lower = Lower { faults: std::mem::take(&mut flat.faults), ..Lower::default() };
    let mut builder = Topology::builder().name(plain(&declaration.name));
    if let Some(profile) = flat.profile {
        builder = builder.profile(profile);
    }
    for allowed in &declaration.allow {
        builder = builder.allow(&allowed.value);
        lower.places.allow.push(allowed.place);
    }
    let mut plugs = Vec::new();
    for node in &flat.nodes {
        let before = lower.faults.len();
        let Some(name) = lower.begin(node) else { continue };
        match &node.what {
            What::Node(statements) => {
                builder = builder.node(name, |n| {
                    let n = node.profile.into_iter().fold(n, NodeBuilder::profile);
                    lower.statements(n, node, statements)
                });
            }
            What::Switch(switch, ends) => {
                let mut plugged = Vec::new();
                for &(end, scope, part) in ends {
                    lower.part = part;
                    let first = plugs.len();
                    for (link, places) in lower.ends(end, scope) {
                        plugged.push(link);
                        plugs.push((first, places));
                    }
                }
                lower.part = node.part;
                builder = builder.switch_with(name, plugged, |bridge| lower.switch(bridge, switch, node));
            }
        }
        lower.once(before, (node.first, None));
    }
    for &(link, scope, part) in &flat.links {
        lower.part = part;
        let [a, b] = [&link.ends[0], &link.ends[1]].map(|end| lower.ends(end, scope));
        if a.len() != b.len() && !a.is_empty() && !b.is_empty() {
            let message = format!("one end of this link is {}, the other {}", several(a.len()), several(b.len()));
            let place = lower.at(link.place);
            lower.faults.push(Fault::new(place, message).help("name as many at one end as at the other"));
            continue;
        }
        let first = lower.places.links.len();
        for ((a, near), (b, far)) in a.into_iter().zip(b) {
            if let Some((_, place)) = link.mtu {
                for end in [&a, &b] {
                    if lower.places.set_mtu(end, place).is_some() {
                        let fault =
                            Fault::new(place, format!("`{}.{}` has an MTU of its own", end.node, end.interface));
                        lower.faults.push(fault.help("say it once: at the link, or at its ends"));
                    }
                }
            }
            let whole = lower.at(link.place);
            lower.places.links.push(LinkPlaces { whole, first, ends: [near, far] });
            builder = match link.mtu {
                Some((mtu, _)) => builder.link_with_mtu(a, b, mtu),
                None => builder.link(a, b),
            };
        }
    }
    let cables = lower.places.links.len();
    for (first, end) in plugs {
        let whole = end.node.to(end.interface);
        lower.places.links.push(LinkPlaces { whole, first: cables + first, ends: [end, end] });
    }
    let (mut draft, unread) = builder.into_draft();
    // Values are read before the builder gets them: what it still refuses is the name of a switch's bridge.
    for problem in unread {
        let place = lower.places.find(problem.place.item, problem.place.part);
        lower.faults.push(Fault::problem(place.unwrap_or_else(|| declaration.name.span().into()), problem));
    }
    if !parts.iter().any(Bundle::is_broken) {
        let clean = faultless && lower.faults.is_empty();
        lower.faults.extend(problems(&draft, &lower.places, declaration, clean));
    }
    parts.iter().for_each(|part| part.allows(&mut draft.allow));
    let faults = lower.faults;
    Lowered { draft, scope, faults }
}

/// What the checker finds, at its places; what all members of an array have in common is said once.
fn problems(draft: &Draft, places: &Places, declaration: &Declaration, clean: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut said = Vec::new();
    for mut problem in draft.problems() {
        let item = problem.place.item;
        let allowed = places.node(item).is_some_and(|node| {
            problem.severity() == Severity::Mistake && node.allow.iter().any(|name| name == problem.name())
        });
        let first = (places.first(item), problem.place.part, problem.check.code);
        let statement = match item {
            check::Item::Interface(n, i) if problem.check == Check::UNPLUGGED && places.is_bare(n, i) => {
                nearest(&draft.nodes[n].interfaces[i].name, KEYWORDS.iter().copied())
            }
            _ => None,
        };
        let doubtful = !clean && problem.check.relational && statement.is_none();
        if allowed || doubtful || said.contains(&first) {
            continue;
        }
        said.push(first);
        if let Some(near) = statement {
            problem.help = Some(format!("did you mean the statement `{near}`?"));
        }
        let place = places.find(item, problem.place.part);
        faults.push(Fault::problem(place.unwrap_or_else(|| declaration.name.span().into()), problem));
    }
    faults
}

fn several(count: usize) -> String {
    if count == 1 { "one interface".to_owned() } else { format!("{count} interfaces") }
}

#[derive(Default)]
pub(super) struct Lower {
    pub(super) faults: Vec<Fault>,
    places: Places,
    /// The arrays of nodes, and of interfaces in them, that had faults.
    faulty: HashSet<(usize, Option<usize>)>,
    /// Where the part is used that is being made.
    part: Option<Place>,
}

impl Lower {
    /// Leaves out what was found since then, if another member of the same array had faults.
    fn once(&mut self, before: usize, array: (usize, Option<usize>)) {
        if self.faults.len() > before && !self.faulty.insert(array) {
            self.faults.truncate(before);
        }
    }

    /// The name of the node, whose places begin here.
    fn begin(&mut self, node: &FlatNode<'_>) -> Option<NodeName> {
        self.part = node.part;
        let computed = kernel_name(node.name, node.position);
        let name = computed.and_then(|_| NodeName::new(node.member.name.as_str()));
        let name =
            self.read(node.name.place, name).or_else(|| NodeName::new(substitute(&node.member.name, 63)).ok())?;
        self.places.nodes.push(NodePlaces::new(&name, self.at(node.name.place), node.first, node.allow.clone()));
        Some(name)
    }

    /// Interfaces first, then bridges, which may have those before as ports, then what refers to all.
    fn statements(
        &mut self,
        mut n: NodeBuilder,
        node: &FlatNode<'_>,
        statements: &[(&Statement, Option<Place>)],
    ) -> NodeBuilder {
        let rank = |statement: &Statement| match statement {
            Statement::Interface(interface) if !interface.is_bridge() => 0,
            Statement::Interface(interface) => {
                let ports = interface.settings.iter().any(|setting| matches!(setting.value, Value::Ports(_)));
                1 + u8::from(ports)
            }
            _ => 3,
        };
        for turn in 0..=3 {
            for &(statement, part) in statements.iter().filter(|(statement, _)| rank(statement) == turn) {
                self.part = part;
                n = match statement {
                    Statement::Interface(interface) => self.interface(n, interface, node),
                    other => self.statement(n, other, node),
                };
            }
        }
        n
    }

    fn interface(&mut self, mut n: NodeBuilder, item: &InterfaceItem, node: &FlatNode<'_>) -> NodeBuilder {
        let first = self.node().interfaces.len();
        for position in positions(item.count) {
            let of_name = position.or(node.position.filter(|_| item.name.renamed));
            let name = kernel_name(&item.name, of_name).and_then(IfName::new);
            let before = self.faults.len();
            let name = self.read(item.name.place, name);
            let Some(name) = name.or_else(|| IfName::new(substitute(&item.name.kernel, 15)).ok()) else { break };
            let position = position.or(node.position);
            let mut places = InterfacePlaces::new(self.at(item.name.place), first, &name);
            places.bare = item.form == Form::Plain && item.addresses.is_empty() && item.settings.is_empty();
            self.setting_places(&mut places, &item.settings);
            let mut addresses = Vec::new();
            for text in &item.addresses {
                if let Some(address) = self.value::<Cidr>(text, position) {
                    addresses.push(address);
                    places.addresses.push(self.at(text.place));
                }
            }
            self.node().interfaces.push(places);
            if item.is_bridge() {
                let before = n.as_node().interfaces.len() + 1;
                n = n.bridge(name, |bridge| self.bridge(bridge.address(addresses), &item.settings, position, node));
                // Ports that were not declared have been made by the bridge.
                for made in n.as_node().interfaces.iter().skip(before) {
                    let port = item.settings.iter().find_map(|setting| match &setting.value {
                        Value::Ports(ports) => ports.iter().find(|port| port.word.text == *made.name),
                        _ => None,
                    });
                    let place = self.at(port.map_or(item.name.place, |port| port.word.place));
                    let index = self.node().interfaces.len();
                    self.node().interfaces.push(InterfacePlaces::new(place, index, &made.name));
                }
            } else {
                n = match item.form {
                    Form::Vxlan => self.vxlan(n, name, addresses, item, (position, node)),
                    Form::Macvlan => self.macvlan(n, name, addresses, item, (position, node)),
                    Form::Plain | Form::Bridge => {
                        n.interface_with(name, |i| self.settings(i.address(addresses), &item.settings, position, node))
                    }
                };
            }
            let nodes = self.places.nodes.len();
            self.once(before, (nodes, Some(first)));
        }
        n
    }

    fn settings(
        &mut self,
        mut i: InterfaceBuilder,
        settings: &[Setting],
        position: Position,
        node: &FlatNode<'_>,
    ) -> InterfaceBuilder {
        for setting in settings {
            i = match &setting.value {
                Value::Mac(text) => {
                    self.value(text, position).into_iter().fold(i, |i, mac: netns_test_topology::Mac| i.mac(mac))
                }
                Value::Mtu(bytes) => i.mtu(*bytes),
                Value::Down => i.down(),
                Value::Master(word) => self.name(word, position, node).into_iter().fold(i, InterfaceBuilder::master),
                // The parser takes no others here.
                _ => i,
            };
        }
        i
    }

    fn bridge(
        &mut self,
        mut b: BridgeBuilder,
        settings: &[Setting],
        position: Position,
        node: &FlatNode<'_>,
    ) -> BridgeBuilder {
        for setting in settings {
            b = match &setting.value {
                Value::Mac(text) => {
                    self.value(text, position).into_iter().fold(b, |b, mac: netns_test_topology::Mac| b.mac(mac))
                }
                Value::Mtu(bytes) => b.mtu(*bytes),
                Value::Down => b.down(),
                Value::Ports(ports) => ports
                    .iter()
                    .fold(b, |b, port| self.name(&port.word, position, node).into_iter().fold(b, BridgeBuilder::port)),
                Value::Stp(true) => b.stp(),
                Value::Stp(false) => b,
                Value::ForwardDelay(text) => self.time(text).into_iter().fold(b, BridgeBuilder::forward_delay),
                Value::Ageing(text) => self.time(text).into_iter().fold(b, BridgeBuilder::ageing),
                Value::MulticastSnooping(on) => b.multicast_snooping(*on),
                Value::NfCallIptables(on) => b.nf_call_iptables(*on),
                Value::NfCallIp6tables(on) => b.nf_call_ip6tables(*on),
                Value::NfCallArptables(on) => b.nf_call_arptables(*on),
                // The parser takes no others here.
                _ => b,
            };
        }
        b
    }

    fn statement(&mut self, n: NodeBuilder, statement: &Statement, node: &FlatNode<'_>) -> NodeBuilder {
        let position = node.position;
        match statement {
            Statement::Interface(_) => n,
            Statement::Route(words) => {
                let phrase = self.phrase(words, node);
                let Some(route) = self.parsed::<netns_test_topology::Route>(&phrase) else { return n };
                self.node().routes.push(phrase);
                n.route(route)
            }
            Statement::Rule(words) => {
                let phrase = self.phrase(words, node);
                let Some(rule) = self.parsed::<netns_test_topology::Rule>(&phrase) else { return n };
                self.node().rules.push(phrase);
                n.rule(rule)
            }
            Statement::Neighbour(words) => {
                let phrase = self.phrase(words, node);
                let Some(found) = self.parsed::<netns_test_topology::Neighbour>(&phrase) else { return n };
                self.node().neighbours.push(phrase);
                n.neighbour(found.address, found.mac, found.dev)
            }
            Statement::Fdb(words) => {
                let phrase = self.phrase(words, node);
                let Some(found) = self.parsed::<netns_test_topology::FdbEntry>(&phrase) else { return n };
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
        let key = |chain: &netns_test_topology::Chain| (chain.family, chain.kind, chain.hook, chain.priority);
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

    fn switch(&mut self, bridge: BridgeBuilder, switch: &SwitchItem, node: &FlatNode<'_>) -> BridgeBuilder {
        let mut places = InterfacePlaces::new(self.at(switch.name.place), 0, &switch.name.kernel);
        self.setting_places(&mut places, &switch.settings);
        let mut addresses = Vec::new();
        for text in &switch.addresses {
            if let Some(address) = self.value::<Cidr>(text, None) {
                addresses.push(address);
                places.addresses.push(self.at(text.place));
            }
        }
        self.node().interfaces.push(places);
        self.bridge(bridge.address(addresses), &switch.settings, None, node)
    }

    /// The interfaces at an end of a link.
    fn ends(&mut self, end: &End, scope: &Scope) -> Vec<(LinkEnd, EndPlaces)> {
        let node = end.node.first().map_or(end.place, |step| step.place());
        let node = end.node.last().map_or(node, |last| node.to(last.place()));
        let places = EndPlaces { node: self.at(node), interface: self.at(end.interface.place()) };
        let names = match scope.resolve(end) {
            Ok(names) => names,
            Err(mut fault) => {
                fault.place = self.at(fault.place);
                self.faults.push(fault);
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (node, interface) in names {
            let (name, interface) = match (NodeName::new(node), IfName::new(interface)) {
                (Ok(node), Ok(interface)) => (node, interface),
                (node, interface) => {
                    // Where a name is declared, it was told already that it is none.
                    for (place, error) in [(places.node, node.err()), (places.interface, interface.err())] {
                        let fault = error.map(|error| Fault::invalid(place, &error));
                        let told = |fault: &Fault| self.faults.iter().any(|told| told.message == fault.message);
                        if let Some(fault) = fault.filter(|fault| !told(fault)) {
                            self.faults.push(fault);
                        }
                    }
                    break;
                }
            };
            found.push((LinkEnd { node: name, interface }, places));
        }
        found
    }

    fn setting_places(&self, places: &mut InterfacePlaces, settings: &[Setting]) {
        for setting in settings {
            let place = Some(self.at(setting.place));
            match &setting.value {
                Value::Mac(_) => places.mac = place,
                Value::Mtu(_) => places.mtu = place,
                Value::Master(_) => places.master = place,
                Value::ForwardDelay(_) | Value::Ageing(_) | Value::UdpPort(_) => places.options = place,
                Value::Remote(_) | Value::Group(_) => places.remote = place,
                Value::Local(_) => places.local = place,
                Value::Dev(_) | Value::Parent(_) => places.lower = place,
                Value::Underlay(_) | Value::ParentNode(_) => places.underlay = place,
                _ => {}
            }
        }
    }

    /// Words as one text: fields as the kernel's names, and computed parts computed.
    fn phrase(&mut self, words: &Words, node: &FlatNode<'_>) -> Phrase {
        let mut phrase = Phrase::new(self.at(words.place));
        let mut before = "";
        for word in &words.words {
            let place = self.at(word.place);
            let names_interface = matches!(before, "dev" | "iif" | "oif" | "iifname" | "oifname" | "!=");
            match node.member.one(&word.text).filter(|_| names_interface && !word.quoted) {
                Some(kernel) => phrase.push(kernel, place),
                None if word.quoted => {
                    let text = Text { value: word.text.clone(), place: word.place };
                    let text = self.text(&text, node.position).unwrap_or_default();
                    // A comment may have spaces in it.
                    match before {
                        "comment" => phrase.push(&format!("\"{text}\""), place),
                        _ => phrase.push(&text, place),
                    }
                }
                None => phrase.push(&word.text, place),
            }
            before = &word.text;
        }
        phrase
    }

    fn parsed<T: std::str::FromStr<Err = InvalidValue>>(&mut self, phrase: &Phrase) -> Option<T> {
        phrase.text.parse().map_err(|error| self.faults.push(Fault::invalid(phrase.error(&error), &error))).ok()
    }

    /// The name of an interface that a word stands for.
    pub(super) fn name(&mut self, word: &Word, position: Position, node: &FlatNode<'_>) -> Option<IfName> {
        let text = match node.member.one(&word.text).filter(|_| !word.quoted) {
            Some(kernel) => kernel.to_owned(),
            None if word.quoted => self.text(&Text { value: word.text.clone(), place: word.place }, position)?,
            None => word.text.clone(),
        };
        self.read(word.place, IfName::new(text))
    }

    /// The text, with its computed parts computed if it belongs to a member of an array.
    pub(super) fn text(&mut self, text: &Text, position: Position) -> Option<String> {
        let Some((at, count)) = position else { return Some(text.value.clone()) };
        let computed = text.value.parse::<Template>().and_then(|template| template.member(at, count));
        self.read(text.place, computed)
    }

    pub(super) fn value<T: std::str::FromStr<Err = InvalidValue>>(
        &mut self,
        text: &Text,
        position: Position,
    ) -> Option<T> {
        let value = self.text(text, position)?;
        let read = value.parse();
        if read.is_err() && position.is_none() && value.contains("index") && value.contains('{') {
            let fault = Fault::new(self.at(text.place), format!("`{value}` is computed, but not in an array"));
            self.faults.push(fault.help("an array is written with the number of its members: `node host[16] { … }`"));
            return None;
        }
        self.read(text.place, read)
    }

    pub(super) fn address(&mut self, text: &Text, position: Position) -> Option<IpAddr> {
        let value = self.text(text, position)?;
        self.read(text.place, netns_test_topology::build::IntoValue::into_value(value))
    }

    fn network(&mut self, text: &Text, position: Position) -> Option<Cidr> {
        let value = self.text(text, position)?;
        self.read(text.place, netns_test_topology::build::IntoNetwork::into_network(value))
    }

    pub(super) fn time(&mut self, text: &Text) -> Option<std::time::Duration> {
        self.read(text.place, parse_duration(&text.value))
    }

    pub(super) fn read<T>(&mut self, place: Place, read: Result<T, InvalidValue>) -> Option<T> {
        let place = self.at(place);
        read.map_err(|error| self.faults.push(Fault::invalid(place, &error))).ok()
    }

    /// What comes from a part is told where the part is used.
    pub(super) fn at(&self, place: Place) -> Place {
        self.part.unwrap_or(place)
    }

    /// The places of the node that is being made.
    fn node(&mut self) -> &mut NodePlaces {
        self.places.nodes.last_mut().expect("a node is made after its places were begun")
    }
}

/// A name instead of one that is none, so that what else is wrong is told as well.
fn substitute(name: &str, longest: usize) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(longest).collect();
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !matches!(&*name, "all" | "default") {
        name
    } else {
        "unnamed".to_owned()
    }
}

fn family(v6: bool) -> netns_test_topology::Family {
    if v6 { netns_test_topology::Family::Ip6 } else { netns_test_topology::Family::Ip }
}
