//! The checker and the kernel agree: whatever the checker accepts can be built.

mod random;

use netns_test::{prelude::*, topology::arbitrary::Options};

fn can_be_built(topology: &Topology) -> std::result::Result<(), String> {
    topology.up().map(drop).map_err(|error| error.to_string())
}

#[netns_test(timeout = "10m")]
fn random_networks_without_mistakes_can_be_built() {
    random::check(1, random::count(60) / 2, Options::default(), can_be_built);
}

#[netns_test(timeout = "10m")]
fn random_networks_with_mistakes_can_be_built() {
    random::check(2, random::count(60) / 2, Options::default().with_mistakes(), can_be_built);
}
