//! Tasks for hyper.

use hyper::rt::Executor;
use offtick::{Handle, LocalHandle};
use std::future::Future;

/// Runs what hyper spawns (each stream of an HTTP/2 connection is a task) on the reactor thread of a runtime.
///
/// Nobody holds these tasks: they end by themselves when their connection does. Once the runtime is gone, a future is
/// dropped instead of run.
///
/// # Example
/// ```
/// use hyper::server::conn::http2;
/// use offtick_compat::hyper::{HyperExecutor, HyperTimer};
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let mut server = http2::Builder::new(HyperExecutor::new(rt.handle().clone()));
/// server.timer(HyperTimer::new(rt.handle().clone())).keep_alive_interval(Duration::from_secs(20));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HyperExecutor {
    handle: Handle,
}

impl HyperExecutor {
    /// Spawns on the runtime of this handle.
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl<F> Executor<F> for HyperExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.handle.spawn(future).detach();
    }
}

/// Runs what hyper spawns on a [`LocalRuntime`](offtick::LocalRuntime), where it need not be `Send`.
///
/// # Example
/// ```
/// use hyper::server::conn::http2;
/// use offtick_compat::hyper::HyperLocalExecutor;
/// let rt = offtick::LocalRuntime::new()?;
/// let server = http2::Builder::new(HyperLocalExecutor::new(rt.local_handle().clone()));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HyperLocalExecutor {
    handle: LocalHandle,
}

impl HyperLocalExecutor {
    /// Spawns on the runtime of this handle.
    pub fn new(handle: LocalHandle) -> Self {
        Self { handle }
    }
}

impl<F> Executor<F> for HyperLocalExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        self.handle.spawn(future).detach();
    }
}
