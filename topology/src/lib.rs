//! What a network is: nodes, interfaces, links, routes, NAT and firewall as pure, checked data.
//!
//! This crate knows no kernel, does no I/O and starts no thread. A [`Draft`] may hold anything; a [`Topology`] is a
//! draft that the checker found no fault in, and a [`Plan`](plan::Plan) is a topology as an ordered list of kernel
//! steps.

pub mod build;
pub mod check;
pub mod model;
pub mod plan;

pub use model::*;
