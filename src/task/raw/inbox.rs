//! The inbox: an intrusive stack of queued tasks, pushed on by any thread and emptied at once by the executor's.
//!
//! ```text
//! head -> newest -> ... -> oldest -> EMPTY       EMPTY: nothing there       CLOSED: refuses
//! ```
//! A push is one compare-and-swap; no allocation, no lock. Taking all is one swap, so there is no ABA to fear (nobody
//! pops a single one), and the chain is turned round once, so the tasks come out first in, first out. Only the push
//! that finds the inbox empty needs to look whether the executor sleeps: the executor empties it before it parks.
//!
//! # Why addresses
//! Between a push's look at the head and its compare-and-swap, the task at the head may be taken, run and freed, and its
//! memory may come back as another task that is pushed. The swap then succeeds, rightly: the address is that of the
//! newest task. But a *pointer* from the look would be one into the freed allocation. So head and links are addresses,
//! exposed by whoever pushes; whoever takes the chain makes pointers of them, to what lives there now.

use super::handles::Runnable;
use super::header::Header;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::ptr::{self, NonNull};

/// The end of the chain.
const EMPTY: usize = 0;

/// Stands in `head` after [`Inbox::close`]: no address of a cell, since cells are aligned.
const CLOSED: usize = 1;

/// What became of a push.
#[derive(Debug)]
#[must_use]
pub(crate) enum Push {
    /// Queued in an empty inbox: the executor may be parked.
    First,
    /// Queued behind others: whoever was first sees to the executor.
    Queued,
    /// Refused: the executor is gone.
    Closed(Runnable),
}

/// The inbox of one executor.
#[derive(Debug)]
pub(crate) struct Inbox {
    head: AtomicUsize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { head: AtomicUsize::new(EMPTY) }
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
        matches!(self.head.load(Ordering::Relaxed), EMPTY | CLOSED)
    }

    /// Takes all tasks, oldest first.
    pub(crate) fn take(&self) -> Batch {
        // Relaxed: the compare-and-swap below decides.
        let mut head = self.head.load(Ordering::Relaxed);
        while head != EMPTY && head != CLOSED {
            // Acquire: pairs with the release of `push`.
            match self.head.compare_exchange_weak(head, EMPTY, Ordering::Acquire, Ordering::Relaxed) {
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
        Batch::oldest_first(if head == CLOSED { EMPTY } else { head })
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// The task at an address of the chain.
fn at(address: usize) -> Option<NonNull<Header>> {
    NonNull::new(ptr::with_exposed_provenance_mut(address))
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
        // SAFETY: a linked task is alive by the reference that the batch owns.
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
