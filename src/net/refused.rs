//! What the reactor would not watch comes back.

use crate::runtime::{Handle, any_handle};
use std::error::Error;
use std::fmt;
use std::io;

/// A source or socket that could not be watched, and why: it comes back, and works as it did before.
///
/// It becomes an [`io::Error`] by `?`; the source is dropped then.
///
/// # Example
/// ```
/// # #[cfg(unix)] {
/// use offtick::net::Io;
/// use std::fs::File;
/// use std::io::{ErrorKind, Read};
/// // A regular file cannot be polled.
/// let file = File::open(std::env::current_exe()?)?;
/// let (mut file, error) = Io::from_fd(file).expect_err("a file").into_parts();
/// assert_eq!(error.kind(), ErrorKind::PermissionDenied);
/// file.read_exact(&mut [0; 4])?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Refused<S> {
    refused: S,
    error: io::Error,
}

impl<S> Refused<S> {
    pub(super) fn new(refused: S, error: io::Error) -> Self {
        Self { refused, error }
    }

    pub(super) fn map<T>(self, f: impl FnOnce(S) -> T) -> Refused<T> {
        Refused { refused: f(self.refused), error: self.error }
    }

    /// Why.
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// What was refused.
    pub fn into_inner(self) -> S {
        self.refused
    }

    /// What was refused, and why.
    pub fn into_parts(self) -> (S, io::Error) {
        (self.refused, self.error)
    }
}

/// Watches a source on the runtime whose task this thread polls, else on the default one.
pub(super) fn watch_on_any<S, R>(
    source: S,
    watch: impl FnOnce(&Handle, S) -> Result<R, Refused<S>>,
) -> Result<R, Refused<S>> {
    match any_handle() {
        Ok(handle) => watch(&handle, source),
        Err(error) => Err(Refused::new(source, io::Error::other(error))),
    }
}

impl<S> From<Refused<S>> for io::Error {
    fn from(refused: Refused<S>) -> Self {
        refused.error
    }
}

impl<S> fmt::Display for Refused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source cannot be watched")
    }
}

impl<S> fmt::Debug for Refused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<S> Error for Refused<S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
