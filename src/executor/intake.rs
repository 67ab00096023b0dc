//! How many futures the executor has taken in, and whether it is taking some in right now.
//!
//! A thread that asks whether a published list names every future must not be deceived by one on its way from the inbox to
//! the owner list, which stands in neither. So the executor marks the time in which there may be such a future:
//!
//! ```text
//! executor:  taking = true  -> empties the inbox (releases) -> counts each future -> taking = false (releases)
//! reader:    inbox empty? (acquires)  ->  taking == false? (acquires)  ->  the count
//! ```
//! A reader that finds the inbox emptied sees `taking`, or what was counted before it was cleared.

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::task::raw::Inbox;

/// Counts futures on their way in. Written by the executor's thread alone.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    accepted: AtomicU64,
    taking: AtomicBool,
}

impl Intake {
    /// Counts a future that now stands in the owner list. One writer: a load and a store, no locked instruction.
    #[inline(always)]
    pub(super) fn count(&self) {
        self.accepted.store(self.accepted().wrapping_add(1), Ordering::Relaxed);
    }

    /// The inbox is about to be emptied.
    #[inline]
    pub(super) fn begin(&self) {
        // Relaxed: the take that follows releases.
        self.taking.store(true, Ordering::Relaxed);
    }

    /// What was in the inbox is counted.
    #[inline]
    pub(super) fn end(&self) {
        // Release: pairs with the acquire in `settled`, which then sees the counts.
        self.taking.store(false, Ordering::Release);
    }

    /// Returns how many futures were taken in. Relaxed: a number for display.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many futures were taken in, if none is on its way from `inbox`.
    ///
    /// It counts every future whose spawn happened before this call.
    pub(crate) fn settled(&self, inbox: &Inbox) -> Option<u64> {
        // Acquire: pairs with the release in `end`. The look at the inbox comes first; it acquires as well.
        let settled = inbox.is_empty_now() && !self.taking.load(Ordering::Acquire);
        settled.then(|| self.accepted())
    }
}
