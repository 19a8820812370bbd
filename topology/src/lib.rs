//! What a network is: nodes, interfaces, links, routes, NAT and firewall as pure, checked data.
//!
//! This crate knows no kernel, does no I/O but to read a file that it is told to, and starts no thread. A [`Draft`] may hold anything; a [`Topology`] is a
//! draft that the checker found no fault in, and a [`Plan`](plan::Plan) is a topology as an ordered list of kernel
//! steps.
//!
//! ```
//! use netns_test_topology::Topology;
//!
//! let lan = Topology::builder()
//!     .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
//!     .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
//!     .link("a.eth0", "b.eth0");
//! let plan = lan.build()?.plan();
//! assert_eq!(plan.steps()[0].to_string(), "a  node");
//!
//! let problems = Topology::builder()
//!     .node("a", |n| n.interface("eth0", "10.0.0.1/24").route("default via 10.0.9.1"))
//!     .build()
//!     .unwrap_err();
//! assert_eq!(problems.len(), 2, "the interface has no link, and the gateway is out of reach: {problems}");
//! # Ok::<(), netns_test_topology::check::Problems>(())
//! ```

#[cfg(feature = "proptest")]
pub mod arbitrary;
pub mod build;
pub mod check;
#[doc(hidden)]
pub mod compiled;
mod debug;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "import")]
pub mod import;
pub mod model;
pub mod plan;
pub mod render;

pub use model::*;
