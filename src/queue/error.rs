//! Errors of the ready queue.

use std::fmt;

/// An error of a call outside of a task: the thread drives no executor.
///
/// It returns the job.
///
/// # Example
/// ```
/// let error = offtick::queue::current().expect_err("`main` is no task");
/// assert_eq!(error.to_string(), "this thread drives no executor; call it inside a task");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this thread drives no executor; call it inside a task")]
pub struct NoExecutor<T = ()>(pub(super) T);

impl<T> NoExecutor<T> {
    /// Returns the job that was not run.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for NoExecutor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoExecutor")
    }
}

/// An error for a task that is not in this ready queue.
///
/// It waits, runs, has finished, was taken out, or belongs to another executor.
///
/// # Example
/// ```
/// use offtick::queue::{self, NotReady};
/// let rt = offtick::Runtime::new()?;
/// let other = rt.spawn(std::future::pending::<()>());
/// let control = other.cancel_handle();
/// let mut task = rt.spawn(async move {
///     offtick::yield_now().await; // the other one waits by now
///     queue::current().expect("inside a task").reinsert(&control, 0)
/// });
/// assert_eq!(task.wait()?, Err(NotReady));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task is not ready on this executor; only a task that waits for its turn has a position")]
pub struct NotReady;

/// An error for a position without a task.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.spawn(async { offtick::queue::current().expect("inside a task").pop(-1).err() });
/// let error = task.wait()?.expect("nothing is ready");
/// assert_eq!((error.position, error.len), (-1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no task is at position {position}; {len} tasks are ready")]
#[non_exhaustive]
pub struct OutOfRange {
    /// The position as given.
    pub position: isize,
    /// The number of ready tasks.
    pub len: usize,
}

/// The reason why there was no switch; the caller has kept its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// The calling thread drives no executor.
    #[error(transparent)]
    NoExecutor(#[from] NoExecutor),
    /// The target is not ready, so it cannot run next.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}
