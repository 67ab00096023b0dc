//! Spawning with a say in who runs first.

use super::END;
use super::error::NoExecutor;
use super::turns::yield_at;
use crate::runtime;
use crate::task::raw::{FutureBody, Value};
use crate::task::{Spec, Task};
use std::future::Future;
use std::panic::Location;

/// Spawns a future on this executor and lets it start: behind all that is ready, and the caller behind it.
///
/// When this is ready the new task has had its first poll (unless it was moved by hand meanwhile). It begins with the
/// caller's priority, and stays on this thread: neither it nor what it returns need be `Send`.
///
/// # Errors
/// [`NoExecutor`] gives the future back.
///
/// # Cancel safety
/// Dropped while it waits, it drops the handle of the new task, which cancels that.
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

/// Spawns a future on this executor and runs it at once: the caller comes back right after the new task first waits or
/// ends, ahead of all others.
///
/// So a tree of tasks that descend into each other runs depth first. The new task begins with the caller's priority, and
/// stays on this thread: neither it nor what it returns need be `Send`.
/// [`spawn_eager`](crate::Handle::spawn_eager) does the same inside the caller's poll: no turn is given up, but stack is
/// taken.
///
/// # Errors
/// [`NoExecutor`] gives the future back.
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
            // Not if the runtime is closing: the task is over then.
            local.core.reinsert(task.task_ref(), 0);
        }
        yield_at(1).await;
        Ok(task)
    }
}

/// Spawns with the level of the running task. By itself, so that no future holds on to the executor.
fn begin<F>(future: F, location: &'static Location<'static>) -> Result<Task<F::Output>, NoExecutor<F>>
where
    F: Future + 'static,
{
    let Some(local) = runtime::current() else { return Err(NoExecutor(future)) };
    let spec = Spec::of_level(local.core.running_level(), location);
    Ok(local.start_bound(FutureBody::<F, Value>::new(future), spec))
}
