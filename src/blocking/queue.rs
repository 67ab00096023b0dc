//! The queue: one first-in, first-out line per priority, and the limit on how many closures wait.
//!
//! Every submitter pushes to the back and every thread takes one closure at a time from the front, pool threads included.
//! Nothing is moved in batches and no thread keeps closures of its own: that would be cheaper per closure, and is what lets a
//! later closure overtake an earlier one (rule 5 of the module).

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::spin_loop;
use crate::task::raw::Runnable;
use crate::task::{LEVELS, Priority, PriorityPicker};
use crate::util::cache_padded::CachePadded;
use crossbeam_deque::{Injector, Steal};

/// The level of tasks that are given no other.
const USUAL: usize = Priority::UserVisible.index();

/// Closures that wait for a thread.
pub(super) struct Queue {
    levels: [Injector<Runnable>; LEVELS],
    /// True once a closure of another level than the usual one was pushed: until then one line is searched, not three.
    leveled: AtomicBool,
    limit: Option<CachePadded<Semaphore>>,
}

impl Queue {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self {
            levels: std::array::from_fn(|_| Injector::new()),
            leveled: AtomicBool::new(false),
            limit: limit.map(|permits| CachePadded::new(Semaphore::new(permits))),
        }
    }

    /// Reserves room for one closure; false if as many wait as the limit allows. Without `limited` it always succeeds.
    #[inline]
    #[must_use]
    pub(super) fn reserve(&self, limited: bool) -> bool {
        match &self.limit {
            Some(limit) if limited => limit.try_acquire(),
            Some(limit) => {
                limit.acquire();
                true
            }
            None => true,
        }
    }

    /// Gives back the room of a closure that is not going to be pushed.
    #[inline]
    pub(super) fn unreserve(&self) {
        if let Some(limit) = &self.limit {
            limit.release();
        }
    }

    /// Queues a closure for which room was reserved.
    #[inline]
    pub(super) fn push(&self, job: Runnable) {
        let level = job.priority().index();
        // Relaxed: a thread that misses it misses the closure as well, which stays pending: the thread searches again.
        if level != USUAL && !self.leveled.load(Ordering::Relaxed) {
            self.leveled.store(true, Ordering::Relaxed);
        }
        self.levels[level].push(job);
    }

    /// Takes the closure whose turn it is. `picker` counts for this thread how often a level was passed over.
    #[inline]
    pub(super) fn pop(&self, picker: &mut PriorityPicker) -> Option<Runnable> {
        let job =
            if self.leveled.load(Ordering::Relaxed) { self.pop_leveled(picker) } else { take(&self.levels[USUAL]) };
        if job.is_some() {
            self.unreserve();
        }
        job
    }

    #[cold]
    fn pop_leveled(&self, picker: &mut PriorityPicker) -> Option<Runnable> {
        loop {
            let level = picker.take(std::array::from_fn(|level| !self.levels[level].is_empty()))?;
            // Empty after all: another thread was faster, and another level may have something.
            if let Some(job) = take(&self.levels[level]) {
                return Some(job);
            }
        }
    }
}

/// Repeats a steal until the answer is definite: `Retry` means that another thread interfered.
fn take(line: &Injector<Runnable>) -> Option<Runnable> {
    loop {
        match line.steal() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => spin_loop(),
        }
    }
}

/// Counts the waiting closures, unused permits included, against a limit.
#[derive(Debug)]
pub(crate) struct Semaphore {
    acquired: AtomicUsize,
    permits: usize,
}

impl Semaphore {
    pub(crate) fn new(permits: usize) -> Self {
        Self { acquired: AtomicUsize::new(0), permits }
    }

    /// Acquires a permit if there is one.
    #[must_use]
    pub(crate) fn try_acquire(&self) -> bool {
        // Relaxed throughout: the count guards a number, not data.
        self.acquired
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |acquired| {
                (acquired < self.permits).then_some(acquired + 1)
            })
            .is_ok()
    }

    /// Acquires a permit, even beyond the limit.
    pub(crate) fn acquire(&self) {
        self.acquired.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives a permit back.
    pub(crate) fn release(&self) {
        let acquired = self.acquired.fetch_sub(1, Ordering::Relaxed);
        debug_assert!(acquired > 0, "a permit was given back twice");
    }
}
