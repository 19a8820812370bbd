//! The tutorial on container networks by hand, claim by claim: namespaces, a cable, a bridge, the host, the internet.
//!
//! Every `claim` cites the table of ground truth, where its topology and its moment are; the modules follow the
//! chapters of the text.

mod common;
#[path = "container_network/seen.rs"]
mod seen;
#[path = "common/tutorial.rs"]
mod tutorial;

#[path = "container_network/bridge_plugged.rs"]
mod bridge_plugged;
#[path = "container_network/bridge_policies.rs"]
mod bridge_policies;
#[path = "container_network/bridge_switches.rs"]
mod bridge_switches;
#[path = "container_network/cable_laid.rs"]
mod cable_laid;
#[path = "container_network/cable_limits.rs"]
mod cable_limits;
#[path = "container_network/cable_up.rs"]
mod cable_up;
#[path = "container_network/created.rs"]
mod created;
#[path = "container_network/ip_netns.rs"]
mod ip_netns;
#[path = "container_network/overall.rs"]
mod overall;
#[path = "container_network/rule.rs"]
mod rule;
#[path = "container_network/to_the_host.rs"]
mod to_the_host;
#[path = "container_network/to_the_internet.rs"]
mod to_the_internet;
#[path = "container_network/tracked.rs"]
mod tracked;
#[path = "container_network/unconnected.rs"]
mod unconnected;
