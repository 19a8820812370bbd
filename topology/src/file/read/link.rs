//! Links and switches.

use std::{collections::HashMap, ops::Range};

use super::{
    LinkNames, Reader,
    expand::merge,
    text::{Written, words},
};
use crate::{
    IfName, Interface, InvalidValue, Kind, LinkEnd, NodeName,
    build::{IntoEnd, TopologyBuilder},
    check::{Item, Part},
    file::{
        Span,
        tree::{Data, Entry, Key, Table, Value},
    },
};

/// Both ends of a link, and where its parts stand.
struct Cable {
    a: LinkEnd,
    b: LinkEnd,
    places: Vec<(Part, Span)>,
}

/// An end of a switch's link, with the places of its two names.
pub(super) struct Joined {
    /// The position of the switch's node.
    switch: usize,
    node: Span,
    interface: Span,
    whole: Span,
}

impl Reader<'_> {
    /// Reads the cables; says which positions in the draft each name has.
    pub(super) fn links(&mut self, document: &Table, mut builder: TopologyBuilder) -> (TopologyBuilder, LinkNames) {
        let mut names = LinkNames::new();
        let mut positions = 0..;
        let (named, listed) = match document.get("links").map(|links| &links.data) {
            Some(Data::Table(table)) => (&table.entries[..], &[][..]),
            Some(Data::List(values)) => (&[][..], &values[..]),
            _ => (&[][..], &[][..]),
        };
        let all =
            named.iter().map(|entry| (Some(&entry.key), &entry.value)).chain(listed.iter().map(|value| (None, value)));
        for (key, value) in all {
            let mut settings = self.defaults.link.clone();
            merge(&mut settings, long_form(value, "ends"));
            let mtu = match settings.get("mtu").map(|mtu| &mtu.data) {
                Some(Data::Number(bytes)) => u32::try_from(*bytes).ok(),
                _ => None,
            };
            let mtu_span = settings.get("mtu").map(|mtu| mtu.span.clone());
            let Some(ends) = settings.get("ends").cloned() else { continue };
            let links = self.members(settings.get("count"), |reader, _| reader.link(&ends));
            for Cable { a, b, places } in links {
                let Some(l) = positions.next() else { break };
                for (part, span) in places {
                    self.places.set(Item::Link(l), part, span);
                }
                for end in [&a, &b] {
                    self.place_mtu(end, mtu_span.as_ref());
                }
                builder = match mtu {
                    Some(mtu) => builder.link_with_mtu(a, b, mtu),
                    None => builder.link(a, b),
                };
                if let Some(key) = key {
                    names.entry(key.name.clone()).or_default().push(l);
                }
            }
        }
        self.next_link = positions.start;
        (builder, names)
    }

    /// Both ends of a link, and where they stand.
    fn link(&mut self, ends: &Value) -> Option<Cable> {
        let written = self.written(ends)?;
        let parts: Vec<Range<usize>> = self.understood(&written, |text| {
            // Names may contain `--`, so it counts where it stands alone.
            match &words(text)[..] {
                [a, dashes, b] if &text[dashes.clone()] == "--" => Ok(vec![a.clone(), b.clone()]),
                _ => Err(InvalidValue::new(format!("`{text}` does not name the two ends of a link"))
                    .help("write both with `--` between, such as `a.eth0 -- b.eth0`")),
            }
        })?;
        let mut places = vec![(Part::Whole, ends.span.clone())];
        let mut read = Vec::new();
        for (e, range) in parts.into_iter().enumerate() {
            let end = self.end(&written, range.clone())?;
            let dot = range.start + end.node.len();
            places.push((Part::EndNode(e), written.span(range.start..dot)));
            places.push((Part::EndInterface(e), written.span(dot + 1..range.end)));
            read.push(end);
        }
        let b = read.pop()?;
        Some(Cable { a: read.pop()?, b, places })
    }

    /// The end of a link that a part of a text names.
    fn end(&mut self, written: &Written, range: Range<usize>) -> Option<LinkEnd> {
        let (addresses, at) = (&self.addresses, range.start);
        let text = &written.text[range.clone()];
        let read = text.into_end().read(|node, interface| {
            addresses.node(node).is_some_and(|owner| {
                interface.is_none_or(|name| owner.interfaces.iter().any(|(interface, _)| interface == name))
            })
        });
        let read = read.map_err(|error| match error.range() {
            Some(range) => error.at(at + range.start..at + range.end),
            None => error.at(range),
        });
        self.understood(written, |_| read)
    }

    /// The name of a switch, which its bridge has to have as well.
    pub(super) fn switch_name(&mut self, entry: &Entry) -> Option<NodeName> {
        let written = self.written_key(&entry.key)?;
        let name = self.understood(&written, |text| NodeName::new(text))?;
        self.understood(&written, |_| IfName::new(name.own()))?;
        Some(name)
    }

    /// Reads a switch, the `n`th node of the draft.
    pub(super) fn switch(
        &mut self,
        n: usize,
        entry: &Entry,
        builder: TopologyBuilder,
    ) -> (TopologyBuilder, Vec<Joined>) {
        let Ok(name) = NodeName::new(entry.key.name.as_str()) else { return (builder, Vec::new()) };
        let mut settings = self.defaults.bridge.clone();
        merge(&mut settings, long_form(&entry.value, "ends"));
        self.places.set(Item::Node(n), Part::Whole, entry.key.span.clone());
        self.place_interface(n, 0, &entry.key.span);
        let (mut ends, mut joined) = (Vec::new(), Vec::new());
        for value in settings.get("ends").into_iter().flat_map(Value::elements) {
            for (end, written, range) in self.switch_ends(value) {
                let dot = range.start + end.node.len();
                // The name of an array stands for its members, whose names are not in the text.
                let exact = written.text.get(range.start..dot) == Some(&*end.node);
                joined.push(Joined {
                    switch: n,
                    node: if exact { written.span(range.start..dot) } else { value.span.clone() },
                    interface: if exact { written.span(dot + 1..range.end) } else { value.span.clone() },
                    whole: value.span.clone(),
                });
                ends.push(end);
            }
        }
        let options = self.bridge_options(&settings);
        let Ok(bridge) = IfName::new(name.as_str()) else { return (builder, Vec::new()) };
        let mut of_bridge = Interface::new(bridge, Kind::Bridge(options.clone()));
        self.common(n, 0, &settings, &mut of_bridge);
        let builder = builder.switch_with(name, ends, |mut bridge| {
            bridge.options = options;
            bridge.addresses = of_bridge.addresses;
            (bridge.mac, bridge.mtu, bridge.up) = (of_bridge.mac, of_bridge.mtu, of_bridge.up);
            bridge
        });
        (builder, joined)
    }

    /// The ends that a text names: one, or with the name of an array, one of each member.
    fn switch_ends(&mut self, value: &Value) -> Vec<(LinkEnd, Written, Range<usize>)> {
        let Some(written) = self.written(value) else { return Vec::new() };
        let array = self.addresses.arrays.iter().find_map(|(array, members)| {
            let interface = written.text.strip_prefix(array.as_str())?.strip_prefix('.')?;
            Some((members.clone(), interface.to_owned()))
        });
        let range = 0..written.text.len();
        let Some((members, interface)) = array else {
            return self.end(&written, range.clone()).map(|end| (end, written, range)).into_iter().collect();
        };
        let Some(interface) = self.understood(&written, |_| IfName::new(interface)) else { return Vec::new() };
        let ends = members.into_iter().filter_map(|node| {
            let end = LinkEnd { node: NodeName::new(node).ok()?, interface: interface.clone() };
            Some((end, self.written(value)?, range.clone()))
        });
        ends.collect()
    }

    /// Notes the places of the links that plug the switches in, which come after all others.
    pub(super) fn place_ports(&mut self, joined: Vec<Joined>) {
        let mut ports = HashMap::new();
        for (l, end) in joined.into_iter().enumerate() {
            let item = Item::Link(self.next_link + l);
            let port: &mut usize = ports.entry(end.switch).or_default();
            *port += 1;
            self.place_interface(end.switch, *port, &end.whole);
            self.places.set(item, Part::Whole, end.whole);
            self.places.set(item, Part::EndNode(1), end.node);
            self.places.set(item, Part::EndInterface(1), end.interface);
        }
    }

    fn place_mtu(&mut self, end: &LinkEnd, span: Option<&Span>) {
        let Some(span) = span else { return };
        if let Some(&(n, i)) = self.positions.get(end) {
            self.places.set(Item::Interface(n, i), Part::Mtu, span.clone());
        }
    }
}

/// A table with one key, or the table that it is.
fn long_form(value: &Value, key: &str) -> Table {
    match &value.data {
        Data::Table(table) => table.clone(),
        _ => Table { entries: vec![Entry { key: Key::implied(key, &value.span), value: value.clone() }] },
    }
}
