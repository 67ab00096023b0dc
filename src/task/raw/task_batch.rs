//! A batch of queued tasks that several threads take one by one, oldest first.
//!
//! ```text
//! tasks:  [0] [1] [2] ... [n-1]     written before the batch is shared, never afterwards
//! next:    ^ the index that the next take gets: one `fetch_add`
//! ```
//! The total order of the changes of `next` is the order in which the tasks are taken. It gives each index to one take,
//! so each task has one taker. An index beyond the end means that the batch is spent: all its tasks were taken. The
//! counter does not overflow: a thread that finds the batch spent leaves it.
//!
//! The counter publishes nothing. The code that shares the batch publishes the tasks, by a lock.

use super::handles::Runnable;
use super::header::Header;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::util::cache_padded::CachePadded;
use std::fmt;
use std::ptr::NonNull;

/// Tasks of one batch.
///
/// Dropping it drops the remaining tasks: they end as runtime gone.
pub(crate) struct TaskBatch {
    /// Each task is a runnable that `fill` took apart; the take that gets its index rebuilds it.
    tasks: Vec<NonNull<Header>>,
    /// The next index. Apart from the tasks, because every take writes it.
    next: CachePadded<AtomicUsize>,
}

// SAFETY: a batch is a collection of `Runnable`s, which are `Send`.
unsafe impl Send for TaskBatch {}

// SAFETY: shared access takes each `Runnable` out once, on one thread.
unsafe impl Sync for TaskBatch {}

impl TaskBatch {
    /// Creates a spent batch with room for `tasks` tasks.
    pub(crate) fn with_capacity(tasks: usize) -> Self {
        Self { tasks: Vec::with_capacity(tasks), next: CachePadded::new(AtomicUsize::new(0)) }
    }

    /// How many tasks it has room for without another allocation.
    pub(crate) fn capacity(&self) -> usize {
        self.tasks.capacity()
    }

    /// Replaces a spent batch by these tasks.
    ///
    /// # Panics
    /// If tasks are left.
    pub(crate) fn fill(&mut self, tasks: impl Iterator<Item = Runnable>) {
        assert!(self.is_spent(), "tasks are left");
        self.tasks.clear();
        // Relaxed: `&mut` says that no other thread takes.
        self.next.store(0, Ordering::Relaxed);
        self.tasks.extend(tasks.map(Runnable::into_raw));
    }

    /// Returns true if no task is left, now and later. False is a hint.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        // Relaxed: the counter only grows.
        self.next.load(Ordering::Relaxed) >= self.tasks.len()
    }

    /// Takes the oldest task. Returns `None` if the batch is spent; it stays spent.
    #[inline]
    pub(crate) fn take(&self) -> Option<Runnable> {
        // Relaxed: see the module.
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let task = *self.tasks.get(index)?;
        // SAFETY: `fill` took the runnable apart, and no other take has this index.
        Some(unsafe { Runnable::from_raw(task) })
    }
}

impl Drop for TaskBatch {
    fn drop(&mut self) {
        while let Some(task) = self.take() {
            drop(task);
        }
    }
}

impl fmt::Debug for TaskBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBatch").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}
