//! The thread of a pool: takes closures from the queue, and sleeps, watches or leaves when there are none.

use super::pool::{Engine, Shared};
use super::priority::{self, ThreadPriority};
use super::probe::Probe;
use super::queue::Taker;
use super::running;
use super::state::{Action, Candidate, NextStep, PoolState, Watch, WorkerSlot};
use crate::sync::{Arc, spin_loop, thread};
use crate::task::raw::{Outcome, PollOutcome, Runnable};
use crate::util::catch::guarded;
use std::cell::Cell;
use std::io;
use std::time::Duration;

/// Searches in vain, with a short spin after each, before a thread goes to sleep. A submit that comes in this time, a
/// microsecond or a few, costs no system call.
///
/// A spin and not a yield: the submitter may poll for the end of its closure on this very core, and a thread that yields to
/// it gets the core back only when the time slice is over.
const SPIN_ROUNDS: u32 = 8;
/// Length of such a spin.
const SPINS: u32 = 16;
/// Searches in vain in a row, though a closure is pending, after which a thread sleeps for [`BACKOFF`]: a submitter was
/// interrupted between its permit and its push.
const YIELD_ROUNDS: u32 = 64;
/// Length of such a sleep.
const BACKOFF: Duration = Duration::from_micros(500);

thread_local! {
    /// The pool whose worker this thread is, by address (0: none), and its index there. A thread keeps its pool alive, so the
    /// address is not used again while it stands here.
    static CURRENT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The index of this thread in this pool, if it is one of its threads.
pub(super) fn current(shared: &Arc<Shared>) -> Option<usize> {
    let (pool, index) = CURRENT.try_with(Cell::get).ok()?;
    (pool == address(shared)).then_some(index)
}

fn address(shared: &Arc<Shared>) -> usize {
    Arc::as_ptr(shared).addr()
}

/// Carries out an action; false if the system refused a thread.
pub(super) fn perform(shared: &Arc<Shared>, mut action: Action) -> bool {
    let Engine::Threads(state) = &shared.engine else { return true };
    let mut granted = true;
    loop {
        match action {
            Action::Nothing => return granted,
            Action::Wake(slot) => {
                slot.wake();
                return granted;
            }
            Action::Start(index, slot) => match start(shared, index, slot) {
                Ok(()) => return granted,
                Err(_) => {
                    granted = false;
                    action = state.start_failed(index);
                }
            },
        }
    }
}

/// Asks the system for a thread.
pub(super) fn start(shared: &Arc<Shared>, index: usize, slot: Arc<WorkerSlot>) -> io::Result<()> {
    let pool = Arc::clone(shared);
    shared.config.start(index, Box::new(move || run(&pool, index, slot)))
}

/// The life of a thread.
fn run(shared: &Arc<Shared>, index: usize, slot: Arc<WorkerSlot>) {
    let Engine::Threads(state) = &shared.engine else { unreachable!("a host's pool starts no thread") };
    CURRENT.set((address(shared), index));
    slot.set_probe(Probe::of_this_thread());
    if shared.config.priority == ThreadPriority::BelowNormal
        && let Err(refused) = priority::lower()
    {
        let _known = shared.priority_refused.set(refused);
    }
    Worker { shared, state, index, slot, taker: Taker::patient() }.work();
    CURRENT.set((0, 0));
    state.release_slot(index);
}

struct Worker<'a> {
    shared: &'a Arc<Shared>,
    state: &'a PoolState,
    index: usize,
    slot: Arc<WorkerSlot>,
    taker: Taker,
}

impl Worker<'_> {
    fn work(mut self) {
        let mut step = self.state.worker_started(self.index);
        loop {
            match step {
                NextStep::Search | NextStep::SearchAgain => {}
                NextStep::Watch => self.watch(),
                NextStep::Leave => return,
            }
            step = self.run_closures();
        }
    }

    /// Runs closures until none is found; returns what to do then.
    fn run_closures(&mut self) -> NextStep {
        let mut searching = true;
        let mut fruitless = 0;
        loop {
            if let Some(job) = self.shared.queue.pop(&mut self.taker) {
                // Counted before `found`, which must not see it as pending.
                self.slot.count_taken();
                if std::mem::take(&mut searching) {
                    perform(self.shared, self.state.found(self.index));
                }
                fruitless = 0;
                run_closure(job);
                continue;
            }
            if fruitless == 0 {
                running::leave();
            }
            fruitless += 1;
            if fruitless < SPIN_ROUNDS {
                (0..SPINS).for_each(|_| spin_loop());
                continue;
            }
            match self.state.park(self.index) {
                // Not after a wake: the woken thread may stand on the core of the one that waits for the closure.
                NextStep::SearchAgain if fruitless < YIELD_ROUNDS => thread::yield_now(),
                NextStep::SearchAgain => thread::park_timeout(BACKOFF),
                other => return other,
            }
            searching = true;
        }
    }

    /// Watches for a stall until there is nothing to watch; the thread is then on its way to work.
    fn watch(&self) {
        loop {
            match self.state.watch(self.index) {
                Watch::GoOn => {}
                Watch::Search => return,
                Watch::Stalled(mut candidates) => {
                    candidates.retain(Candidate::is_blocked);
                    for nth in 0..self.state.mark_blocked(&candidates) {
                        match self.state.spawn_extra() {
                            Action::Nothing if nth == 0 => return self.state.become_worker(self.index),
                            Action::Nothing => break,
                            action => _ = perform(self.shared, action),
                        }
                    }
                }
            }
        }
    }
}

/// Runs a closure on this thread. Panics of the closure end in its task; any other ends here.
pub(crate) fn run_closure(job: Runnable) {
    guarded(|| match job.run(Outcome::Gone) {
        PollOutcome::Completed(_) => {}
        PollOutcome::Idle => running::leave(),
        PollOutcome::Again(task) => {
            running::leave();
            task.requeue();
        }
    });
}
