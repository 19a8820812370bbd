use std::{fmt, io, path::PathBuf, time::Duration};

use netns_test_topology::plan::LinkState;

use crate::kernel::{KernelError, LinkInfo};

/// A network, or a change of one, that could not be made or read.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a request on a node.
    #[error("on node `{node}`: {source}")]
    Kernel {
        /// The node.
        node: String,
        /// What was asked for, and the kernel's reason.
        source: KernelError,
    },
    /// A system call failed on a node.
    #[error("on node `{node}`: cannot {action}: {source}")]
    Io {
        /// The node.
        node: String,
        /// What was to be done.
        action: String,
        /// Why it was not.
        source: io::Error,
    },
    /// The network has no node of that name.
    #[error("no node named `{name}` in this network; it has {}", list(.nodes))]
    NoSuchNode {
        /// The name asked for.
        name: String,
        /// The names there are.
        nodes: Vec<String>,
    },
    /// The node has no interface of that name.
    #[error("node `{node}` has no interface `{name}`; it has {}", list(.interfaces))]
    NoSuchInterface {
        /// The node.
        node: String,
        /// The name asked for.
        name: String,
        /// The names there are.
        interfaces: Vec<String>,
    },
    /// The bridge is not where its port was to be.
    #[error(
        "`{interface}` cannot be a port of `{bridge}`, which is on node `{node}` (help: a bridge has ports on its own node: \
         lay a cable there with `connect`, and plug its end in)"
    )]
    BridgeElsewhere {
        /// The interface, with its node.
        interface: String,
        /// The bridge.
        bridge: String,
        /// The bridge's node.
        node: String,
    },
    /// The name is taken.
    #[error("this network already has a node named `{name}`")]
    NodeExists {
        /// The name.
        name: String,
    },
    /// The node was removed, or its network has ended.
    #[error("node `{node}` is gone: it was removed, or its network has ended")]
    Gone {
        /// The node.
        node: String,
    },
    /// An interface did not reach the state that its plan implies.
    #[error("`{node}.{interface}` is not {} after {after:?}: {}", state(.wanted), describe(.seen.as_deref()))]
    NotReady {
        /// The node.
        node: String,
        /// The interface.
        interface: String,
        /// The state that was waited for.
        wanted: LinkState,
        /// The last that was seen of it; `None` if it does not exist.
        seen: Option<Box<LinkInfo>>,
        /// How long it was waited for.
        after: Duration,
    },
    /// An IPv6 address did not pass duplicate address detection, or others cannot find it yet.
    #[error(
        "{address} on node `{node}` cannot be used after {after:?}: duplicate address detection has not passed, or the \
         node has not joined the multicast group for its solicitations"
    )]
    AddressNotReady {
        /// The node.
        node: String,
        /// The address.
        address: std::net::IpAddr,
        /// How long it was waited for.
        after: Duration,
    },
    /// No router forwards such packets, or none can tell them apart.
    #[error("`{traffic}` is not what a router forwards (help: name icmp, tcp or udp, or a network)")]
    NotForwarded {
        /// The description.
        traffic: String,
    },
    /// A broadcast address was asked for where there is none.
    #[error("`{address}` has no broadcast address (help: IPv6 has multicast in its place: use `add_address`)")]
    NoBroadcast {
        /// The address.
        address: netns_test_topology::Cidr,
    },
    /// An interface asked for nothing in the time that was waited for it.
    #[error(
        "`{interface}` missed nothing within {waited:?} (help: a VXLAN device tells only what it is made with: `l2miss`, and `l3miss` with `proxy`)"
    )]
    NothingMissing {
        /// The interface.
        interface: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A removed node's interfaces were still there after the wait.
    #[error("`{interface}` was still there {after:?} after node `{node}` was removed: something holds its namespace")]
    StillThere {
        /// The removed node.
        node: String,
        /// The far end of one of its cables.
        interface: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The checker found faults in what was to be built.
    #[error(transparent)]
    Topology(#[from] netns_test_topology::check::Problems),
    /// A text is no valid name, address, route or rule.
    #[error(transparent)]
    Invalid(#[from] netns_test_topology::InvalidValue),
    /// A probe's instrument failed.
    #[error(transparent)]
    Probe(#[from] crate::probe::ProbeError),
    /// A responder could not be started.
    #[error("on node `{node}`: {source}")]
    Serve {
        /// The node.
        node: String,
        /// What was asked for, and why it was refused.
        source: crate::probe::ServeError,
    },
    /// A capture could not be started.
    #[error(transparent)]
    Capture(#[from] crate::capture::CaptureError),
    /// A path is none of a network namespace.
    #[error("`{}` is no network namespace (help: write a path such as `/run/netns/red` or `/proc/42/ns/net`)", .path.display())]
    NoNetns {
        /// The path.
        path: PathBuf,
    },
    /// A network namespace belongs to somebody else.
    #[error(
        "cannot enter the network namespace `{}`: it belongs to {owner} (help: a namespace of the host or of its \
         containers can be attached only as real root in a test without a user namespace of its own: \
         `user_namespace = false`)",
        .path.display()
    )]
    Foreign {
        /// The path.
        path: PathBuf,
        /// Its owner, in words.
        owner: String,
    },
    /// A program could not be started, or did not become what was waited for.
    #[error(transparent)]
    Process(#[from] Box<crate::process::ProcessError>),
    /// There is no sandbox around the caller, so that a network would be built on the host itself.
    #[error(
        "a network can be built in a sandbox only (help: call this in a function with #[netns_test] or #[netns_test::main])"
    )]
    NoSandbox,
}

impl fmt::Debug for Error {
    /// In the words of its display form, which begin a line if they are several: `unwrap` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.to_string();
        write!(f, "{}{words}", if words.contains('\n') { "\n" } else { "" })
    }
}

impl From<crate::process::ProcessError> for Error {
    fn from(error: crate::process::ProcessError) -> Self {
        Self::Process(Box::new(error))
    }
}

impl Error {
    pub(crate) fn kernel(node: &str, source: KernelError) -> Self {
        Error::Kernel { node: node.to_owned(), source }
    }

    pub(crate) fn io(node: &str, action: impl Into<String>, source: io::Error) -> Self {
        Error::Io { node: node.to_owned(), action: action.into(), source }
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

fn state(state: &LinkState) -> &'static str {
    match state {
        LinkState::Running => "up and running",
        LinkState::NoCarrier => "up without a carrier",
        LinkState::Down => "down",
    }
}

fn describe(seen: Option<&LinkInfo>) -> String {
    seen.map_or_else(|| "it does not exist".to_owned(), |link| format!("<{}> state {}", link.flags, link.oper_state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwrap_prints_an_error_in_words() {
        let error = Error::NodeExists { name: "a".to_owned() };
        assert_eq!(format!("{error:?}"), "this network already has a node named `a`");
        let network = netns_test_topology::Topology::builder().node("a", |n| n.interface("eth0", "10.0.0.1/24"));
        let error = Error::from(network.build().expect_err("the interface has no cable"));
        assert_eq!(format!("{error:?}"), format!("\n{error}"));
    }
}
