//! The places where panics of user code are caught.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f` and turns a panic into its payload.
///
/// Unwind safety is asserted: every caller drops, or marks as ended, the state that the panic may have left half
/// changed.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a value whose destructor may panic, and catches the panic.
///
/// It also catches a panic of the payload's own destructor. A payload may have a destructor that panics with a payload
/// that does the same: after the second one the payload is leaked instead of being tried for ever.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(first) = catch(move || drop(value))
        && let Err(second) = catch(move || drop(first))
    {
        std::mem::forget(second);
    }
}

/// Runs user code whose result does not matter: a hook, a waker.
///
/// A panic in it is caught.
pub(crate) fn guarded(f: impl FnOnce()) {
    if let Err(payload) = catch(f) {
        drop_quietly(payload);
    }
}
