//! The front of the pool: admit, submit, close, join.

use super::admission::Duties;
use super::crew::{AdmitError, Crew, Limits};
use super::places::Places;
use super::probe::Probe;
use super::queue::Queue;
use super::roster::Roster;
use super::{Config, Job, worker};
use crate::sync::{Arc, Mutex, plain};
use crossbeam_deque::{Stealer, Worker};
use std::fmt;
use std::io;
use std::time::Instant;

/// A pool of threads for jobs that may block. Dropping it [closes](Self::close) it and waits for nothing.
pub(crate) struct Pool<J: Job> {
    shared: Arc<Shared<J>>,
}

/// What the front and the threads share; each thread keeps it alive.
pub(super) struct Shared<J: Job> {
    pub(super) crew: Crew,
    pub(super) queue: Queue<J>,
    pub(super) config: Config,
    deques: Roster<Deque<J>>,
    places: Option<Places>,
    steals: plain::AtomicU64,
}

/// Both ends of a deque. The owner's end waits here while no thread sits on the seat.
struct Deque<J> {
    stealer: Stealer<J>,
    owner: Mutex<Option<Worker<J>>>,
    /// Of the thread that sits here, or sat here last.
    probe: plain::Mutex<Option<Probe>>,
}

/// The right to submit one job, which then cannot fail. Dropped unused, it gives its place back.
#[must_use]
pub(crate) struct Permit<'a, J: Job> {
    shared: &'a Arc<Shared<J>>,
    duties: Duties,
}

/// Why a job is not admitted. It was never built, so it cannot get lost.
#[derive(Debug)]
pub(crate) enum Refused {
    /// As many jobs wait as the queue limit allows.
    Full,
    /// The pool is closed.
    Closed,
    /// No thread lives and the system refused to start one.
    NoThread(io::Error),
}

/// Counts of a moment, for metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolStats {
    /// Threads alive or being started.
    pub(crate) threads: usize,
    /// Threads that sleep or watch.
    pub(crate) idle: usize,
    /// Jobs that wait for a thread.
    pub(crate) queued: u64,
    /// Jobs that a thread has begun, since the pool was made.
    pub(crate) taken: u64,
    /// Times that a thread took jobs from another's deque.
    pub(crate) steals: u64,
    /// Threads started since the pool was made.
    pub(crate) started: u64,
    /// The most threads there ever were.
    pub(crate) peak: usize,
}

impl<J: Job> Pool<J> {
    /// A pool without threads: the first job starts the first one.
    pub(crate) fn new(config: Config) -> Self {
        let limits = Limits {
            core_threads: config.core_threads(),
            max_threads: config.max_threads,
            keep_alive: config.keep_alive,
            stall: config.stall,
        };
        let shared = Shared {
            crew: Crew::new(limits),
            queue: Queue::new(),
            deques: Roster::new(),
            places: config.queue_limit.map(Places::new),
            steals: plain::AtomicU64::new(0),
            config,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Reserves a place in the queue, within the limit.
    ///
    /// # Errors
    /// [`Refused`] says why not; nothing is reserved then.
    #[inline]
    pub(crate) fn admit(&self) -> Result<Permit<'_, J>, Refused> {
        match &self.shared.places {
            Some(places) if !places.try_take() => {
                Err(if self.shared.crew.is_closed() { Refused::Closed } else { Refused::Full })
            }
            _ => self.enter(),
        }
    }

    /// Reserves a place in the queue, be it beyond the limit.
    ///
    /// # Errors
    /// [`Refused::Closed`] and [`Refused::NoThread`].
    #[inline]
    pub(crate) fn admit_unlimited(&self) -> Result<Permit<'_, J>, Refused> {
        if let Some(places) = &self.shared.places {
            places.take();
        }
        self.enter()
    }

    #[inline]
    fn enter(&self) -> Result<Permit<'_, J>, Refused> {
        let shared = &self.shared;
        shared.crew.admit(|seat| worker::start(shared, seat)).map(|duties| Permit { shared, duties }).map_err(|error| {
            shared.give_place_back();
            match error {
                AdmitError::Closed => Refused::Closed,
                AdmitError::NoThread(error) => Refused::NoThread(error),
            }
        })
    }

    /// Admits no job any more. What was admitted is still run, by the threads there are and those that it needs; each
    /// thread ends as soon as nothing is queued. May be called more than once, and from anywhere.
    pub(crate) fn close(&self) {
        for seat in self.shared.crew.close() {
            self.shared.crew.ring(seat);
        }
    }

    /// Takes the queued jobs out and hands each to `f` on this thread; returns how many there were. For a closed pool:
    /// a job that is being pushed at this moment is missed, and run.
    pub(crate) fn drain(&self, mut f: impl FnMut(J)) -> usize {
        let mut drained = 0;
        let mut hand_out = |job| {
            self.shared.give_place_back();
            self.shared.crew.drained(1);
            drained += 1;
            f(job);
        };
        loop {
            let mut batch = self.shared.queue.take().peekable();
            if batch.peek().is_some() {
                batch.for_each(&mut hand_out);
            } else if let Some(job) = self.shared.steal_any() {
                hand_out(job);
            } else {
                return drained;
            }
        }
    }

    /// Waits until every thread of a closed pool has ended, or until `deadline`; returns how many have not. On a thread of
    /// this pool it does not wait at all, since that thread cannot end meanwhile: it is counted, with the others that live.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> usize {
        if worker::is_inside(&self.shared) {
            return self.shared.crew.threads();
        }
        self.shared.crew.wait_gone(deadline)
    }

    /// The counts of this moment.
    pub(crate) fn stats(&self) -> PoolStats {
        let crew = self.shared.crew.stats();
        PoolStats {
            threads: crew.threads,
            idle: crew.idle,
            queued: crew.pending,
            taken: crew.taken,
            steals: self.shared.steals.load(plain::Ordering::Relaxed),
            started: crew.started,
            peak: crew.peak,
        }
    }
}

impl<J: Job> Drop for Pool<J> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<J: Job> fmt::Debug for Pool<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.stats()).finish()
    }
}

impl<J: Job> Permit<'_, J> {
    /// Queues the job.
    #[inline]
    pub(crate) fn submit(self, job: J) {
        // From here on the count belongs to the job.
        let permit = std::mem::ManuallyDrop::new(self);
        worker::push(permit.shared, job);
        if permit.duties.batch {
            permit.shared.queue.close_batch();
        }
        if permit.duties.call {
            worker::perform(permit.shared, permit.shared.crew.attend());
        }
    }
}

impl<J: Job> Drop for Permit<'_, J> {
    fn drop(&mut self) {
        self.shared.crew.withdraw();
        self.shared.give_place_back();
    }
}

impl<J: Job> Shared<J> {
    /// The deque for a thread that begins on this seat.
    pub(super) fn take_deque(&self, seat: usize) -> Worker<J> {
        let deque = self.deques.get_or_make(seat, || {
            let owner = Worker::new_fifo();
            Deque { stealer: owner.stealer(), owner: Mutex::new(Some(owner)), probe: plain::Mutex::new(None) }
        });
        *deque.probe.lock() = Some(Probe::of_this_thread());
        let owner = deque.owner.lock().take();
        owner.expect("a seat is vacant only when its deque is back")
    }

    /// The thread on this seat ends.
    pub(super) fn put_deque(&self, seat: usize, owner: Worker<J>) {
        debug_assert!(owner.is_empty(), "a thread left though jobs were pending");
        let deque = self.deques.get(seat).expect("it was taken from there");
        *deque.owner.lock() = Some(owner);
    }

    /// True if the thread on this seat is known to compute rather than to wait.
    pub(super) fn computes(&self, seat: usize) -> bool {
        let probe = self.deques.get(seat).and_then(|deque| *deque.probe.lock());
        probe.is_some_and(Probe::computes)
    }

    pub(super) fn stealer(&self, seat: usize) -> Option<&Stealer<J>> {
        self.deques.get(seat).map(|deque| &deque.stealer)
    }

    /// A job was taken by the thread on this seat.
    #[inline]
    pub(super) fn count_taken(&self, seat: usize) {
        self.give_place_back();
        self.crew.mark(seat).count_taken();
    }

    pub(super) fn count_steal(&self) {
        self.steals.fetch_add(1, plain::Ordering::Relaxed);
    }

    #[inline]
    fn give_place_back(&self) {
        if let Some(places) = &self.places {
            places.give_back();
        }
    }

    fn steal_any(&self) -> Option<J> {
        let deques = (0..self.crew.seats()).filter_map(|seat| self.stealer(seat));
        deques.into_iter().find_map(|deque| worker::insist(|| deque.steal()))
    }
}
