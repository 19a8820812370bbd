//! Where each part of a draft was written.

use std::collections::HashMap;

use super::Span;
use crate::check::{Item, Part, Place};

/// Where each part of a draft was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    spans: HashMap<(Item, Part), Span>,
}

impl Places {
    /// Where the place is in the text: the part if it stands there alone, or else the nearest whole that it belongs to.
    pub fn span(&self, place: &Place) -> Span {
        let mut item = place.item;
        let exact = self.spans.get(&(item, place.part));
        exact.cloned().unwrap_or_else(|| {
            loop {
                match (self.spans.get(&(item, Part::Whole)), whole(item)) {
                    (Some(span), _) => break span.clone(),
                    (None, Some(outer)) => item = outer,
                    (None, None) => break 0..0,
                }
            }
        })
    }

    pub(super) fn set(&mut self, item: Item, part: Part, span: Span) {
        self.spans.insert((item, part), span);
    }
}

/// What an item is a part of.
fn whole(item: Item) -> Option<Item> {
    match item {
        Item::Topology => None,
        Item::Address(n, i, _) => Some(Item::Interface(n, i)),
        Item::FirewallRule(n, c, _) => Some(Item::Chain(n, c)),
        Item::Interface(n, _)
        | Item::Route(n, _)
        | Item::Rule(n, _)
        | Item::Neighbour(n, _)
        | Item::Fdb(n, _)
        | Item::Sysctl(n, _)
        | Item::Chain(n, _)
        | Item::Counter(n, _)
        | Item::NameServer(n, _) => Some(Item::Node(n)),
        Item::Allow(_) | Item::Node(_) | Item::Link(_) => Some(Item::Topology),
    }
}
