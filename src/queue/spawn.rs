//! Spawning with control over which task runs first.

use super::END;
use super::error::NoExecutor;
use super::turns::yield_at;
use crate::runtime;
use crate::task::raw::{FutureBody, Value};
use crate::task::{Spec, Task};
use std::future::Future;
use std::panic::Location;

/// Spawns a future on this executor and lets it start.
///
/// It runs behind all ready tasks, and the caller runs behind it.
///
/// When this is ready, the new task has had its first poll (unless it was moved meanwhile). It has the caller's
/// priority, and stays on this thread: neither it nor its output needs to be `Send`.
///
/// # Errors
/// [`NoExecutor`] with the future.
///
/// # Cancel safety
/// Dropping this while it waits drops the handle of the new task, which cancels that.
///
/// # Example
/// ```
/// use offtick::queue::spawn_start;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.spawn(async {
///     let child = spawn_start(async { 7 }).await.expect("inside a task");
///     child.is_done()
/// });
/// assert!(task.wait()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn spawn_start<F>(future: F) -> impl Future<Output = Result<Task<F::Output>, NoExecutor<F>>> + use<F>
where
    F: Future + 'static,
{
    let location = Location::caller();
    async move {
        let task = begin(future, location)?;
        yield_at(END).await;
        Ok(task)
    }
}

/// Spawns a future on this executor and runs it next.
///
/// The caller continues directly after the new task first waits or ends, ahead of all others.
///
/// So a tree of tasks that descend into each other runs depth first. The new task has the caller's priority, and stays
/// on this thread: neither it nor its output needs to be `Send`. [`spawn_eager`](crate::Handle::spawn_eager) does the
/// same inside the caller's poll: without yielding, but it uses stack.
///
/// # Errors
/// [`NoExecutor`] with the future.
///
/// # Cancel safety
/// That of [`spawn_start`].
///
/// # Example
/// ```
/// use offtick::queue::spawn_descend;
/// use std::sync::{Arc, Mutex};
/// let rt = offtick::Runtime::new()?;
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&log);
/// rt.spawn(async move {
///     let inner = Arc::clone(&log);
///     let child = spawn_descend(async move {
///         inner.lock().unwrap().push("child");
///         offtick::yield_now().await;
///         inner.lock().unwrap().push("child again");
///     })
///     .await
///     .expect("inside a task");
///     log.lock().unwrap().push("caller");
///     child.await
/// })
/// .wait()??;
/// assert_eq!(*seen.lock().unwrap(), ["child", "caller", "child again"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn spawn_descend<F>(future: F) -> impl Future<Output = Result<Task<F::Output>, NoExecutor<F>>> + use<F>
where
    F: Future + 'static,
{
    let location = Location::caller();
    async move {
        let task = begin(future, location)?;
        if let Some(local) = runtime::current() {
            // Not if the runtime is closing: then the task has finished.
            local.core.reinsert(task.task_ref(), 0);
        }
        yield_at(1).await;
        Ok(task)
    }
}

/// Spawns with the priority of the running task.
///
/// A separate function, so that no future refers to the executor.
fn begin<F>(future: F, location: &'static Location<'static>) -> Result<Task<F::Output>, NoExecutor<F>>
where
    F: Future + 'static,
{
    let Some(local) = runtime::current() else { return Err(NoExecutor(future)) };
    let spec = Spec::of_level(local.core.running_level(), location);
    Ok(local.start_bound(FutureBody::<F, Value>::new(future), spec))
}
