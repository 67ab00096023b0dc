//! A unique number per thread.

use crate::sync::plain::{AtomicU64, Ordering};
use std::cell::Cell;

/// Returns this thread's unique number, which is never 0.
///
/// No other thread ever gets it, unlike the system's identifiers, which are reused.
pub(crate) fn thread_token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    crate::sync::thread_local! {
        static TOKEN: Cell<u64> = const { Cell::new(0) };
    }
    TOKEN.with(|token| {
        if token.get() == 0 {
            token.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        token.get()
    })
}
