//! Errors of managers, sets, groups and pools.

use crate::task::TaskId;

/// An error for a task of another type than the requested one.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let manager = offtick::TaskManager::new(&rt);
/// let task = manager.spawn(async { 1_u8 });
/// let wrong = manager.get::<String>(task.id()).expect_err("it gives a u8");
/// assert_eq!(wrong.id, task.id());
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task {id} is a {found}, not a {wanted}; ask for it with the types it was started with")]
#[non_exhaustive]
pub struct WrongType {
    /// The task that was found.
    pub id: TaskId,
    /// The requested handle type.
    pub wanted: &'static str,
    /// The handle type of the task.
    pub found: &'static str,
}

/// An error of a pool that accepts no tasks.
///
/// It was stopped, or (a [`WorkerThread`](crate::WorkerThread)) not started. A task that is started anyway fails with
/// this error.
///
/// # Example
/// ```
/// use offtick::{PoolStopped, TaskPool};
/// let rt = offtick::Runtime::new()?;
/// let pool = TaskPool::new(&rt, 2)?;
/// pool.close();
/// let error = pool.spawn(async { 1 }).wait().expect_err("the pool is closed");
/// assert!(error.downcast_ref::<PoolStopped>().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pool accepts no tasks: it was stopped or not started; start it first")]
pub struct PoolStopped;
