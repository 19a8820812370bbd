//! Networks in the kernel: built from a topology, changed while they live, gone when they end.

mod attach;
mod build;
mod change;
mod checked;
mod error;
mod firewall;
mod interface;
mod lane;
#[cfg(feature = "unshare")]
mod lend;
mod lent;
mod local;
mod miss;
mod names;
mod netns;
mod node;
mod offer;
mod overlay;
mod probing;
mod read;
mod ready;
mod shared;
mod state;
mod task;
mod view;

use std::sync::Arc;

use netns_test_topology::{Topology, build::NodeBuilder};

use crate::kernel::LinkInfo;

pub use error::Error;
pub use firewall::RuleHandle;
pub use interface::Interface;
pub use miss::{Misses, NextMiss};
#[doc(hidden)]
pub use names::Names;
pub use node::Node;
pub use probing::check_all;
pub(crate) use shared::leave_here;
pub use task::Task;

use crate::probe::Checks;
use shared::Shared;

/// A network that lives in the kernel.
///
/// Its nodes find each other by name: the addresses that the topology gives them are in /etc/hosts.
///
/// It ends when it is dropped: every process on its nodes is killed, tasks are stopped, and its namespaces go. Handles
/// of its nodes that live longer answer with [`Error::Gone`].
///
/// # Panics
///
/// Dropping it panics if a task on one of its nodes panicked and nobody awaited it, or if a program that the test
/// relied on ([`Process::ready`](crate::process::Process::ready)) ended by itself; unless the thread panics already.
#[derive(Debug)]
pub struct Lab {
    shared: Arc<Shared>,
    /// What programs call its nodes.
    names: view::Names,
}

/// Brings a topology to life.
pub trait Up {
    /// Builds the network in the kernel and waits until every interface has the state that its plan implies.
    ///
    /// # Errors
    ///
    /// If the kernel refuses a step, with its own words; if an interface does not get ready; outside a sandbox.
    fn up(&self) -> Result<Lab, Error>;
}

impl Up for Topology {
    fn up(&self) -> Result<Lab, Error> {
        Lab::build(self)
    }
}

/// A type that can be the argument of a test: a topology with fields for its nodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no network",
    label = "expected a topology, such as `topology!` declares",
    note = "an argument of a test is a network that is built before the test begins"
)]
pub trait Network: Sized {
    /// What is built.
    fn topology() -> Topology;

    /// Finds the nodes and interfaces of the network that was built.
    ///
    /// # Errors
    ///
    /// If the lab lacks a node or interface that the type wants.
    fn from_lab(lab: &Lab) -> Result<Self, Error>;

    /// Makes several checks and reports every one that failed, not the first alone.
    ///
    /// # Panics
    ///
    /// If a check failed, or none was made.
    #[track_caller]
    fn check_all(&self, checks: impl FnOnce(&Checks)) {
        check_all(checks);
    }
}

impl Lab {
    fn build(topology: &Topology) -> Result<Self, Error> {
        if !crate::sandbox::is_inside() {
            return Err(Error::NoSandbox);
        }
        view::prepare().map_err(|error| Error::io("*", "make a directory in the sandbox's /run", error))?;
        // Made first, so that whatever was built before an error ends with it.
        let names = view::Names::add(topology)
            .map_err(|error| Error::io("*", "write its nodes' names to /etc/hosts", error))?;
        let lab = Self { shared: Shared::of_a_lab(topology.profile), names };
        for node in build::build(topology, &lab.shared)? {
            lab.insert(node)?;
        }
        Ok(lab)
    }

    fn insert(&self, node: Node) -> Result<(), Error> {
        self.shared.insert(node.clone());
        offer::name_netns(&node).map_err(|error| Error::io(node.name(), "name its namespace in /run/netns", error))
    }

    /// The node of that name.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchNode`], with the names there are.
    pub fn node(&self, name: &str) -> Result<Node, Error> {
        self.shared.node(name).ok_or_else(|| Error::NoSuchNode {
            name: name.to_owned(),
            nodes: self.nodes().iter().map(|node| node.name().to_owned()).collect(),
        })
    }

    /// All nodes, in the order in which they were made.
    pub fn nodes(&self) -> Vec<Node> {
        self.shared.nodes()
    }

    /// Has the kernel do now what it put off when interfaces went up or down, on all nodes: far ends learn that their
    /// carrier came or went, and bridges can send.
    ///
    /// Without it that work comes in the kernel's own time, mostly within a millisecond, and the outcome of a probe until
    /// then depends on it. It does not wait for anything; to wait until a link is there is
    /// [`Interface::wait_until_running`].
    ///
    /// # Errors
    ///
    /// If the kernel does not tell about its interfaces.
    pub fn settle(&self) -> Result<(), Error> {
        self.nodes().iter().try_for_each(Node::settle)
    }

    /// Adds a node with a loopback interface only, in the network's profile.
    ///
    /// # Errors
    ///
    /// If the name is invalid or taken, or the kernel refuses.
    pub fn add_node(&self, name: &str) -> Result<Node, Error> {
        self.add_node_with(name, |node| node)
    }

    /// Adds a node as the builder describes it: bridges, settings, firewall, departures from the profile.
    ///
    /// Cables come afterwards, with [`Node::connect`].
    ///
    /// # Errors
    ///
    /// If the name is taken, the checker finds a fault, or the kernel refuses.
    pub fn add_node_with(&self, name: &str, build: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Result<Node, Error> {
        if self.shared.node(name).is_some() {
            return Err(Error::NodeExists { name: name.to_owned() });
        }
        let topology = Topology::builder().profile(self.shared.profile).node(name, build).build()?;
        let node = build::build(&topology, &self.shared)?.remove(0);
        self.insert(node.clone())?;
        Ok(node)
    }

    /// Removes a node: releases everything that holds its namespace, and waits until the far ends of its cables are
    /// gone from the other nodes.
    ///
    /// # Errors
    ///
    /// If the node is gone already, or an interface of it is still there after 10 s because something else holds the
    /// namespace: a process in it, or a socket that was opened on it and is kept.
    pub fn remove_node(&self, node: &Node) -> Result<(), Error> {
        let far_ends = self.far_ends(node)?;
        self.shared.forget(node);
        self.names
            .remove(node.name())
            .map_err(|error| Error::io(node.name(), "take its name out of /etc/hosts", error))?;
        Node::end_programs_on(std::slice::from_ref(node));
        Node::leave_connections_of(std::slice::from_ref(node));
        node.end(node::Farewell::Release)?;
        change::wait_until_gone(node.name(), &far_ends)
    }

    /// The other ends of a node's cables to other nodes.
    fn far_ends(&self, node: &Node) -> Result<Vec<(Node, LinkInfo)>, Error> {
        let links = node.links()?;
        let cables = links.iter().filter(|link| link.peer_netns_id.is_some());
        cables.filter_map(|near| node.far_end(near).transpose()).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let unseen = self.shared.end(Node::end_programs_on);
        if !unseen.is_empty() && !std::thread::panicking() {
            panic!("{}", unseen.join("\n"));
        }
    }
}
