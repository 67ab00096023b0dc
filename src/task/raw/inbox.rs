//! The inbox: an intrusive stack of queued tasks, pushed on by any thread and emptied at once by the executor's.
//!
//! ```text
//! head -> newest -> ... -> oldest -> null        null: empty        CLOSED: refuses
//! ```
//! A push is one compare-and-swap; no allocation, no lock. Taking all is one swap, so there is no ABA to fear (nobody
//! pops a single one), and the chain is turned round once, so the tasks come out first in, first out. Only the push
//! that finds the inbox empty needs to look whether the executor sleeps: the executor empties it before it parks.

use super::handles::Runnable;
use super::header::Header;
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ptr::{self, NonNull};

/// Stands in `head` after [`Inbox::close`]: no address of a cell, since cells are aligned.
const CLOSED: *mut Header = ptr::without_provenance_mut(1);

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
    head: AtomicPtr<Header>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Queues a task.
    pub(crate) fn push(&self, task: Runnable) -> Push {
        // Relaxed: the compare-and-swap below decides.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == CLOSED {
                return Push::Closed(task);
            }
            // SAFETY: the link belongs to whoever holds the runnable.
            task.header().link.with_mut(|link| unsafe { *link = head });
            // Release: pairs with the acquire of `take` and of `close`, which then see the link and the task.
            match self.head.compare_exchange_weak(head, task.as_raw(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // The inbox owns it from the moment it was linked.
        let _ = task.into_raw();
        if head.is_null() { Push::First } else { Push::Queued }
    }

    /// True if there is nothing to take. A hint, unless the executor's parker orders it.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        // Acquire: pairs with the release of `push`; a parker's handshake decides on it.
        let head = self.head.load(Ordering::Acquire);
        head.is_null() || head == CLOSED
    }

    /// Takes all tasks, oldest first.
    pub(crate) fn take(&self) -> Batch {
        // Acquire: pairs with the release of `push`.
        if self.head.load(Ordering::Relaxed).is_null() {
            return Batch { next: ptr::null_mut() };
        }
        let mut head = self.head.load(Ordering::Acquire);
        while head != CLOSED {
            match self.head.compare_exchange_weak(head, ptr::null_mut(), Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Batch::oldest_first(head),
                Err(now) => head = now,
            }
        }
        Batch { next: ptr::null_mut() }
    }

    /// Refuses all pushes from now on and takes what there is.
    pub(crate) fn close(&self) -> Batch {
        // Acquire: pairs with the release of `push`.
        let head = self.head.swap(CLOSED, Ordering::Acquire);
        Batch::oldest_first(if head == CLOSED { ptr::null_mut() } else { head })
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// Tasks taken from an inbox. Dropping it drops the ones that were not taken out: they end as runtime gone.
#[derive(Debug)]
pub(crate) struct Batch {
    next: *mut Header,
}

impl Batch {
    fn oldest_first(newest: *mut Header) -> Self {
        let mut rest = newest;
        let mut turned: *mut Header = ptr::null_mut();
        while let Some(task) = NonNull::new(rest) {
            // SAFETY: a linked task is alive: the inbox owned its runnable, and now we do.
            let header = unsafe { task.as_ref() };
            // SAFETY: the link belongs to whoever holds the runnable.
            rest = header.link.with_mut(|link| unsafe { std::mem::replace(&mut *link, turned) });
            turned = task.as_ptr();
        }
        Self { next: turned }
    }
}

impl Iterator for Batch {
    type Item = Runnable;

    fn next(&mut self) -> Option<Runnable> {
        let task = NonNull::new(self.next)?;
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
