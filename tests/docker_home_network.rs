//! The tutorial on containers as a home network, claim by claim: what a namespace is, Docker's bridge, names for the
//! namespaces of processes, a home behind a router, and three levels of networks.
//!
//! Every `claim` cites the table of ground truth; the modules follow the chapters of the text. What the text's own
//! programs print needs these programs, and is ignored without `--ignored`.

mod common;
#[path = "container_network/seen.rs"]
#[expect(dead_code, reason = "the other tutorial looks at more")]
mod seen;

#[path = "docker_home_network/attach.rs"]
mod attach;
#[path = "docker_home_network/docker.rs"]
mod docker;
#[path = "docker_home_network/home.rs"]
mod home;
#[path = "docker_home_network/levels.rs"]
mod levels;
#[path = "docker_home_network/listing.rs"]
mod listing;
#[path = "docker_home_network/namespaces.rs"]
mod namespaces;
#[path = "docker_home_network/programs.rs"]
mod programs;
#[path = "docker_home_network/setup.rs"]
mod setup;
