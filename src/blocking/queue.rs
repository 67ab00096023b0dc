//! The queue: one first-in, first-out line per priority, and the limit on how many closures wait.
//!
//! Every submitter pushes to the back of a line and every thread takes one closure at a time from its front, pool threads
//! included. No thread keeps closures of its own: that is what lets a later closure overtake an earlier one (rule 5 of the
//! module).
//!
//! ```text
//! submitter:  push ---> OPEN (an intrusive stack)
//!             every BATCH-th push: all of OPEN ---> the back of READY (a list of batches)
//! thread:     the next closure of CURRENT (a batch that all threads share); if it is spent, the front of READY becomes
//!             CURRENT; if there is none, all of OPEN does
//! ```
//! - A push is one compare-and-swap, and a take one `fetch_add` on the batch: no lock, and no allocation. The lock of the
//!   line is taken once per batch.
//! - Batches are made under that lock, from all that OPEN has, and put in the order in which they were made. CURRENT is
//!   replaced under it as well, and only when it is spent. So closures are taken in the order of the pushes.
//! - Each thread keeps a reference to a batch ([`Place`]), which may be an older one than CURRENT. That one is spent: the
//!   thread finds out at its next take, and turns to CURRENT.
//! - A closure on its way between the three is pending (rule 1 of the module): no thread sleeps meanwhile.
//! - Submitters make batches while the links are in their cache, and bound the time that a thread spends on making one.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex};
use crate::task::raw::{Inbox, Push, Runnable, TaskBatch};
use crate::task::{LEVELS, Priority, PriorityPicker};
use crate::util::cache_padded::CachePadded;
use std::collections::VecDeque;

/// Admitted closures per batch that a submitter makes. Their cells fit into the second-level cache.
pub(super) const BATCH: usize = 512;

/// The level of tasks that are given no other.
const USUAL: usize = Priority::UserVisible.index();

/// Closures that wait for a thread.
pub(crate) struct Queue {
    lines: [Line; LEVELS],
    /// True once a closure of another level than the usual one was pushed: until then one line is searched, not three.
    leveled: AtomicBool,
    limit: Option<CachePadded<Semaphore>>,
}

/// The state of one thread that takes closures.
#[derive(Default)]
pub(crate) struct Taker {
    /// Counts how often a level was passed over.
    picker: PriorityPicker,
    places: [Place; LEVELS],
}

/// A thread's place in a line.
#[derive(Default)]
struct Place {
    /// The batch that the thread takes from, until it finds it spent.
    batch: Option<Arc<TaskBatch>>,
    /// The number of that batch, or of the last one that the thread found spent.
    number: usize,
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

    /// Queues a closure for which room was reserved. With `batch`, makes a batch of its line.
    #[inline]
    pub(crate) fn push(&self, job: Runnable, batch: bool) {
        let level = job.priority().index();
        // Relaxed: a thread that misses it misses the closure as well, which stays pending: the thread searches again.
        if level != USUAL && !self.leveled.load(Ordering::Relaxed) {
            self.leveled.store(true, Ordering::Relaxed);
        }
        let line = &self.lines[level];
        line.push(job);
        if batch {
            line.make_batch();
        }
    }

    /// Takes the closure whose turn it is.
    #[inline]
    pub(crate) fn pop(&self, taker: &mut Taker) -> Option<Runnable> {
        let job = if self.leveled.load(Ordering::Relaxed) {
            self.pop_leveled(taker)
        } else {
            self.lines[USUAL].pop(&mut taker.places[USUAL])
        };
        if job.is_some() {
            self.unreserve();
        }
        job
    }

    /// Takes any closure, to drop it. Unlike [`pop`](Self::pop) it waits for a thread that makes a batch meanwhile.
    pub(super) fn pop_any(&self, taker: &mut Taker) -> Option<Runnable> {
        let mut lines = self.lines.iter().zip(&mut taker.places);
        let job = lines.find_map(|(line, place)| place.take().or_else(|| line.pop_slow(place)));
        if job.is_some() {
            self.unreserve();
        }
        job
    }

    #[cold]
    fn pop_leveled(&self, Taker { picker, places }: &mut Taker) -> Option<Runnable> {
        let mut waits: [bool; LEVELS] = std::array::from_fn(|level| self.lines[level].may_have(&places[level]));
        loop {
            let level = picker.take(waits)?;
            if let Some(job) = self.lines[level].pop(&mut places[level]) {
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
    /// The number of batches made. Written under the lock of `batches`.
    made: CachePadded<AtomicUsize>,
    batches: CachePadded<Mutex<Batches>>,
}

/// The batches of a line.
struct Batches {
    current: Arc<TaskBatch>,
    /// The number of `current`: each batch has the number of the one before, and one more.
    number: usize,
    ready: VecDeque<TaskBatch>,
}

impl Line {
    fn new() -> Self {
        let batches = Batches { current: Arc::new(TaskBatch::with_capacity(0)), number: 0, ready: VecDeque::new() };
        Self {
            open: CachePadded::new(Inbox::new()),
            made: CachePadded::new(AtomicUsize::new(0)),
            batches: CachePadded::new(Mutex::new(batches)),
        }
    }

    #[inline]
    fn push(&self, job: Runnable) {
        match self.open.push(job) {
            Push::First | Push::Queued => {}
            Push::Closed(_) => unreachable!("the stack of a pool is never closed"),
        }
    }

    /// Makes a batch of what was pushed, unless another thread is at work on the batches.
    #[cold]
    fn make_batch(&self) {
        if let Some(mut batches) = self.batches.try_lock() {
            let mut batch = TaskBatch::with_capacity(BATCH);
            batch.fill(self.open.take());
            if !batch.is_spent() {
                batches.ready.push_back(batch);
                self.count_batch();
            }
        }
    }

    /// Under the lock.
    fn count_batch(&self) {
        // Relaxed: a hint. The lock hands over the batch.
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    /// False if the line is empty for the thread in this place, as far as it knows: a closure that is missed stays pending,
    /// and the thread searches again.
    #[inline]
    fn may_have(&self, place: &Place) -> bool {
        // Relaxed: see above.
        place.batch.as_ref().is_some_and(|batch| !batch.is_spent())
            || place.number != self.made.load(Ordering::Relaxed)
            || !self.open.is_empty()
    }

    #[inline]
    fn pop(&self, place: &mut Place) -> Option<Runnable> {
        place.take().or_else(|| if self.may_have(place) { self.pop_slow(place) } else { None })
    }

    /// Takes the next closure for a thread whose batch is spent.
    #[inline(never)]
    fn pop_slow(&self, place: &mut Place) -> Option<Runnable> {
        let mut batches = self.batches.lock();
        loop {
            if place.number != batches.number {
                place.number = batches.number;
                let job = batches.current.take();
                if job.is_some() {
                    place.batch = Some(Arc::clone(&batches.current));
                    return job;
                }
            }
            // CURRENT is spent: this thread has just found out, or before.
            if !batches.advance() {
                let mut open = self.open.take();
                let first = open.next();
                if batches.fill(open) {
                    self.count_batch();
                    place.number = batches.number;
                    place.batch = Some(Arc::clone(&batches.current));
                }
                return first;
            }
        }
    }
}

impl Place {
    /// Takes the next closure of the batch in this place, if it is not spent.
    #[inline]
    fn take(&mut self) -> Option<Runnable> {
        let job = self.batch.as_ref()?.take();
        if job.is_none() {
            self.batch = None;
        }
        job
    }
}

impl Batches {
    /// The oldest ready batch replaces the current one, which is spent. False: there is none.
    fn advance(&mut self) -> bool {
        let Some(batch) = self.ready.pop_front() else { return false };
        self.number += 1;
        self.current = Arc::new(batch);
        true
    }

    /// These closures replace the current batch, which is spent. False: there are none.
    fn fill(&mut self, jobs: impl Iterator<Item = Runnable>) -> bool {
        let mut jobs = jobs.peekable();
        if jobs.peek().is_none() {
            return false;
        }
        self.number += 1;
        match Arc::get_mut(&mut self.current) {
            Some(batch) => batch.fill(jobs),
            None => {
                let mut batch = TaskBatch::with_capacity(0);
                batch.fill(jobs);
                self.current = Arc::new(batch);
            }
        }
        true
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
