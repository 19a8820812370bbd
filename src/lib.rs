//! Network tests in namespaces of their own.

pub use netns_test_macros::{main, netns_test, netns_test as test};
#[cfg(target_os = "linux")]
pub use netns_test_runtime::sandbox::{self, sandboxed};
pub use netns_test_runtime::{Failure, Result};
#[cfg(target_os = "linux")]
pub use netns_test_runtime::{capture, probe};

/// What a test file imports.
pub mod prelude {
    pub use std::time::Duration;

    #[cfg(target_os = "linux")]
    pub use netns_test_runtime::probe::{Origin, Outcome, arp, by, eventually, icmp, ndp, ping, tcp, udp};

    pub use crate::{Failure, Result, netns_test};
}

/// What the macros expand to; no part of the public interface.
#[doc(hidden)]
#[cfg(target_os = "linux")]
pub mod __private {
    pub use netns_test_runtime::sandbox::{Flavor, ShouldPanic, Test, block_on, run, sandboxed};
}
