//! Nodes whose namespaces were there before.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use netns_test_topology::NodeName;
use nix::errno::Errno;

use super::{Error, Lab, Node, node::Live, view};
use crate::{kernel::rtnl::Rtnl, netns::Netns, sys};

impl Lab {
    /// Makes a node of a network namespace that exists already, named by a path such as `/run/netns/red` or
    /// `/proc/42/ns/net` ([namespaces(7)]).
    ///
    /// It can do what other nodes can, and nothing of the namespace is changed by attaching it. It is not the lab's: when
    /// the lab ends, the namespace stays, with everything that was done to it.
    ///
    /// # Errors
    ///
    /// If the name is invalid or taken; if the path is no network namespace; [`Error::Foreign`] if its owner is neither
    /// this test's user namespace nor one within it, as for a container of the host.
    ///
    /// [namespaces(7)]: https://man7.org/linux/man-pages/man7/namespaces.7.html
    pub fn attach(&self, name: &str, path: impl AsRef<Path>) -> Result<Node, Error> {
        let path = path.as_ref();
        let node_name = NodeName::new(name)?;
        if self.shared.node(name).is_some() {
            return Err(Error::NodeExists { name: name.to_owned() });
        }
        let file = File::open(path).map_err(|error| Error::io(name, format!("open `{}`", path.display()), error))?;
        let netns = Netns::of(file.into(), view::of_a_node(name, Vec::new()));
        let rtnl = netns.run(Rtnl::open).and_then(|opened| opened);
        let rtnl = rtnl.map_err(|error| refused(name, path, &netns, error))?;
        let node = Node::new(node_name.to_string(), Live::new(netns, rtnl, BTreeSet::new()), &self.shared);
        self.shared.insert(node.clone());
        Ok(node)
    }

    /// [`Lab::attach`] with the network namespace that a process is in.
    ///
    /// # Errors
    ///
    /// The same; the process has to be one that the test can see, in its own PID namespace.
    pub fn attach_process(&self, name: &str, process: u32) -> Result<Node, Error> {
        self.attach(name, PathBuf::from(format!("/proc/{process}/ns/net")))
    }
}

/// Why a namespace could not be entered.
fn refused(name: &str, path: &Path, netns: &Netns, error: io::Error) -> Error {
    let path = path.to_owned();
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EPERM) => Error::Foreign { path, owner: owner(netns) },
        Some(Errno::EINVAL | Errno::ENOTTY) => Error::NoNetns { path },
        _ => Error::io(name, format!("enter `{}`", path.display()), error),
    }
}

/// Who owns it, as far as the kernel tells: only about user namespaces within the caller's own.
fn owner(netns: &Netns) -> String {
    match sys::owner_of_namespace(netns) {
        Ok(uid) => format!("user {uid}, in a user namespace of its own"),
        Err(_) => "the host's user namespace or another beside this test's".to_owned(),
    }
}
