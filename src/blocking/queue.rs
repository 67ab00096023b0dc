//! The queue: one first-in, first-out line per priority, and the limit on how many closures wait.
//!
//! Every submitter pushes to the back of a line and every thread takes one closure at a time from its front, pool threads
//! included. No thread keeps closures of its own: that is what lets a later closure overtake an earlier one (rule 5 of the
//! module).
//!
//! ```text
//! submitter:  push ---> OPEN (an intrusive stack)
//! thread:     the oldest of MOVED; if there is none, all of OPEN ---> MOVED, oldest first, then the oldest of MOVED
//! ```
//! A push links the closure into the stack, so it allocates nothing and touches no memory that the threads poll for work.
//! The threads share `MOVED`. One thread at a time moves closures, so the order of pushes is kept. A closure on its way from
//! one to the other is pending (rule 1 of the module): no thread sleeps meanwhile. The move follows one link per closure: the
//! first of a million closures that were pushed while every thread was busy starts some milliseconds later for it.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, spin_loop};
use crate::task::raw::{Inbox, Push, Runnable};
use crate::task::{LEVELS, Priority, PriorityPicker};
use crate::util::cache_padded::CachePadded;
use crossbeam_deque::{Injector, Steal};

/// The level of tasks that are given no other.
const USUAL: usize = Priority::UserVisible.index();

/// Closures that wait for a thread.
pub(crate) struct Queue {
    lines: [Line; LEVELS],
    /// True once a closure of another level than the usual one was pushed: until then one line is searched, not three.
    leveled: AtomicBool,
    limit: Option<CachePadded<Semaphore>>,
}

impl Queue {
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self {
            lines: std::array::from_fn(|_| Line::new()),
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
        self.lines[level].push(job);
    }

    /// Takes the closure whose turn it is. `picker` counts for this thread how often a level was passed over.
    #[inline]
    pub(crate) fn pop(&self, picker: &mut PriorityPicker) -> Option<Runnable> {
        let job = if self.leveled.load(Ordering::Relaxed) { self.pop_leveled(picker) } else { self.lines[USUAL].pop() };
        if job.is_some() {
            self.unreserve();
        }
        job
    }

    #[cold]
    fn pop_leveled(&self, picker: &mut PriorityPicker) -> Option<Runnable> {
        let mut waits: [bool; LEVELS] = std::array::from_fn(|level| !self.lines[level].is_empty());
        loop {
            let level = picker.take(waits)?;
            if let Some(job) = self.lines[level].pop() {
                return Some(job);
            }
            // Empty after all, or on its way: another level may have something.
            waits[level] = false;
        }
    }
}

/// The closures of one level.
struct Line {
    open: CachePadded<Inbox>,
    moved: Injector<Runnable>,
    /// Held by the thread that moves closures.
    mover: CachePadded<Mutex<()>>,
}

impl Line {
    fn new() -> Self {
        let (open, mover) = (CachePadded::new(Inbox::new()), CachePadded::new(Mutex::new(())));
        Self { open, moved: Injector::new(), mover }
    }

    #[inline]
    fn push(&self, job: Runnable) {
        match self.open.push(job) {
            Push::First | Push::Queued => {}
            Push::Closed(_) => unreachable!("the stack of a pool is never closed"),
        }
    }

    #[inline]
    fn pop(&self) -> Option<Runnable> {
        take(&self.moved).or_else(|| {
            self.advance();
            take(&self.moved)
        })
    }

    /// Moves what was pushed to the threads' side, unless another thread does.
    fn advance(&self) {
        if !self.open.is_empty()
            && let Some(_moving) = self.mover.try_lock()
        {
            self.open.take().for_each(|job| self.moved.push(job));
        }
    }

    fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.open.is_empty()
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
