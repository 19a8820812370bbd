//! Random topologies for property tests with [proptest] (feature `proptest`).
//!
//! ```
//! use netns_test_topology::Topology;
//! use proptest::prelude::*;
//!
//! proptest! {
//!     # #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
//!     fn every_node_is_made_first(network in any::<Topology>()) {
//!         let steps = network.plan();
//!         let first = steps.steps()[..network.nodes.len()].iter().map(|step| step.node.clone());
//!         prop_assert!(first.eq(network.nodes.iter().map(|node| node.name.clone())));
//!     }
//! }
//! # every_node_is_made_first();
//! ```
//!
//! Every part of the model occurs: cables between nodes and within one, bridges, switches, VXLAN devices, macvlan interfaces, addresses of both families,
//! MAC, MTU, interfaces that stay down, routes and rules of all kinds, neighbours, sysctls, forwarding, NAT, firewalls
//! of every family, name servers, both profiles and their departures. Left out is what takes seconds to build (STP on
//! a bridge that carries packets) or what many kernels lack (rejecting and connection tracking in the bridge
//! family). A failure shrinks towards few nodes with plain names and
//! nothing on them.
//!
//! [proptest]: https://docs.rs/proptest

mod address;
mod assemble;
mod firewall;
mod name;
mod prune;
mod recipe;
mod route;

use proptest::{
    arbitrary::Arbitrary,
    strategy::{BoxedStrategy, Strategy},
};

use crate::Topology;

/// What random topologies may be like; see [`topologies`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Options {
    nodes: usize,
    mistakes: bool,
}

impl Default for Options {
    /// Up to five nodes and two switches, and nothing that the checker takes for a mistake.
    fn default() -> Self {
        Self { nodes: 5, mistakes: false }
    }
}

impl Options {
    /// Sets how many nodes there are at most, beside switches; there is always one.
    pub fn nodes(mut self, most: usize) -> Self {
        self.nodes = most.max(1);
        self
    }

    /// Has networks contain what the kernel accepts though it is surely a mistake
    /// ([`Severity::Mistake`](crate::check::Severity::Mistake)); every such check is allowed in them.
    pub fn with_mistakes(mut self) -> Self {
        self.mistakes = true;
        self
    }
}

/// Random topologies.
///
/// ```
/// use netns_test_topology::arbitrary::{Options, topologies};
/// use proptest::{strategy::{Strategy, ValueTree}, test_runner::TestRunner};
///
/// let pairs = topologies(Options::default().nodes(2));
/// let pair = pairs.new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// assert!(!pair.nodes.is_empty());
/// ```
pub fn topologies(options: Options) -> BoxedStrategy<Topology> {
    recipe::network(options.nodes).prop_map(move |recipe| prune::prune(assemble::draft(recipe, options))).boxed()
}

impl Arbitrary for Topology {
    type Parameters = Options;
    type Strategy = BoxedStrategy<Topology>;

    fn arbitrary_with(options: Options) -> Self::Strategy {
        topologies(options)
    }
}
