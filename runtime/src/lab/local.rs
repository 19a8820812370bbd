//! Futures on a node that must stay on one thread.

use std::{future::Future, io, thread};

use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::{JoinError, LocalSet, spawn_local},
};

use super::{Error, Node, Task};

impl Node {
    /// Runs async code on the node to its end, on a thread and a Tokio runtime of its own; it may borrow, and need not
    /// be `Send`.
    ///
    /// What it spawns stays on the node: `tokio::spawn`, `tokio::task::spawn_local`, `spawn_blocking`, look-ups of
    /// names, child processes.
    ///
    /// ```no_run
    /// # fn f(node: netns_test_runtime::lab::Node) -> std::io::Result<()> {
    /// let mut found = Vec::new();
    /// node.block_on(async || {
    ///     found.extend(tokio::net::lookup_host("server:80").await?);
    ///     std::io::Result::Ok(())
    /// })?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If the code does, at its place; if the node is gone, or its runtime cannot be made.
    #[track_caller]
    pub fn block_on<R: Send>(&self, body: impl AsyncFnOnce() -> R + Send) -> R {
        let result = self.run(|| {
            let runtime = current_thread()?;
            let value = LocalSet::new().block_on(&runtime, body());
            // A blocking task that never ends is the sandbox's to end.
            runtime.shutdown_background();
            Ok(value)
        });
        match result.map_err(|error: io::Error| Error::io(self.name(), "start a runtime", error)) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts async code on the node that need not be `Send`, on a thread and a Tokio runtime of its own; what it spawns
    /// stays on the node.
    ///
    /// The closure makes the future there: `node.spawn_local(|| async { … })`.
    ///
    /// # Panics
    ///
    /// As [`Node::spawn`].
    #[track_caller]
    pub fn spawn_local<F, R>(&self, body: F) -> Task<R::Output>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output: Send + 'static> + 'static,
    {
        match self.start_local(body) {
            Ok(told) => self.spawn(async move {
                match told.await {
                    Ok(Ok(value)) => value,
                    Ok(Err(error)) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(error) => panic!("a task of one thread was lost: {error}"),
                    },
                    Err(_) => panic!("a task of one thread was lost with its thread"),
                }
            }),
            Err(error) => panic!("{error}"),
        }
    }

    /// The thread ends when the code does, or when nobody waits for its value any more.
    fn start_local<F, R>(&self, body: F) -> Result<oneshot::Receiver<Result<R::Output, JoinError>>, Error>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output: Send + 'static> + 'static,
    {
        let failed = |error| Error::io(self.name(), "start a runtime", error);
        let inside = {
            let live = self.live()?;
            live.show_proc_net(self.name());
            live.netns.clone()
        };
        let (mut tell, told) = oneshot::channel();
        let (begin, begun) = std::sync::mpsc::channel();
        let name = format!("node {}", self.name());
        let context = crate::trace::Context::of(self.name());
        let run = move || {
            let entered = inside.enter().map(drop).and_then(|()| current_thread());
            // The thread is in the namespace, and what it holds ends with it.
            drop(inside);
            let runtime = match entered {
                Ok(runtime) => runtime,
                Err(error) => return drop(begin.send(Err(error))),
            };
            let _ = begin.send(Ok(()));
            let work = async move {
                let mut value = spawn_local(body());
                tokio::select! {
                    value = &mut value => drop(tell.send(value)),
                    () = tell.closed() => value.abort(),
                }
            };
            context.within(|| LocalSet::new().block_on(&runtime, work));
            runtime.shutdown_background();
        };
        thread::Builder::new().name(name).spawn(run).map_err(failed)?;
        begun.recv().map_err(io::Error::other).and_then(|begun| begun).map_err(failed)?;
        Ok(told)
    }
}

fn current_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
