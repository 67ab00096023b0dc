//! User code may panic anywhere; these are the places where a panic stops.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f` and turns a panic into its payload.
///
/// Unwind safety is asserted: every caller throws away, or marks as ended, the state that the panic may have left
/// half changed.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a value whose destructor may panic; the panic, and a panic of its payload's own destructor, go no further.
///
/// A payload may carry a destructor that panics with a payload that does the same: after the second one the payload
/// is leaked rather than tried for ever.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(first) = catch(move || drop(value))
        && let Err(second) = catch(move || drop(first))
    {
        std::mem::forget(second);
    }
}

/// Runs user code on whose outcome nothing depends: a hook, a waker. A panic in it goes no further.
pub(crate) fn guarded(f: impl FnOnce()) {
    if let Err(payload) = catch(f) {
        drop_quietly(payload);
    }
}
