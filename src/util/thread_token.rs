//! A number of each thread.

use crate::sync::plain::{AtomicU64, Ordering};
use std::cell::Cell;

/// A number for this thread that no other thread ever gets (the system's own identifiers are recycled). Never 0.
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
