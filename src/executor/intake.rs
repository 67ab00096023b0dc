//! The count of accepted futures, and a mark while some are being accepted.
//!
//! A thread that asks whether a published list names every future must not miss one on its way from the inbox to the
//! owner list, when it is in neither. So the executor marks the time in which such a future may exist:
//!
//! ```text
//! executor:  taking = true  -> empties the inbox (releases) -> counts each future -> taking = false (releases)
//! reader:    inbox empty? (acquires)  ->  taking == false? (acquires)  ->  the count
//! ```
//! A reader that finds the inbox emptied sees `taking`, or the counts from before it was cleared.

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::task::raw::Inbox;

/// A counter of accepted futures. Only the executor's thread writes it.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    accepted: AtomicU64,
    taking: AtomicBool,
}

impl Intake {
    /// Counts a future that is now in the owner list.
    ///
    /// With one writer a load and a store suffice, without a locked instruction.
    #[inline(always)]
    pub(super) fn count(&self) {
        self.accepted.store(self.accepted().wrapping_add(1), Ordering::Relaxed);
    }

    /// Announces that the inbox is about to be emptied.
    #[inline]
    pub(super) fn begin(&self) {
        // Relaxed: the take that follows releases.
        self.taking.store(true, Ordering::Relaxed);
    }

    /// Announces that the content of the inbox is counted.
    #[inline]
    pub(super) fn end(&self) {
        // Release pairs with the acquire in `settled`, which then sees the counts.
        self.taking.store(false, Ordering::Release);
    }

    /// Returns the number of accepted futures. Relaxed: for display.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns the number of accepted futures, if none is on its way from `inbox`.
    ///
    /// It counts every future whose spawn happened before this call.
    pub(crate) fn settled(&self, inbox: &Inbox) -> Option<u64> {
        // Acquire pairs with the release in `end`. The check of the inbox comes first; it acquires as well.
        let settled = inbox.is_empty_now() && !self.taking.load(Ordering::Acquire);
        settled.then(|| self.accepted())
    }
}
