//! Errors of jobs that were refused and of runtimes that could not be built.

use super::InvalidSetting;
use std::fmt;

/// A job that was refused, with the job inside.
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
    /// The queue limit of the blocking pool or of a [`TaskPool`](crate::TaskPool) is reached; try again on a later
    /// tick.
    #[error("the queue is full; try again later or raise its limit (`blocking_queue`, `queue_limit`)")]
    Full(F),
    /// The pool was stopped, or never started.
    #[error("the pool accepts no tasks: it was stopped or not started; start it first")]
    Stopped(F),
    /// The runtime was shut down.
    #[error("the runtime was shut down; spawn on a running one")]
    RuntimeGone(F),
    /// No worker thread is alive, and the system refused to start one.
    #[error("no pool thread could be started; raise the thread limit of the system")]
    NoThread(F, #[source] std::io::Error),
}

impl<F> TrySpawnError<F> {
    /// Returns the job.
    pub fn into_inner(self) -> F {
        match self {
            Self::Full(job) | Self::Stopped(job) | Self::RuntimeGone(job) | Self::NoThread(job, _) => job,
        }
    }

    /// Returns true if the queue was full.
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

/// The reason why a runtime could not be built.
///
/// # Example
/// ```
/// let error = offtick::Builder::new().blocking_threads(0).build().expect_err("no threads, no pool");
/// assert_eq!(error.to_string(), "blocking_threads is 0, but must be from 1 to 65536");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An option is out of its range.
    #[error(transparent)]
    Invalid(#[from] InvalidSetting),
    /// The reactor thread could not be started.
    #[error("the reactor thread could not be started; raise the thread limit of the system")]
    Thread(#[source] std::io::Error),
    /// The program has not installed the clock of its host, in a build with `--cfg offtick_host_clock`; see
    /// [`time::Instant`](crate::time::Instant).
    #[error("there is no clock; call `offtick::time::install_host_clock` first")]
    NoClock,
    /// The poll of the operating system could not be opened.
    #[error("the poll of the operating system could not be opened; raise the limit of open files")]
    Poll(#[source] std::io::Error),
}

/// The reason why the process-wide runtime refused a configuration.
///
/// # Example
/// ```
/// use offtick::{Builder, InstallError};
/// let error = Builder::new().blocking_threads(0).install().expect_err("no threads, no pool");
/// assert!(matches!(error, InstallError::Build(_)));
/// offtick::runtime()?;
/// let error = Builder::new().install().expect_err("it runs already");
/// assert_eq!(error.to_string(), "the process-wide runtime is already running; install before its first use, or shut it down");
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The process-wide runtime was already used or installed.
    #[error("the process-wide runtime is already running; install before its first use, or shut it down")]
    InUse,
    /// The runtime could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}
