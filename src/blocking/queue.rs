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
//! - A push is one compare-and-swap, and a take one `fetch_add` on the batch: no lock, and no allocation. A lock is taken a
//!   few times per batch.
//! - Who makes a batch holds the maker's lock from taking all of OPEN until the batch is in READY. So batches are in READY in
//!   the order of the pushes. CURRENT is replaced under the lock of READY, and only when it is spent. So closures are taken in
//!   the order of the pushes.
//! - Each thread keeps a reference to a batch ([`Place`]), which may be an older one than CURRENT. That one is spent: the
//!   thread finds out at its next take, and turns to CURRENT.
//! - A closure on its way between the three is pending (rule 1 of the module): no thread sleeps meanwhile.
//! - Submitters make batches while the links are in their cache. A thread that walks the links waits for each one.
//! - Spent batches are used again. If threads freed what submitters allocate, each would wait for the other in the allocator.
//!
//! `crossbeam-deque` is no alternative. If a thread took several closures at a time into a deque of its own, a closure behind
//! a long one would be overtaken by many later ones. Taken one at a time from its `Injector`, with two threads, a closure cost
//! about twice as much as from a batch.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::task::raw::{Inbox, Push, Pushed, Runnable, TaskBatch};
use crate::task::{LEVELS, Priority, PriorityPicker};
use crate::util::cache_padded::CachePadded;
use std::collections::VecDeque;

/// Admitted closures per batch that a submitter makes. Their cells fit into the first-level cache.
pub(super) const BATCH: usize = 128;

/// Searches that leave OPEN alone after a batch from READY. A submitter made that batch and is likely to make another; a look
/// at OPEN would slow its pushes.
const PATIENCE: u32 = 4;

/// The most spent batches that a line keeps.
const SPARE: usize = 8;

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
    /// [`PATIENCE`], or 0.
    patience: u32,
}

impl Taker {
    /// Of a thread that searches again after it has found nothing: at first it leaves OPEN to the submitters.
    pub(super) fn patient() -> Self {
        Self { patience: PATIENCE, ..Self::default() }
    }
}

/// A thread's place in a line.
#[derive(Default)]
struct Place {
    /// The batch that the thread takes from, until it finds it spent.
    batch: Option<Arc<TaskBatch>>,
    /// The number of that batch, or of the last one that the thread found spent.
    number: usize,
    /// How many searches leave OPEN alone.
    patience: u32,
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
            self.lines[USUAL].pop(&mut taker.places[USUAL], taker.patience)
        };
        if job.is_some() {
            self.unreserve();
        }
        job
    }

    /// Takes any closure, to drop it. Unlike [`pop`](Self::pop) it waits for a thread that makes a batch meanwhile.
    pub(super) fn pop_any(&self, taker: &mut Taker) -> Option<Runnable> {
        let mut lines = self.lines.iter().zip(&mut taker.places);
        let job = lines.find_map(|(line, place)| place.take().or_else(|| line.pop_slow(place, 0)));
        if job.is_some() {
            self.unreserve();
        }
        job
    }

    #[cold]
    fn pop_leveled(&self, Taker { picker, places, patience }: &mut Taker) -> Option<Runnable> {
        let mut waits: [bool; LEVELS] = std::array::from_fn(|level| self.lines[level].may_have(&mut places[level]));
        loop {
            let level = picker.take(waits)?;
            if let Some(job) = self.lines[level].pop(&mut places[level], *patience) {
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
    /// The number of batches made. Written under the lock of `maker`.
    made: CachePadded<AtomicUsize>,
    /// Held from taking all of OPEN until it is in READY: batches are in READY in the order of the pushes.
    maker: Mutex<()>,
    batches: CachePadded<Mutex<Batches>>,
}

/// The batches of a line.
struct Batches {
    current: Arc<TaskBatch>,
    /// The number of `current`: each batch has the number of the one before, and one more.
    number: usize,
    ready: VecDeque<Arc<TaskBatch>>,
    /// Spent batches whose memory is used again.
    spare: VecDeque<Arc<TaskBatch>>,
}

impl Line {
    fn new() -> Self {
        let current = Arc::new(TaskBatch::with_capacity(0));
        let batches = Batches { current, number: 0, ready: VecDeque::new(), spare: VecDeque::new() };
        Self {
            open: CachePadded::new(Inbox::new()),
            made: CachePadded::new(AtomicUsize::new(0)),
            maker: Mutex::new(()),
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

    /// Makes a batch of what was pushed, unless another thread makes one.
    #[cold]
    fn make_batch(&self) {
        if let Some(maker) = self.maker.try_lock() {
            let open = self.open.take();
            if !open.is_empty() {
                self.put(open, &maker);
            }
        }
    }

    /// Puts these closures into READY.
    fn put(&self, jobs: Pushed, _maker: &MutexGuard<'_, ()>) {
        let mut batch = self.batches.lock().unused();
        match Arc::get_mut(&mut batch) {
            Some(batch) => batch.fill(jobs),
            None => unreachable!("nobody else has it"),
        }
        self.batches.lock().ready.push_back(batch);
        // Relaxed: a hint. The lock hands over the batch.
        self.made.store(self.made.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// False if the line is empty for the thread in this place, as far as it knows: a closure that is missed stays pending,
    /// and the thread searches again.
    #[inline]
    fn may_have(&self, place: &mut Place) -> bool {
        // Relaxed: see above.
        if place.batch.is_some() || place.number != self.made.load(Ordering::Relaxed) {
            return true;
        }
        if place.patience > 0 {
            place.patience -= 1;
            return false;
        }
        !self.open.is_empty()
    }

    #[inline]
    fn pop(&self, place: &mut Place, patience: u32) -> Option<Runnable> {
        place.take().or_else(|| if self.may_have(place) { self.pop_slow(place, patience) } else { None })
    }

    /// Takes the next closure for a thread whose batch is spent.
    #[inline(never)]
    fn pop_slow(&self, place: &mut Place, patience: u32) -> Option<Runnable> {
        if let Some(job) = self.pop_ready(place) {
            place.patience = patience;
            return Some(job);
        }
        // Of two threads that find READY empty, the second finds there what the first puts.
        let maker = self.maker.lock();
        if let Some(job) = self.pop_ready(place) {
            return Some(job);
        }
        let mut open = self.open.take();
        let first = open.next();
        if !open.is_empty() {
            self.put(open, &maker);
        }
        first
    }

    /// Takes the next closure of CURRENT, or of the front of READY.
    fn pop_ready(&self, place: &mut Place) -> Option<Runnable> {
        let mut batches = self.batches.lock();
        // The thread has found the batch with the number in its place spent.
        while place.number != batches.number || batches.advance() {
            place.number = batches.number;
            if let Some(job) = batches.current.take() {
                place.batch = Some(Arc::clone(&batches.current));
                return Some(job);
            }
        }
        None
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
        self.number = self.number.wrapping_add(1);
        let spent = std::mem::replace(&mut self.current, batch);
        if self.spare.len() < SPARE && spent.capacity() <= 2 * BATCH {
            self.spare.push_back(spent);
        }
        true
    }

    /// A spent batch that nobody else has.
    ///
    /// The threads free no memory that the submitters allocated: both would wait for a lock of the allocator.
    fn unused(&mut self) -> Arc<TaskBatch> {
        if let Some(mut batch) = self.spare.pop_front() {
            if Arc::get_mut(&mut batch).is_some() {
                return batch;
            }
            self.spare.push_back(batch);
        }
        Arc::new(TaskBatch::with_capacity(BATCH))
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
