//! The methods of a handle as functions, on the process-wide runtime.

use super::builder::TaskBuilder;
use super::target::sealed::{Futures, Target};
use crate::error::{BoxError, BuildError, IntoBoxError, TaskError};
use crate::runtime::{Handle, runtime};
use crate::sync::Arc;
use crate::task::raw::Work;
use crate::task::{Spec, Task};
use std::fmt;
use std::future::Future;

/// Starts a future on the process-wide runtime; see [`Handle::spawn`].
///
/// The runtime is started on first use. If that fails, the task ends with the [`BuildError`](crate::BuildError).
///
/// # Example
/// ```
/// let mut task = offtick::spawn(async { 20 + 1 });
/// assert_eq!(task.wait()?, 21);
/// # Ok::<(), offtick::TaskError>(())
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match runtime() {
        Ok(handle) => handle.spawn(future),
        Err(error) => failed(error),
    }
}

/// Starts a future that returns a `Result`, on the process-wide runtime.
///
/// See [`Handle::run`].
///
/// # Example
/// ```
/// let mut task = offtick::run(async { "7".parse::<u8>() });
/// assert_eq!(task.wait()?, 7);
/// # Ok::<(), offtick::TaskError>(())
/// ```
#[track_caller]
pub fn run<F, T, E>(future: F) -> Task<T>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: IntoBoxError,
{
    match runtime() {
        Ok(handle) => handle.run(future),
        Err(error) => failed(error),
    }
}

/// Starts a closure on a pool thread of the process-wide runtime.
///
/// The closure may block; see [`Handle::spawn_blocking`].
///
/// # Example
/// ```
/// let mut task = offtick::spawn_blocking(|| std::fs::read_to_string("Cargo.toml").is_ok());
/// assert!(task.wait()?);
/// # Ok::<(), offtick::TaskError>(())
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(closure: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match runtime() {
        Ok(handle) => handle.spawn_blocking(closure),
        Err(error) => failed(error),
    }
}

/// Starts a closure that returns a `Result`, on the process-wide runtime.
///
/// See [`Handle::run_blocking`].
///
/// # Example
/// ```
/// let mut task = offtick::run_blocking(|| std::fs::read_to_string("no such file"));
/// assert!(task.wait().is_err());
/// ```
#[track_caller]
pub fn run_blocking<F, T, E>(closure: F) -> Task<T>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: IntoBoxError,
{
    match runtime() {
        Ok(handle) => handle.run_blocking(closure),
        Err(error) => failed(error),
    }
}

/// Starts the description of a task on the process-wide runtime; see [`Handle::task`].
///
/// # Example
/// ```
/// let mut task = offtick::task().name("sum").progress::<u32>(8).spawn_blocking(|cx| {
///     cx.report(50);
///     (1..=100).sum::<u32>()
/// });
/// assert_eq!(task.wait()?, 5050);
/// assert_eq!(task.latest(), Some(50));
/// # Ok::<(), offtick::TaskError>(())
/// ```
pub fn task() -> TaskBuilder<(), DefaultRuntime> {
    TaskBuilder::new(DefaultRuntime(runtime().map_err(Arc::new)))
}

#[track_caller]
fn failed<T: 'static>(error: BuildError) -> Task<T> {
    Task::already_finished(Err(TaskError::from_error(error)), Spec::plain())
}

/// The process-wide runtime as the target of a [`TaskBuilder`], from [`task()`].
///
/// If the runtime could not be started, a task of the builder ends with the [`BuildError`](crate::BuildError).
#[derive(Clone)]
pub struct DefaultRuntime(Result<Handle, Arc<BuildError>>);

impl DefaultRuntime {
    fn started(&self) -> &Handle {
        self.0.as_ref().expect("`check` comes first")
    }
}

impl Target for DefaultRuntime {
    fn check(&self) -> Result<(), BoxError> {
        match &self.0 {
            Ok(_) => Ok(()),
            Err(error) => Err(Arc::clone(error).into()),
        }
    }

    fn handle(&self) -> &Handle {
        self.started()
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.started().start_blocking(body, spec)
    }
}

impl Futures for DefaultRuntime {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.started().start(body, spec)
    }
}

impl fmt::Debug for DefaultRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DefaultRuntime").field(&self.0).finish()
    }
}
