//! Taking a step apart: keys with their values, and everything that is wrong with them.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use netns_test_topology::{
    Draft, InvalidValue, Mac,
    check::{Check, nearest},
    file::{
        MISSING_KEY, Mistake, Span, UNKNOWN_KEY, WRONG_TYPE,
        tree::{Data, Table, Value},
    },
};

/// A node, or an interface of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Node(String),
    Interface(String, String),
}

/// Somebody with addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whom {
    Address(IpAddr),
    Place(Place),
}

/// Somebody with a MAC address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Station {
    Mac(Mac),
    Interface(String, String),
}

/// What the steps may name, and what was found wrong with them.
pub(crate) struct Reader<'a> {
    network: &'a Draft,
    /// Nodes and interfaces that steps make.
    made_nodes: BTreeSet<String>,
    made: BTreeSet<(String, String)>,
    pub(crate) found: Vec<Mistake>,
}

/// A table of which keys are taken out.
pub(crate) struct Keys<'a> {
    table: &'a Table,
    pub(crate) span: Span,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    /// The keys of a table such as `example`.
    pub(crate) fn of(value: &'a Value, example: &str, reader: &mut Reader) -> Option<Self> {
        match value.table() {
            Some(table) => Some(Self { table, span: value.span.clone(), known: Vec::new() }),
            None => {
                let help = format!("write a table, such as `{example}`");
                reader.wrong(WRONG_TYPE, &value.span, format!("expected a table, found {}", value.words()), help);
                None
            }
        }
    }

    /// The value of a key, which is known from now on.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.know(&[key]);
        self.table.get(key)
    }

    fn know(&mut self, keys: &[&'static str]) {
        let new: Vec<_> = keys.iter().filter(|key| !self.known.contains(key)).collect();
        self.known.extend(new);
    }

    /// The place of the first of these keys that is there, and its name.
    pub(crate) fn place_of(&self, keys: &[&'static str]) -> Option<(&'static str, &'a Span)> {
        let place = |key: &&str| self.table.entries.iter().find(|entry| entry.key.name == **key);
        keys.iter().find_map(|key| Some((*key, &place(key)?.key.span)))
    }

    /// Whether it has one of these keys.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.table.get(key).is_some())
    }

    /// Whether it has one of these keys and none of those.
    pub(crate) fn has_but_not(&self, these: &[&str], those: &[&str]) -> bool {
        self.has_any(these) && !self.has_any(those)
    }

    /// The first of these keys that is there: what a step is about.
    pub(crate) fn one_of(&mut self, keys: &[&'static str], reader: &mut Reader) -> Option<(&'static str, &'a Value)> {
        self.know(keys);
        let mut there = keys.iter().filter_map(|key| Some((*key, self.table.get(key)?)));
        match (there.next(), there.next()) {
            (Some((first, _)), Some((second, value))) => {
                let help = "write a table for each";
                reader.wrong(WRONG_TYPE, &value.span, format!("`{first}` and `{second}` are two things at once"), help);
                None
            }
            (Some(found), None) => Some(found),
            (None, _) => {
                // A misspelled key is told as such.
                if self.table.entries.iter().all(|entry| self.known.contains(&&*entry.key.name)) {
                    let all = keys.join("`, `");
                    reader.wrong(MISSING_KEY, &self.span, "this says nothing", format!("it needs one of `{all}`"));
                }
                None
            }
        }
    }

    /// Reports what nobody took.
    pub(crate) fn end(self, reader: &mut Reader) {
        for entry in &self.table.entries {
            if self.known.contains(&&*entry.key.name) {
                continue;
            }
            let help = match nearest(&entry.key.name, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys here are `{}`", self.known.join("`, `")),
            };
            reader.wrong(UNKNOWN_KEY, &entry.key.span, format!("unknown key `{}`", entry.key.name), help);
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(network: &'a Draft) -> Self {
        Self { network, made_nodes: BTreeSet::new(), made: BTreeSet::new(), found: Vec::new() }
    }

    pub(crate) fn wrong(&mut self, check: Check, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Mistake::new(check, span.clone(), message).help(help));
    }

    /// From here on steps may name it.
    pub(crate) fn make(&mut self, place: &Place) {
        match place {
            Place::Node(node) => drop(self.made_nodes.insert(node.clone())),
            Place::Interface(node, interface) => drop(self.made.insert((node.clone(), interface.clone()))),
        }
    }

    pub(crate) fn text<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        let text = value.text();
        if text.is_none() {
            let message = format!("expected a text, found {}", value.words());
            self.wrong(WRONG_TYPE, &value.span, message, "put it in quotation marks");
        }
        text
    }

    /// The texts of a list, or one.
    pub(crate) fn texts(&mut self, value: &Value) -> Option<Vec<String>> {
        value.elements().iter().map(|text| self.text(text).map(str::to_owned)).collect()
    }

    pub(crate) fn flag(&mut self, value: &Value) -> Option<bool> {
        match value.data {
            Data::Flag(flag) => Some(flag),
            _ => {
                let message = format!("expected `true` or `false`, found {}", value.words());
                self.wrong(WRONG_TYPE, &value.span, message, "without quotation marks");
                None
            }
        }
    }

    pub(crate) fn number<T: TryFrom<i64>>(&mut self, value: &Value) -> Option<T> {
        let number = match value.data {
            Data::Number(number) => T::try_from(number).ok(),
            _ => None,
        };
        if number.is_none() {
            let (message, help) = match value.data {
                Data::Number(number @ ..0) => {
                    (format!("{number} is out of range"), "write a number that is not negative")
                }
                Data::Number(number) => (format!("{number} is out of range"), "write a smaller one"),
                _ => {
                    (format!("expected a number, found {}", value.words()), "write it without quotation marks and unit")
                }
            };
            self.wrong(WRONG_TYPE, &value.span, message, help);
        }
        number
    }

    /// A number from 1.
    pub(crate) fn count<T: TryFrom<i64>>(&mut self, value: &Value) -> Option<T> {
        if value.data == Data::Number(0) {
            self.wrong(WRONG_TYPE, &value.span, "0 is out of range", "write a number from 1");
            return None;
        }
        self.number(value)
    }

    /// A text that is looked for in what a program prints: an empty one is in everything.
    pub(crate) fn printed(&mut self, value: &Value) -> Option<String> {
        let text = self.text(value)?;
        if text.trim().is_empty() {
            let help = "write words of it, or leave this out";
            self.wrong(MISSING_KEY, &value.span, "nothing is expected of what is printed", help);
            return None;
        }
        Some(text.to_owned())
    }

    /// A command of the shell.
    pub(crate) fn command(&mut self, value: &Value) -> Option<String> {
        let line = self.text(value)?;
        if line.trim().is_empty() {
            self.wrong(MISSING_KEY, &value.span, "there is no command", "write one as for a shell, such as `ip link`");
            return None;
        }
        Some(line.to_owned())
    }

    /// A time in which something can happen.
    pub(crate) fn limit(&mut self, value: &Value) -> Option<Duration> {
        let time = self.time(value)?;
        if time.is_zero() {
            let help = "write a longer one, such as `\"2s\"`, or leave it out";
            self.wrong(WRONG_TYPE, &value.span, "in no time nothing can happen", help);
            return None;
        }
        Some(time)
    }

    /// A time such as `"50ms"`, `"2s"` or `"1m"`.
    pub(crate) fn time(&mut self, value: &Value) -> Option<Duration> {
        let text = self.text(value)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let time = number.parse().ok().and_then(|number| match unit.trim() {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            _ => None,
        });
        if time.is_none() {
            let help = "write a number and a unit, such as `\"50ms\"`, `\"2s\"` or `\"1m\"`";
            self.wrong(WRONG_TYPE, &value.span, format!("`{text}` is not a time"), help);
        }
        time
    }

    /// A value that is read from its text.
    pub(crate) fn parsed<T: std::str::FromStr<Err = InvalidValue>>(&mut self, value: &Value) -> Option<T> {
        match self.text(value)?.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.invalid(&error, value);
                None
            }
        }
    }

    pub(crate) fn invalid(&mut self, error: &InvalidValue, value: &Value) {
        let mistake = Mistake::new(WRONG_TYPE, value.span.clone(), error.message());
        self.found.push(match error.help_text() {
            Some(help) => mistake.help(help),
            None => mistake,
        });
    }

    pub(crate) fn place(&mut self, value: &Value) -> Option<Place> {
        let text = self.text(value)?;
        self.place_named(text, &value.span)
    }

    pub(crate) fn node(&mut self, value: &Value) -> Option<String> {
        match self.place(value)? {
            Place::Node(node) => Some(node),
            Place::Interface(node, interface) => {
                let message = format!("`{node}.{interface}` is an interface, and this is about a node");
                self.wrong(WRONG_TYPE, &value.span, message, format!("write `{node}`"));
                None
            }
        }
    }

    pub(crate) fn interface(&mut self, value: &Value) -> Option<(String, String)> {
        match self.place(value)? {
            Place::Interface(node, interface) => Some((node, interface)),
            Place::Node(node) => {
                let names = self.interfaces(&node);
                let message = format!("`{node}` is a node, and this is about one of its interfaces");
                let help = format!("name one of `{}`, such as `{node}.{}`", names.join("`, `"), names[0]);
                self.wrong(WRONG_TYPE, &value.span, message, help);
                None
            }
        }
    }

    /// An address, or the name of somebody who has one.
    pub(crate) fn whom(&mut self, text: &str, span: &Span) -> Option<Whom> {
        match text.parse() {
            Ok(address) => Some(Whom::Address(address)),
            Err(_) => self.place_named(text, span).map(Whom::Place),
        }
    }

    /// A MAC address, or an interface that has it.
    pub(crate) fn station(&mut self, value: &Value) -> Option<Station> {
        if let Ok(mac) = self.text(value)?.parse() {
            return Some(Station::Mac(mac));
        }
        self.interface(value).map(|(node, interface)| Station::Interface(node, interface))
    }

    /// Node and interface names may both contain dots, so what exists decides where to part them.
    pub(crate) fn place_named(&mut self, text: &str, span: &Span) -> Option<Place> {
        if self.is_node(text) {
            return Some(Place::Node(text.to_owned()));
        }
        let splits = || text.match_indices('.').map(|(dot, _)| (&text[..dot], &text[dot + 1..]));
        let with_node = splits().find(|(node, _)| self.is_node(node));
        if let Some((node, interface)) = with_node {
            let names = self.interfaces(node);
            if names.iter().any(|name| name == interface) {
                return Some(Place::Interface(node.to_owned(), interface.to_owned()));
            }
            let help = match nearest(interface, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has `{}`", names.join("`, `")),
            };
            self.wrong(WRONG_TYPE, span, format!("node `{node}` has no interface `{interface}`"), help);
            return None;
        }
        let node = splits().next().map_or(text, |(node, _)| node);
        let made = self.made_nodes.iter().map(String::as_str);
        let names: Vec<&str> = self.network.nodes.iter().map(|node| &*node.name).chain(made).collect();
        let help = match nearest(node, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the nodes are `{}`", names.join("`, `")),
        };
        self.wrong(WRONG_TYPE, span, format!("no node named `{node}`"), help);
        None
    }

    fn is_node(&self, name: &str) -> bool {
        self.network.node(name).is_some() || self.made_nodes.contains(name)
    }

    fn interfaces(&self, node: &str) -> Vec<String> {
        let declared = self.network.node(node).into_iter().flat_map(|node| &node.interfaces);
        let made = self.made.iter().filter(|(of, _)| of == node).map(|(_, interface)| interface.clone());
        let mut names: Vec<String> = declared.map(|interface| interface.name.to_string()).chain(made).collect();
        if !names.iter().any(|name| name == "lo") {
            names.push("lo".to_owned());
        }
        names
    }
}

/// A list in words.
pub(crate) fn names(all: impl IntoIterator<Item = impl ToString>) -> String {
    let all: Vec<String> = all.into_iter().map(|name| name.to_string()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(node) => f.write_str(node),
            Self::Interface(node, interface) => write!(f, "{node}.{interface}"),
        }
    }
}

impl std::fmt::Display for Station {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mac(mac) => mac.fmt(f),
            Self::Interface(node, interface) => write!(f, "{node}.{interface}"),
        }
    }
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Place(place) => place.fmt(f),
        }
    }
}
