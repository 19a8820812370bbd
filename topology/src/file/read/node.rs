//! A node's own settings.

use std::net::IpAddr;

use super::{
    Reader,
    expand::Instance,
    interface::flag,
    reference::{ADDRESS, FDB, NEIGHBOUR, ROUTE, RULE},
    text::{Written, words},
};
use crate::{
    Departure, FdbEntry, LinkEnd, Neighbour, Profile, Role, Route, Rule, Sysctl,
    build::{IntoValue, NodeBuilder},
    check::{Item, Part},
    file::{
        Span,
        tree::{Data, Table, Value},
    },
};

impl Reader<'_> {
    /// Reads a node, the `n`th of the draft.
    pub(super) fn node(&mut self, n: usize, instance: &Instance, mut node: NodeBuilder) -> NodeBuilder {
        self.places.set(Item::Node(n), Part::Whole, instance.span.clone());
        self.interfaces(n, &instance.interfaces, &mut node.node);
        let settings = Table { entries: instance.settings.clone() };
        let forward = flag(&settings, "forward").unwrap_or_default();
        node.node.forward_v4 = flag(&settings, "forward_v4").unwrap_or(forward);
        node.node.forward_v6 = flag(&settings, "forward_v6").unwrap_or(forward);
        for entry in &settings.entries {
            for value in entry.value.elements() {
                node = self.setting(n, &entry.key.name, value, node);
            }
        }
        for (i, interface) in node.node.interfaces.iter().enumerate() {
            let end = LinkEnd { node: instance.name.clone(), interface: interface.name.clone() };
            self.positions.entry(end).or_insert((n, i));
        }
        node
    }

    /// Reads one value of a setting.
    fn setting(&mut self, n: usize, key: &str, value: &Value, mut node: NodeBuilder) -> NodeBuilder {
        match key {
            "role" => node.node.role = if value.text() == Some("switch") { Role::Switch } else { Role::Host },
            "profile" => node.node.profile = self.read(value, str::parse::<Profile>),
            "with" | "without" => {
                if let Some(departure) = self.read(value, str::parse::<Departure>)
                    && node.node.departures.insert(departure, key == "with") == Some(key != "with")
                {
                    let message = format!("`{departure}` is both on and off");
                    self.contradiction(value.span.clone(), message, "name it after `with` or after `without`");
                }
            }
            "route" => self.route(n, value, &mut node),
            "rule" => self.rule(n, value, &mut node),
            "neighbour" => {
                if let Some(entry) = self.with_addresses(value, &NEIGHBOUR)
                    && let Some(neighbour) = self.understood(&entry, str::parse::<Neighbour>)
                {
                    let item = Item::Neighbour(n, node.node.neighbours.len());
                    self.places.set(item, Part::Whole, value.span.clone());
                    self.place_words(item, &entry, |word| if word == "dev" { Some(Part::Device(0)) } else { None });
                    node.node.neighbours.push(neighbour);
                }
            }
            "fdb" => {
                if let Some(written) = self.with_addresses(value, &FDB)
                    && let Some(entry) = self.understood(&written, str::parse::<FdbEntry>)
                {
                    let item = Item::Fdb(n, node.node.fdb.len());
                    self.places.set(item, Part::Whole, value.span.clone());
                    self.place_words(item, &written, |word| if word == "dev" { Some(Part::Device(0)) } else { None });
                    node.node.fdb.push(entry);
                }
            }
            "sysctl" => match &value.data {
                Data::Table(table) => self.sysctls(n, "", table, &mut node),
                _ => {
                    if let Some(sysctl) = self.read(value, str::parse::<Sysctl>) {
                        self.add_sysctl(n, sysctl, value.span.clone(), &mut node);
                    }
                }
            },
            "nameserver" => {
                if let Some(written) = self.with_addresses(value, &ADDRESS)
                    && let Some(address) = self.understood::<IpAddr>(&written, |text| text.into_value())
                {
                    let item = Item::NameServer(n, node.node.nameservers.len());
                    self.places.set(item, Part::Whole, value.span.clone());
                    node.node.nameservers.push(address);
                }
            }
            "counter" => {
                if let Some(name) = self.written(value) {
                    let item = Item::Counter(n, node.node.counters.len());
                    self.places.set(item, Part::Whole, value.span.clone());
                    node.node.counters.push(name.text);
                }
            }
            // Read before, or no setting of a single node.
            "count" | "group" | "forward" | "forward_v4" | "forward_v6" => {}
            _ => node = self.netfilter(n, key, value, node),
        }
        node
    }

    fn route(&mut self, n: usize, value: &Value, node: &mut NodeBuilder) {
        let Some(written) = self.with_addresses(value, &ROUTE) else { return };
        let Some(route) = self.understood(&written, str::parse::<Route>) else { return };
        let item = Item::Route(n, node.node.routes.len());
        self.places.set(item, Part::Whole, value.span.clone());
        let kinds = ["unicast", "blackhole", "unreachable", "prohibit", "to"];
        if let Some(to) = words(&written.text).into_iter().find(|word| !kinds.contains(&&written.text[word.clone()])) {
            self.places.set(item, Part::To, written.span(to));
        }
        let mut hops = 0_usize;
        self.place_words(item, &written, |word| {
            let hop = hops.saturating_sub(1);
            match word {
                "nexthop" => hops += 1,
                "via" | "inet" | "inet6" => return Some(Part::Gateway(hop)),
                "dev" => return Some(Part::Device(hop)),
                "src" => return Some(Part::Source),
                "table" => return Some(Part::Table),
                _ => {}
            }
            None
        });
        node.node.routes.push(route);
    }

    fn rule(&mut self, n: usize, value: &Value, node: &mut NodeBuilder) {
        let Some(written) = self.with_addresses(value, &RULE) else { return };
        let Some(rule) = self.understood(&written, str::parse::<Rule>) else { return };
        let item = Item::Rule(n, node.node.rules.len());
        self.places.set(item, Part::Whole, value.span.clone());
        self.place_words(item, &written, |word| match word {
            "from" => Some(Part::Source),
            "to" => Some(Part::To),
            "iif" | "dev" => Some(Part::Input),
            "oif" => Some(Part::Output),
            "lookup" | "table" => Some(Part::Table),
            _ => None,
        });
        node.node.rules.push(rule);
    }

    /// The settings in nested tables, whose keys make a dotted name.
    fn sysctls(&mut self, n: usize, outer: &str, table: &Table, node: &mut NodeBuilder) {
        for entry in &table.entries {
            let Some(key) = self.written_key(&entry.key) else { continue };
            // Where the name of an interface stands, its dots are its own.
            let of_interface = outer.ends_with(".conf") || outer.ends_with(".neigh");
            let key = if of_interface { key.text.replace('.', "/") } else { key.text };
            let key = if outer.is_empty() { key } else { format!("{outer}.{key}") };
            let value = match &entry.value.data {
                Data::Table(inner) => {
                    self.sysctls(n, &key, inner, node);
                    continue;
                }
                Data::Number(number) => Some(number.to_string()),
                _ => self.written(&entry.value).map(|written| written.text),
            };
            if let Some(value) = value {
                self.add_sysctl(n, Sysctl { key, value }, entry.key.span.clone(), node);
            }
        }
    }

    fn add_sysctl(&mut self, n: usize, sysctl: Sysctl, span: Span, node: &mut NodeBuilder) {
        self.places.set(Item::Sysctl(n, node.node.sysctls.len()), Part::Whole, span);
        node.node.sysctls.push(sysctl);
    }

    /// Notes the place of each word that follows one which `part` knows.
    fn place_words(&mut self, item: Item, written: &Written, mut part: impl FnMut(&str) -> Option<Part>) {
        for pair in words(&written.text).windows(2) {
            if let Some(part) = part(&written.text[pair[0].clone()]) {
                self.places.set(item, part, written.span(pair[1].clone()));
            }
        }
    }
}
