//! Building a topology in code, for networks that are computed.
//!
//! Every method takes text or the typed value; nothing fails before [`TopologyBuilder::build`], which reports
//! everything at once.

mod errors;
mod firewall;
mod interface;
mod node;
mod overlay;
mod switch;
mod value;

use std::collections::HashMap;

use errors::Errors;
pub use firewall::{ChainBuilder, MatchBuilder, RuleBuilder};
pub use interface::{BridgeBuilder, InterfaceBuilder};
pub use node::NodeBuilder;
#[cfg(feature = "file")]
pub(crate) use node::destination;
pub use overlay::{MacvlanBuilder, VxlanBuilder};
#[cfg(feature = "import")]
pub(crate) use switch::port_name;
pub use value::{End, IntoAddresses, IntoEnd, IntoNetwork, IntoValue};

use crate::{
    Draft, InvalidValue, Link, LinkEnd, Node, NodeName, Profile, Topology,
    check::{Item, Part, Place, Problem, Problems},
};

impl Topology {
    /// Begins a topology.
    ///
    /// ```
    /// use netns_test_topology::Topology;
    ///
    /// let nat = Topology::builder()
    ///     .node("client", |n| n.interface("eth0", "10.0.0.2/24").route("default via 10.0.0.1"))
    ///     .node("gateway", |n| {
    ///         n.interface("lan", "10.0.0.1/24").interface("wan", "203.0.113.1/24").forward().masquerade("wan")
    ///     })
    ///     .node("server", |n| n.interface("eth0", "203.0.113.9/24"))
    ///     .link("client.eth0", "gateway.lan")
    ///     .link("gateway.wan", "server.eth0")
    ///     .build()?;
    /// assert_eq!(nat.peer("client", "eth0").unwrap().to_string(), "gateway.lan");
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn builder() -> TopologyBuilder {
        TopologyBuilder::default()
    }
}

/// Builds a topology; begun by [`Topology::builder`].
#[derive(Debug, Default)]
#[must_use]
pub struct TopologyBuilder {
    draft: Draft,
    links: Vec<(End, End, Option<u32>)>,
    switches: Vec<switch::Switch>,
    errors: Vec<(Item, Errors)>,
}

impl TopologyBuilder {
    /// Names the topology in reports.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.draft.name = name.into();
        self
    }

    /// Sets the profile of the nodes that have none of their own.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.draft.profile = profile;
        self
    }

    /// Switches off a check by its name, for a network that is broken on purpose.
    ///
    /// ```
    /// # use netns_test_topology::Topology;
    /// let mismatched = || {
    ///     Topology::builder()
    ///         .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
    ///         .node("b", |n| n.interface("eth0", "10.0.1.1/24"))
    ///         .link("a.eth0", "b.eth0")
    /// };
    /// assert!(mismatched().build().is_err());
    /// assert!(mismatched().allow("subnet_mismatch").build().is_ok());
    /// ```
    pub fn allow(mut self, check: impl Into<String>) -> Self {
        self.draft.allow.push(check.into());
        self
    }

    /// Adds a node.
    pub fn node(mut self, name: impl IntoValue<NodeName>, build: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Self {
        let item = Item::Node(self.draft.nodes.len());
        let mut errors = Errors::default();
        if let Some(name) = errors.take(name) {
            let built = build(NodeBuilder::new(Node::new(name)));
            self.draft.nodes.push(built.node);
            errors.absorb(built.errors);
        }
        self.errors.push((item, errors));
        self
    }

    /// Adds a cable between two interfaces: `link("a.eth0", "b.eth0")`.
    ///
    /// An end can also be given as `("a", "eth0")` or as a [`LinkEnd`].
    pub fn link(mut self, a: impl IntoEnd, b: impl IntoEnd) -> Self {
        self.links.push((a.into_end(), b.into_end(), None));
        self
    }

    /// Adds a cable and gives both its ends this MTU, in bytes.
    pub fn link_with_mtu(mut self, a: impl IntoEnd, b: impl IntoEnd, mtu: u32) -> Self {
        self.links.push((a.into_end(), b.into_end(), Some(mtu)));
        self
    }

    /// Adds a LAN: a node of its own that bridges these interfaces of other nodes.
    ///
    /// Its bridge is called as the switch, each port after the interface that it leads to; of a node's name only what
    /// follows the last dot counts.
    ///
    /// ```
    /// # use netns_test_topology::Topology;
    /// let mut lan = Topology::builder();
    /// for host in 1..=3 {
    ///     lan = lan.node(format!("h{host}"), |n| n.interface("eth0", format!("10.0.0.{host}/24")));
    /// }
    /// let lan = lan.switch("lan", ["h1.eth0", "h2.eth0", "h3.eth0"]).build()?;
    /// assert_eq!(lan.peer("h2", "eth0").unwrap().to_string(), "lan.h2-eth0");
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn switch<E: IntoEnd>(self, name: impl IntoValue<NodeName>, ends: impl IntoIterator<Item = E>) -> Self {
        self.switch_with(name, ends, |bridge| bridge)
    }

    /// Adds a LAN whose bridge has settings of its own.
    pub fn switch_with<E: IntoEnd>(
        mut self,
        name: impl IntoValue<NodeName>,
        ends: impl IntoIterator<Item = E>,
        build: impl FnOnce(BridgeBuilder) -> BridgeBuilder,
    ) -> Self {
        let item = Item::Node(self.draft.nodes.len());
        let mut errors = Errors::default();
        if let Some(name) = errors.take(name) {
            let ends = ends.into_iter().map(IntoEnd::into_end).collect();
            let (node, switch) = switch::begin(name, self.draft.nodes.len(), ends, build, &mut errors);
            self.draft.nodes.push(node);
            self.switches.push(switch);
        }
        self.errors.push((item, errors));
        self
    }

    /// Makes the topology.
    ///
    /// # Errors
    ///
    /// Everything that could not be read and everything that the checker found, at once. What may only look wrong
    /// because something could not be read is left out.
    pub fn build(self) -> Result<Topology, Problems> {
        let (draft, invalid) = self.into_draft();
        if invalid.is_empty() {
            return draft.check();
        }
        let found = draft.problems().into_iter().filter(|problem| !problem.check.relational);
        Err(Problems::new(invalid.into_iter().chain(found).collect()))
    }

    /// Makes the draft, unchecked, and says what could not be read and is missing in it.
    pub fn into_draft(mut self) -> (Draft, Vec<Problem>) {
        let declared = Declared::of(&self.draft);
        for (a, b, mtu) in std::mem::take(&mut self.links) {
            let item = Item::Link(self.draft.links.len());
            let mut errors = Errors::at("link");
            let (a, b) = (errors.keep(declared.read(a)), errors.keep(declared.read(b)));
            if let (Some(a), Some(b)) = (a, b) {
                for (n, i) in [&a, &b].into_iter().filter_map(|end| declared.position(end)) {
                    let interface = &mut self.draft.nodes[n].interfaces[i];
                    interface.mtu = mtu.or(interface.mtu);
                }
                self.draft.links.push(Link { a, b });
            }
            self.errors.push((item, errors));
        }
        for switch in std::mem::take(&mut self.switches) {
            let item = Item::Node(switch.node);
            let errors = switch.plug(&mut self.draft, &declared);
            self.errors.push((item, errors));
        }
        let problems = self.errors.into_iter().flat_map(|(item, errors)| {
            errors.into_found().into_iter().map(move |(words, error)| {
                let words = if words.is_empty() { "the topology".to_owned() } else { words };
                Problem::invalid(&error, Place::new(item, Part::Whole, words))
            })
        });
        let problems = problems.collect();
        (self.draft, problems)
    }
}

/// Where the nodes and interfaces are that a link can name.
struct Declared {
    nodes: HashMap<String, HashMap<String, (usize, usize)>>,
}

impl Declared {
    fn of(draft: &Draft) -> Self {
        let mut nodes: HashMap<String, HashMap<String, (usize, usize)>> = HashMap::new();
        for (n, node) in draft.nodes.iter().enumerate() {
            let interfaces = nodes.entry(node.name.to_string()).or_default();
            for (i, interface) in node.interfaces.iter().enumerate() {
                interfaces.entry(interface.name.to_string()).or_insert((n, i));
            }
        }
        Self { nodes }
    }

    fn read(&self, end: End) -> Result<LinkEnd, InvalidValue> {
        end.read(|node, interface| {
            self.nodes.get(node).is_some_and(|of_node| interface.is_none_or(|name| of_node.contains_key(name)))
        })
    }

    fn position(&self, end: &LinkEnd) -> Option<(usize, usize)> {
        self.nodes.get(&*end.node)?.get(&*end.interface).copied()
    }
}
