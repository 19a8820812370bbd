//! What the `tracing` of the caller carries over to threads, tasks and programs on nodes; nothing without the feature
//! of that name.

#[cfg(feature = "tracing")]
mod with {
    use std::future::Future;

    use tracing::{
        Dispatch, Instrument, Span,
        dispatcher::{get_default, with_default},
        info, info_span,
        instrument::WithSubscriber,
    };

    /// The subscriber of the caller, and a span that names the node, below the caller's own.
    #[derive(Debug, Clone)]
    pub(crate) struct Context {
        subscriber: Dispatch,
        span: Span,
    }

    impl Context {
        pub(crate) fn of(node: &str) -> Self {
            Self { subscriber: get_default(Clone::clone), span: info_span!("node", node) }
        }

        /// Calls the closure as if the caller of [`Context::of`] did, within the span.
        pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
            with_default(&self.subscriber, || self.span.in_scope(f))
        }

        /// The same for a future, whenever it is polled.
        pub(crate) fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
            future.instrument(self.span.clone()).with_subscriber(self.subscriber.clone())
        }

        /// An event for a line that a program printed.
        pub(crate) fn printed(&self, program: &str, pid: i32, line: &str) {
            self.within(|| info!(target: "netns_test::process", program, pid, "{line}"));
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod with {
    use std::future::Future;

    /// Nothing.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Context;

    impl Context {
        pub(crate) fn of(_: &str) -> Self {
            Self
        }

        pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
            f()
        }

        pub(crate) fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
            future
        }

        pub(crate) fn printed(&self, _: &str, _: i32, _: &str) {}
    }
}

pub(crate) use with::Context;
