//! Threads that wait for a closure of their own pool.
//!
//! Such a thread is known to be blocked, so another is woken or started at once. If every thread that the pool may have
//! waits for a closure that is not finished, none of these closures can ever finish: the last thread to wait is refused, and
//! its closure decides what to do instead.

use super::{Action, Inner, PoolState, WorkerState};
use crate::task::raw::TaskRef;

/// Waiting would leave no thread that could finish what is waited for.
#[derive(Debug)]
pub(crate) struct WouldDeadlock;

impl PoolState {
    /// The thread `index` is going to wait for `task`, a closure of this pool, until [`end_wait`](Self::end_wait).
    ///
    /// # Errors
    /// [`WouldDeadlock`]: it must not, and `end_wait` does not follow.
    pub(crate) fn begin_wait(&self, index: usize, task: TaskRef) -> Result<Action, WouldDeadlock> {
        let mut inner = self.inner.lock();
        let worker = &mut inner.workers[index];
        worker.blocked_at = Some(worker.slot.taken());
        worker.waits_for = Some(task);
        let mut action = self.rebalance(&mut inner);
        let now = inner.snapshot();
        let pending = self.admission.count() != now.taken;
        if pending
            && now.at_work < self.limits.core_threads
            && matches!(action, Action::Nothing)
            && let Some(watcher) = inner.relieve_watcher()
        {
            // What it watches for has happened.
            action = Action::Wake(watcher);
        }
        // Not by `pending` alone: a closure admitted since the decision above has a submitter that notifies.
        let exhausted = inner.live() >= self.limits.max_threads || (pending && inner.backs_off());
        let stuck = inner.all_wait() && exhausted;
        drop(inner);
        if stuck {
            self.end_wait(index);
            return Err(WouldDeadlock);
        }
        Ok(action)
    }

    /// The thread goes on, whether the closure is finished or not.
    pub(crate) fn end_wait(&self, index: usize) {
        let mut inner = self.inner.lock();
        let worker = &mut inner.workers[index];
        worker.blocked_at = None;
        let waited_for = worker.waits_for.take();
        drop(inner);
        // Outside the lock: it may be the last reference.
        drop(waited_for);
    }

    /// True if every live thread waits for a closure that is not finished.
    pub(crate) fn all_wait(&self) -> bool {
        self.inner.lock().all_wait()
    }
}

impl Inner {
    fn all_wait(&self) -> bool {
        let live = |state| !matches!(state, WorkerState::Vacant | WorkerState::Leaving);
        self.workers
            .iter()
            .filter(|worker| live(worker.state))
            .all(|worker| worker.waits_for.as_ref().is_some_and(|task| !task.is_finished()))
    }
}
