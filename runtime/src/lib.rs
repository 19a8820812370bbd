//! The part of netns-test that speaks to the kernel: sandboxes, labs, probes.

#[cfg(target_os = "linux")]
pub mod kernel;
#[cfg(target_os = "linux")]
pub mod netns;

#[cfg(target_os = "linux")]
pub use kernel::KernelError;
