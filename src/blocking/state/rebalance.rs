//! Decisions under the lock: which thread is woken, whether one is started, and the counts.

use super::{Action, Inner, NextStep, PoolState, Worker, WorkerSlot, WorkerState};
use crate::blocking::grow::Look;
use crate::instant::Instant;
use crate::sync::atomic::AtomicU64;
use crate::sync::{Arc, Condvar, plain};
use std::time::Duration;

/// After the system refused a thread, none is started during this time unless no thread lives at all.
pub(super) const BACKOFF: Duration = Duration::from_millis(50);

/// The counts that a decision needs.
pub(super) struct Snapshot {
    pub(super) taken: u64,
    /// Threads at work, or on their way to it, that are not known to be blocked.
    pub(super) at_work: usize,
    /// Of those, the ones that have not found a closure yet.
    pub(super) searching: usize,
}

impl PoolState {
    /// Brings `NOTIFY` in line with what the next closure needs, and finds a thread for the pending ones.
    pub(super) fn rebalance(&self, inner: &mut Inner) -> Action {
        let now = inner.snapshot();
        if now.searching > 0 {
            // That thread rebalances when it has found a closure, and does not sleep while one is pending.
            self.admission.clear_notify();
            return Action::Nothing;
        }
        let full = now.at_work >= self.limits.core_threads;
        let exhausted = inner.idle.is_empty() && inner.live() >= self.limits.max_threads;
        if exhausted || (full && inner.watcher.is_some()) {
            self.admission.clear_notify();
            return Action::Nothing;
        }
        if self.admission.set_notify() == now.taken {
            return Action::Nothing;
        }
        let action = if full { self.appoint_watcher(inner) } else { self.wake_or_start(inner).1 };
        if !matches!(action, Action::Nothing) {
            self.admission.clear_notify();
        }
        action
    }

    fn appoint_watcher(&self, inner: &mut Inner) -> Action {
        let (index, action) = self.wake_or_start(inner);
        if let Some(index) = index {
            inner.watcher = Some(index);
            inner.fruitless = 0;
            inner.before = Look { taken: inner.taken(), admitted: self.admission.count() };
        }
        action
    }

    /// Wakes or starts one more thread, if there can be one.
    pub(super) fn wake_or_start(&self, inner: &mut Inner) -> (Option<usize>, Action) {
        if let Some(index) = inner.idle.pop() {
            inner.workers[index].state = WorkerState::Notified;
            return (Some(index), Action::Wake(Arc::clone(&inner.workers[index].slot)));
        }
        if inner.live() >= self.limits.max_threads || inner.backs_off() {
            return (None, Action::Nothing);
        }
        inner.backoff_until = None;
        let (index, slot) = inner.reserve_slot();
        (Some(index), Action::Start(index, slot))
    }
}

impl Inner {
    pub(super) fn count(&self, state: WorkerState) -> usize {
        self.workers.iter().filter(|worker| worker.state == state).count()
    }

    /// Threads that exist: alive, being started, or leaving.
    pub(super) fn threads(&self) -> usize {
        self.workers.len() - self.count(WorkerState::Vacant)
    }

    /// Threads that are alive or being started.
    pub(super) fn live(&self) -> usize {
        self.threads() - self.count(WorkerState::Leaving)
    }

    /// True while no thread is to be started, since the system has just refused one.
    pub(super) fn backs_off(&self) -> bool {
        self.backoff_until.is_some_and(|until| Instant::now() < until)
    }

    /// Closures taken so far. Read before the count of the admitted ones (rule 1).
    pub(super) fn taken(&self) -> u64 {
        self.drained + self.workers.iter().map(|worker| worker.slot.taken()).sum::<u64>()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot { taken: self.drained, at_work: 0, searching: 0 };
        for (index, worker) in self.workers.iter().enumerate() {
            let taken = worker.slot.taken();
            snapshot.taken += taken;
            let searching = match worker.state {
                WorkerState::Starting | WorkerState::Searching | WorkerState::Notified => true,
                WorkerState::Working => false,
                _ => continue,
            };
            if self.watcher != Some(index) {
                snapshot.at_work += usize::from(searching || worker.blocked_at != Some(taken));
                snapshot.searching += usize::from(searching);
            }
        }
        snapshot
    }

    /// A slot for a thread that is about to be started.
    pub(super) fn reserve_slot(&mut self) -> (usize, Arc<WorkerSlot>) {
        let vacant = self.workers.iter().position(|worker| worker.state == WorkerState::Vacant);
        let index = vacant.unwrap_or_else(|| {
            let (taken, condvar, probe) = (AtomicU64::new(0), Condvar::new(), plain::Mutex::new(None));
            let slot = Arc::new(WorkerSlot { taken, condvar, probe });
            self.workers.push(Worker { slot, state: WorkerState::Vacant, blocked_at: None, waits_for: None });
            self.workers.len() - 1
        });
        let worker = &mut self.workers[index];
        worker.state = WorkerState::Starting;
        worker.blocked_at = None;
        let slot = Arc::clone(&worker.slot);
        self.peak = self.peak.max(self.live());
        (index, slot)
    }

    /// A woken or new thread turns to what it was woken for.
    pub(super) fn resume(&mut self, index: usize) -> NextStep {
        self.held_back.take_if(|held_back| *held_back == index);
        let watches = self.watcher == Some(index);
        let worker = &mut self.workers[index];
        worker.blocked_at = None;
        worker.state = if watches { WorkerState::Watching } else { WorkerState::Searching };
        if watches { NextStep::Watch } else { NextStep::Search }
    }

    /// A sleeping thread gets up by itself and is on its way.
    pub(super) fn unpark(&mut self, index: usize) {
        self.workers[index].state = WorkerState::Searching;
        self.idle.retain(|&idle| idle != index);
    }

    pub(super) fn leave(&mut self, index: usize) -> NextStep {
        self.workers[index].state = WorkerState::Leaving;
        NextStep::Leave
    }

    /// A start has succeeded or failed: the last thread may decide again whether it leaves.
    pub(super) fn release_held_back(&mut self) {
        if let Some(index) = self.held_back.take() {
            self.workers[index].slot.wake();
        }
    }
}
