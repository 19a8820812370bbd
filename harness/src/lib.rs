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

#![cfg(target_os = "linux")]

mod command;
mod document;
mod play;
mod scenario;
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
