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
//! expect = { from = "client", ping = "server", is = "host unreachable local" }
//! ```
//!
//! `docs/scenarios.md` of the repository has every key of steps and of side files of Markdown documents.

#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod document;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod lab;
#[cfg(target_os = "linux")]
mod play;
#[cfg(target_os = "linux")]
mod scenario;
#[cfg(target_os = "linux")]
mod shared;
#[cfg(target_os = "linux")]
mod suite;
#[cfg(target_os = "linux")]
mod trials;
#[cfg(target_os = "linux")]
mod verdict;

#[cfg(target_os = "linux")]
pub use command::command;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{command, run};
#[cfg(target_os = "linux")]
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
