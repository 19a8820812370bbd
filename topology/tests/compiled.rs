//! What the macro leaves in the code is the topology that it read.

use netns_test_topology::{
    arbitrary::{Options, topologies},
    compiled,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_topology_is_read_back_as_it_was_written(topology in topologies(Options::default())) {
        let text = compiled::write(&topology);
        prop_assert_eq!(compiled::read(&text), Ok(topology), "{}", text);
    }
}
