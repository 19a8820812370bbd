//! Requests to the kernel, each with a deadline and the kernel's own words when it refuses.

pub(crate) mod error;
