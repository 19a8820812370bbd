//! The runtime under an `async` test or program.

use std::future::Future;

use tokio::runtime::Builder;

/// Which kind of Tokio runtime an `async` body runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// Several threads, so that a blocking call in the body does not stall what it spawned; `None` for Tokio's number.
    MultiThread(Option<usize>),
    /// The body's own thread.
    CurrentThread,
}

/// Runs a future to its end on a runtime of its own, which is made where the caller stands.
///
/// # Panics
///
/// If the runtime cannot be made, or the future panics.
#[track_caller]
pub fn block_on<F: Future>(flavor: Flavor, future: F) -> F::Output {
    let mut builder = match flavor {
        Flavor::CurrentThread => Builder::new_current_thread(),
        Flavor::MultiThread(workers) => {
            let mut builder = Builder::new_multi_thread();
            if let Some(workers) = workers {
                builder.worker_threads(workers);
            }
            builder
        }
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("cannot make a Tokio runtime: {error}"),
    };
    let output = runtime.block_on(future);
    // A blocking task that never ends is the sandbox's to end, not ours to wait for.
    runtime.shutdown_background();
    output
}
