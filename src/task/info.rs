//! A description of a task, for hooks and listings.

use super::raw::TaskRef;
use super::{CancelHandle, Priority, Status, TaskId};
use std::panic::Location;
use std::time::Duration;

/// A description of a task without its type, for hooks, logs and debug panels.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let task = rt.task().name("import").spawn(|_cx| std::future::pending::<()>());
/// let listed = loop {
///     let listed = rt.tasks(); // in each frame
///     if listed.is_complete() {
///         break listed;
///     }
/// };
/// assert_eq!(listed[0].name(), Some("import"));
/// assert_eq!(listed[0].id(), task.id());
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TaskInfo {
    id: TaskId,
    name: Option<Box<str>>,
    status: Status,
    priority: Priority,
    polls: u32,
    attempt: u32,
    age: Duration,
    left_running: bool,
    location: &'static Location<'static>,
    control: Option<CancelHandle>,
}

impl TaskInfo {
    pub(crate) fn of(task: &TaskRef) -> Self {
        Self {
            id: task.id(),
            name: task.name().map(Into::into),
            status: task.status(),
            priority: task.priority(),
            polls: task.polls(),
            attempt: task.attempt(),
            age: Duration::ZERO,
            left_running: false,
            location: task.location(),
            control: Some(CancelHandle::new(task.clone())),
        }
    }

    pub(crate) fn listed(mut self, age: Duration, left_running: bool) -> Self {
        self.age = age;
        self.left_running = left_running;
        self
    }

    /// Returns it without the reference to the task.
    pub(crate) fn apart(mut self) -> Self {
        self.control = None;
        self
    }

    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the status at the moment of the listing.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the priority at the moment of the listing.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Returns the number of polls of the body; wraps at 2^32.
    pub fn polls(&self) -> u32 {
        self.polls
    }

    /// Returns the current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the age of the task, on the runtime's clock. Zero in hooks.
    ///
    /// It counts from the time at which the runtime accepted the future, or at which the closure began to run.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Returns true for a closure that is still running although its task has ended.
    ///
    /// The task was cancelled or timed out. The closure holds its pool thread until it returns; [`age`](Self::age)
    /// returns how long it has been running.
    ///
    /// # Example
    /// ```
    /// use std::sync::mpsc;
    /// let rt = offtick::Runtime::new()?;
    /// let (release, blocked) = mpsc::channel::<()>();
    /// let task = rt.task().name("scan").spawn_blocking(move |_cx| blocked.recv().is_err());
    /// while task.status() != offtick::Status::Running {
    ///     std::thread::yield_now(); // draw, handle input ...
    /// }
    /// task.cancel(); // the closure does not ask `cx.check()`
    /// let tasks = rt.tasks();
    /// assert!(tasks.iter().any(|task| task.name() == Some("scan") && task.is_left_running()));
    /// assert_eq!(rt.metrics().blocking_left_running, 1);
    /// # drop(release);
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn is_left_running(&self) -> bool {
        self.left_running
    }

    /// Returns a handle to check and cancel the task, for the buttons of a task table.
    ///
    /// While it or a clone of it exists, it keeps the memory of the task allocated. It is `None` in a report of
    /// [leaks](crate::testing::Leaks), so that the report is not a leak itself.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.spawn(std::future::pending::<()>());
    /// while !rt.tasks().iter().any(|task| task.cancel_handle().is_some_and(|handle| handle.cancel())) {}
    /// assert!(task.wait().is_err_and(|error| error.is_cancelled()));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn cancel_handle(&self) -> Option<&CancelHandle> {
        self.control.as_ref()
    }

    /// Returns the source line that spawned the task.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }
}
