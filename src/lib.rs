//! Network tests against the real Linux kernel, each in a network of its own, under plain `cargo test`.
//!
//! Instead of a script that needs root, a shared machine and luck:
//!
//! ```sh
//! sudo ip netns add client; sudo ip netns add server
//! sudo ip link add eth0 netns client type veth peer name eth0 netns server
//! # … addresses, up, wait, run the program, grep its output, clean up even if it failed
//! ```
//!
//! write a test:
//!
//! ```no_run
//! use netns_test::prelude::*;
//!
//! topology! {
//!     struct Pair {
//!         node client { eth0: "10.0.0.1/24"; }
//!         node server { eth0: "10.0.0.2/24"; }
//!         link client.eth0 -- server.eth0;
//!     }
//! }
//!
//! #[netns_test]
//! fn the_server_answers_on_one_port(net: Pair) -> Result {
//!     net.server.serve(tcp(80))?;
//!
//!     net.client.reaches(net.server.tcp(80));
//!     net.client.cannot_reach(net.server.tcp(81), by::Refused);
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! or a program, whose network is computed:
//!
//! ```
//! use netns_test::prelude::*;
//!
//! #[netns_test::main]
//! fn main() -> Result {
//!     let lab = Topology::builder()
//!         .node("client", |n| n.interface("eth0", "10.0.0.1/24"))
//!         .node("server", |n| n.interface("eth0", "10.0.0.2/24"))
//!         .link("client.eth0", "server.eth0")
//!         .build()?
//!         .up()?;
//!     let (client, server) = (lab.node("client")?, lab.node("server")?);
//!     server.serve(tcp(80))?;
//!
//!     client.reaches(server.tcp(80));
//!     client.cannot_reach(server.tcp(81), by::Refused);
//!     Ok(())
//! }
//! ```
//!
//! | to | see |
//! |---|---|
//! | make a test | [`netns_test`](macro@netns_test), [`main`](macro@main) |
//! | declare a network | [`topology!`](macro@topology), [`Network`] |
//! | compute a network | [`Topology::builder`], `Topology::from_file` (feature `file`) |
//! | import the lab of another engine | [`topology::import`], with the feature `import` |
//! | build and change it | [`Up`], [`Lab`], [`Node`], [`Interface`] |
//! | ask whether packets arrive | [`Node::reaches`], [`Node::cannot_reach`], [`by`], [`Outcome`], [`eventually`] |
//! | run a program on a node, and know when it is ready | [`Node::command`], [`Process`], [`process`] |
//! | see what is on the wire | [`Interface::capture`], [`Listener`] |
//! | use rstest, proptest, insta, googletest, serial_test or test-log as well | [`beside`] |
//! | know what a sandbox is | [`sandbox`] |

#[doc = include_str!("topology.md")]
pub use netns_test_macros::topology;
pub use netns_test_macros::{main, netns_test, netns_test as test};
pub use netns_test_runtime::{Failure, Result};
#[cfg(target_os = "linux")]
pub use netns_test_runtime::{
    KernelError,
    capture::{self, Listener, Packet},
    feature::{Feature, require},
    kernel,
    kernel::Miss,
    lab::{Error, Interface, Lab, Misses, Network, NextMiss, Node, RuleHandle, Task, Up, check_all},
    probe::{
        self, Evidence, Expectation, Origin, Outcome, Probe, ProbeError, Report, Server, Target, Traffic, by,
        eventually,
    },
    probe::{any, arp, icmp, ndp, ping, tcp, udp},
    process::{self, Command, Output, Process},
    sandbox::{self, record, sandboxed, skip},
};
#[cfg(feature = "file")]
pub use netns_test_topology::file;
pub use netns_test_topology::{self as topology, Topology};

#[cfg(all(target_os = "linux", feature = "unshare"))]
pub use netns_test_runtime::unshare;

/// The node that the calling thread is in: in a test, the test's own namespace, which is empty and has lo up; on a node
/// of a network, that node.
///
/// # Panics
///
/// Outside of a sandbox.
#[cfg(target_os = "linux")]
#[track_caller]
pub fn here() -> Node {
    match Node::here() {
        Ok(node) => node,
        Err(error) => panic!("{error}"),
    }
}

#[doc = include_str!("beside.md")]
pub mod beside {}

/// The path of a binary of the test's own workspace, by its name in Cargo's words.
///
/// For a test in `tests/` it is the one that Cargo has built for it (`CARGO_BIN_EXE_…`, or what nextest says). A binary
/// of another package is taken as it was last built, and a note says so.
///
/// ```no_run
/// # fn f(node: netns_test::Node) -> netns_test::Result {
/// let dns = node.command(netns_test::bin!("mydns")).arg("--foreground").spawn()?;
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// If there is none, with what to do.
#[cfg(target_os = "linux")]
#[macro_export]
macro_rules! bin {
    ($name:literal) => {
        $crate::__private::binary($name, ::core::option_env!(::core::concat!("CARGO_BIN_EXE_", $name)))
    };
}

/// What a test file imports.
pub mod prelude {
    pub use std::time::Duration;

    pub use netns_test_topology::{
        ChainKind, Cidr, ConnState, Departure, Family, FirewallRule, Hook, IfName, Mac, Match, NodeName, Policy,
        Profile, Reject, Topology, Verdict,
    };

    pub use crate::{Failure, Result, netns_test, topology};
    #[cfg(target_os = "linux")]
    pub use crate::{
        Feature, Interface, Lab, Network, Node, Origin, Outcome, Up, any, arp, bin, by, check_all, eventually, icmp,
        ndp, ping,
        process::{SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1, SIGUSR2, exit, interface, listening, log, notify, unix},
        tcp, udp,
    };
}

/// What the macros expand to; no part of the public interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_os = "linux")]
    pub use self::linux::*;
    pub use netns_test_macros::topology_with;
    pub use netns_test_topology::Topology;

    /// The topology that a declaration left in the code.
    pub fn compiled(text: &str) -> Topology {
        match netns_test_topology::compiled::read(text) {
            Ok(topology) => topology,
            Err(error) => panic!("this topology was compiled by another version of netns-test: {error}"),
        }
    }

    #[cfg(target_os = "linux")]
    mod linux {
        pub use netns_test_runtime::lab::{Error, Interface, Lab, Names, Network, Node};
        pub use netns_test_runtime::process::binary;
        pub use netns_test_runtime::sandbox::{Flavor, Ids, ShouldPanic, Test, block_on, run, sandboxed};

        use netns_test_runtime::{lab::Up, sandbox::building};

        /// Builds the network that a test's argument stands for.
        #[track_caller]
        pub fn argument<N: Network>() -> (Lab, N) {
            building(true);
            let lab = match N::topology().up() {
                Ok(lab) => lab,
                Err(error) => panic!("cannot build the network of this test: {error}"),
            };
            let network = match N::from_lab(&lab) {
                Ok(network) => network,
                Err(error) => panic!("the network of this test is not what its type says: {error}"),
            };
            building(false);
            (lab, network)
        }

        /// Runs a test's body on a node; its runtime and its children follow, because threads inherit their namespaces.
        #[track_caller]
        pub fn on_node<R: Send>(node: &Node, body: impl FnOnce() -> R + Send) -> R {
            node.run(body)
        }
    }
}
