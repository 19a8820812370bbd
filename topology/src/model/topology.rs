use std::ops::Deref;

use super::{Link, LinkEnd, Node, Profile};

/// A topology as somebody wrote it down, not yet checked.
///
/// The builder, the macro and the file reader all end here; [`Draft::check`] turns it into a [`Topology`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What it is called in reports.
    pub name: String,
    /// The profile of nodes that have none of their own.
    pub profile: Profile,
    /// Its nodes, in the order in which they are made.
    pub nodes: Vec<Node>,
    /// Its cables.
    pub links: Vec<Link>,
    /// Checks that are switched off, by name, for networks that are broken on purpose.
    pub allow: Vec<String>,
}

impl Draft {
    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.name == *name)
    }

    /// The far end of the cable that this interface is an end of.
    pub fn peer(&self, node: &str, interface: &str) -> Option<&LinkEnd> {
        let is = |end: &LinkEnd| end.node == *node && end.interface == *interface;
        self.links.iter().find_map(|link| match () {
            () if is(&link.a) => Some(&link.b),
            () if is(&link.b) => Some(&link.a),
            () => None,
        })
    }
}

/// A network that the checker found no fault in.
///
/// Reads like the [`Draft`] it was made of, and cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology(pub(crate) Draft);

impl Topology {
    /// Gives the draft back, to change and check again.
    pub fn into_draft(self) -> Draft {
        self.0
    }
}

impl Deref for Topology {
    type Target = Draft;

    fn deref(&self) -> &Draft {
        &self.0
    }
}
