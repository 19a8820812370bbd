//! Topologies in TOML files (feature `file`).
//!
//! ```
//! use netns_test_topology::{Topology, file::Source};
//!
//! let nat = Topology::from_source(&Source::new("nat.toml", r#"
//!     title = "A masquerading gateway"
//!
//!     [node.client]
//!     eth0  = "10.0.0.2/24"
//!     route = "default via gateway.lan"
//!
//!     [node.gateway]
//!     lan        = "10.0.0.1/24"
//!     wan        = "203.0.113.1/24"
//!     forward    = true
//!     masquerade = "wan"
//!
//!     [node.server]
//!     eth0 = "203.0.113.9/24"
//!
//!     [links]
//!     inside  = "client.eth0 -- gateway.lan"
//!     outside = { ends = "gateway.wan -- server.eth0", mtu = 1400 }
//! "#))?;
//! assert_eq!(nat.node("client").unwrap().routes[0].to_string(), "default via 10.0.0.1");
//! # Ok::<(), netns_test_topology::file::Mistakes>(())
//! ```
//!
//! # What a file says
//!
//! The words are those of the builder. Each node is a table, and every key in it that is not one of its settings is an
//! interface: an address, a list of addresses, or a table with `address`, `mac`, `mtu`, `down` and `master`. Routes and
//! rules are written as `ip` writes them, firewall rules as `nft` does. Wherever an address is wanted, the name of an
//! interface that has it will do, `gateway.lan`, or that of a node with one interface.
//!
//! `[defaults.node]`, `[defaults.interface]`, `[defaults.bridge]` and `[defaults.link]` hold for all that do not say
//! otherwise, and a node takes the settings of `[group.NAME]` with `group = "NAME"`. With `count = 16` a table makes an
//! array of nodes, interfaces or links; [`Template`](crate::Template) tells how texts are computed for each of them. The
//! nodes are called after their positions, from 0.
//!
//! `docs/topology-files.md` in the repository is a guide with every key.
//!
//! # A larger document
//!
//! Who reads more than a network takes the keys that are its own out of a [`Document`] and leaves the rest to
//! [`Document::network`], with mistakes and places of both in one list.

#[cfg(feature = "ariadne")]
mod draw;
mod keys;
mod mistakes;
mod places;
mod read;
#[cfg(test)]
mod reference;
mod schema;
mod shape;
mod source;
pub mod tree;
mod write;
mod write_node;

use std::{collections::BTreeMap, fs, path::Path};

use toml::de::DeTable;

pub use mistakes::{FileError, Mistake, Mistakes};
pub use places::Places;
pub use schema::schema;
pub use source::Source;
pub use tree::Span;

use crate::{
    Draft, Topology,
    check::{Check, Problem, Severity},
};

macro_rules! file_checks {
    ($($id:ident $code:literal $name:literal $explanation:literal $example:literal)*) => {
        $(
            #[doc = $explanation]
            pub const $id: Check = Check {
                code: $code,
                name: $name,
                severity: Severity::Impossible,
                relational: false,
                explanation: $explanation,
                example: $example,
            };
        )*

        /// What can be wrong with a file beside the topology in it, in the order of the codes.
        pub const CHECKS: &[Check] = &[$($id),*];
    };
}

file_checks! {
    SYNTAX "N0101" "syntax"
        "A file is not TOML."
        "eth0 = 10.0.0.1/24"
    DUPLICATE_KEY "N0102" "duplicate_key"
        "A key occurs twice in a table."
        "[node.a] [node.a]"
    UNKNOWN_KEY "N0103" "unknown_key"
        "A key is none that its table can have."
        "forwrd = true"
    WRONG_TYPE "N0104" "wrong_type"
        "A value is of the wrong type, out of range, or none of the words that can stand there."
        "mtu = \"1400\""
    MISSING_KEY "N0105" "missing_key"
        "A table lacks a key that it needs."
        "links.a = { mtu = 1400 }"
    UNKNOWN_NAME "N0106" "unknown_name"
        "A node takes the settings of a group that does not exist."
        "group = \"cleints\""
    CONTRADICTION "N0107" "contradiction"
        "Two settings contradict each other."
        "with = \"no-dad\" without = \"no-dad\""
}

impl Topology {
    /// Reads a topology from a file.
    ///
    /// ```no_run
    /// let nat = netns_test_topology::Topology::from_file("tests/nat.toml")?;
    /// # Ok::<(), netns_test_topology::file::FileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or everything that is wrong with it and in it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| FileError::Unreadable { path: path.to_owned(), error })?;
        Self::from_source(&Source::new(path.display().to_string(), text)).map_err(FileError::Wrong)
    }

    /// Reads a topology from a text.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn from_source(source: &Source) -> Result<Self, Mistakes> {
        let mut document = Document::parse(source);
        let network = document.network(&[]);
        document.finish(network)
    }
}

/// A TOML document that holds a network, and perhaps more.
///
/// ```
/// use netns_test_topology::file::{Document, Source};
///
/// let source = Source::new("ping.toml", "step = [\"a pings b\"]\nnode.a = {}\nnode.b = {}\n");
/// let mut document = Document::parse(&source);
/// let steps = document.root().get("step").cloned();
/// let network = document.network(&["step"]);
/// let topology = document.finish(network)?;
/// assert_eq!((topology.nodes.len(), steps.unwrap().elements().len()), (2, 1));
/// # Ok::<(), netns_test_topology::file::Mistakes>(())
/// ```
#[derive(Debug, Clone)]
pub struct Document {
    source: Source,
    root: tree::Table,
    found: Vec<Mistake>,
}

/// A network as a file says it, not yet checked, and where everything stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Network {
    /// What it says.
    pub draft: Draft,
    /// Where it says so.
    pub places: Places,
    /// The positions of the links in the draft, by the names that the file gives them; arrays have several.
    pub links: BTreeMap<String, Vec<usize>>,
    /// The heading for readers.
    pub title: Option<String>,
}

impl Document {
    /// Parses a text; what is wrong with it comes out at [`Document::finish`].
    pub fn parse(source: &Source) -> Self {
        let (table, errors) = DeTable::parse_recoverable(source.text());
        let found = errors.iter().map(|error| syntax(source, error)).collect();
        Self { source: source.clone(), root: tree::table(source.text(), table.get_ref()), found }
    }

    /// The whole document, in the order of the text.
    pub fn root(&self) -> &tree::Table {
        &self.root
    }

    /// Whether the text is TOML: otherwise what could be read may be only a part of it.
    pub fn is_well_formed(&self) -> bool {
        !self.found.iter().any(|mistake| mistake.problem.check == SYNTAX || mistake.problem.check == DUPLICATE_KEY)
    }

    /// Notes something wrong that the reader of other parts found.
    pub fn report(&mut self, mistake: Mistake) {
        self.found.push(mistake);
    }

    /// Reads the network; the keys `others` at the top are somebody else's, and every other that is not known is wrong.
    pub fn network(&mut self, others: &[&str]) -> Network {
        read::network(self.root.clone(), others, &mut self.found)
    }

    /// Checks the network.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the document, of whatever was noted, read and checked. What may only look wrong
    /// because something could not be read is left out.
    pub fn finish(self, network: Network) -> Result<Topology, Mistakes> {
        let Network { draft, places, .. } = network;
        let Self { source, mut found, .. } = self;
        // What a line says that is no TOML is a guess of the parser.
        let line = |mistake: &Mistake| source.line_and_column(&mistake.span).0;
        let broken: Vec<usize> = found.iter().filter(|mistake| mistake.problem.check == SYNTAX).map(line).collect();
        found.retain(|mistake| mistake.problem.check == SYNTAX || !broken.contains(&line(mistake)));
        let complete = found.is_empty();
        let problems = draft.problems().into_iter().filter(|problem| complete || !problem.check.relational);
        found.extend(problems.map(|problem| Mistake { span: places.span(&problem.place), problem: in_toml(problem) }));
        if !found.is_empty() {
            return Err(Mistakes::new(source, found));
        }
        draft.check().map_err(|_| unreachable!("the same draft had no problem before"))
    }
}

/// A problem with its advice as a file says it.
fn in_toml(mut problem: Problem) -> Problem {
    if let Some(help) = &mut problem.help {
        let name = problem.check.name;
        let allow = (format!("`allow({name})`"), format!("`allow = [\"{name}\"]`"));
        for (words, in_toml) in [allow, ("`forward`".to_owned(), "`forward = true`".to_owned())] {
            *help = help.replace(&words, &in_toml);
        }
    }
    problem
}

/// What the TOML parser says.
fn syntax(source: &Source, error: &toml::de::Error) -> Mistake {
    let span = error.span().unwrap_or(0..0);
    if error.message() == "duplicate key" {
        let key = source.text().get(span.clone()).unwrap_or_default();
        return Mistake::new(DUPLICATE_KEY, span, format!("`{key}` occurs twice in its table"))
            .help("a key has one value, and a table one header: put both together, or rename one");
    }
    let mistake = Mistake::new(SYNTAX, span, error.message());
    match REMEDIES.iter().find(|(cause, _)| error.message().starts_with(cause)) {
        Some((_, help)) => mistake.help(*help),
        None => mistake.help("https://toml.io tells how TOML is written"),
    }
}

const QUOTE: &str = "put a text, such as an address, in quotation marks; numbers, `true` and `false` stand without";

/// What to do about what the TOML parser says, by the beginning of that.
const REMEDIES: &[(&str, &str)] = &[
    ("string values must be quoted", QUOTE),
    ("invalid boolean", QUOTE),
    ("invalid float", QUOTE),
    ("invalid integer", QUOTE),
    ("invalid datetime", QUOTE),
    ("invalid unquoted key", "put a name in quotation marks that has other characters than these"),
    ("unquoted keys cannot be empty", "write a name before the `=`"),
    ("unexpected key or value", "begin a new line, or put several values into a list: `[\"a\", \"b\"]`"),
    ("missing comma between key-value pairs", "write a `,` between the keys of a table in braces"),
    ("missing comma", "write a `,` between the elements of a list"),
    ("invalid basic string", "end the text with a quotation mark, on the line on which it begins"),
    ("invalid literal string", "end the text with a quotation mark, on the line on which it begins"),
    ("unclosed table", "end the header with a `]`"),
    ("unclosed array", "end the list with a `]`"),
    ("unclosed inline table", "end the table with a `}`"),
];
