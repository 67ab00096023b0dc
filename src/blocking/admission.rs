//! The admission word: the number of closures ever admitted, and three flags for the next submitter.
//!
//! | bits | meaning |
//! |---|---|
//! | 0 `NOTIFY` | somebody must act on the next admitted closure: an idle thread to wake, a thread to start |
//! | 1 `NO_THREAD` | no thread lives: one must be started before a permit is handed out |
//! | 2 `CLOSED` | nothing is admitted any more; never cleared |
//! | 3.. | the number of closures admitted since the pool was made; at a billion per second it lasts for seventy years |
//!
//! The flags change under the lock of the pool's state only. Any thread changes the count, and each change reads the flags
//! in the same read-modify-write: the wake-up protocol rests on that (rule 3 of the module). The word publishes no data;
//! the queue hands over the closures, and the lock everything else.

use super::queue::BATCH;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::fmt;

const NOTIFY: u64 = 1;
const NO_THREAD: u64 = 2;
const CLOSED: u64 = 4;
/// One admitted closure.
const ONE: u64 = 8;

/// The admission word, alone on its cache lines: every submit writes it.
#[repr(align(128))]
pub(crate) struct Admission(AtomicU64);

/// What the submitter of an admitted closure has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct Admitted {
    /// Call [`PoolState::notify_workers`](super::state::PoolState::notify_workers) after the push.
    pub(crate) notify: bool,
    /// Make a batch of the line after the push.
    pub(crate) batch: bool,
}

/// What [`Admission::enter`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Entry {
    /// The closure is counted.
    Admitted(Admitted),
    /// The closure is counted, but no thread lives: start one or [withdraw](Admission::withdraw).
    NoThread,
    /// The pool is closed; nothing is counted.
    Closed,
}

impl Admission {
    /// No closures, no threads.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(NOTIFY | NO_THREAD))
    }

    /// Counts one more closure, unless the pool is closed.
    #[inline]
    pub(crate) fn enter(&self) -> Entry {
        // Relaxed: only the place of this change in the order of all changes of the word counts. The push that follows
        // releases it, together with the closure, to the thread that takes the closure.
        let old = self.0.fetch_add(ONE, Ordering::Relaxed);
        if old & (NO_THREAD | CLOSED) == 0 {
            return Entry::Admitted(Admitted {
                notify: old & NOTIFY != 0,
                batch: (old / ONE) % BATCH as u64 == BATCH as u64 - 1,
            });
        }
        if old & CLOSED != 0 {
            // For a moment a closed pool seems to have a pending closure: a thread about to leave searches once more.
            self.withdraw();
            return Entry::Closed;
        }
        Entry::NoThread
    }

    /// Takes a count back: the closure is not going to be pushed.
    pub(crate) fn withdraw(&self) {
        // Acquire pairs with the Release of `close`: a refused submitter sees what the closing thread did before.
        self.0.fetch_sub(ONE, Ordering::Acquire);
    }

    /// Sets `NOTIFY` and returns the number of closures admitted before. Under the lock.
    pub(crate) fn set_notify(&self) -> u64 {
        self.set(NOTIFY)
    }

    /// Sets `NOTIFY` and `NO_THREAD` and returns the number of closures admitted before. Under the lock.
    pub(crate) fn set_no_thread(&self) -> u64 {
        self.set(NOTIFY | NO_THREAD)
    }

    /// Clears `NOTIFY`: a thread is on its way and will search by itself. Under the lock.
    pub(crate) fn clear_notify(&self) {
        // Relaxed: under the lock, like every change of a flag; the word publishes nothing.
        self.0.fetch_and(!NOTIFY, Ordering::Relaxed);
    }

    /// Clears `NO_THREAD`: a thread lives. Under the lock.
    pub(crate) fn clear_no_thread(&self) {
        // Relaxed: as above.
        self.0.fetch_and(!NO_THREAD, Ordering::Relaxed);
    }

    /// Refuses every later [`enter`](Self::enter). Under the lock.
    pub(crate) fn close(&self) {
        self.set(CLOSED);
    }

    /// True after [`close`](Self::close).
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire pairs with the Release of `close`.
        self.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// The number of closures admitted so far.
    ///
    /// Read after the `taken` counters were read with Acquire it is never behind their sum: a closure is taken after its
    /// admission.
    pub(crate) fn count(&self) -> u64 {
        // Relaxed: the Acquire of those reads orders this one, and coherence does the rest.
        self.0.load(Ordering::Relaxed) / ONE
    }

    // A read-modify-write even if the flag is set already: only that reads the latest count. Its counterpart is `enter`,
    // which reads the flags in its own.
    fn set(&self, flags: u64) -> u64 {
        // Release pairs with the Acquire of `withdraw` and `is_closed`.
        self.0.fetch_or(flags, Ordering::Release) / ONE
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.0.load(Ordering::Relaxed);
        f.debug_struct("Admission")
            .field("admitted", &(word / ONE))
            .field("notify", &(word & NOTIFY != 0))
            .field("no_thread", &(word & NO_THREAD != 0))
            .field("closed", &(word & CLOSED != 0))
            .finish()
    }
}
