//! Who runs closures that block: the threads of the pool, or the host itself, in its ticks.
//!
//! The *bench* is where closures wait for a host. They run in the order of their submission, on the thread that ticks, so
//! there is no thread and nothing is left to chance. Any thread submits; the push is under the bench's lock, and the host
//! is told after it, under the same handshake as with the inbox.

use super::closures;
use super::context::Local;
use super::owner::PoolJob;
use super::threads::Threads;
use crate::blocking::{self, Job, PoolStats, Refused};
use crate::park::Unpark;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex};
use std::collections::VecDeque;
use std::time::Instant;

/// Who runs closures on a runtime without a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Inline {
    /// The pool.
    #[default]
    No,
    /// Each tick.
    Ticks,
    /// Nobody, before somebody says so.
    Held,
}

/// The front of either.
pub(crate) enum Workers {
    Pool(Threads),
    Bench(Bench),
}

/// The right to submit one closure, which then cannot fail. Dropped unused, it gives its place back.
#[must_use]
pub(crate) enum Permit<'a> {
    Pool(blocking::Permit<'a, PoolJob>),
    Bench(Place<'a>),
}

impl Permit<'_> {
    #[inline]
    pub(crate) fn submit(self, job: PoolJob) {
        match self {
            Self::Pool(permit) => permit.submit(job),
            Self::Bench(place) => place.submit(job),
        }
    }
}

impl Workers {
    #[inline]
    pub(crate) fn admit(&self) -> Result<Permit<'_>, Refused> {
        match self {
            Self::Pool(pool) => pool.admit().map(Permit::Pool),
            Self::Bench(bench) => bench.admit(bench.limit).map(Permit::Bench),
        }
    }

    #[inline]
    pub(crate) fn admit_unlimited(&self) -> Result<Permit<'_>, Refused> {
        match self {
            Self::Pool(pool) => pool.admit_unlimited().map(Permit::Pool),
            Self::Bench(bench) => bench.admit(None).map(Permit::Bench),
        }
    }

    pub(crate) fn close(&self) {
        match self {
            Self::Pool(pool) => pool.close(),
            Self::Bench(bench) => bench.state.lock().closed = true,
        }
    }

    /// Drops the closures that wait.
    pub(crate) fn drain(&self) {
        match self {
            Self::Pool(pool) => pool.drain(),
            Self::Bench(bench) => std::iter::from_fn(|| bench.take()).for_each(drop),
        }
    }

    /// Waits for the threads; how many are left.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> usize {
        match self {
            Self::Pool(pool) => pool.join(deadline),
            Self::Bench(_) => 0,
        }
    }

    pub(crate) fn stats(&self) -> PoolStats {
        match self {
            Self::Pool(pool) => pool.stats(),
            Self::Bench(bench) => {
                let state = bench.state.lock();
                PoolStats { queued: state.jobs.len() as u64, taken: state.taken, ..PoolStats::default() }
            }
        }
    }

    /// How many closures wait for the next tick.
    #[inline]
    pub(crate) fn due(&self) -> usize {
        match self {
            Self::Pool(_) => 0,
            Self::Bench(bench) if bench.held => 0,
            // Relaxed: whoever submits tells the host afterwards, and the park handshake orders its look.
            Self::Bench(bench) => bench.waiting.load(Ordering::Relaxed),
        }
    }
}

/// Closures that wait for a host.
pub(crate) struct Bench {
    state: Mutex<Seats>,
    /// How many there are, as last written under the lock.
    waiting: AtomicUsize,
    limit: Option<usize>,
    held: bool,
    host: Arc<dyn Unpark>,
}

#[derive(Default)]
struct Seats {
    jobs: VecDeque<PoolJob>,
    /// Places that are taken and not used yet.
    reserved: usize,
    taken: u64,
    closed: bool,
}

/// A place on the bench.
pub(crate) struct Place<'a> {
    bench: &'a Bench,
    job: Option<PoolJob>,
}

impl Bench {
    pub(crate) fn new(limit: Option<usize>, held: bool, host: Arc<dyn Unpark>) -> Self {
        Self { state: Mutex::default(), waiting: AtomicUsize::new(0), limit, held, host }
    }

    fn admit(&self, limit: Option<usize>) -> Result<Place<'_>, Refused> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if limit.is_some_and(|limit| state.jobs.len() + state.reserved >= limit) {
            return Err(Refused::Full);
        }
        state.reserved += 1;
        Ok(Place { bench: self, job: None })
    }

    fn take(&self) -> Option<PoolJob> {
        let mut state = self.state.lock();
        let job = state.jobs.pop_front()?;
        state.taken += 1;
        self.waiting.store(state.jobs.len(), Ordering::Relaxed);
        Some(job)
    }
}

impl Place<'_> {
    fn submit(mut self, job: PoolJob) {
        self.job = Some(job);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.bench.state.lock();
        state.reserved -= 1;
        let Some(job) = self.job.take() else { return };
        if state.closed {
            drop(state);
            // Its task ends as runtime gone, under no lock.
            drop(job);
            return;
        }
        state.jobs.push_back(job);
        self.bench.waiting.store(state.jobs.len(), Ordering::Relaxed);
        drop(state);
        if !self.bench.held {
            self.bench.host.unpark();
        }
    }
}

impl Local {
    /// Runs the closure that has waited longest, on this thread; false if none waits.
    pub(crate) fn run_closure(&self) -> bool {
        let Workers::Bench(bench) = &self.shared.pool else { return false };
        let Some(job) = bench.take() else { return false };
        let _poll = self.core.watch().map(|watch| watch.begin(Some(job.0.task())));
        closures::away_from_seat(|| job.run());
        true
    }
}
