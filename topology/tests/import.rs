//! What of other engines' labs becomes a topology, what a note, and what a refusal.

#[path = "import/commands.rs"]
mod commands;
#[path = "import/containerlab.rs"]
mod containerlab;
#[path = "import/containerlab_refused.rs"]
mod containerlab_refused;
#[path = "import/kathara.rs"]
mod kathara;

use netns_test_topology::{Cidr, Topology};

fn addresses(topology: &Topology, node: &str, interface: &str) -> String {
    let interface = topology.node(node).unwrap().interface(interface).unwrap();
    interface.addresses.iter().map(Cidr::to_string).collect::<Vec<_>>().join(" ")
}
