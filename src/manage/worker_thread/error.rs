//! What can go wrong with a thread of one's own.

use crate::error::{BuildError, TaskError};

/// Why a [`WorkerThread`](super::WorkerThread) did not start or stop.
///
/// # Example
/// ```
/// use offtick::{ThreadError, WorkerThread};
/// let pool = WorkerThread::builder("scanner").set_up(|| Err::<(), _>("no scanner")).build()?;
/// let error = pool.start_blocking().expect_err("the set-up fails");
/// assert!(matches!(&error, ThreadError::SetUp(_)));
/// assert_eq!(error.to_string(), "the set-up failed, and no thread is left");
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThreadError {
    /// The runtime could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The set-up returned an error ([`TaskError::Failed`]) or panicked ([`TaskError::Panicked`]).
    #[error("the set-up failed, and no thread is left")]
    SetUp(#[source] TaskError),
    /// It runs already.
    #[error("the pool runs already; stop it first, or use `restart`")]
    AlreadyRunning,
    /// Another thread starts or stops it at this moment.
    #[error("the pool is being started or stopped by somebody else; wait for that to end")]
    Busy,
    /// This thread must not wait: it is the pool's own, runs one of its closures, or is that of another runtime's reactor.
    #[error("waiting here would deadlock: this thread drives a runtime or runs a task of the pool; use another thread")]
    WouldDeadlock,
}

/// Why a value was not [lent](super::ThreadBound::with).
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
    /// This is not the pool's thread, or the value is torn down.
    #[error("the value is lent on its pool's thread only, between set-up and tear-down; use it in a task of the pool")]
    WrongThread,
    /// Some caller of this one has it.
    #[error("the value is lent already, further up on this stack; return from there first")]
    InUse,
}
