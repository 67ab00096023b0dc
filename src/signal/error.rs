//! What can go wrong with a signal.

use super::number::Shown;
use std::io;

/// Why signals could not be listened to.
///
/// # Example
/// ```
/// use offtick::signal::{self, SIGKILL, SignalError};
/// let error = signal::listen(SIGKILL).expect_err("nobody can catch it");
/// assert!(matches!(error, SignalError::Forbidden(SIGKILL)));
/// assert_eq!(error.to_string(), "SIGKILL cannot be handled by a program; choose another signal");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// The system lets nobody catch it (`SIGKILL`, `SIGSTOP`), or it tells of a broken program, which must not go on
    /// (`SIGILL`, `SIGFPE`, `SIGSEGV`).
    #[error("{} cannot be handled by a program; choose another signal", Shown(*.0))]
    Forbidden(i32),
    /// The system knows no signal of this number, or keeps it for itself.
    #[error("{0} is not the number of a signal; use the constants of `offtick::signal`")]
    Invalid(i32),
    /// No signal was named.
    #[error("no signal was named; name at least one")]
    NoSignals,
    /// The process has a [`Shutdown`](super::Shutdown) already. Two could not agree on which signal is the first.
    #[error("the process has a Shutdown already; use that one, or drop it first")]
    AlreadyActive,
    /// The system refused: no descriptor left for a pipe, no thread, no memory.
    #[error("{what} failed")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl SignalError {
    pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

impl From<SignalError> for io::Error {
    fn from(error: SignalError) -> Self {
        match error {
            SignalError::System { ref source, .. } => Self::new(source.kind(), error),
            SignalError::AlreadyActive => Self::new(io::ErrorKind::AlreadyExists, error),
            _ => Self::new(io::ErrorKind::InvalidInput, error),
        }
    }
}
