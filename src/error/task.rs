//! The error of a task, which keeps its kind when other tasks pass it on.

use super::{BoxError, Panic, RetryError, write_causes};
use crate::sync::Arc;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The reason why a task has no value.
///
/// # Kinds
/// A task that passes on the error of another task ends in the same way: with `inner.await?` in the body of a `run*`
/// method, the outer task is cancelled if `inner` was cancelled, panicked if it panicked, and failed with the same
/// error if it failed.
/// This holds for a `TaskError` itself, for one in a [`BoxError`], and for the [`Cancelled`] of a context. It does not
/// hold for your own error type with a `TaskError` as its source: that is a new error, and the outer task fails with
/// it.
///
/// An `anyhow::Error` hides its content. Convert it by
/// `error.downcast::<TaskError>().unwrap_or_else(TaskError::from_error)`.
///
/// # Text
/// `{error}` prints this error alone; [`source`](Error::source) returns its cause. `{error:#}` prints the whole chain
/// in one line, and [`label`](Self::label) returns the root cause alone.
///
/// Cloning is cheap: clones share the error or the panic.
///
/// # Example
/// ```
/// use offtick::{Status, TaskError};
/// use std::io;
/// let error = TaskError::from_error(io::Error::other("disk on fire"));
/// assert!(error.downcast_ref::<io::Error>().is_some());
/// assert_eq!(error.to_string(), "task failed");
/// assert_eq!(format!("{error:#}"), "task failed: disk on fire");
/// assert_eq!(error.label(), "disk on fire");
///
/// // Passed on by another task:
/// let rt = offtick::Runtime::new()?;
/// let inner = rt.spawn(std::future::pending::<()>());
/// inner.cancel();
/// let mut outer = rt.run(async move { inner.await });
/// assert!(outer.wait().is_err_and(|error| error.is_cancelled()));
/// assert_eq!(outer.status(), Status::Cancelled);
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The body returned an error (the `run*` methods).
    Failed(Arc<dyn Error + Send + Sync>),
    /// The body, or the destructor of something it owned, panicked.
    Panicked(Panic),
    /// The task was cancelled before it finished.
    Cancelled,
    /// The task did not finish within its time limit.
    TimedOut(Duration),
    /// The runtime shut down before the task finished, or before it was spawned.
    RuntimeGone,
    /// The completer of the task was dropped without a result ([`promise()`](crate::promise())).
    Abandoned,
    /// The output was moved out by an earlier `take`, `wait` or `await`.
    Taken,
    /// A blocking wait was called on a thread that must not wait. The task is unaffected.
    WouldDeadlock,
}

impl TaskError {
    /// Converts the error of a body, as the `run*` methods do.
    ///
    /// The error of a task is not wrapped again: it keeps its kind. [`Cancelled`] becomes [`TaskError::Cancelled`]. A
    /// [`RetryError`] whose last attempt passed on the end of another task becomes that end. Any other error becomes
    /// [`TaskError::Failed`], as do [`Taken`](Self::Taken) and [`WouldDeadlock`](Self::WouldDeadlock), which are
    /// mistakes of the body.
    pub fn from_error(error: impl Into<BoxError>) -> Self {
        let error = match error.into().downcast::<Self>() {
            Ok(inner) => return inner.passed_on(),
            Err(error) => error,
        };
        let error = match error.downcast::<RetryError>() {
            Ok(retry) => return Self::retried(*retry),
            Err(error) => error,
        };
        if error.is::<Cancelled>() { Self::Cancelled } else { Self::Failed(error.into()) }
    }

    /// Returns the error of a task whose body passes this error on.
    fn passed_on(self) -> Self {
        match self {
            Self::Taken | Self::WouldDeadlock => Self::Failed(Arc::new(self)),
            kept => kept,
        }
    }

    /// Returns the body's error if it is an `E`.
    ///
    /// For a task that retried, this is the error of the last attempt.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => {
                let of_last_attempt = || self.retry_error()?.last_failure()?.downcast_ref();
                error.downcast_ref().or_else(of_last_attempt)
            }
            _ => None,
        }
    }

    /// Returns the account of all failed attempts of a task with a [`RetryPolicy`](crate::RetryPolicy).
    ///
    /// It has the number of attempts, the time they took, and the reason why no further one was made.
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt
    ///     .task()
    ///     .retry(RetryPolicy::none().max_attempts(3))
    ///     .run_blocking(|_cx| "one".parse::<u8>());
    /// let error = task.wait().expect_err("letters");
    /// assert_eq!(error.retry_error().map(|retry| retry.attempts()), Some(3));
    /// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn retry_error(&self) -> Option<&RetryError> {
        match self {
            Self::Failed(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// Returns the root cause in one short line, for a label.
    ///
    /// This is the first line of the last error in the chain. For a log use `{error:#}`, which prints every error of
    /// the chain.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut inner = rt.run_blocking(|| std::fs::read("/no/such/level"));
    /// let mut outer = rt.run_blocking(move || inner.wait());
    /// let error = outer.wait().expect_err("there is no such file");
    /// assert!(error.label().starts_with("No such file") || cfg!(windows));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn label(&self) -> String {
        let mut root: &dyn Error = self;
        while let Some(cause) = root.source() {
            root = cause;
        }
        let text = root.to_string();
        text.trim().lines().next().map_or_else(|| self.to_string(), str::to_owned)
    }

    /// Returns true for [`TaskError::Cancelled`].
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Returns true for [`TaskError::Panicked`].
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Returns true for [`TaskError::TimedOut`].
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(_) => f.write_str("task failed"),
            Self::Panicked(_) => f.write_str("task panicked"),
            Self::Cancelled => f.write_str("task was cancelled"),
            Self::TimedOut(limit) => write!(f, "task timed out after {limit:?}"),
            Self::Abandoned => f.write_str("the completer of this task was dropped without a value"),
            Self::RuntimeGone => f.write_str("the runtime of this task was shut down; spawn it on a live one"),
            Self::Taken => f.write_str("the result of this task was already taken; keep the value of the first take"),
            Self::WouldDeadlock => f.write_str(
                "waiting here would deadlock: this thread drives the runtime, runs this task, or is the last that could; poll it",
            ),
        }?;
        if f.alternate() { write_causes(self, f) } else { Ok(()) }
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Panicked(panic) => Some(panic),
            _ => None,
        }
    }
}

impl From<Cancelled> for TaskError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// The error of a body whose task was cancelled.
///
/// [`TaskContext::check`](crate::TaskContext::check) returns it, for the `?` of a closure. A body that returns it ends
/// its task in [`TaskError::Cancelled`].
///
/// # Example
/// ```
/// fn parse(cx: &offtick::TaskContext, lines: &[&str]) -> Result<usize, offtick::Cancelled> {
///     for _line in lines {
///         cx.check()?;
///     }
///     Ok(lines.len())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task was cancelled")]
pub struct Cancelled;

/// Returns true for an error that no further attempt can correct.
///
/// Another task was cancelled, panicked, or lost its runtime, and the body passed that on.
pub(crate) fn ends_retries(failure: &dyn Any) -> bool {
    let boxed = failure.downcast_ref::<BoxError>();
    let task_error = match boxed {
        Some(boxed) => boxed.downcast_ref::<TaskError>(),
        None => failure.downcast_ref::<TaskError>(),
    };
    matches!(task_error, Some(TaskError::Cancelled | TaskError::Panicked(_) | TaskError::RuntimeGone))
        || failure.is::<Cancelled>()
        || boxed.is_some_and(|boxed| boxed.is::<Cancelled>())
}
