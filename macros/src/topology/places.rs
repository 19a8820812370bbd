//! Where each part of the draft was written.

use std::ops::Range;

use netns_test_topology::{
    InvalidValue, LinkEnd,
    check::{Item, Part},
};

use super::fault::Place;

/// The places of a whole draft, in the draft's own order.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) allow: Vec<Place>,
    pub(crate) nodes: Vec<NodePlaces>,
    pub(crate) links: Vec<LinkPlaces>,
}

#[derive(Debug)]
pub(crate) struct NodePlaces {
    kernel: String,
    pub(crate) name: Place,
    /// The first node of the array that it is a member of, or itself.
    pub(crate) first: usize,
    /// What the part that it comes from allows.
    pub(crate) allow: Vec<String>,
    pub(crate) interfaces: Vec<InterfacePlaces>,
    pub(crate) routes: Vec<Phrase>,
    pub(crate) rules: Vec<Phrase>,
    pub(crate) neighbours: Vec<Phrase>,
    pub(crate) fdb: Vec<Phrase>,
    pub(crate) sysctls: Vec<Place>,
    pub(crate) chains: Vec<(Place, Vec<Phrase>)>,
    pub(crate) counters: Vec<Place>,
    pub(crate) nameservers: Vec<Place>,
    /// The chains that were written as such.
    pub(crate) written: Vec<usize>,
}

impl NodePlaces {
    pub(crate) fn new(kernel: &str, name: Place, first: usize, allow: Vec<String>) -> Self {
        Self {
            kernel: kernel.to_owned(),
            name,
            first,
            allow,
            interfaces: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            neighbours: Vec::new(),
            fdb: Vec::new(),
            sysctls: Vec::new(),
            chains: Vec::new(),
            counters: Vec::new(),
            nameservers: Vec::new(),
            written: Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct InterfacePlaces {
    kernel: String,
    pub(crate) name: Place,
    /// The first interface of the array that it is a member of, or itself.
    pub(crate) first: usize,
    pub(crate) addresses: Vec<Place>,
    pub(crate) mac: Option<Place>,
    pub(crate) mtu: Option<Place>,
    pub(crate) master: Option<Place>,
    pub(crate) options: Option<Place>,
    pub(crate) remote: Option<Place>,
    pub(crate) local: Option<Place>,
    pub(crate) lower: Option<Place>,
    pub(crate) underlay: Option<Place>,
    /// Whether nothing but the name was written, which could be a misspelt statement.
    pub(crate) bare: bool,
}

impl InterfacePlaces {
    pub(crate) fn new(name: Place, first: usize, kernel: &str) -> Self {
        let kernel = kernel.to_owned();
        Self {
            kernel,
            name,
            first,
            addresses: Vec::new(),
            mac: None,
            mtu: None,
            master: None,
            options: None,
            remote: None,
            local: None,
            lower: None,
            underlay: None,
            bare: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct LinkPlaces {
    pub(crate) whole: Place,
    /// The first of the links that one statement made, or itself.
    pub(crate) first: usize,
    pub(crate) ends: [EndPlaces; 2],
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct EndPlaces {
    pub(crate) node: Place,
    pub(crate) interface: Place,
}

/// Words as one text, and where each was written.
#[derive(Debug, Clone)]
pub(crate) struct Phrase {
    pub(crate) text: String,
    pub(crate) whole: Place,
    /// The bytes of the text that each written word became.
    pub(crate) words: Vec<(Range<usize>, Place)>,
}

impl Phrase {
    pub(crate) fn new(whole: Place) -> Self {
        Self { text: String::new(), whole, words: Vec::new() }
    }

    pub(crate) fn push(&mut self, text: &str, place: Place) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.words.push((start..self.text.len(), place));
    }

    /// Where an error about it belongs.
    pub(crate) fn error(&self, error: &InvalidValue) -> Place {
        error.range().and_then(|range| self.covering(&range)).unwrap_or(self.whole)
    }

    fn covering(&self, range: &Range<usize>) -> Option<Place> {
        let mut found = self.words.iter().filter(|(word, _)| word.start < range.end && range.start < word.end);
        let (_, first) = found.next()?;
        Some(found.next_back().map_or(*first, |(_, last)| first.to(*last)))
    }

    /// The word after one of these, in this part of the text.
    fn after(&self, keywords: &[&str], part: &Range<usize>) -> Option<Place> {
        let mut words = spans(&self.text).filter(|word| part.start <= word.start && word.end <= part.end);
        words.find(|word| keywords.contains(&&self.text[word.clone()]))?;
        let next = words.find(|word| !matches!(&self.text[word.clone()], "inet" | "inet6" | "!="))?;
        self.covering(&next)
    }

    /// The part of the text that speaks of this hop.
    fn hop(&self, hop: usize) -> Range<usize> {
        let all = 0..self.text.len();
        let starts: Vec<usize> =
            spans(&self.text).filter(|word| &self.text[word.clone()] == "nexthop").map(|word| word.start).collect();
        let Some(&first) = starts.first() else { return all };
        // A hop may stand before the first `nexthop`.
        let before = self.after(&["via", "dev"], &(0..first)).is_some();
        let Some(nth) = hop.checked_sub(usize::from(before)) else { return 0..first };
        let end = starts.get(nth + 1).copied().unwrap_or(all.end);
        starts.get(nth).map_or(all, |&start| start..end)
    }

    fn part(&self, part: Part) -> Place {
        let all = 0..self.text.len();
        let found = match part {
            Part::Gateway(hop) => {
                let hop = self.hop(hop);
                self.after(&["via"], &hop).or_else(|| self.after(&["dev"], &hop))
            }
            Part::Device(hop) => self.after(&["dev"], &self.hop(hop)),
            Part::Source => self.after(&["src"], &all),
            Part::Table => self.after(&["table", "lookup"], &all),
            Part::Input => self.after(&["iif", "iifname"], &all),
            Part::Output => self.after(&["oif", "oifname"], &all),
            Part::Name => self.covering(&all),
            Part::To => {
                let skip = ["unicast", "blackhole", "unreachable", "prohibit", "to"];
                let first = spans(&self.text).find(|word| !skip.contains(&&self.text[word.clone()]));
                first.and_then(|word| self.covering(&word))
            }
            _ => None,
        };
        found.unwrap_or(self.whole)
    }
}

/// Where the words of a text are.
fn spans(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let begin = text.as_ptr() as usize;
    text.split_whitespace().map(move |word| {
        let start = word.as_ptr() as usize - begin;
        start..start + word.len()
    })
}

impl Places {
    /// Where a part of the draft was written.
    pub(crate) fn find(&self, item: Item, part: Part) -> Option<Place> {
        let interface = |n: usize, i: usize| self.nodes.get(n)?.interfaces.get(i);
        let phrase = |phrase: Option<&Phrase>| phrase.map(|phrase| phrase.part(part));
        match item {
            Item::Allow(n) => self.allow.get(n).copied(),
            Item::Node(n) => self.nodes.get(n).map(|node| node.name),
            // The ports of a switch are written nowhere.
            Item::Interface(n, i) if interface(n, i).is_none() => self.nodes.get(n).map(|node| node.name),
            Item::Interface(n, i) => interface(n, i).map(|i| {
                let found = match part {
                    Part::Mac => i.mac,
                    Part::Mtu => i.mtu,
                    Part::Master => i.master,
                    Part::Options => i.options,
                    Part::Remote => i.remote,
                    Part::Source => i.local,
                    Part::Lower => i.lower,
                    Part::Underlay => i.underlay,
                    _ => None,
                };
                found.unwrap_or(i.name)
            }),
            Item::Address(n, i, a) => {
                let interface = interface(n, i)?;
                Some(interface.addresses.get(a).copied().unwrap_or(interface.name))
            }
            Item::Route(n, r) => phrase(self.nodes.get(n)?.routes.get(r)),
            Item::Rule(n, r) => phrase(self.nodes.get(n)?.rules.get(r)),
            Item::Neighbour(n, e) => phrase(self.nodes.get(n)?.neighbours.get(e)),
            Item::Fdb(n, e) => phrase(self.nodes.get(n)?.fdb.get(e)),
            Item::Sysctl(n, s) => self.nodes.get(n)?.sysctls.get(s).copied(),
            Item::Chain(n, c) => self.nodes.get(n)?.chains.get(c).map(|(place, _)| *place),
            Item::FirewallRule(n, c, r) => phrase(self.nodes.get(n)?.chains.get(c)?.1.get(r)),
            Item::Counter(n, c) => self.nodes.get(n)?.counters.get(c).copied(),
            Item::NameServer(n, s) => self.nodes.get(n)?.nameservers.get(s).copied(),
            Item::Link(l) => self.links.get(l).map(|link| match part {
                Part::EndNode(end) => link.ends[end.min(1)].node,
                Part::EndInterface(end) => link.ends[end.min(1)].interface,
                _ => link.whole,
            }),
            _ => None,
        }
    }

    /// The same part of the first member of an array, so that what is wrong with all is said once.
    pub(crate) fn first(&self, item: Item) -> Item {
        let node = |n: usize| self.nodes.get(n).map_or(n, |node| node.first);
        let interface = |n: usize, i: usize| {
            self.nodes.get(n).and_then(|node| node.interfaces.get(i)).map_or(i, |interface| interface.first)
        };
        match item {
            Item::Node(n) => Item::Node(node(n)),
            Item::Interface(n, i) => Item::Interface(node(n), interface(n, i)),
            Item::Address(n, i, a) => Item::Address(node(n), interface(n, i), a),
            Item::Route(n, r) => Item::Route(node(n), r),
            Item::Rule(n, r) => Item::Rule(node(n), r),
            Item::Neighbour(n, e) => Item::Neighbour(node(n), e),
            Item::Fdb(n, e) => Item::Fdb(node(n), e),
            Item::Sysctl(n, s) => Item::Sysctl(node(n), s),
            Item::Chain(n, c) => Item::Chain(node(n), c),
            Item::FirewallRule(n, c, r) => Item::FirewallRule(node(n), c, r),
            Item::Counter(n, c) => Item::Counter(node(n), c),
            Item::NameServer(n, s) => Item::NameServer(node(n), s),
            Item::Link(l) => Item::Link(self.links.get(l).map_or(l, |link| link.first)),
            other => other,
        }
    }

    /// Whether nothing but the interface's name was written.
    pub(crate) fn is_bare(&self, n: usize, i: usize) -> bool {
        self.nodes.get(n).and_then(|node| node.interfaces.get(i)).is_some_and(|interface| interface.bare)
    }

    /// Takes down that a link gave this interface its MTU; gives the place of one that it had.
    pub(crate) fn set_mtu(&mut self, end: &LinkEnd, place: Place) -> Option<Place> {
        let node = self.nodes.iter_mut().find(|node| end.node == *node.kernel)?;
        let interface = node.interfaces.iter_mut().find(|i| end.interface == *i.kernel)?;
        interface.mtu.replace(place)
    }

    /// The node that the item is part of.
    pub(crate) fn node(&self, item: Item) -> Option<&NodePlaces> {
        let n = match item {
            Item::Node(n)
            | Item::Interface(n, _)
            | Item::Address(n, _, _)
            | Item::Route(n, _)
            | Item::Rule(n, _)
            | Item::Neighbour(n, _)
            | Item::Fdb(n, _)
            | Item::Sysctl(n, _)
            | Item::Chain(n, _)
            | Item::FirewallRule(n, _, _)
            | Item::Counter(n, _)
            | Item::NameServer(n, _) => n,
            _ => return None,
        };
        self.nodes.get(n)
    }
}
