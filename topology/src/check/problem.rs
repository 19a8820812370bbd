//! What the checker says.

use std::fmt;

use super::{Check, Severity};
use crate::InvalidValue;

/// Something wrong with a topology.
///
/// Its display form is a message as a compiler would print it, with code, notes, help and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The check that found it.
    pub check: Check,
    /// Where it is.
    pub place: Place,
    /// What is wrong, in one line.
    pub message: String,
    /// The facts behind it, one a line.
    pub notes: Vec<String>,
    /// What to do about it, if that is known.
    pub help: Option<String>,
}

impl Problem {
    pub(crate) fn new(check: Check, place: Place, message: impl Into<String>) -> Self {
        Self { check, place, message: message.into(), notes: Vec::new(), help: None }
    }

    /// A text that could not be read, at a place that has no structure yet.
    pub fn invalid(value: &InvalidValue, place: Place) -> Self {
        let mut problem = Self::new(Check::INVALID_VALUE, place, value.message());
        problem.help = value.help_text().map(str::to_owned);
        problem
    }

    /// The stable code, such as `N0015`.
    pub fn code(&self) -> &'static str {
        self.check.code
    }

    /// The check's name, by which it can be allowed.
    pub fn name(&self) -> &'static str {
        self.check.name
    }

    /// How wrong it is.
    pub fn severity(&self) -> Severity {
        self.check.severity
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.check.code, self.message)?;
        for note in &self.notes {
            write!(f, "\n         {note}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n       help: {help}")?;
        }
        write!(f, "\n --> {}", self.place)
    }
}

/// Everything wrong with a topology, in the order of its parts.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| a.place.order().cmp(&b.place.order()).then(a.check.code.cmp(b.check.code)));
        Self(problems)
    }

    /// Those that one of these checks found.
    pub fn of(mut self, checks: &[Check]) -> Self {
        self.0.retain(|problem| checks.contains(&problem.check));
        self
    }

    /// The problems, sorted by place.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if n == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::debug::in_words(self, f)
    }
}

impl std::error::Error for Problems {}

/// Where a problem is: the part of the draft by its position, and in words.
///
/// A front end that knows where each part was written turns [`Place::item`] and [`Place::part`] into a position in
/// the text; everyone else prints the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The part of the draft.
    pub item: Item,
    /// What of it.
    pub part: Part,
    words: String,
}

impl Place {
    /// Makes one; the words say the same for a reader.
    pub fn new(item: Item, part: Part, words: impl Into<String>) -> Self {
        Self { item, part, words: words.into() }
    }

    /// Topology, nodes in order, links: within a node as the fields of [`Node`](crate::Node) come.
    fn order(&self) -> (u8, usize, u8, usize, usize, usize, Part) {
        let (group, first, rank, second, third, fourth) = match self.item {
            Item::Topology => (0, 0, 0, 0, 0, 0),
            Item::Allow(n) => (0, n, 1, 0, 0, 0),
            Item::Node(n) => (1, n, 0, 0, 0, 0),
            Item::Interface(n, i) => (1, n, 1, i, 0, 0),
            Item::Address(n, i, a) => (1, n, 1, i, 1, a),
            Item::Route(n, r) => (1, n, 2, r, 0, 0),
            Item::Rule(n, r) => (1, n, 3, r, 0, 0),
            Item::Neighbour(n, e) => (1, n, 4, e, 0, 0),
            Item::Fdb(n, e) => (1, n, 5, e, 0, 0),
            Item::Sysctl(n, s) => (1, n, 6, s, 0, 0),
            Item::Chain(n, c) => (1, n, 7, c, 0, 0),
            Item::FirewallRule(n, c, r) => (1, n, 7, c, 1, r),
            Item::Counter(n, c) => (1, n, 8, c, 0, 0),
            Item::NameServer(n, s) => (1, n, 9, s, 0, 0),
            Item::Link(l) => (2, l, 0, 0, 0, 0),
        };
        (group, first, rank, second, third, fourth, self.part)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.words)
    }
}

/// A part of a draft, by its positions in the draft's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Item {
    /// The whole.
    Topology,
    /// An allowed check.
    Allow(usize),
    /// A node.
    Node(usize),
    /// Node and interface.
    Interface(usize, usize),
    /// Node, interface, address.
    Address(usize, usize, usize),
    /// Node and route.
    Route(usize, usize),
    /// Node and policy routing rule.
    Rule(usize, usize),
    /// Node and neighbour entry.
    Neighbour(usize, usize),
    /// Node and forwarding entry.
    Fdb(usize, usize),
    /// Node and sysctl.
    Sysctl(usize, usize),
    /// Node and chain.
    Chain(usize, usize),
    /// Node, chain, rule.
    FirewallRule(usize, usize, usize),
    /// Node and counter.
    Counter(usize, usize),
    /// Node and name server.
    NameServer(usize, usize),
    /// A link.
    Link(usize),
}

/// What of an [`Item`] is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// All of it.
    Whole,
    /// Its name.
    Name,
    /// Its Ethernet address.
    Mac,
    /// Its MTU.
    Mtu,
    /// The bridge it is a port of.
    Master,
    /// Its settings.
    Options,
    /// The destination of a route.
    To,
    /// The gateway of a hop of a route, by position.
    Gateway(usize),
    /// The interface of a hop of a route, by position; of a neighbour entry, 0.
    Device(usize),
    /// The node that carries a VXLAN device, or that has the parent of a macvlan.
    Underlay,
    /// The interface of the underlay of a VXLAN device, or the parent of a macvlan.
    Lower,
    /// The far end, or the group, of a VXLAN device.
    Remote,
    /// The source address.
    Source,
    /// The table.
    Table,
    /// The incoming interface.
    Input,
    /// The outgoing interface.
    Output,
    /// The node of an end of a link: 0 or 1.
    EndNode(usize),
    /// The interface of an end of a link: 0 or 1.
    EndInterface(usize),
}
