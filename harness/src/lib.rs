//! Scenario files as tests: a network, changes, and what must hold after each, in TOML.
//!
//! In a package's `Cargo.toml`:
//!
//! ```toml
//! [[test]]
//! name = "scenarios"
//! harness = false
//! ```
//!
//! and in its `tests/scenarios.rs`:
//!
//! ```no_run
//! netns_test_harness::main!("scenarios/**/*.toml");
//! ```
//!
//! A scenario file is a network and steps:
//!
//! ```toml
//! [node.client]
//! eth0 = "10.0.0.2/24"
//!
//! [node.server]
//! eth0 = "10.0.0.9/24"
//!
//! [links]
//! cable = "client.eth0 -- server.eth0"
//!
//! [[step]]
//! name   = "the cable is pulled"
//! change = { on = "server.eth0", set = "down" }
//! expect = { from = "client", ping = "server", is = "timeout" }
//! ```
//!
//! Every key, also of side files of Markdown documents, stands with an example in `docs/scenarios.md` of the repository.

#![cfg(target_os = "linux")]

mod command;
mod document;
mod lab;
mod play;
mod scenario;
mod shared;
mod suite;
mod trials;
mod verdict;

pub use command::command;
pub use trials::run;

/// Makes a `main` that runs the scenario files of these patterns; see [`run`].
#[macro_export]
macro_rules! main {
    ($($pattern:literal),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run(&[$($pattern),+])
        }
    };
}
