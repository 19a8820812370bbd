//! The tutorial on overlay networks, claim by claim: the cluster, its namespaces and containers, where the other ends
//! are, the data path, MTU, the way out, and the way in.
//!
//! Every `claim` cites the table of ground truth, where its topology and its moment are; the modules follow the
//! chapters of the text. Docker never runs: what it configures is configured by the tests.

mod common;
#[path = "overlay/model.rs"]
mod model;
#[path = "overlay/printed.rs"]
mod printed;
#[path = "container_network/seen.rs"]
#[expect(dead_code, reason = "the other tutorial says more of some things")]
mod seen;

#[path = "overlay/cluster.rs"]
mod cluster;
#[path = "overlay/container.rs"]
mod container;
#[path = "overlay/data_path.rs"]
mod data_path;
#[path = "overlay/egress.rs"]
mod egress;
#[path = "overlay/ingress.rs"]
mod ingress;
#[path = "overlay/mtu.rs"]
mod mtu;
#[path = "overlay/namespaces.rs"]
mod namespaces;
#[path = "overlay/peers.rs"]
mod peers;
#[path = "overlay/repaired.rs"]
mod repaired;
