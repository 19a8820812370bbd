//! From a document's network tables to a draft.

mod expand;
mod firewall;
mod interface;
mod link;
mod node;
mod overlay;
mod reference;
mod text;

use std::collections::{BTreeMap, HashMap};

use expand::{Defaults, Instance};
use reference::{Addresses, Owner};

use super::{
    Mistake, Network, Span,
    keys::DOCUMENT,
    places::Places,
    shape::prune_table,
    tree::{Data, Entry, Table, Value},
};
use crate::{
    LinkEnd, Profile,
    build::TopologyBuilder,
    check::{Item, Part},
};

/// How many members all arrays of a file can have together.
const MOST_MEMBERS: usize = 16_384;

/// Which member of an array is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    index: usize,
    count: usize,
}

/// Reads a network, and notes what is wrong and where everything stands.
struct Reader<'a> {
    found: &'a mut Vec<Mistake>,
    places: Places,
    defaults: Defaults,
    addresses: Addresses,
    member: Option<Member>,
    /// How many members of arrays there are so far.
    members: usize,
    /// Where the interfaces are in the draft.
    positions: HashMap<LinkEnd, (usize, usize)>,
    /// The position of the next link of the draft.
    next_link: usize,
}

/// A node or a switch, in the order of the source.
enum Made<'a> {
    Node(Instance),
    Switch(&'a Entry),
}

/// Reads the network in a document; `more` are the keys beside it that somebody else reads.
pub(super) fn network(mut document: Table, more: &[&str], found: &mut Vec<Mistake>) -> Network {
    prune_table(&mut document, &(0..0), &DOCUMENT, more, found);
    let mut reader = Reader {
        found,
        places: Places::default(),
        defaults: Defaults::read(&document),
        addresses: Addresses::default(),
        member: None,
        members: 0,
        positions: HashMap::new(),
        next_link: 0,
    };
    let mut builder = reader.head(&document);
    let made = reader.nodes(&document);
    let mut switches = Vec::new();
    for (n, made) in made.into_iter().enumerate() {
        match made {
            Made::Node(instance) => {
                reader.member = instance.member;
                builder = builder.node(&instance.name, |node| reader.node(n, &instance, node));
                reader.member = None;
            }
            Made::Switch(entry) => {
                let joined;
                (builder, joined) = reader.switch(n, entry, builder);
                switches.extend(joined);
            }
        }
    }
    let (builder, links) = reader.links(&document, builder);
    reader.place_ports(switches);
    let (draft, unread) = builder.into_draft();
    debug_assert!(unread.is_empty(), "everything was read before: {unread:?}");
    let places = reader.places;
    let title = document.get("title").and_then(Value::text).map(str::to_owned);
    Network { draft, places, links, title }
}

impl<'a> Reader<'a> {
    fn head(&mut self, document: &Table) -> TopologyBuilder {
        let mut builder = TopologyBuilder::default();
        for key in ["title", "name"] {
            if let Some(Value { span, data: Data::Text { text, .. } }) = document.get(key) {
                builder = builder.name(text);
                self.places.set(Item::Topology, Part::Name, span.clone());
            }
        }
        if let Some(profile) = document.get("profile").and_then(|value| self.read(value, str::parse::<Profile>)) {
            builder = builder.profile(profile);
        }
        for (n, value) in document.get("allow").into_iter().flat_map(Value::elements).enumerate() {
            builder = builder.allow(value.text().unwrap_or_default());
            self.places.set(Item::Allow(n), Part::Whole, value.span.clone());
        }
        builder
    }

    /// The nodes and switches in the order of the source, with the addresses that others can refer to.
    fn nodes<'d>(&mut self, document: &'d Table) -> Vec<Made<'d>> {
        let of = |name| document.get(name).and_then(Value::table).into_iter().flat_map(|table: &Table| &table.entries);
        let mut entries: Vec<(bool, &Entry)> =
            of("node").map(|e| (false, e)).chain(of("switch").map(|e| (true, e))).collect();
        entries.sort_by_key(|(_, entry)| entry.key.span.start);
        let mut made = Vec::new();
        for (switch, entry) in entries {
            if !switch {
                made.extend(self.instances(document, entry).into_iter().map(Made::Node));
            } else if self.switch_name(entry).is_some() {
                made.push(Made::Switch(entry));
            }
        }
        for made in &made {
            if let Made::Node(instance) = made {
                self.note_addresses(instance);
            }
        }
        made
    }

    /// Reads the addresses of a node, and leaves mistakes to the reading of the node itself.
    fn note_addresses(&mut self, instance: &Instance) {
        let (seen, outer) = (self.found.len(), self.member);
        self.member = instance.member;
        let mut interfaces = Vec::new();
        for port in &instance.interfaces {
            let count = port.settings.get("count");
            let read = self.members(count, |reader, _| {
                let name = reader.member_name(&port.key, count, "")?.text;
                let values = port.settings.get("address").into_iter().flat_map(Value::elements);
                let addresses = values.filter_map(|value| reader.value(value)).collect();
                Some((name, addresses))
            });
            interfaces.extend(read);
            // The ports of a bridge need no declaration.
            let values = port.settings.get("ports").into_iter().flat_map(Value::elements);
            interfaces.extend(values.filter_map(|value| Some((self.written(value)?.text, Vec::new()))));
        }
        self.found.truncate(seen);
        self.member = outer;
        self.addresses.add(Owner { name: instance.name.to_string(), interfaces });
    }

    /// Notes that a value contradicts another.
    fn contradiction(&mut self, span: Span, message: String, help: &str) {
        self.found.push(Mistake::new(super::CONTRADICTION, span, message).help(help));
    }
}

/// The links' names, with their positions in the draft.
pub(super) type LinkNames = BTreeMap<String, Vec<usize>>;
