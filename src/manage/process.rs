//! The process-wide manager, and the verbs that start tasks on it.

use super::TaskManager;
use crate::error::{BoxError, BuildError, TaskError};
use crate::runtime::runtime;
use crate::sync::OnceLock;
use crate::task::{SharedTask, Spec, Task};
use std::future::Future;

static MANAGER: OnceLock<TaskManager> = OnceLock::new();

/// The process-wide manager, on the process-wide [`runtime`]; both are started on first use.
///
/// # Errors
/// Those of [`runtime`]. The next call tries again.
///
/// # Example
/// ```
/// let id = offtick::spawn(async { 1 }).id();
/// assert!(offtick::manager()?.get::<i32>(id)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn manager() -> Result<&'static TaskManager, BuildError> {
    match MANAGER.get() {
        Some(manager) => Ok(manager),
        None => runtime().map(|handle| MANAGER.get_or_init(|| TaskManager::new(handle))),
    }
}

/// Starts a future that returns a value, on the process-wide runtime.
///
/// The task belongs to the process-wide [`manager`]: dropping the returned handle cancels nothing. If the runtime cannot be
/// started the task is over with that error.
///
/// # Example
/// ```
/// let task = offtick::spawn(async { 20 + 1 });
/// assert_eq!(task.wait().ok(), Some(&21));
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> SharedTask<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + Sync + 'static,
{
    match manager() {
        Ok(manager) => manager.spawn(future),
        Err(error) => failed(error),
    }
}

/// As [`spawn()`], for a future that returns a `Result`: `Err` ends the task in `Status::Error`.
///
/// # Example
/// ```
/// let task = offtick::run(async { "7".parse::<u8>() });
/// assert_eq!(task.wait().ok(), Some(&7));
/// ```
#[track_caller]
pub fn run<F, T, E>(future: F) -> SharedTask<T>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError>,
{
    match manager() {
        Ok(manager) => manager.run(future),
        Err(error) => failed(error),
    }
}

/// As [`spawn()`], for a closure that may block: it runs on a pool thread.
///
/// # Example
/// ```
/// let task = offtick::spawn_blocking(|| std::fs::read_to_string("Cargo.toml").is_ok());
/// assert!(task.wait().is_ok());
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(closure: F) -> SharedTask<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + Sync + 'static,
{
    match manager() {
        Ok(manager) => manager.spawn_blocking(closure),
        Err(error) => failed(error),
    }
}

/// As [`spawn_blocking`], for a closure that returns a `Result`: `Err` ends the task in `Status::Error`.
///
/// # Example
/// ```
/// let task = offtick::run_blocking(|| std::fs::read_to_string("no such file"));
/// assert!(task.wait().is_err());
/// ```
#[track_caller]
pub fn run_blocking<F, T, E>(closure: F) -> SharedTask<T>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError>,
{
    match manager() {
        Ok(manager) => manager.run_blocking(closure),
        Err(error) => failed(error),
    }
}

#[track_caller]
fn failed<T: Send + Sync + 'static>(error: BuildError) -> SharedTask<T> {
    Task::over(Err(TaskError::from_error(error)), Spec::plain()).share()
}
