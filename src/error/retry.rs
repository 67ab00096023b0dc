//! What can go wrong with a retry: the policy itself, one try, or all of them.

use super::{BoxError, TaskError};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// A field of a [`RetryPolicy`](crate::RetryPolicy) is out of its range.
///
/// # Example
/// ```
/// let policy: offtick::RetryPolicy = offtick::RetryPolicy::none().max_attempts(0);
/// let error = policy.check().expect_err("there is no zeroth attempt");
/// assert_eq!(error.field(), "max_attempts");
/// assert_eq!(error.to_string(), "max_attempts is 0, but must be at least 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {given}, but must be {allowed}")]
pub struct RetryPolicyError {
    field: &'static str,
    given: String,
    allowed: &'static str,
}

impl RetryPolicyError {
    pub(crate) fn new(field: &'static str, given: String, allowed: &'static str) -> Self {
        Self { field, given, allowed }
    }

    /// The setter that was given the value.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The value as given.
    pub fn given(&self) -> &str {
        &self.given
    }
}

/// How one try failed.
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
    /// The try did not end within this limit
    /// ([`RetryPolicy::attempt_timeout`](crate::RetryPolicy::attempt_timeout)).
    TimedOut(Duration),
}

impl<E> AttemptError<E> {
    /// The body's error; `None` if the try ran out of time.
    pub fn failure(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::TimedOut(_) => None,
        }
    }

    /// True if the try ran out of time.
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

/// Why no further try is made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// [`retry_if`](crate::RetryPolicy::retry_if) said that this error is not one to retry.
    NotRetryable,
    /// All of [`max_attempts`](crate::RetryPolicy::max_attempts) were made.
    Attempts,
    /// [`max_elapsed`](crate::RetryPolicy::max_elapsed) is over, or would be after the next wait.
    Elapsed,
    /// The policy is not valid; nothing was tried.
    InvalidPolicy(RetryPolicyError),
    /// The task was cancelled between two tries
    /// ([`TaskContext::retry_blocking`](crate::TaskContext::retry_blocking)).
    Cancelled,
    /// A wait was asked for on a reactor thread, which must not block; nothing was tried
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

/// All that is known when no further try is made: how many there were, how long it took, the last error, and why it ends.
///
/// A task that retried fails with this inside [`TaskError::Failed`](crate::TaskError::Failed);
/// [`TaskError::retry_error`](crate::TaskError::retry_error) gives it, and
/// [`TaskError::downcast_ref`](crate::TaskError::downcast_ref) looks through it at the body's own error.
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

    /// Nothing was tried.
    pub(crate) fn untried(reason: StopReason) -> Self {
        Self::new(0, Duration::ZERO, reason, None)
    }

    /// How many tries were made. 0 if the policy was not valid.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Time from the start of the first try to the end of the last one, on the clock of the runtime.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Why no further try is made.
    pub fn reason(&self) -> &StopReason {
        &self.reason
    }

    /// How the last try failed. `None` if there was none.
    pub fn last(&self) -> Option<&AttemptError<E>> {
        self.last.as_ref()
    }

    /// The body's own last error. `None` if the last try ran out of time, or there was none.
    pub fn last_failure(&self) -> Option<&E> {
        self.last()?.failure()
    }

    /// Moves out how the last try failed.
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
                // Of a task: its own error, which says more than that the task failed.
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

    /// The error of a task whose attempts all failed. If the last one passed on how another task ended, the task ends in
    /// the same way.
    pub(crate) fn retried<E: Into<BoxError>>(error: RetryError<E>) -> Self {
        let RetryError { attempts, elapsed, reason, last } = error;
        let last = match last.map(|last| last.map(Self::from_error)) {
            Some(AttemptError::Failed(ended)) if !matches!(ended, Self::Failed(_)) => return ended,
            last => last,
        };
        Self::Failed(crate::sync::Arc::new(RetryError { attempts, elapsed, reason, last }))
    }
}

/// What a task that retries makes of it. For bodies that return a [`TaskError`], and for a [`BoxError`], of which no error
/// can be made in another way.
impl<E: Into<BoxError>> From<RetryError<E>> for TaskError {
    fn from(error: RetryError<E>) -> Self {
        Self::retried(error)
    }
}
