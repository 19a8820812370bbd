//! What the nodes of a network have in common, and which networks there are.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use netns_test_topology::Profile;

use super::{Error, Node, node::Farewell};
use crate::process::Running;

/// What the nodes of a network share.
pub(crate) struct Shared {
    pub(super) profile: Profile,
    nodes: Mutex<Vec<Node>>,
    /// Why tasks that nobody awaits ended, asked when the network ends.
    pub(super) unobserved: Mutex<Vec<Unobserved>>,
    /// How long the slowest neighbour takes to fail, as long as nothing is changed.
    slowest_neighbour: Mutex<Option<Duration>>,
}

/// The namespaces that are no node's, once somebody asked for them there: the sandbox's own, and those that a thread
/// has made itself.
static HERE: OnceLock<Arc<Shared>> = OnceLock::new();

/// The networks that live.
static LABS: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Parts with the namespaces that are no node's: what is slow to close is handed over. Returns what went wrong unseen.
pub(crate) fn leave_here() -> Vec<String> {
    HERE.get().map(|shared| shared.end(|_| {})).unwrap_or_default()
}

/// The namespaces that are no node's.
pub(super) fn here() -> &'static Arc<Shared> {
    HERE.get_or_init(|| Arc::new(Shared::new(Profile::Ready)))
}

/// The networks that live.
pub(super) fn labs() -> Vec<Arc<Shared>> {
    LABS.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
}

/// Says, at the end, how a task ended that nobody awaited: with a panic, or in any way that is nobody's business.
pub(super) type Unobserved = Box<dyn FnOnce() -> Option<String> + Send>;

impl Shared {
    fn new(profile: Profile) -> Self {
        Self { profile, nodes: Mutex::default(), unobserved: Mutex::default(), slowest_neighbour: Mutex::default() }
    }

    /// [`Shared::new`] of a network, whose nodes are known to [`Node::here`].
    pub(super) fn of_a_lab(profile: Profile) -> Arc<Self> {
        let shared = Arc::new(Self::new(profile));
        let mut labs = LABS.lock().unwrap_or_else(PoisonError::into_inner);
        labs.retain(|lab| lab.strong_count() > 0);
        labs.push(Arc::downgrade(&shared));
        shared
    }

    pub(super) fn insert(&self, node: Node) {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).push(node);
        self.changed();
    }

    pub(super) fn forget(&self, node: &Node) {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other != node);
    }

    pub(super) fn node(&self, name: &str) -> Option<Node> {
        self.nodes().into_iter().find(|node| node.name() == name)
    }

    pub(crate) fn nodes(&self) -> Vec<Node> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The answer of `ask`, kept until something is changed.
    pub(super) fn slowest_neighbour(&self, ask: impl FnOnce() -> Result<Duration, Error>) -> Result<Duration, Error> {
        if let Some(known) = *self.slowest_neighbour.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(known);
        }
        let slowest = ask()?;
        *self.slowest_neighbour.lock().unwrap_or_else(PoisonError::into_inner) = Some(slowest);
        Ok(slowest)
    }

    /// Forgets what was read of the kernel, because it is about to change.
    pub(super) fn changed(&self) {
        self.slowest_neighbour.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Ends every node and returns what went wrong unseen; the second time there is nothing left to do.
    ///
    /// Once the programs that somebody has a handle of have ended, the others are ended with the nodes' namespaces.
    pub(super) fn end(&self, end_others: impl FnOnce(&[Node])) -> Vec<String> {
        let unseen = take(&self.unobserved).into_iter().filter_map(|ask| ask()).collect();
        let nodes = take(&self.nodes);
        let lives: Vec<_> = nodes.iter().filter_map(|node| node.live().ok()).collect();
        let processes: Vec<_> = lives.iter().flat_map(|live| std::mem::take(&mut *live.processes())).collect();
        drop(lives);
        end_processes(&processes);
        end_others(&nodes);
        Node::leave_connections_of(&nodes);
        for node in nodes {
            // A node that was removed before is not in the list.
            let _ = node.end(Farewell::HandOver);
        }
        unseen
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.nodes()).finish()
    }
}

/// Kills programs and waits until they have gone, all at the same time.
pub(super) fn end_processes(processes: &[Arc<Running>]) {
    processes.iter().for_each(|process| process.kill());
    processes.iter().for_each(|process| process.end());
}

pub(super) fn take<T: Default>(mutex: &Mutex<T>) -> T {
    std::mem::take(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner))
}
