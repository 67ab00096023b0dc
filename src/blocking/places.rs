//! The queue limit: how many jobs may wait. Only there if a limit is set, since each job pays for it twice.

use crate::sync::atomic::{AtomicUsize, Ordering};

/// Counts the waiting jobs (permits included) against a limit.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Places {
    taken: AtomicUsize,
    limit: usize,
}

impl Places {
    pub(crate) fn new(limit: usize) -> Self {
        Self { taken: AtomicUsize::new(0), limit }
    }

    /// Takes a place if fewer than the limit are taken.
    #[must_use]
    pub(crate) fn try_take(&self) -> bool {
        // Relaxed throughout: the count guards a number, not data.
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| (taken < self.limit).then_some(taken + 1))
            .is_ok()
    }

    /// Takes a place, be it beyond the limit.
    pub(crate) fn take(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives a place back: its job begins, or was never pushed.
    pub(crate) fn give_back(&self) {
        let taken = self.taken.fetch_sub(1, Ordering::Relaxed);
        debug_assert!(taken > 0, "a place was given back twice");
    }
}
