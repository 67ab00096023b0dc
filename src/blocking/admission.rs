//! The admission word: the count of all jobs ever admitted, and three flags for whoever admits the next.
//!
//! | bits | meaning |
//! |---|---|
//! | 0 `CALL` | somebody must act on the next admitted job (a sleeper to call, a thread to start) |
//! | 1 `EMPTY` | no thread lives: one must be started before a permit is handed out |
//! | 2 `CLOSED` | nothing is admitted any more; never taken back |
//! | 3.. | the number of jobs admitted since the pool was made; at a billion a second it lasts for seventy years |
//!
//! The flags are changed under the crew's lock only. The count is changed by anybody, and every one of these changes
//! reads the flags in the same read-modify-write: that is what the wake-up protocol rests on (rule 3 of the module).
//! The word hands over no data; jobs are handed over by the queues, and the crew by its lock.

use crate::sync::atomic::{AtomicU64, Ordering};
use std::fmt;

const CALL: u64 = 1;
const EMPTY: u64 = 2;
const CLOSED: u64 = 4;
/// One admitted job.
const ONE: u64 = 8;
/// The queue is told of every so many jobs, and makes batches of about that length. Fewer where all is explored.
const BATCH: u64 = if cfg!(loom) { 2 } else { 32 };

/// The admission word, alone on its cache lines: every submit writes it.
#[repr(align(128))]
pub(crate) struct Admission(AtomicU64);

/// What follows the push of an admitted job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct Duties {
    /// Somebody has to act.
    pub(crate) call: bool,
    /// It was the last of a batch.
    pub(crate) batch: bool,
}

/// What [`Admission::enter`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Entry {
    /// The job is counted.
    Admitted(Duties),
    /// The job is counted, but no thread lives: start one or [leave](Admission::leave).
    NoThread,
    /// The pool is closed; nothing is counted.
    Closed,
}

impl Admission {
    /// No jobs, no threads.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(CALL | EMPTY))
    }

    /// Counts one job more, unless the pool is closed.
    #[inline]
    pub(crate) fn enter(&self) -> Entry {
        // Relaxed: what counts is the place of this change in the order of all changes of the word. The push that follows
        // releases it, together with the job, to whoever takes the job.
        let old = self.0.fetch_add(ONE, Ordering::Relaxed);
        if old & (EMPTY | CLOSED) == 0 {
            let batch = (old / ONE).is_multiple_of(BATCH);
            return Entry::Admitted(Duties { call: old & CALL != 0, batch });
        }
        if old & CLOSED != 0 {
            // For a moment a closed pool seems to have a pending job: a worker about to leave looks once more.
            self.leave();
            return Entry::Closed;
        }
        Entry::NoThread
    }

    /// Takes a count back: the job is not going to be pushed.
    pub(crate) fn leave(&self) {
        // Acquire pairs with the Release of `close`: who is refused sees what the closer did before.
        self.0.fetch_sub(ONE, Ordering::Acquire);
    }

    /// Raises `CALL` and returns the number of jobs admitted before. Under the crew's lock.
    pub(crate) fn raise_call(&self) -> u64 {
        self.raise(CALL)
    }

    /// Raises `CALL` and `EMPTY` and returns the number of jobs admitted before. Under the crew's lock.
    pub(crate) fn raise_empty(&self) -> u64 {
        self.raise(CALL | EMPTY)
    }

    /// Takes `CALL` down: somebody is on the way who will look by himself. Under the crew's lock.
    pub(crate) fn lower_call(&self) {
        // Relaxed: under the lock, like every change of a flag; the word hands nothing over.
        self.0.fetch_and(!CALL, Ordering::Relaxed);
    }

    /// Takes `EMPTY` down: a thread lives. Under the crew's lock.
    pub(crate) fn lower_empty(&self) {
        // Relaxed: as above.
        self.0.fetch_and(!EMPTY, Ordering::Relaxed);
    }

    /// Refuses every later [`enter`](Self::enter). Under the crew's lock.
    pub(crate) fn close(&self) {
        self.raise(CLOSED);
    }

    /// True after [`close`](Self::close).
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire pairs with the Release of `close`.
        self.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// The number of jobs admitted so far.
    ///
    /// Called after the `taken` counters were read with Acquire it is never behind their sum: whoever took a job came
    /// after its admission.
    pub(crate) fn count(&self) -> u64 {
        // Relaxed: the Acquire of those reads orders this one, and coherence does the rest.
        self.0.load(Ordering::Relaxed) / ONE
    }

    // A read-modify-write even if the flag is up already: only that reads the latest count. Its counterpart is `enter`,
    // which reads the flags in its own.
    fn raise(&self, flags: u64) -> u64 {
        // Release pairs with the Acquire of `leave` and `is_closed`.
        self.0.fetch_or(flags, Ordering::Release) / ONE
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.0.load(Ordering::Relaxed);
        f.debug_struct("Admission")
            .field("admitted", &(word / ONE))
            .field("call", &(word & CALL != 0))
            .field("empty", &(word & EMPTY != 0))
            .field("closed", &(word & CLOSED != 0))
            .finish()
    }
}
