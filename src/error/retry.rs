//! Errors of retries: an invalid policy, one failed attempt, or all of them.

use super::{BoxError, InvalidSetting, TaskError};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The reason why one attempt failed.
///
/// # Example
/// ```
/// use offtick::retry::AttemptError;
/// let error = AttemptError::Failed("connection refused");
/// assert_eq!(error.failure(), Some(&"connection refused"));
/// assert_eq!(error.to_string(), "connection refused");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptError<E> {
    /// The body returned this error.
    Failed(E),
    /// The attempt did not end within this limit
    /// ([`RetryPolicy::attempt_timeout`](crate::RetryPolicy::attempt_timeout)).
    TimedOut(Duration),
}

impl<E> AttemptError<E> {
    /// Returns the body's error, or `None` if the attempt timed out.
    pub fn failure(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::TimedOut(_) => None,
        }
    }

    /// Returns true if the attempt timed out.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    fn map<F>(self, f: impl FnOnce(E) -> F) -> AttemptError<F> {
        match self {
            Self::Failed(error) => AttemptError::Failed(f(error)),
            Self::TimedOut(limit) => AttemptError::TimedOut(limit),
        }
    }
}

impl<E: fmt::Display> fmt::Display for AttemptError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut(limit) => write!(f, "the attempt timed out after {limit:?}"),
        }
    }
}

impl<E: Error + 'static> Error for AttemptError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure().and_then(Error::source)
    }
}

/// The reason why no further attempt is made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// [`retry_if`](crate::RetryPolicy::retry_if) refused to retry this error.
    NotRetryable,
    /// All of [`max_attempts`](crate::RetryPolicy::max_attempts) were made.
    Attempts,
    /// [`max_elapsed`](crate::RetryPolicy::max_elapsed) has passed, or would have passed after the next wait.
    Elapsed,
    /// The policy is not valid; no attempt was made.
    InvalidPolicy(InvalidSetting),
    /// The task was cancelled between two attempts
    /// ([`TaskContext::retry_blocking`](crate::TaskContext::retry_blocking)).
    Cancelled,
    /// A blocking wait was requested on a reactor thread; no attempt was made
    /// ([`retry_blocking`](crate::retry::retry_blocking)).
    WouldDeadlock,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRetryable => f.pad("the error is not one to retry"),
            Self::Attempts => f.pad("all attempts were made"),
            Self::Elapsed => f.pad("the time was up"),
            Self::InvalidPolicy(error) => write!(f, "the policy is not valid: {error}"),
            Self::Cancelled => f.pad("the task was cancelled"),
            Self::WouldDeadlock => f.pad("a wait would block a reactor thread"),
        }
    }
}

/// The account of a failed retry: attempts, time, the last error, and the reason.
///
/// A task that retries fails with this value inside [`TaskError::Failed`](crate::TaskError::Failed).
/// [`TaskError::retry_error`](crate::TaskError::retry_error) returns it, and
/// [`TaskError::downcast_ref`](crate::TaskError::downcast_ref) finds the body's own error in it.
///
/// # Example
/// ```
/// use offtick::retry::{StopReason, retry};
/// use offtick::RetryPolicy;
/// let policy = RetryPolicy::none().max_attempts(2);
/// let error = offtick::block_on(retry(policy, || async { Err::<(), _>(std::fmt::Error) }))?.expect_err("no luck");
/// assert_eq!((error.attempts(), error.reason()), (2, &StopReason::Attempts));
/// assert_eq!(error.last_failure(), Some(&std::fmt::Error));
/// # Ok::<(), offtick::TaskError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RetryError<E = TaskError> {
    attempts: u32,
    elapsed: Duration,
    reason: StopReason,
    last: Option<AttemptError<E>>,
}

impl<E> RetryError<E> {
    pub(crate) fn new(attempts: u32, elapsed: Duration, reason: StopReason, last: Option<AttemptError<E>>) -> Self {
        Self { attempts, elapsed, reason, last }
    }

    /// Builds the error of a retry that made no attempt.
    pub(crate) fn untried(reason: StopReason) -> Self {
        Self::new(0, Duration::ZERO, reason, None)
    }

    /// Returns the number of attempts; 0 if the policy was not valid.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the time between the first start and the last end.
    ///
    /// The clock of the runtime measures it.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Returns the reason why no further attempt is made.
    pub fn reason(&self) -> &StopReason {
        &self.reason
    }

    /// Returns the error of the last attempt, or `None` if there was no attempt.
    pub fn last(&self) -> Option<&AttemptError<E>> {
        self.last.as_ref()
    }

    /// Returns the body's own last error.
    ///
    /// `None` if the last attempt timed out, or if there was no attempt.
    pub fn last_failure(&self) -> Option<&E> {
        self.last()?.failure()
    }

    /// Consumes the error and returns that of the last attempt.
    pub fn into_last(self) -> Option<AttemptError<E>> {
        self.last
    }
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, elapsed, .. } = self;
        match &self.reason {
            StopReason::InvalidPolicy(_) => f.write_str("the retry policy is not valid"),
            StopReason::WouldDeadlock => {
                f.write_str("a retry that blocks would deadlock on a reactor thread; await `retry` there")
            }
            StopReason::NotRetryable => write!(f, "attempt {attempts} failed with an error that is not retried"),
            StopReason::Attempts if *attempts == 1 => f.write_str("the only attempt failed"),
            StopReason::Attempts => write!(f, "all {attempts} attempts failed"),
            StopReason::Elapsed => write!(f, "out of time to retry after attempt {attempts}, {elapsed:?} in"),
            StopReason::Cancelled => write!(f, "cancelled after attempt {attempts}"),
        }
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match (&self.last, &self.reason) {
            (Some(AttemptError::Failed(error)), _) => {
                let error: &(dyn Error + 'static) = error;
                // The error of a task: `TaskError` tells more than the text "the task failed".
                match error.downcast_ref() {
                    Some(TaskError::Failed(error)) => Some(&**error),
                    _ => Some(error),
                }
            }
            (Some(timed_out), _) => Some(timed_out),
            (None, StopReason::InvalidPolicy(error)) => Some(error),
            (None, _) => None,
        }
    }
}

impl TaskError {
    /// The error of one attempt, after which there is another one.
    pub(crate) fn of_attempt<E: Into<BoxError>>(error: AttemptError<E>) -> Self {
        match error {
            AttemptError::Failed(error) => Self::from_error(error),
            AttemptError::TimedOut(limit) => Self::TimedOut(limit),
        }
    }

    /// Returns the error of a task whose attempts all failed.
    ///
    /// If the last attempt passed on how another task ended, the task ends in the same way.
    pub(crate) fn retried<E: Into<BoxError>>(error: RetryError<E>) -> Self {
        let RetryError { attempts, elapsed, reason, last } = error;
        let last = match last.map(|last| last.map(Self::from_error)) {
            Some(AttemptError::Failed(ended)) if !matches!(ended, Self::Failed(_)) => return ended,
            last => last,
        };
        Self::Failed(crate::sync::Arc::new(RetryError { attempts, elapsed, reason, last }))
    }
}

/// Converts for bodies that return a [`TaskError`], and for a [`BoxError`], which nothing else can convert.
impl<E: Into<BoxError>> From<RetryError<E>> for TaskError {
    fn from(error: RetryError<E>) -> Self {
        Self::retried(error)
    }
}
