//! A job that was not accepted, and a runtime that could not be built.

use std::fmt;

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
    #[error("no blocking thread could be started")]
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
    #[error("the reactor thread could not be started")]
    Thread(#[source] std::io::Error),
    /// The operating system's poll could not be opened.
    #[error("the system's poll could not be opened")]
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
