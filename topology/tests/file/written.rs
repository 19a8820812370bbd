//! A topology as a file reads back as the same.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_topology_written_as_a_file_reads_back_as_the_same(network in any::<Topology>()) {
        let file = network.to_toml();
        match Topology::from_source(&Source::new("written.toml", file.as_str())) {
            Ok(read) => prop_assert_eq!(&read, &network, "{}", file),
            Err(mistakes) => prop_assert!(false, "{}\n\n{}", mistakes, file),
        }
    }
}
