//! A place that one thread at a time may use: loom fails the model at an access that no order protects.
#![allow(unsafe_code, reason = "a cell that is checked by loom has to be shared to be checked")]

use crate::sync::UnsafeCell;

/// A place without content.
#[derive(Debug)]
pub(super) struct Place(UnsafeCell<()>);

// SAFETY: there is nothing inside; what loom checks is when the place is used.
unsafe impl Sync for Place {}

impl Place {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(()))
    }

    /// Writes, during `f`.
    #[track_caller]
    pub(super) fn write<R>(&self, f: impl FnOnce() -> R) -> R {
        self.0.with_mut(|_| f())
    }

    /// Reads.
    #[track_caller]
    pub(super) fn read(&self) {
        self.0.with(|_| ());
    }
}
