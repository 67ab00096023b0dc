//! A task as hooks and listings show it.

use super::raw::TaskRef;
use super::{CancelHandle, Priority, Status, TaskId};
use std::panic::Location;
use std::time::Duration;

/// What is known of a task without its type: for hooks, logs and debug panels.
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

    /// Without a reference to the task.
    pub(crate) fn apart(mut self) -> Self {
        self.control = None;
        self
    }

    /// The task's identity.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the task stood at the moment of the listing.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The level that the task was queued in at that moment.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// How many times the body was polled; wraps at 2^32.
    pub fn polls(&self) -> u32 {
        self.polls
    }

    /// The current try, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the time, on the runtime's clock, since it took the future in, or since the closure began to run. Zero in hooks.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Returns true for a closure that runs on although its task has ended: it was cancelled, or ran out of time. It holds
    /// its pool thread until it returns; [`age`](Self::age) tells how long it has run.
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

    /// Looks at the task as it is now, and cancels it: for the buttons of a task table. As long as it is kept, here or as a
    /// clone, it keeps the memory in which the task stood. `None` in a report of [leaks](crate::testing::Leaks), which must not
    /// be one itself.
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

    /// The line that spawned the task.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }
}
