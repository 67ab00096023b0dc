//! The inbox: an intrusive stack of queued tasks, pushed on by any thread and emptied at once by the executor's.
//!
//! ```text
//! head -> newest -> ... -> oldest -> a mark      EMPTY: nothing there       CLOSED: refuses
//!                                                AWAKE: nothing there, and the executor will look before it sleeps
//! ```
//! A push is one compare-and-swap; no allocation, no lock. Taking all is one swap, so there is no ABA to fear (nobody
//! pops a single one), and the chain is turned round once, so the tasks come out first in, first out.
//!
//! # Who tells the executor
//! Whoever pushes on EMPTY does, behind others nobody needs to. On AWAKE nobody does either: so the wake-up of an
//! executor that is awake, the frequent one, touches no word but this one, and leaves no stale notification behind. An
//! executor that parks itself makes its inbox [attended](Inbox::attended):
//!
//! ```text
//! take: a chain -> AWAKE      rest: AWAKE -> EMPTY, then it may park      attend: EMPTY -> AWAKE, once it is up again
//! ```
//! No order of events leaves a task unseen: a push ahead of `rest` makes `rest` fail, one behind it finds EMPTY and tells.
//! The inbox of a host, who comes to look when it likes, has no AWAKE: each first push tells.
//!
//! # Why addresses
//! Between a push's look at the head and its compare-and-swap, the task at the head may be taken, run and freed, and its
//! memory may come back as another task that is pushed. The swap then succeeds, rightly: the address is that of the
//! newest task. But a *pointer* from the look would be one into the freed allocation. So head and links are addresses,
//! exposed by whoever pushes; whoever takes the chain makes pointers of them, to what lives there now.

use super::handles::Runnable;
use super::header::Header;
use super::prefetch::fetch_line;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::ptr::{self, NonNull};

// The marks: no addresses of cells, since cells are aligned. Any of them ends a chain.

/// Whoever pushes on it tells the executor.
const EMPTY: usize = 0;

/// Whoever pushes on it need not.
const AWAKE: usize = 1;

/// Stands in `head` after [`Inbox::close`].
const CLOSED: usize = 2;

const LAST_MARK: usize = CLOSED;

/// What became of a push.
#[derive(Debug)]
#[must_use]
pub(crate) enum Push {
    /// Queued in an empty inbox: the executor may be parked and must be told.
    First,
    /// Queued behind others, where whoever was first sees to the executor; or the executor looks by itself.
    Queued,
    /// Refused: the executor is gone.
    Closed(Runnable),
}

/// The inbox of one executor.
#[derive(Debug)]
pub(crate) struct Inbox {
    head: AtomicUsize,
    /// What a take leaves: EMPTY or AWAKE.
    taken: usize,
}

impl Inbox {
    /// Of an executor that is told of every first push.
    pub(crate) fn new() -> Self {
        Self { head: AtomicUsize::new(EMPTY), taken: EMPTY }
    }

    /// Of an executor that is told only between [`rest`](Self::rest) and [`attend`](Self::attend), or the next take.
    pub(crate) fn attended() -> Self {
        Self { head: AtomicUsize::new(AWAKE), taken: AWAKE }
    }

    /// The executor is about to park: from here on it is told. False: there is something to take, or it is closed.
    ///
    /// Relaxed, here and in `attend`: `take` acquires, and whoever is told by the parker's handshake has its order from
    /// there.
    #[must_use]
    pub(crate) fn rest(&self) -> bool {
        let swapped = self.head.compare_exchange(AWAKE, EMPTY, Ordering::Relaxed, Ordering::Relaxed);
        matches!(swapped, Ok(_) | Err(EMPTY))
    }

    /// The executor is up again, for whatever reason: it need not be told.
    pub(crate) fn attend(&self) {
        if self.head.load(Ordering::Relaxed) == EMPTY {
            // Failed: there is something to take, which leaves AWAKE as well.
            let _ = self.head.compare_exchange(EMPTY, self.taken, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// A push follows soon. The executor looks at its inbox from another core: what the push changes is on its way here while
    /// the task is made.
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
            // SAFETY: the link belongs to whoever holds the runnable.
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

    /// True if there is nothing to take. A hint, unless the executor's parker orders it.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: nothing is reached through this look; `take` acquires. After a park, the handshake puts the push
        // ahead of it.
        self.head.load(Ordering::Relaxed) <= LAST_MARK
    }

    /// As [`is_empty`](Self::is_empty), for a thread that is not the executor's: what the executor wrote before it took the
    /// tasks is seen by the caller.
    pub(crate) fn is_empty_now(&self) -> bool {
        // Acquire: pairs with the release half of `take`.
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

    /// Refuses all pushes from now on and takes what there is.
    pub(crate) fn close(&self) -> Batch {
        // Acquire: pairs with the release of `push`.
        let head = self.head.swap(CLOSED, Ordering::Acquire);
        Batch::oldest_first(head)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// The task at an address of the chain; `None` at its end.
fn at(address: usize) -> Option<NonNull<Header>> {
    if address <= LAST_MARK { None } else { NonNull::new(ptr::with_exposed_provenance_mut(address)) }
}

/// Tasks taken from an inbox. Dropping it drops the ones that were not taken out: they end as runtime gone.
#[derive(Debug)]
pub(crate) struct Batch {
    next: usize,
}

impl Batch {
    fn oldest_first(newest: usize) -> Self {
        let mut rest = newest;
        let mut turned = EMPTY;
        while let Some(task) = at(rest) {
            // SAFETY: a linked task is alive: the inbox owned its runnable, and now we do.
            let header = unsafe { task.as_ref() };
            // SAFETY: the link belongs to whoever holds the runnable.
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
        // SAFETY: the link belongs to whoever holds the runnable.
        self.next = header.link.with(|link| unsafe { *link });
        // SAFETY: the inbox took the runnable apart in `push`; here it is put together again, once.
        Some(unsafe { Runnable::from_raw(task) })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
