//! The part of netns-test that speaks to the kernel: sandboxes, labs, probes.

#[cfg(target_os = "linux")]
pub mod capture;
mod failure;
#[cfg(target_os = "linux")]
pub mod feature;
#[cfg(target_os = "linux")]
pub mod kernel;
#[cfg(target_os = "linux")]
pub mod lab;
#[cfg(target_os = "linux")]
pub mod netns;
#[cfg(target_os = "linux")]
pub mod probe;
#[cfg(target_os = "linux")]
pub mod process;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod trace;

pub use failure::{Failure, Result};
#[cfg(target_os = "linux")]
pub use kernel::KernelError;
#[cfg(all(target_os = "linux", feature = "unshare"))]
pub use unshare;

/// Waits a moment before the kernel is asked again.
#[cfg(target_os = "linux")]
pub(crate) fn pause() {
    pause_for(std::time::Duration::from_millis(1));
}

/// Waits that long before something is looked at again.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "for loops that end by what they see, and not by the time")]
pub(crate) fn pause_for(time: std::time::Duration) {
    std::thread::sleep(time);
}
