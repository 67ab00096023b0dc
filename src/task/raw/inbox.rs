//! The inbox: a lock-free intrusive stack of queued tasks, with one consumer.
//!
//! ```text
//! head -> newest -> ... -> oldest -> a mark      EMPTY: nothing there       CLOSED: refuses
//!                                                AWAKE: nothing there, and the executor will look before it sleeps
//! ```
//! A push is one compare-and-swap; it allocates nothing and takes no lock. Taking all is one swap, so there is no ABA
//! problem (a single task is never popped). The chain is reversed once, so tasks come out first in, first out.
//!
//! # Notifying the executor
//! A push on EMPTY notifies the executor. A push behind other tasks need not. A push on AWAKE need not either: so the
//! frequent wake-up of an executor that is awake writes only this word, and leaves no stale notification. An executor
//! that parks itself uses AWAKE ([`with_parking`](Inbox::with_parking)):
//!
//! ```text
//! take: a chain -> AWAKE      rest: AWAKE -> EMPTY, then it may park      attend: EMPTY -> AWAKE, once it is up again
//! ```
//! No order of events leaves a task unseen: a push before `prepare_park` makes that fail, and a push after it finds
//! EMPTY and notifies. The inbox of a host, which ticks when it likes, has no AWAKE: each first push notifies.
//!
//! # Why addresses
//! Between the load of the head and the compare-and-swap of a push, the task at the head may be taken, run and freed,
//! and its memory may return as another task that is pushed. The swap then succeeds, correctly: the address is that of
//! the newest task. But a *pointer* from the load would point into the freed allocation. So head and links are
//! addresses, exposed by the push; the take converts them to pointers to the current allocations.

use super::handles::Runnable;
use super::header::Header;
use super::prefetch::fetch_line;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::ptr::{self, NonNull};

// The marks are no addresses of cells, since cells are aligned. Each of them ends a chain.

/// The mark on which a push notifies the executor.
const EMPTY: usize = 0;

/// The mark on which a push need not notify.
const AWAKE: usize = 1;

/// The value of `head` after [`Inbox::close`].
const CLOSED: usize = 2;

const LAST_MARK: usize = CLOSED;

/// The result of a push.
#[derive(Debug)]
#[must_use]
pub(crate) enum Push {
    /// Queued in an empty inbox: the executor may be parked and must be notified.
    First,
    /// Queued behind others, whose first push notifies the executor, or while the executor is awake.
    Queued,
    /// Refused: the executor has shut down.
    Closed(Runnable),
}

/// The inbox of one executor.
#[derive(Debug)]
pub(crate) struct Inbox {
    head: AtomicUsize,
    /// The mark that a take leaves: EMPTY or AWAKE.
    taken: usize,
}

impl Inbox {
    /// Creates the inbox of an executor that is notified of every first push.
    pub(crate) fn new() -> Self {
        Self { head: AtomicUsize::new(EMPTY), taken: EMPTY }
    }

    /// Creates the inbox of an executor that announces when it parks.
    ///
    /// It is notified only between [`prepare_park`](Self::prepare_park) and [`unparked`](Self::unparked) or the next
    /// take.
    pub(crate) fn with_parking() -> Self {
        Self { head: AtomicUsize::new(AWAKE), taken: AWAKE }
    }

    /// Announces that the executor is about to park: from here on it is notified.
    ///
    /// Returns false if there is something to take, or the inbox is closed. Relaxed, here and in `unparked`: `take`
    /// acquires, and the parker's handshake orders what a notified executor sees.
    #[must_use]
    pub(crate) fn prepare_park(&self) -> bool {
        let swapped = self.head.compare_exchange(AWAKE, EMPTY, Ordering::Relaxed, Ordering::Relaxed);
        matches!(swapped, Ok(_) | Err(EMPTY))
    }

    /// Announces that the executor is awake, for any reason, and need not be notified.
    pub(crate) fn unparked(&self) {
        if self.head.load(Ordering::Relaxed) == EMPTY {
            // On failure there is something to take, which leaves AWAKE as well.
            let _ = self.head.compare_exchange(EMPTY, self.taken, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Prefetches the word of the inbox, because a push follows soon.
    ///
    /// The executor reads its inbox on another core. The line that the push changes arrives while the task is being
    /// created.
    #[inline]
    pub(crate) fn expect_push(&self) {
        fetch_line(&raw const self.head);
    }

    /// Queues a task.
    pub(crate) fn push(&self, task: Runnable) -> Push {
        let address = task.as_raw().expose_provenance();
        // Relaxed: the compare-and-swap below decides.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == CLOSED {
                return Push::Closed(task);
            }
            // SAFETY: the link belongs to the holder of the runnable.
            task.header().link.with_mut(|link| unsafe { *link = head });
            // Release: pairs with the acquire of `take` and of `close`, which then see the link and the task.
            match self.head.compare_exchange_weak(head, address, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // The inbox owns it from the moment it was linked.
        let _ = task.into_raw();
        if head == EMPTY { Push::First } else { Push::Queued }
    }

    /// Returns true if there is nothing to take.
    ///
    /// A hint, unless the executor's parker orders it.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: nothing is accessed through this load; `take` acquires. After a park, the handshake orders the push
        // before it.
        self.head.load(Ordering::Relaxed) <= LAST_MARK
    }

    /// Returns true if there is nothing to take; for other threads than the executor's.
    ///
    /// The caller sees what the executor wrote before it took the tasks.
    pub(crate) fn is_empty_now(&self) -> bool {
        // Acquire pairs with the release half of `take`.
        self.head.load(Ordering::Acquire) <= LAST_MARK
    }

    /// Takes all tasks, oldest first.
    pub(crate) fn take(&self) -> Batch {
        // Relaxed: the compare-and-swap below decides.
        let mut head = self.head.load(Ordering::Relaxed);
        while head > LAST_MARK {
            // AcqRel: the acquire half pairs with the release of `push`, the release half with `is_empty_now`.
            match self.head.compare_exchange_weak(head, self.taken, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Batch::oldest_first(head),
                Err(now) => head = now,
            }
        }
        Batch { next: EMPTY }
    }

    /// Refuses all later pushes, and takes the remaining tasks.
    pub(crate) fn close(&self) -> Batch {
        // Acquire pairs with the release of `push`.
        let head = self.head.swap(CLOSED, Ordering::Acquire);
        Batch::oldest_first(head)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// Returns the task at an address of the chain, or `None` at its end.
fn at(address: usize) -> Option<NonNull<Header>> {
    if address <= LAST_MARK { None } else { NonNull::new(ptr::with_exposed_provenance_mut(address)) }
}

/// Tasks taken from an inbox.
///
/// Dropping it drops the remaining tasks: they end as runtime gone.
#[derive(Debug)]
pub(crate) struct Batch {
    next: usize,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.next <= LAST_MARK
    }

    fn oldest_first(newest: usize) -> Self {
        let mut rest = newest;
        let mut turned = EMPTY;
        while let Some(task) = at(rest) {
            // SAFETY: a linked task is alive: the inbox owned its runnable, and now this batch does.
            let header = unsafe { task.as_ref() };
            // SAFETY: the link belongs to the holder of the runnable.
            let next = header.link.with_mut(|link| unsafe { std::mem::replace(&mut *link, turned) });
            turned = rest;
            rest = next;
        }
        Self { next: turned }
    }
}

impl Iterator for Batch {
    type Item = Runnable;

    fn next(&mut self) -> Option<Runnable> {
        let task = at(self.next)?;
        // SAFETY: a linked task is alive by its body's reference: the batch owns its runnable.
        let header = unsafe { task.as_ref() };
        // SAFETY: the link belongs to the holder of the runnable.
        self.next = header.link.with(|link| unsafe { *link });
        // SAFETY: `push` took the runnable apart; here it is rebuilt, once.
        Some(unsafe { Runnable::from_raw(task) })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
