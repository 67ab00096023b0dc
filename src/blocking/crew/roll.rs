//! The crew's state: what stands under its lock, and what each seat has beside it.

use super::super::grow::Look;
use crate::sync::Condvar;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// What is kept for each seat outside of the lock, on cache lines of its own.
#[repr(align(128))]
pub(crate) struct Mark {
    /// Jobs that the thread on this seat has taken. Written by that thread only.
    pub(super) taken: AtomicU64,
    pub(super) bell: Condvar,
}

impl Mark {
    /// Counts a job that was just removed from a queue, before it runs.
    #[inline]
    pub(crate) fn count_taken(&self) {
        // Relaxed: only this thread writes. Release pairs with the Acquire in `Crew::survey`: who counts this job as
        // taken counts it as admitted as well.
        self.taken.store(self.taken.load(Ordering::Relaxed) + 1, Ordering::Release);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Post {
    Vacant,
    Starting,
    Awake,
    Asleep,
    Called,
    Leaving,
}

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) post: Post,
    /// What the thread had taken when it was found blocked: it is, until it takes another job.
    pub(super) blocked_at: Option<u64>,
}

/// Everything under the lock.
#[derive(Debug, Default)]
pub(super) struct Roll {
    pub(super) seats: Vec<Seat>,
    /// The sleepers, the newest last.
    pub(super) asleep: Vec<usize>,
    /// Vacant seats, the lowest on top, so that thieves have few seats to look at.
    pub(super) vacant: BinaryHeap<Reverse<usize>>,
    /// Threads that have reported and are not leaving.
    pub(super) alive: usize,
    /// Threads asked of the system that have not reported.
    pub(super) starting: usize,
    /// Threads that are leaving.
    pub(super) leaving: usize,
    /// Threads called or started to work that have not found a job yet.
    pub(super) on_its_way: usize,
    pub(super) watcher: Option<usize>,
    /// The last thread, if it wants to leave but must wait for the outcome of a start.
    pub(super) staying: Option<usize>,
    pub(super) before: Look,
    /// Looks in a row at a stall that called for no thread.
    pub(super) fruitless: u32,
    /// Jobs taken by threads that have left, or drained.
    pub(super) settled: u64,
    pub(super) hold_off: Option<Instant>,
    pub(super) started: u64,
    pub(super) peak: usize,
}

pub(super) struct Survey {
    pub(super) taken: u64,
    /// Threads at work, or on their way to it, that are not known to be blocked.
    pub(super) at_work: usize,
}
