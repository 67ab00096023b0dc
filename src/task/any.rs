//! The trait of all task handles, for functions that take any of them.

use super::raw::TaskRef;
use super::{CancelHandle, SharedTask, Task};

/// A [`Task`], a [`SharedTask`] or a [`CancelHandle`], of any type.
///
/// The functions of [`queue`](crate::queue) take it. No other type can implement it.
///
/// # Example
/// ```
/// use offtick::{AnyTask, queue};
/// fn is_ready(task: &impl AnyTask) -> bool {
///     queue::current().is_ok_and(|queue| queue.find(task).is_some())
/// }
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// let mut task = rt.spawn(async move {
///     let other = handle.spawn(std::future::pending::<()>());
///     (is_ready(&other), is_ready(&other.cancel_handle()))
/// });
/// assert_eq!(task.wait()?, (true, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task",
    note = "this takes a reference to a `Task`, a `SharedTask` or a `CancelHandle`"
)]
#[expect(private_bounds, reason = "sealed")]
pub trait AnyTask: HasTask {}

#[diagnostic::do_not_recommend]
impl<T: HasTask> AnyTask for T {}

/// Returns the task.
pub(crate) trait HasTask {
    fn task_ref(&self) -> &TaskRef;
}

impl<T, P> HasTask for Task<T, P> {
    fn task_ref(&self) -> &TaskRef {
        Self::task_ref(self)
    }
}

impl<T, P> HasTask for SharedTask<T, P> {
    fn task_ref(&self) -> &TaskRef {
        Self::task_ref(self)
    }
}

impl HasTask for CancelHandle {
    fn task_ref(&self) -> &TaskRef {
        Self::task_ref(self)
    }
}
