//! This system has no call that asks for the readiness of a socket without an operation on it.

use super::io::Check;

/// A source that the system could be asked about.
pub(super) trait System {}

impl<S> System for S {}

/// Nobody can be asked.
pub(super) fn check<S: System>() -> Option<Check<S>> {
    None
}
