use std::{
    any::Any,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};

use super::{Error, Node};
use crate::netns::Netns;

/// A future that runs on a node; await it, or [`Task::join`] it from sync code, for its value.
///
/// A task that is dropped goes on; if it panics, the test fails when the network ends.
#[must_use = "await or join it for its value; drop it to let it go on alone"]
pub struct Task<T: Send + 'static> {
    node: Node,
    handle: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Task<T> {
    pub(super) fn start<F>(node: &Node, runtime: &Handle, future: F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self { node: node.clone(), handle: Some(runtime.spawn(future)) }
    }

    /// Waits for the task from sync code.
    ///
    /// # Panics
    ///
    /// If the task did, or if the network ended before it.
    pub fn join(self) -> T {
        block_on(self)
    }

    /// Stops the task at its next await.
    pub fn abort(mut self) {
        if let Some(handle) = self.handle.take() {
            handle.abort();
        }
    }
}

impl<T: Send + 'static> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let handle = self.handle.as_mut().expect("a task is not polled after it ended");
        let Poll::Ready(result) = Pin::new(handle).poll(context) else { return Poll::Pending };
        self.handle = None;
        match result {
            Ok(value) => Poll::Ready(value),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => panic!("the network ended before a task on node `{}` did", self.node),
            },
        }
    }
}

impl<T: Send + 'static> Drop for Task<T> {
    fn drop(&mut self) {
        let (Some(handle), Some(shared)) = (self.handle.take(), self.node.shared()) else { return };
        let node = self.node.name().to_owned();
        shared.unobserved.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(move || {
            let panic = finished(handle)?.err()?.try_into_panic().ok()?;
            Some(format!("a task on node `{node}` panicked: {}", message(&*panic)))
        }));
    }
}

impl<T: Send + 'static> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task(on {})", self.node)
    }
}

/// A node's own Tokio runtime, started when the first task is.
#[derive(Default)]
pub(super) struct TaskRuntime(Mutex<Option<Runtime>>);

impl TaskRuntime {
    pub(super) fn handle(&self, node: &Node, netns: &Netns) -> Result<Handle, Error> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(runtime.handle().clone());
        }
        // A thread of the runtime that cannot enter has nobody to tell.
        netns.run_with_view(|| ()).map_err(|error| Error::io(node.name(), "enter its namespaces", error))?;
        // A task that is done keeps its runtime, which must not keep the namespaces of a removed node.
        let inside = netns.downgrade();
        let started = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(format!("node {}", node.name()))
            // Threads for blocking work are started by whoever asks for it, in the asker's namespaces.
            .on_thread_start(move || {
                // Without the node the runtime has been stopped, and a late thread has nothing to run.
                let Some(inside) = inside.upgrade() else { return };
                if let Err(error) = inside.enter() {
                    // A thread of a node that is not on it would lie to every test.
                    eprintln!("netns-test: a runtime thread cannot enter its node: {error}");
                    std::process::abort();
                }
            })
            .enable_all()
            .build()
            .map_err(|error| Error::io(node.name(), "start a runtime", error))?;
        let handle = started.handle().clone();
        *runtime = Some(started);
        Ok(handle)
    }

    /// Stops all tasks; a runtime must not be dropped from async code.
    pub(super) fn stop(&self) {
        if let Some(runtime) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_background();
        }
    }
}

/// The result of a task that has ended.
fn finished<T>(mut handle: JoinHandle<T>) -> Option<Result<T, tokio::task::JoinError>> {
    match Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// The text of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// Waits for a future on the calling thread, which may be one of a runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
