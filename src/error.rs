//! What can go wrong, one small enum per operation. Nothing is lost: a refused job comes back inside its error.

mod retry;

pub use retry::{AttemptError, RetryError, RetryPolicyError, StopReason};

use crate::sync::Arc;
use crate::sync::plain::Mutex;
use std::any::Any;
use std::fmt;
use std::time::Duration;

/// Any error that a task body may return: what the `run*` verbs convert into.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a task has no value.
///
/// # Example
/// ```
/// use offtick::TaskError;
/// let error = TaskError::from_error(std::io::Error::other("disk on fire"));
/// assert!(error.downcast_ref::<std::io::Error>().is_some());
/// assert_eq!(error.to_string(), "task failed: disk on fire");
/// // Passed on by another task:
/// assert_eq!(TaskError::from_error(error).to_string(), "task failed: disk on fire");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The body returned an error (the `run*` verbs).
    #[error("task failed: {0}")]
    Failed(#[source] BoxError),
    /// The body, or the destructor of something it owned, panicked.
    #[error("task panicked: {0}")]
    Panicked(Box<Panic>),
    /// The task was cancelled before it ended.
    #[error("task was cancelled")]
    Cancelled,
    /// The task did not end within its time limit.
    #[error("task timed out after {0:?}")]
    TimedOut(Duration),
    /// The runtime was shut down before the task ended, or before it was spawned.
    #[error("the runtime of this task is gone; spawn it on a live one")]
    RuntimeGone,
    /// The output was moved out by an earlier `take`, `wait` or `await`.
    #[error("the result of this task was already taken; keep the value of the first take")]
    Taken,
    /// A blocking wait was asked for on a thread that must not wait; the task itself is untouched.
    #[error("waiting here would deadlock: this thread drives the runtime or runs this very task; await or poll it")]
    WouldDeadlock,
}

impl TaskError {
    /// Wraps any error as [`TaskError::Failed`]. The failure of another task, which a body passed on, is not wrapped a
    /// second time: it is that task's error.
    pub fn from_error(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(inner) => match *inner {
                Self::Failed(error) => Self::Failed(error),
                other => Self::Failed(Box::new(other)),
            },
            Err(error) => Self::Failed(error),
        }
    }

    /// The error that the body returned, if it is an `E`. Of a task that retried: the error of the last try.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => {
                let of_last_try = || self.retry_error()?.last_failure()?.downcast_ref();
                error.downcast_ref().or_else(of_last_try)
            }
            _ => None,
        }
    }

    /// What the tries of a task came to that was given a [`RetryPolicy`](crate::RetryPolicy) and failed all the same: how
    /// many, how long, why it stopped.
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
            Self::Failed(error) => error.downcast_ref::<retry::Retried>().map(|retried| &retried.0),
            _ => None,
        }
    }

    /// True for [`TaskError::Cancelled`].
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// True for [`TaskError::Panicked`].
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// True for [`TaskError::TimedOut`].
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

/// A caught panic: its message, and its payload for whoever wants to resume it.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task: offtick::Task<()> = rt.spawn(async { panic!("out of cheese") });
/// let Err(offtick::TaskError::Panicked(panic)) = task.wait() else { unreachable!() };
/// assert_eq!(panic.message(), "out of cheese");
/// assert!(panic.take_payload().is_some_and(|payload| payload.is::<&str>()));
/// # Ok::<(), offtick::BuildError>(())
/// ```
pub struct Panic(Arc<Caught>);

struct Caught {
    message: Box<str>,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
            (*text).into()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.as_str().into()
        } else {
            "a payload that is not text".into()
        };
        Self(Arc::new(Caught { message, payload: Mutex::new(Some(payload)) }))
    }

    /// The same panic, payload included, for a hook that is told of it later.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// The text given to `panic!`.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Moves the payload out, for [`std::panic::resume_unwind`]. `None` if it was taken before.
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        self.0.payload.lock().take()
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        // A payload's own destructor may panic; that must not unwind out of the drop of an error value.
        if let Some(payload) = self.payload.get_mut().take() {
            crate::util::catch::drop_quietly(payload);
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic").field("message", &self.message()).finish_non_exhaustive()
    }
}

/// A job that was not accepted, with the job inside.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// drop(rt);
/// let refused = handle.try_spawn_blocking(|| 7).expect_err("the runtime is gone");
/// assert!(!refused.is_full());
/// assert_eq!(refused.into_inner()(), 7);
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TrySpawnError<F> {
    /// The queue limit is reached, of the blocking pool or of a [`TaskPool`](crate::TaskPool); try again on a later tick.
    #[error("the queue is full; try again later or raise its limit (`blocking_queue`, `queue_limit`)")]
    Full(F),
    /// The pool was stopped, or not started.
    #[error("the pool takes no tasks in: it was stopped, or not started")]
    Stopped(F),
    /// The runtime was shut down.
    #[error("the runtime is gone; spawn on a live one")]
    RuntimeGone(F),
    /// No worker thread lives and the system refused to start one.
    #[error("no blocking thread could be started: {1}")]
    NoThread(F, #[source] std::io::Error),
}

impl<F> TrySpawnError<F> {
    /// The job, given back.
    pub fn into_inner(self) -> F {
        match self {
            Self::Full(job) | Self::Stopped(job) | Self::RuntimeGone(job) | Self::NoThread(job, _) => job,
        }
    }

    /// True if the queue was full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl<F> fmt::Debug for TrySpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Stopped(_) => "Stopped(..)",
            Self::RuntimeGone(_) => "RuntimeGone(..)",
            Self::NoThread(..) => "NoThread(..)",
        })
    }
}

/// Why a runtime could not be built.
///
/// # Example
/// ```
/// let error = offtick::Builder::new().blocking_threads(0).build().expect_err("no threads, no pool");
/// assert_eq!(error.to_string(), "blocking_threads is 0, but must be from 1 to 65536");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting is out of its range.
    #[error("{setting} is {given}, but must be {allowed}")]
    Invalid {
        /// The builder method that was given the value.
        setting: &'static str,
        /// The value as given.
        given: String,
        /// The values that are accepted.
        allowed: &'static str,
    },
    /// The reactor thread could not be started.
    #[error("the reactor thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The operating system's poll could not be opened.
    #[error("the system's poll could not be opened: {0}")]
    Poll(#[source] std::io::Error),
}

/// Why the process-wide runtime did not take a configuration.
///
/// # Example
/// ```
/// use offtick::{Builder, InstallError};
/// let error = Builder::new().blocking_threads(0).install().expect_err("no threads, no pool");
/// assert!(matches!(error, InstallError::Build(_)));
/// offtick::runtime()?;
/// let error = Builder::new().install().expect_err("it runs already");
/// assert_eq!(error.to_string(), "the process-wide runtime runs already; install before its first use, or shut it down");
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The process-wide runtime was used, or installed, before.
    #[error("the process-wide runtime runs already; install before its first use, or shut it down")]
    InUse,
    /// The runtime could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}
