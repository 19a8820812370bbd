//! The checker and the kernel agree: whatever the checker accepts can be built.

mod random;

use netns_test::{Lab, prelude::*, topology::arbitrary::Options};
use std::sync::Mutex;

/// Networks that were built; they end with the test, because the kernel's clean-up of one slows the building of others.
#[derive(Default)]
struct Built(Mutex<Vec<Lab>>);

impl Built {
    fn build(&self, topology: &Topology) -> std::result::Result<(), String> {
        let lab = topology.up().map_err(|error| error.to_string())?;
        self.0.lock().expect("no lane panics").push(lab);
        Ok(())
    }
}

#[netns_test(timeout = "10m")]
fn random_networks_without_mistakes_can_be_built() {
    let built = Built::default();
    random::check(1, random::half(20), Options::default(), |network| built.build(network));
}

#[netns_test(timeout = "10m")]
fn random_networks_with_mistakes_can_be_built() {
    let built = Built::default();
    random::check(2, random::half(20), Options::default().with_mistakes(), |network| built.build(network));
}
