//! A stand-in for the pool around the real state: the queue is a locked one, since crossbeam's is invisible to loom, and the
//! threads are loom's.

use crate::blocking::{Action, AdmitError, Limits, NextStep, PoolState, Watch, WorkerSlot};
use crate::sync::{Arc, Condvar, ModelArc, Mutex};
use crate::task::raw::TaskRef;
use loom::thread;
use std::collections::VecDeque;
use std::time::Duration;

/// A thread that never times out: the loom condition variable has no timeout.
pub(super) const FOR_EVER: Duration = Duration::from_secs(3600);
/// A thread that leaves at once when nothing is pending, as if it had slept for that long.
pub(super) const NOT_AT_ALL: Duration = Duration::ZERO;

/// The system has no thread to give.
pub(super) struct Refusal;

/// A job that does not end before another has run.
pub(super) const WAITS: usize = 99;

/// A job that waits for another closure of its pool, until another job has run.
pub(super) const WAITS_IN_POOL: usize = 98;

pub(super) struct Stand {
    pub(super) state: PoolState,
    queue: Mutex<VecDeque<usize>>,
    ran: Mutex<Vec<usize>>,
    /// What a job waits for.
    pub(super) awaited: Mutex<Option<TaskRef>>,
    /// Waits that were refused.
    pub(super) refused: Mutex<usize>,
    one_more: Condvar,
    /// Pushes, takes, refusals and closes so far. The real worker yields and searches again while a job is on its way; a model waits for
    /// it to move, so that a search that is in vain for ever shows as a deadlock.
    moves: Mutex<usize>,
    moved: Condvar,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// How many more threads the system grants.
    granted: Mutex<usize>,
}

impl Stand {
    pub(super) fn new(core_threads: usize, max_threads: usize, keep_alive: Duration) -> ModelArc<Self> {
        let limits = Limits { core_threads, max_threads, keep_alive, stall: FOR_EVER };
        ModelArc::new(Self {
            state: PoolState::new(limits),
            queue: Mutex::new(VecDeque::new()),
            ran: Mutex::new(Vec::new()),
            awaited: Mutex::new(None),
            refused: Mutex::new(0),
            one_more: Condvar::new(),
            moves: Mutex::new(0),
            moved: Condvar::new(),
            threads: Mutex::new(Vec::new()),
            granted: Mutex::new(usize::MAX),
        })
    }

    /// The system grants so many threads more.
    pub(super) fn grant(&self, threads: usize) {
        *self.granted.lock() = threads;
    }

    /// Admits and pushes; false if the pool was closed, or no thread could be started.
    pub(super) fn submit(stand: &ModelArc<Self>, job: usize) -> bool {
        let admitted = match stand.state.admit(|index, slot| Self::start(stand, index, slot)) {
            Ok(admitted) => admitted,
            Err(AdmitError::Closed | AdmitError::NoThread(Refusal)) => {
                // For a moment it was counted.
                stand.note_move();
                return false;
            }
        };
        stand.queue.lock().push_back(job);
        stand.note_move();
        if admitted.notify {
            Self::perform(stand, stand.state.notify_workers());
        }
        true
    }

    fn perform(stand: &ModelArc<Self>, action: Action) {
        match action {
            Action::Nothing => {}
            Action::Wake(slot) => slot.wake(),
            Action::Start(index, slot) => {
                if Self::start(stand, index, slot).is_err() {
                    Self::perform(stand, stand.state.start_failed(index));
                }
            }
        }
    }

    fn start(stand: &ModelArc<Self>, index: usize, slot: Arc<WorkerSlot>) -> Result<(), Refusal> {
        let mut granted = stand.granted.lock();
        *granted = granted.checked_sub(1).ok_or(Refusal)?;
        drop(granted);
        let for_thread = ModelArc::clone(stand);
        let thread = thread::spawn(move || Self::work(&for_thread, index, &slot));
        stand.threads.lock().push(thread);
        Ok(())
    }

    /// The worker's loop, as in `worker.rs`.
    fn work(stand: &ModelArc<Self>, index: usize, slot: &WorkerSlot) {
        let mut step = stand.state.worker_started(index);
        let mut searching = true;
        loop {
            match step {
                NextStep::Search | NextStep::SearchAgain => {}
                NextStep::Leave => return stand.state.release_slot(index),
                // There is no time in a model: it is relieved, or waits for ever.
                NextStep::Watch => assert!(matches!(stand.state.watch(index), Watch::Search)),
            }
            let moves = *stand.moves.lock();
            let job = stand.queue.lock().pop_front();
            if let Some(job) = job {
                slot.count_taken();
                stand.note_move();
                if std::mem::take(&mut searching) {
                    Self::perform(stand, stand.state.found(index));
                }
                if job == WAITS {
                    stand.wait_for(1);
                }
                if job == WAITS_IN_POOL {
                    Self::wait_in_pool(stand, index);
                }
                stand.ran.lock().push(job);
                stand.one_more.notify_all();
                step = NextStep::Search;
            } else {
                step = stand.state.park(index);
                searching = true;
                if matches!(step, NextStep::Search | NextStep::SearchAgain) {
                    stand.wait_for_move(moves);
                }
            }
        }
    }

    fn wait_in_pool(stand: &ModelArc<Self>, index: usize) {
        let awaited = stand.awaited.lock().clone().expect("the model says what it waits for");
        match stand.state.begin_wait(index, awaited) {
            Ok(action) => {
                Self::perform(stand, action);
                stand.wait_for(1);
                stand.state.end_wait(index);
            }
            Err(_) => *stand.refused.lock() += 1,
        }
    }

    fn note_move(&self) {
        *self.moves.lock() += 1;
        self.moved.notify_all();
    }

    /// Waits for a push, a take, a refusal or a close since `seen`.
    fn wait_for_move(&self, seen: usize) {
        let mut moves = self.moves.lock();
        while *moves == seen {
            self.moved.wait(&mut moves);
        }
    }

    /// Waits until so many jobs have run: a job that nobody takes is a deadlock, which loom reports.
    pub(super) fn wait_for(&self, jobs: usize) {
        let mut ran = self.ran.lock();
        while ran.len() < jobs {
            self.one_more.wait(&mut ran);
        }
    }

    /// Waits for all threads, and says what ran, in order of number.
    pub(super) fn join(&self) -> Vec<usize> {
        loop {
            let thread = self.threads.lock().pop();
            match thread {
                Some(thread) => thread.join().expect("no model panics in a thread"),
                None => break,
            }
        }
        assert_eq!(self.state.threads(), 0);
        let mut ran = std::mem::take(&mut *self.ran.lock());
        ran.sort_unstable();
        ran
    }

    pub(super) fn close(&self) {
        for slot in self.state.close() {
            slot.wake();
        }
        self.note_move();
    }
}
