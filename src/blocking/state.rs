//! The state of the pool: which thread works, sleeps, starts or leaves. The module doc of [`blocking`](super) has the rules
//! and the diagram.
//!
//! Decisions are made under the lock and returned as an [`Action`]; the caller carries it out after the lock is released.
//! The state knows how many closures were admitted and taken, not the queue, so loom checks this very code.

mod rebalance;
mod wait;
mod watch;

pub(crate) use watch::{Candidate, Watch};

use super::admission::{Admission, Admitted, Entry};
use super::grow::Look;
use super::probe::Probe;
use crate::instant::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, plain};
use crate::task::raw::TaskRef;
use std::time::Duration;

/// The numbers that decisions rest on.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) core_threads: usize,
    pub(crate) max_threads: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) stall: Duration,
}

/// What the caller must do once the lock is released.
#[must_use]
pub(crate) enum Action {
    Nothing,
    /// Wake the thread in this slot.
    Wake(Arc<WorkerSlot>),
    /// Start the thread with this index; if that fails, call [`PoolState::start_failed`].
    Start(usize, Arc<WorkerSlot>),
}

/// What a thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum NextStep {
    /// It was woken or has just been started: search at once; call [`PoolState::found`] when a closure is found.
    Search,
    /// A closure is pending, though it was not found: it is being pushed, or was taken a moment ago. Search again; call
    /// [`PoolState::found`] when a closure is found.
    SearchAgain,
    /// Call [`PoolState::watch`] until it returns something else.
    Watch,
    /// [Release the slot](PoolState::release_slot) and end.
    Leave,
}

/// Why nothing was admitted.
#[derive(Debug)]
pub(crate) enum AdmitError<E> {
    Closed,
    /// No thread lives, and the start of one failed.
    NoThread(E),
}

/// Counts of a moment, for metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolStats {
    /// Threads alive or being started.
    pub(crate) threads: usize,
    /// Threads that sleep or watch.
    pub(crate) idle: usize,
    /// Closures that wait for a thread.
    pub(crate) queued: u64,
    /// Closures that a thread has taken, since the pool was made.
    pub(crate) taken: u64,
    /// Threads started since the pool was made.
    pub(crate) started: u64,
    /// The most threads at one time.
    pub(crate) peak: usize,
}

/// The part of a thread's slot that is used without the lock, on cache lines of its own.
#[repr(align(128))]
pub(crate) struct WorkerSlot {
    /// Closures that the threads in this slot have taken. Written by the current one only.
    taken: AtomicU64,
    condvar: Condvar,
    /// Of the current thread, or of the last one.
    probe: plain::Mutex<Option<Probe>>,
}

impl WorkerSlot {
    /// The calling thread is the one in this slot.
    pub(super) fn set_probe(&self, probe: Probe) {
        *self.probe.lock() = Some(probe);
    }

    /// Counts a closure that was just removed from the queue, before it runs.
    #[inline]
    pub(crate) fn count_taken(&self) {
        // Relaxed: only this thread writes. Release pairs with the Acquire in `taken`: a closure that is counted as taken
        // is counted as admitted as well.
        self.taken.store(self.taken.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    fn taken(&self) -> u64 {
        // Acquire pairs with the Release of `count_taken`: an admission count read after this one includes the closure.
        self.taken.load(Ordering::Acquire)
    }

    /// Wakes the thread in this slot.
    pub(crate) fn wake(&self) {
        self.condvar.notify_one();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkerState {
    Vacant,
    Starting,
    /// Searches, and has not found a closure yet.
    Searching,
    Working,
    Watching,
    Idle,
    Notified,
    Leaving,
}

struct Worker {
    slot: Arc<WorkerSlot>,
    state: WorkerState,
    /// What the thread had taken when it was found blocked: it is, until it takes another closure.
    blocked_at: Option<u64>,
    /// The closure of this pool that the thread waits for.
    waits_for: Option<TaskRef>,
}

/// Everything under the lock.
#[derive(Default)]
struct Inner {
    workers: Vec<Worker>,
    /// The sleeping threads, the newest last.
    idle: Vec<usize>,
    /// The thread that watches, or is on its way to do so.
    watcher: Option<usize>,
    /// The last thread, if its idle timeout is over but a start is in flight that may fail.
    held_back: Option<usize>,
    before: Look,
    /// Looks at a stall in a row after which no thread was added.
    fruitless: u32,
    /// Closures taken out by `drain`.
    drained: u64,
    /// No thread is started before this time.
    backoff_until: Option<Instant>,
    started: u64,
    peak: usize,
}

/// The threads of a pool.
pub(crate) struct PoolState {
    admission: Admission,
    inner: Mutex<Inner>,
    ended: Condvar,
    limits: Limits,
}

impl PoolState {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            admission: Admission::new(),
            inner: Mutex::new(Inner::default()),
            ended: Condvar::new(),
            limits: Limits { core_threads: limits.core_threads.min(limits.max_threads), ..limits },
        }
    }

    // ---- Submitters ------------------------------------------------------------------------------------------------

    /// Counts a closure that is going to be pushed.
    ///
    /// `start` starts a thread. It is called only if no thread lives, and then under the lock: other submitters have to wait
    /// for the outcome in any case.
    #[inline]
    pub(crate) fn admit<E>(
        &self,
        start: impl FnOnce(usize, Arc<WorkerSlot>) -> Result<(), E>,
    ) -> Result<Admitted, AdmitError<E>> {
        match self.admission.enter() {
            Entry::Admitted(admitted) => Ok(admitted),
            Entry::NoThread => self.admit_first(start),
            Entry::Closed => Err(AdmitError::Closed),
        }
    }

    #[cold]
    fn admit_first<E>(
        &self,
        start: impl FnOnce(usize, Arc<WorkerSlot>) -> Result<(), E>,
    ) -> Result<Admitted, AdmitError<E>> {
        let mut inner = self.inner.lock();
        // Another submitter may have started one, or the last thread was about to leave and saw the count.
        if inner.live() == 0 {
            let (index, slot) = inner.reserve_slot();
            if let Err(error) = start(index, slot) {
                self.vacate(&mut inner, index);
                self.admission.withdraw();
                return Err(AdmitError::NoThread(error));
            }
            self.admission.clear_no_thread();
        }
        Ok(Admitted { notify: true, batch: false })
    }

    /// Gives back the count of a closure that is not going to be pushed.
    pub(crate) fn withdraw(&self) {
        self.admission.withdraw();
    }

    /// Ensures that a thread runs the pending closures. Follows a push whose `admit` returned `notify`.
    #[cold]
    pub(crate) fn notify_workers(&self) -> Action {
        self.rebalance(&mut self.inner.lock())
    }

    // ---- Threads ---------------------------------------------------------------------------------------------------

    /// A new thread is up.
    pub(crate) fn worker_started(&self, index: usize) -> NextStep {
        let mut inner = self.inner.lock();
        debug_assert_eq!(inner.workers[index].state, WorkerState::Starting);
        inner.started += 1;
        let step = inner.resume(index);
        inner.release_held_back();
        step
    }

    /// The system refused the thread of an [`Action::Start`]. Others may have counted on it.
    pub(crate) fn start_failed(&self, index: usize) -> Action {
        let mut inner = self.inner.lock();
        self.vacate(&mut inner, index);
        inner.backoff_until = Some(Instant::now() + rebalance::BACKOFF);
        self.rebalance(&mut inner)
    }

    /// A searching thread has taken a closure and is about to run it.
    pub(crate) fn found(&self, index: usize) -> Action {
        let mut inner = self.inner.lock();
        inner.workers[index].state = WorkerState::Working;
        self.rebalance(&mut inner)
    }

    /// A thread has found nothing: it sleeps until it is woken, or until `keep_alive` has passed.
    pub(crate) fn park(&self, index: usize) -> NextStep {
        let mut inner = self.inner.lock();
        let taken = inner.taken();
        // From here on this thread is on its way.
        inner.workers[index].state = WorkerState::Searching;
        if self.admission.count() != taken {
            return NextStep::SearchAgain;
        }
        if self.admission.is_closed() {
            if let Some(slot) = inner.relieve_watcher() {
                slot.wake();
            }
            return inner.leave(index);
        }
        inner.workers[index].state = WorkerState::Idle;
        inner.idle.push(index);
        // Rule 3: a closure admitted after this sees `NOTIFY`; one admitted before shows in the count.
        if self.admission.set_notify() != taken {
            inner.unpark(index);
            return NextStep::SearchAgain;
        }
        self.sleep(inner, index)
    }

    fn sleep(&self, mut inner: MutexGuard<'_, Inner>, index: usize) -> NextStep {
        let slot = Arc::clone(&inner.workers[index].slot);
        let since = Instant::now();
        loop {
            // A condition variable may wake spuriously: the state counts, and the time that has passed.
            let left = self.limits.keep_alive.saturating_sub(since.elapsed());
            let timed_out = if inner.held_back == Some(index) {
                slot.condvar.wait(&mut inner);
                inner.held_back.is_none()
            } else {
                left.is_zero() || slot.condvar.wait_for(&mut inner, left).timed_out()
            };
            if inner.workers[index].state == WorkerState::Notified {
                return inner.resume(index);
            }
            if timed_out && let Some(step) = self.idle_timeout(&mut inner, index) {
                return step;
            }
        }
    }

    /// The thread has slept for `keep_alive` and was not woken. `None`: it has to sleep on.
    fn idle_timeout(&self, inner: &mut Inner, index: usize) -> Option<NextStep> {
        let starting = inner.count(WorkerState::Starting);
        let last = inner.live() - starting == 1;
        if last && starting > 0 {
            // The start may fail, and then no thread would be left.
            inner.held_back = Some(index);
            return None;
        }
        let taken = inner.taken();
        inner.unpark(index);
        // Rule 4: a closure admitted after this starts a thread; one admitted before shows in the count.
        let admitted = if last { self.admission.set_no_thread() } else { self.admission.set_notify() };
        if admitted == taken {
            return Some(inner.leave(index));
        }
        if last {
            self.admission.clear_no_thread();
        }
        Some(NextStep::SearchAgain)
    }

    /// The thread touches no closure any more.
    pub(crate) fn release_slot(&self, index: usize) {
        self.vacate(&mut self.inner.lock(), index);
    }

    /// There is no thread in the slot any more, or it could not be started.
    fn vacate(&self, inner: &mut Inner, index: usize) {
        let worker = &mut inner.workers[index];
        if worker.state == WorkerState::Starting {
            inner.watcher.take_if(|watcher| *watcher == index);
            inner.release_held_back();
        }
        inner.workers[index].state = WorkerState::Vacant;
        if inner.threads() == 0 {
            self.ended.notify_all();
        }
    }

    // ---- The end ---------------------------------------------------------------------------------------------------

    /// Admits nothing any more; returns the threads to wake, which leave when nothing is pending.
    #[must_use]
    pub(crate) fn close(&self) -> Vec<Arc<WorkerSlot>> {
        let mut inner = self.inner.lock();
        self.admission.close();
        let woken = std::mem::take(&mut inner.idle);
        for &index in &woken {
            inner.workers[index].state = WorkerState::Notified;
        }
        // While closures are pending the watcher is needed; then the first thread to leave relieves it.
        let idle = inner.taken() == self.admission.count();
        let slots = woken.into_iter().map(|index| Arc::clone(&inner.workers[index].slot));
        let mut slots: Vec<_> = slots.collect();
        if idle {
            slots.extend(inner.relieve_watcher());
        }
        slots
    }

    /// True after [`close`](Self::close).
    pub(crate) fn is_closed(&self) -> bool {
        self.admission.is_closed()
    }

    /// Counts a closure that was taken out of the queue by another thread than a worker.
    pub(crate) fn count_drained(&self) {
        self.inner.lock().drained += 1;
    }

    /// Waits until no thread is left, or until `deadline`; returns how many are.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> usize {
        let mut inner = self.inner.lock();
        loop {
            let left = inner.threads();
            if left == 0 {
                return 0;
            }
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.ended.wait(&mut inner),
                Some(Duration::ZERO) => return left,
                Some(time) => {
                    self.ended.wait_for(&mut inner, time);
                }
            }
        }
    }

    /// How many threads there are, for a caller that must not wait.
    pub(crate) fn threads(&self) -> usize {
        self.inner.lock().threads()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let inner = self.inner.lock();
        let taken = inner.taken();
        PoolStats {
            threads: inner.live(),
            idle: inner.idle.len() + usize::from(inner.watcher.is_some()),
            queued: self.admission.count() - taken,
            taken,
            started: inner.started,
            peak: inner.peak,
        }
    }
}
