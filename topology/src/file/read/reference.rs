//! Addresses by reference: `gateway.lan` where an address is wanted.

use std::{cell::Cell, collections::HashMap, net::IpAddr};

use super::{Reader, text::Written};
use crate::{
    Cidr, InvalidValue,
    check::{MOST_SEARCHES, nearest},
    file::tree::Value,
};

/// Where addresses stand in a text.
pub(super) struct Notation {
    /// Whether the first word is one.
    first: bool,
    /// The words that one follows.
    after: &'static [&'static str],
    /// What can stand there instead.
    instead: &'static [&'static str],
    /// The words that something else follows, whatever it looks like.
    other: &'static [&'static str],
}

impl Notation {
    /// Whether an address stands after these words.
    fn address_after(&self, words: &str) -> bool {
        let mut here = self.first;
        let mut is_other = false;
        for word in words.split_whitespace() {
            if word == "comment" {
                return false;
            }
            (here, is_other) = (!is_other && self.after.contains(&word), !is_other && self.other.contains(&word));
        }
        here
    }
}

/// An address alone, or with a port.
pub(super) const ADDRESS: Notation = Notation { first: true, after: &[], instead: &[], other: &[] };
/// A route of ip-route(8).
pub(super) const ROUTE: Notation = Notation {
    first: true,
    after: &["via", "inet", "inet6", "src", "to", "unicast", "blackhole", "unreachable", "prohibit"],
    instead: &["default", "inet", "inet6", "to", "unicast", "blackhole", "unreachable", "prohibit"],
    other: &["dev", "weight", "metric", "preference", "table", "mtu"],
};
/// A policy routing rule of ip-rule(8).
pub(super) const RULE: Notation = Notation {
    first: false,
    after: &["from", "to"],
    instead: &["all", "any"],
    other: &["iif", "dev", "oif", "fwmark", "priority", "pref", "order", "lookup", "table"],
};
/// A neighbour entry of ip-neighbour(8).
pub(super) const NEIGHBOUR: Notation = Notation { first: true, after: &[], instead: &[], other: &[] };
/// A forwarding entry of bridge(8).
pub(super) const FDB: Notation = Notation { first: false, after: &["dst"], instead: &[], other: &["dev"] };
/// A firewall rule of nft(8).
pub(super) const NFT: Notation = Notation {
    first: false,
    after: &["saddr", "daddr", "!=", "to"],
    instead: &["!="],
    other: &["iifname", "oifname", "counter", "name"],
};

/// The addresses of a file's nodes, to refer to.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    nodes: Vec<Owner>,
    /// The first position of each name.
    positions: HashMap<String, usize>,
    /// The names of arrays, each with its members'.
    pub(super) arrays: Vec<(String, Vec<String>)>,
    /// How many names were not found.
    unknown: Cell<usize>,
}

/// A node with its interfaces and their addresses.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) interfaces: Vec<(String, Vec<Cidr>)>,
}

impl Addresses {
    pub(super) fn add(&mut self, node: Owner) {
        self.positions.entry(node.name.clone()).or_insert(self.nodes.len());
        self.nodes.push(node);
    }

    pub(super) fn node(&self, name: &str) -> Option<&Owner> {
        self.positions.get(name).map(|&position| &self.nodes[position])
    }

    /// Node and interface names may both contain dots, so what exists decides where to part them.
    fn interface(&self, text: &str) -> Option<&[Cidr]> {
        text.match_indices('.').find_map(|(dot, _)| {
            let owner = self.node(&text[..dot])?;
            owner.interfaces.iter().find(|(name, _)| *name == text[dot + 1..]).map(|(_, addresses)| &**addresses)
        })
    }

    /// The address that a name stands for; of several, the first of the family.
    fn resolve(&self, name: &str, v6: bool) -> Result<IpAddr, InvalidValue> {
        let addresses = match self.interface(name) {
            Some(addresses) => addresses.to_vec(),
            None => self.only_interface(name)?,
        };
        let found = addresses.iter().find(|address| address.is_ipv6() == v6).or(addresses.first());
        found.map(Cidr::addr).ok_or_else(|| {
            InvalidValue::new(format!("`{name}` has no address to refer to")).help("give it one, or write the address")
        })
    }

    /// The addresses of a node that is named without an interface, which suffices if only one has any.
    fn only_interface(&self, name: &str) -> Result<Vec<Cidr>, InvalidValue> {
        let Some(owner) = self.node(name) else { return Err(self.unknown(name)) };
        let mut with = owner.interfaces.iter().filter(|(name, addresses)| name != "lo" && !addresses.is_empty());
        match (with.next(), with.next()) {
            (Some((_, addresses)), None) => Ok(addresses.clone()),
            (None, _) => Err(InvalidValue::new(format!("node `{name}` has no address to refer to"))
                .help("give one of its interfaces an address, or write the address")),
            (Some((first, _)), Some((second, _))) => {
                Err(InvalidValue::new(format!("node `{name}` has several interfaces with addresses"))
                    .help(format!("say which: `{name}.{first}` or `{name}.{second}`")))
            }
        }
    }

    fn unknown(&self, name: &str) -> InvalidValue {
        self.unknown.set(self.unknown.get() + 1);
        let search = self.unknown.get() <= MOST_SEARCHES;
        if let Some((array, members)) = self.arrays.iter().find(|(array, _)| starts(name, array)) {
            let member = members.first().map_or("", String::as_str);
            let error = InvalidValue::new(format!("`{array}` is an array of {} nodes", members.len()));
            return error.help(format!("name one of them: `{member}{}`", &name[array.len()..]));
        }
        let splits = name.match_indices('.').map(|(dot, _)| (&name[..dot], &name[dot + 1..]));
        if let Some((owner, interface)) = splits.clone().find_map(|(node, rest)| Some((self.node(node)?, rest))) {
            let error = InvalidValue::new(format!("node `{}` has no interface `{interface}`", owner.name));
            let error = error.at(owner.name.len() + 1..name.len());
            let names: Vec<&str> = owner.interfaces.iter().map(|(name, _)| name.as_str()).collect();
            return match nearest(interface, names.iter().copied().filter(|_| search)) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None if names.is_empty() => error.help(format!("declare it: node `{}` has none but `lo`", owner.name)),
                None => error.help(format!("node `{}` has `{}`", owner.name, names.join("`, `"))),
            };
        }
        let node = splits.map(|(node, _)| node).next().unwrap_or(name);
        let error = InvalidValue::new(format!("`{node}` is neither an address nor a node")).at(0..node.len());
        match nearest(node, self.nodes.iter().map(|node| node.name.as_str()).filter(|_| search)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("write an address, or an interface that has one, such as `gateway.lan`"),
        }
    }
}

fn starts(name: &str, node: &str) -> bool {
    name.strip_prefix(node).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Reader<'_> {
    /// A text with the addresses in it put in the place of names.
    pub(super) fn with_addresses(&mut self, value: &Value, notation: &Notation) -> Option<Written> {
        self.written_with(value, |reader, before, word, text| {
            if !notation.address_after(before) || notation.instead.contains(&word) {
                return Ok(word.to_owned());
            }
            reader.address_of(word, text).map_err(|error| match nearest(word, notation.instead.iter().copied()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            })
        })
    }

    /// The word with an address in the place of a name: alone, or before a port.
    fn address_of(&self, word: &str, text: &str) -> Result<String, InvalidValue> {
        let (name, port) = match word.split_once(':') {
            Some((_, rest)) if rest.contains(':') => return Ok(word.to_owned()),
            Some((name, port)) => (name, Some(port)),
            None => (word, None),
        };
        let names_something = self.addresses.interface(name).is_some() || self.addresses.node(name).is_some();
        let looks_like_a_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains('/');
        if !names_something && !looks_like_a_name {
            return Ok(word.to_owned());
        }
        let v6 = text.split_whitespace().any(|word| {
            let address = word.split('/').next().unwrap_or(word);
            matches!(word, "ip6" | "inet6") || address.parse::<std::net::Ipv6Addr>().is_ok()
        });
        let address = self.addresses.resolve(name, v6)?;
        Ok(match port {
            None => address.to_string(),
            Some(port) if address.is_ipv6() => format!("[{address}]:{port}"),
            Some(port) => format!("{address}:{port}"),
        })
    }
}
