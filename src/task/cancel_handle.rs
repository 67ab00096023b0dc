//! A handle without the result.

use super::raw::{Outcome, TaskRef};
use super::{Priority, Status, TaskId};
use std::fmt;
use std::panic::Location;

/// Looks at a task and cancels it, whatever the type of its result.
///
/// For cancel buttons, watchdogs and lists of tasks. Dropping it changes nothing; holding it keeps the
/// memory in which the task stood, never its future or its result.
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

    /// The task's identity.
    pub fn id(&self) -> TaskId {
        self.0.id()
    }

    /// The name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// Where the task stands.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// True once the task is over.
    pub fn is_done(&self) -> bool {
        self.0.is_over()
    }

    /// True if the task is over and its closure still runs.
    pub(crate) fn is_left_running(&self) -> bool {
        self.0.is_left_running()
    }

    /// Cancels the task; see [`Task::cancel`](super::Task::cancel).
    ///
    /// Does nothing and returns false for a task that the crate runs for itself, such as one found in a
    /// [ready queue](crate::ReadyQueue).
    pub fn cancel(&self) -> bool {
        !self.is_internal() && self.0.cancel(Outcome::Cancelled)
    }

    /// Ends the task at its time limit.
    pub(crate) fn time_out(&self) -> bool {
        self.0.cancel(Outcome::TimedOut)
    }

    /// The level that the task is queued in.
    pub fn priority(&self) -> Priority {
        self.0.priority()
    }

    /// Gives the task another level; see [`Task::set_priority`](super::Task::set_priority).
    pub fn set_priority(&self, priority: Priority) {
        self.0.set_priority(priority);
    }

    /// True if the crate runs the task for itself.
    pub(crate) fn is_internal(&self) -> bool {
        self.0.is_internal()
    }

    pub(super) fn task_ref(&self) -> &TaskRef {
        &self.0
    }

    /// True if this thread must not wait for the task.
    pub(crate) fn must_not_wait(&self) -> bool {
        self.0.must_not_wait()
    }

    /// The line that spawned the task.
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
