//! Tests of the test harness: what runs that must fail, crash, hang or leak are reported as, and what they leave.
//!
//! The cases live in `tests/fixtures/cases`; here they are run by the real `cargo test` and `cargo nextest run`.
#![cfg(target_os = "linux")]

mod compile_errors;
mod fixture;
mod killed;
mod leftovers;
mod live;
mod programs;
mod refused;
mod report;
mod verdicts;
