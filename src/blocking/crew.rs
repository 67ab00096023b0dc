//! Who sleeps, who is called, who leaves. The module doc of [`blocking`](super) has the rules and the diagram.
//!
//! The crew decides under its lock and returns an [`Order`]; the caller carries it out after the lock is gone. It knows
//! nothing of jobs and queues, only how many were admitted and taken, so loom checks this very code.

mod roll;
mod settle;
mod watch;

pub(crate) use roll::Mark;
pub(crate) use watch::Watch;

use super::admission::{Admission, Duties, Entry};
use super::roster::Roster;
use crate::sync::atomic::Ordering;
use crate::sync::{Condvar, Mutex, MutexGuard, plain};
use roll::{Post, Roll};
use std::time::{Duration, Instant};

/// The numbers that decisions rest on.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) core_threads: usize,
    pub(crate) max_threads: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) stall: Duration,
}

/// What the caller must do once the lock is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Order {
    Nothing,
    /// Ring the bell of this seat.
    Wake(usize),
    /// Start a thread on this seat; if that fails, tell [`Crew::start_failed`].
    Start(usize),
}

/// What a thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Rest {
    /// It was called or has just been started: look for jobs at once; tell [`Crew::found`] when one is found.
    Search,
    /// A job is pending, though it was not found: it is being pushed, or was taken a moment ago. Look for jobs again;
    /// tell [`Crew::found`] when one is found.
    Again,
    /// Watch: call [`Crew::watch`] until it says otherwise.
    Watch,
    /// Put the deque back, [vacate](Crew::vacate) the seat and end.
    Leave,
}

/// Counts of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CrewStats {
    pub(crate) threads: usize,
    pub(crate) idle: usize,
    pub(crate) pending: u64,
    pub(crate) taken: u64,
    pub(crate) started: u64,
    pub(crate) peak: usize,
}

/// The threads of a pool.
pub(crate) struct Crew {
    admission: Admission,
    marks: Roster<Mark>,
    /// One more than the highest seat that is not vacant. Statistic: a thief who misses a new seat meets its jobs as
    /// pending ones and looks again.
    high: plain::AtomicUsize,
    roll: Mutex<Roll>,
    gone: Condvar,
    limits: Limits,
}

impl Crew {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            admission: Admission::new(),
            marks: Roster::new(),
            high: plain::AtomicUsize::new(0),
            roll: Mutex::new(Roll::default()),
            gone: Condvar::new(),
            limits: Limits { core_threads: limits.core_threads.min(limits.max_threads), ..limits },
        }
    }

    /// The counter and the bell of a seat that was handed out.
    pub(crate) fn mark(&self, seat: usize) -> &Mark {
        self.marks.get(seat).expect("a seat has a mark before it is handed out")
    }

    /// Seats that thieves should look at.
    pub(crate) fn seats(&self) -> usize {
        self.high.load(Ordering::Relaxed)
    }

    /// Wakes the thread on a seat that was called.
    pub(crate) fn ring(&self, seat: usize) {
        self.mark(seat).bell.notify_one();
    }

    // ---- Submitters ------------------------------------------------------------------------------------------------

    /// Counts a job that is going to be pushed; says what must follow the push: [`attend`](Self::attend), for one.
    ///
    /// `start` starts a thread on a seat. It is called only if no thread lives, and then under the lock: other submitters
    /// have to wait for the outcome in any case.
    #[inline]
    pub(crate) fn admit<E>(&self, start: impl FnOnce(usize) -> Result<(), E>) -> Result<Duties, AdmitError<E>> {
        match self.admission.enter() {
            Entry::Admitted(duties) => Ok(duties),
            Entry::NoThread => self.admit_first(start),
            Entry::Closed => Err(AdmitError::Closed),
        }
    }

    #[cold]
    fn admit_first<E>(&self, start: impl FnOnce(usize) -> Result<(), E>) -> Result<Duties, AdmitError<E>> {
        let mut roll = self.roll.lock();
        // Whoever had the lock before may have started one, or was about to leave and saw the count.
        if roll.alive + roll.starting == 0 {
            let seat = self.reserve(&mut roll);
            roll.on_its_way += 1;
            if let Err(error) = start(seat) {
                self.release(&mut roll, seat);
                self.admission.leave();
                return Err(AdmitError::NoThread(error));
            }
            self.admission.lower_empty();
        }
        Ok(Duties { call: true, batch: false })
    }

    /// Gives back the count of a job that is not going to be pushed.
    pub(crate) fn withdraw(&self) {
        self.admission.leave();
    }

    /// Sees to it that somebody looks after the pending jobs. Follows a push whose `admit` said so.
    #[cold]
    pub(crate) fn attend(&self) -> Order {
        self.settle(&mut self.roll.lock())
    }

    // ---- Threads ---------------------------------------------------------------------------------------------------

    /// A new thread reports.
    pub(crate) fn arrive(&self, seat: usize) -> Rest {
        let mut roll = self.roll.lock();
        debug_assert_eq!(roll.seats[seat].post, Post::Starting);
        self.start_ended(&mut roll);
        roll.alive += 1;
        roll.started += 1;
        self.wake_up(&mut roll, seat)
    }

    /// The system refused the thread of an [`Order::Start`]. Somebody else may have counted on it: look again.
    pub(crate) fn start_failed(&self, seat: usize) -> Order {
        let mut roll = self.roll.lock();
        self.release(&mut roll, seat);
        roll.hold_off = Some(Instant::now() + settle::HOLD_OFF);
        self.settle(&mut roll)
    }

    /// A thread that was searching has taken a job and is about to run it.
    pub(crate) fn found(&self) -> Order {
        let mut roll = self.roll.lock();
        roll.on_its_way -= 1;
        self.settle(&mut roll)
    }

    /// A thread finds nothing in any queue: sleeps until it is called or has slept for long enough. `searching` if it
    /// is on its way, as [`Rest::Search`] and [`Rest::Again`] made it.
    pub(crate) fn rest(&self, seat: usize, searching: bool) -> Rest {
        let mut roll = self.roll.lock();
        let taken = self.survey(&roll).taken;
        if self.admission.count() != taken {
            // A job is being pushed, or was taken a moment ago. From here on this thread is on its way.
            roll.on_its_way += usize::from(!searching);
            return Rest::Again;
        }
        roll.on_its_way -= usize::from(searching);
        if self.admission.is_closed() {
            if let Some(watcher) = roll.watcher.take() {
                // There is nothing left to watch.
                roll.on_its_way += 1;
                self.ring(watcher);
            }
            return self.leave(&mut roll, seat);
        }
        self.lie_down(&mut roll, seat);
        // Rule 3: whoever is admitted after this sees `CALL`; whoever was admitted before it shows in the count.
        if self.admission.raise_call() != taken {
            self.get_up(&mut roll, seat);
            roll.on_its_way += 1;
            return Rest::Again;
        }
        self.sleep(roll, seat)
    }

    fn sleep(&self, mut roll: MutexGuard<'_, Roll>, seat: usize) -> Rest {
        let bell = &self.mark(seat).bell;
        let since = Instant::now();
        loop {
            // A condition variable may wake for no reason: what counts is the post, and the time that really passed.
            let left = self.limits.keep_alive.saturating_sub(since.elapsed());
            let timed_out = if roll.staying == Some(seat) {
                bell.wait(&mut roll);
                roll.staying.is_none()
            } else {
                left.is_zero() || bell.wait_for(&mut roll, left).timed_out()
            };
            if roll.seats[seat].post == Post::Called {
                return self.wake_up(&mut roll, seat);
            }
            if timed_out && let Some(rest) = self.tired(&mut roll, seat) {
                return rest;
            }
        }
    }

    /// The sleeper on `seat` has slept for `keep_alive` and was not called. `None`: it has to sleep on.
    fn tired(&self, roll: &mut Roll, seat: usize) -> Option<Rest> {
        let last = roll.alive == 1;
        if last && roll.starting > 0 {
            // The one that is being started may fail to, and then nobody would be left.
            roll.staying = Some(seat);
            return None;
        }
        let taken = self.survey(roll).taken;
        self.get_up(roll, seat);
        // Rule 4: who is admitted after this starts a thread; who was admitted before it shows in the count.
        let admitted = if last { self.admission.raise_empty() } else { self.admission.raise_call() };
        if admitted == taken {
            return Some(self.leave(roll, seat));
        }
        if last {
            self.admission.lower_empty();
        }
        roll.on_its_way += 1;
        Some(Rest::Again)
    }

    /// The thread on `seat` has put its deque back and touches no job any more.
    pub(crate) fn vacate(&self, seat: usize) {
        let mut roll = self.roll.lock();
        roll.leaving -= 1;
        roll.settled += self.mark(seat).taken.load(Ordering::Relaxed);
        // Relaxed: the next thread on this seat comes by way of the lock.
        self.mark(seat).taken.store(0, Ordering::Relaxed);
        self.free(&mut roll, seat);
        if roll.alive + roll.starting + roll.leaving == 0 {
            self.gone.notify_all();
        }
    }

    // ---- The end ---------------------------------------------------------------------------------------------------

    /// Admits nothing any more and calls everybody: threads leave when nothing is pending. Returns whom to ring for.
    #[must_use]
    pub(crate) fn close(&self) -> Vec<usize> {
        let mut roll = self.roll.lock();
        self.admission.close();
        let mut called = std::mem::take(&mut roll.asleep);
        for &seat in &called {
            roll.seats[seat].post = Post::Called;
        }
        roll.on_its_way += called.len();
        // While jobs are pending the watcher is needed; then the first to leave relieves it.
        let idle = self.survey(&roll).taken == self.admission.count();
        if let Some(seat) = roll.watcher.take_if(|_| idle) {
            roll.on_its_way += 1;
            called.push(seat);
        }
        called
    }

    /// True after [`close`](Self::close).
    pub(crate) fn is_closed(&self) -> bool {
        self.admission.is_closed()
    }

    /// Counts jobs that somebody other than a worker took out of the queues.
    pub(crate) fn drained(&self, jobs: u64) {
        self.roll.lock().settled += jobs;
    }

    /// Waits until no thread is left, or until `deadline`; returns how many are.
    pub(crate) fn wait_gone(&self, deadline: Option<Instant>) -> usize {
        let mut roll = self.roll.lock();
        loop {
            let left = roll.alive + roll.starting + roll.leaving;
            if left == 0 {
                return 0;
            }
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.gone.wait(&mut roll),
                Some(Duration::ZERO) => return left,
                Some(time) => {
                    self.gone.wait_for(&mut roll, time);
                }
            }
        }
    }

    /// How many threads there are, for one who must not wait.
    pub(crate) fn threads(&self) -> usize {
        let roll = self.roll.lock();
        roll.alive + roll.starting + roll.leaving
    }

    pub(crate) fn stats(&self) -> CrewStats {
        let roll = self.roll.lock();
        let taken = self.survey(&roll).taken;
        CrewStats {
            threads: roll.alive + roll.starting,
            idle: roll.asleep.len() + usize::from(roll.watcher.is_some()),
            pending: self.admission.count() - taken,
            taken,
            started: roll.started,
            peak: roll.peak,
        }
    }
}

/// Why nothing was admitted.
#[derive(Debug)]
pub(crate) enum AdmitError<E> {
    Closed,
    /// No thread lives and the start of one failed.
    NoThread(E),
}
