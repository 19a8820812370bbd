//! Whatever a topology file says, it is read without a panic; what is right reads back as it is written, and what is
//! wrong can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netns_test_topology::{Topology, file::Source};

fuzz_target!(|text: &str| {
    match Topology::from_source(&Source::new("fuzz.toml", text)) {
        Ok(topology) => {
            let written = topology.to_toml();
            match Topology::from_source(&Source::new("written.toml", written.as_str())) {
                Ok(read) => assert_eq!(read, topology, "{written}"),
                Err(mistakes) => panic!("{mistakes}\n{written}"),
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for mistake in &mistakes {
                assert!(mistake.span.start <= mistake.span.end && mistake.span.end <= text.len(), "{mistake:?}");
            }
            // Drawing takes much longer than reading.
            if text.len() < 512 {
                let _ = (mistakes.to_string(), mistakes.draw(false));
            }
        }
    }
});
