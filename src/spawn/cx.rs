//! What a body made by the builder knows of its own task.

use crate::progress::{Reporter, SendError, TrySendError};
use crate::sync::Arc;
use crate::task::{Details, TaskId};
use std::fmt;

/// The task was cancelled; what [`TaskCx::check`] answers, for the `?` of a closure.
///
/// # Example
/// ```
/// fn parse(cx: &offtick::TaskCx, lines: &[&str]) -> Result<usize, offtick::Cancelled> {
///     for _line in lines {
///         cx.check()?;
///     }
///     Ok(lines.len())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task was cancelled")]
pub struct Cancelled;

/// The context of a body: its identity, its progress, its cancellation.
///
/// A future gets it by value, a closure by reference. A future that is cancelled is dropped where it waits and need not
/// ask; a closure should ask now and then ([`check`](Self::check)), since nothing else can stop it.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.task().name("count").progress::<u32>(16).run_blocking(|cx| {
///     for step in 1..=3 {
///         cx.check()?;
///         cx.report(step);
///     }
///     Ok::<_, offtick::Cancelled>("counted")
/// });
/// assert_eq!(task.wait()?, "counted");
/// assert_eq!(task.progress().collect::<Vec<_>>(), [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskCx<P = ()> {
    details: Arc<Details>,
    reporter: Option<Reporter<P>>,
}

impl<P> TaskCx<P> {
    pub(super) fn new(details: Arc<Details>, reporter: Option<Reporter<P>>) -> Self {
        Self { details, reporter }
    }

    /// The task's identity.
    pub fn id(&self) -> TaskId {
        self.details.id()
    }

    /// The name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.details.name()
    }

    /// The current try, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.details.attempt()
    }

    /// True once the task was cancelled, timed out, or its runtime is shutting down.
    pub fn is_cancelled(&self) -> bool {
        self.details.is_cancelled()
    }

    /// Fails once the task was cancelled, so that `cx.check()?` leaves the body.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Tells whoever polls the handle how far the body has come. Never waits: when the ring is full the oldest value is
    /// dropped and counted. Does nothing for a task without progress.
    pub fn report(&mut self, value: P) {
        if let Some(reporter) = &mut self.reporter {
            reporter.report(value);
        }
    }

    /// Adds a value if there is room.
    ///
    /// # Errors
    /// [`TrySendError`] gives the value back: the ring is full, or the handle gone. A cancellation is not looked at.
    pub fn try_send(&mut self, value: P) -> Result<(), TrySendError<P>> {
        match &mut self.reporter {
            Some(reporter) => reporter.try_send(value),
            None => Ok(()),
        }
    }

    /// Adds a value and waits for room until then: nothing is lost. Dropping the future before it is ready drops the
    /// value unsent and changes nothing else. For a task without progress, and once the reporter was taken out, there is
    /// nobody to send to: the value is dropped, and that is no error.
    ///
    /// # Errors
    /// [`SendError`] gives the value back: the task is cancelled, or the handle gone.
    pub async fn send(&mut self, value: P) -> Result<(), SendError<P>> {
        match &mut self.reporter {
            Some(reporter) => reporter.send(value).await,
            None => Ok(()),
        }
    }

    /// As [`send`](Self::send), for closures: blocks the thread until there is room.
    ///
    /// # Errors
    /// Those of [`send`](Self::send); a cancellation ends the wait.
    pub fn send_blocking(&mut self, value: P) -> Result<(), SendError<P>> {
        match &mut self.reporter {
            Some(reporter) => reporter.send_blocking(value),
            None => Ok(()),
        }
    }

    /// Takes the reporter out, to pass it to a part of the work or to share it among several; from then on the
    /// context itself reports nothing. `None` for a task without progress, and the second time.
    pub fn take_reporter(&mut self) -> Option<Reporter<P>> {
        self.reporter.take()
    }
}

impl<P> fmt::Debug for TaskCx<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskCx").field("id", &self.id()).field("cancelled", &self.is_cancelled()).finish()
    }
}
