//! A place that one thread at a time may use: loom fails the model at an access that no order protects.
//!
//! loom says so by a panic, and a task catches the panics of bodies and destructors. So each one is noted here as well,
//! for [`explore`](super::explore) to find.
#![allow(unsafe_code, reason = "a cell that is checked by loom has to be shared to be checked")]

use crate::sync::UnsafeCell;
use crate::util::catch::catch;
use std::cell::Cell;
use std::panic::resume_unwind;

thread_local! {
    /// Accesses out of order in the models of this test: loom runs all threads of a model on one.
    static OUT_OF_ORDER: Cell<usize> = const { Cell::new(0) };
}

/// Fails if any place was used out of order.
pub(super) fn assert_in_order() {
    assert_eq!(OUT_OF_ORDER.get(), 0, "a place was used out of order, inside of what a task caught");
}

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
        noted(|| self.0.with_mut(|_| f()))
    }

    /// Reads.
    #[track_caller]
    pub(super) fn read(&self) {
        noted(|| self.0.with(|_| ()));
    }
}

fn noted<R>(access: impl FnOnce() -> R) -> R {
    catch(access).unwrap_or_else(|payload| {
        OUT_OF_ORDER.set(OUT_OF_ORDER.get() + 1);
        resume_unwind(payload)
    })
}
