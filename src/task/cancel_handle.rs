//! A handle to a task, without its result.

use super::raw::{Outcome, TaskRef};
use super::{Priority, Status, TaskId};
use std::fmt;
use std::panic::Location;

/// A handle that shows a task's status and cancels it.
///
/// Use it for cancel buttons, watchdogs and lists of tasks of any type. Dropping it changes nothing. It keeps the
/// memory of the task allocated, but never its future or its result.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.spawn(std::future::pending::<()>());
/// let control = task.cancel_handle();
/// assert!(control.cancel());
/// assert!(task.wait().is_err_and(|error| error.is_cancelled()));
/// assert!(!control.cancel());
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone)]
pub struct CancelHandle(TaskRef);

impl CancelHandle {
    pub(crate) fn new(task: TaskRef) -> Self {
        Self(task)
    }

    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.0.id()
    }

    /// Returns the name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// Returns the current status.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// Returns true once the task has finished.
    pub fn is_done(&self) -> bool {
        self.0.is_finished()
    }

    /// Returns true if the task has finished and its closure is still running.
    pub(crate) fn is_left_running(&self) -> bool {
        self.0.is_left_running()
    }

    /// Cancels the task; see [`Task::cancel`](super::Task::cancel).
    ///
    /// Does nothing and returns false for an internal task of the crate, such as one found in a [ready
    /// queue](crate::ReadyQueue).
    pub fn cancel(&self) -> bool {
        !self.is_internal() && self.0.cancel(Outcome::Cancelled)
    }

    /// Ends the task because its time limit has passed.
    pub(crate) fn time_out(&self) -> bool {
        self.0.cancel(Outcome::TimedOut)
    }

    /// Returns the priority of the task.
    pub fn priority(&self) -> Priority {
        self.0.priority()
    }

    /// Changes the priority; see [`Task::set_priority`](super::Task::set_priority).
    pub fn set_priority(&self, priority: Priority) {
        self.0.set_priority(priority);
    }

    /// Returns true for an internal task of the crate.
    pub(crate) fn is_internal(&self) -> bool {
        self.0.is_internal()
    }

    pub(super) fn task_ref(&self) -> &TaskRef {
        &self.0
    }

    /// Returns true if this thread must not wait for the task.
    pub(crate) fn must_not_wait(&self) -> bool {
        self.0.must_not_wait()
    }

    /// Returns the source line that spawned the task.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location()
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle")
            .field("id", &self.id().get())
            .field("name", &self.name())
            .field("status", &self.status())
            .finish()
    }
}
