//! Errors of a [`WorkerThread`](super::WorkerThread).

use crate::error::{BuildError, TaskError};

/// An error of a start or a stop of a [`WorkerThread`](super::WorkerThread).
///
/// # Example
/// ```
/// use offtick::{ThreadError, WorkerThread};
/// let pool = WorkerThread::builder("scanner").set_up(|| Err::<(), _>("no scanner")).build()?;
/// let error = pool.start_blocking().expect_err("the set-up fails");
/// assert!(matches!(&error, ThreadError::SetUp(_)));
/// assert_eq!(error.to_string(), "the set-up failed and the thread has ended; see the source");
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThreadError {
    /// The runtime could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The set-up returned an error ([`TaskError::Failed`]) or panicked ([`TaskError::Panicked`]).
    #[error("the set-up failed and the thread has ended; see the source")]
    SetUp(#[source] TaskError),
    /// The thread is already running.
    #[error("the thread is already running; stop it first, or use `restart`")]
    AlreadyRunning,
    /// Another thread is starting or stopping it.
    #[error("another thread is starting or stopping it; wait until that has finished")]
    Busy,
    /// A wait on the pool's own thread, in one of its closures, or on a reactor thread.
    #[error("waiting here would deadlock: this thread drives a runtime or runs a task of the pool; use another thread")]
    WouldDeadlock,
}

/// An error of [`ThreadBound::with`](super::ThreadBound::with).
///
/// # Example
/// ```
/// use offtick::{ThreadBoundError, WorkerThread};
/// let pool = WorkerThread::builder("gpu").set_up(|| Ok::<_, ThreadBoundError>(1_u8)).build()?;
/// assert_eq!(pool.value().with(|value| *value), Err(ThreadBoundError::WrongThread));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThreadBoundError {
    /// It is another thread than the pool's, or the value is torn down.
    #[error("the value is available only on its pool's thread, from set-up to tear-down; use it in a task of the pool")]
    WrongThread,
    /// A caller further up on this stack has the value.
    #[error("the value is already lent further up on this stack; return from there first")]
    InUse,
}
