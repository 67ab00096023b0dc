//! The watcher: finds out whether closures wait behind blocked threads, and adds threads.

use super::{Action, Inner, PoolState, WorkerSlot, WorkerState};
use crate::blocking::grow::{Look, Verdict, counts_as_blocked, is_overdue, judge, patience, reinforcement};
use crate::blocking::probe::Probe;
use crate::sync::Arc;

/// A thread that may be blocked: it has taken no closure for a `stall`.
pub(crate) struct Candidate {
    index: usize,
    taken: u64,
    /// Looks in vain before this one.
    fruitless: u32,
    slot: Arc<WorkerSlot>,
}

impl Candidate {
    /// True if the thread waits, as far as the system tells.
    pub(crate) fn is_blocked(&self) -> bool {
        let probe = *self.slot.probe.lock();
        counts_as_blocked(probe.and_then(Probe::computes), self.fruitless)
    }
}

/// What the watcher does next.
#[must_use]
pub(crate) enum Watch {
    /// Look again.
    GoOn,
    /// Find out which of these are blocked, and report them to [`PoolState::mark_blocked`].
    Stalled(Vec<Candidate>),
    /// There is nothing to watch: search; call [`PoolState::found`] when a closure is found.
    Search,
}

impl PoolState {
    /// The watcher waits for a while and looks.
    pub(crate) fn watch(&self, index: usize) -> Watch {
        let mut inner = self.inner.lock();
        if inner.watcher == Some(index) {
            let time = self.limits.stall.saturating_mul(patience(inner.fruitless));
            let slot = Arc::clone(&inner.workers[index].slot);
            slot.condvar.wait_for(&mut inner, time);
        }
        if inner.watcher == Some(index) {
            self.look(&mut inner)
        } else {
            // Relieved, because the pool was closed.
            Watch::Search
        }
    }

    fn look(&self, inner: &mut Inner) -> Watch {
        let snapshot = inner.snapshot();
        let now = Look { taken: snapshot.taken, admitted: self.admission.count() };
        let before = std::mem::replace(&mut inner.before, now);
        match judge(before, now, snapshot.searching) {
            Verdict::Moving => {
                inner.fruitless = 0;
                Watch::GoOn
            }
            Verdict::Quiet => {
                let _itself = inner.relieve_watcher();
                Watch::Search
            }
            Verdict::Stalled => Watch::Stalled(inner.candidates()),
        }
    }

    /// Marks as blocked the candidates that still run the same closure; returns how many
    /// [`spawn_extra`](Self::spawn_extra) should follow. If the first of them brings no thread,
    /// [`become_worker`](Self::become_worker).
    pub(crate) fn mark_blocked(&self, blocked: &[Candidate]) -> usize {
        let mut inner = self.inner.lock();
        let mut newly = 0;
        for &Candidate { index, taken, .. } in blocked {
            let worker = &mut inner.workers[index];
            if worker.state == WorkerState::Working && worker.slot.taken() == taken {
                worker.blocked_at = Some(taken);
                newly += 1;
            }
        }
        let now = inner.snapshot();
        if now.at_work < self.limits.core_threads {
            // There is room for the next closure, and it may come when the added threads have found theirs.
            self.admission.set_notify();
        }
        let pending = self.admission.count() - now.taken;
        let mut threads = reinforcement(self.limits.core_threads, now.at_work, newly, pending);
        if threads == 0 && pending > 0 && is_overdue(inner.fruitless) {
            threads = 1;
        }
        inner.fruitless = if threads == 0 { inner.fruitless + 1 } else { 0 };
        threads
    }

    /// Wakes or starts one more thread, after a stall.
    pub(crate) fn spawn_extra(&self) -> Action {
        self.wake_or_start(&mut self.inner.lock()).1
    }

    /// No other thread can be had: the watcher itself goes to work.
    pub(crate) fn become_worker(&self, index: usize) {
        let mut inner = self.inner.lock();
        if inner.watcher == Some(index) {
            let _itself = inner.relieve_watcher();
        }
    }
}

impl Inner {
    /// There is nothing to watch: the watcher is on its way to work. Returns whom to wake.
    pub(super) fn relieve_watcher(&mut self) -> Option<Arc<WorkerSlot>> {
        let worker = &mut self.workers[self.watcher.take()?];
        // One that has not begun to watch is on its way already.
        if worker.state == WorkerState::Watching {
            worker.state = WorkerState::Searching;
        }
        Some(Arc::clone(&worker.slot))
    }

    /// The working threads that are not marked as blocked yet.
    fn candidates(&self) -> Vec<Candidate> {
        let working = self.workers.iter().enumerate().filter(|(_, worker)| worker.state == WorkerState::Working);
        working
            .map(|(index, worker)| (worker.blocked_at, index, worker.slot.taken(), &worker.slot))
            .filter(|(blocked_at, _, taken, _)| *blocked_at != Some(*taken))
            .map(|(_, index, taken, slot)| Candidate {
                index,
                taken,
                fruitless: self.fruitless,
                slot: Arc::clone(slot),
            })
            .collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::blocking::state::{Limits, NextStep};
    use std::time::Duration;

    /// The index of the watcher, which is a thread beside the two that work.
    const WATCHER: usize = 2;

    /// A pool in which two threads hold a closure each, and ten more are pending. No thread has a probe, so the system tells
    /// nothing.
    fn stalled() -> (PoolState, Vec<Arc<WorkerSlot>>) {
        let stall = Duration::from_nanos(1);
        let state = PoolState::new(Limits { core_threads: 2, max_threads: 64, keep_alive: Duration::MAX, stall });
        let mut slots = Vec::new();
        let first = state.admit(|_, slot| {
            slots.push(slot);
            Ok::<_, ()>(())
        });
        assert!(first.is_ok());
        for index in 0..WATCHER {
            assert_eq!(state.worker_started(index), NextStep::Search);
            slots[index].count_taken();
            assert!(matches!(state.found(index), Action::Nothing));
            assert!(state.admit(|_, _| Err(())).is_ok_and(|admitted| admitted.notify));
            let Action::Start(_, slot) = state.notify_workers() else { panic!("one more is needed") };
            slots.push(slot);
        }
        assert_eq!(state.worker_started(WATCHER), NextStep::Watch);
        for _ in 0..9 {
            assert!(state.admit(|_, _| Err(())).is_ok());
        }
        (state, slots)
    }

    /// One look; returns how many threads it adds.
    fn look(state: &PoolState) -> usize {
        match state.watch(WATCHER) {
            Watch::GoOn => 0,
            Watch::Search => panic!("closures are pending"),
            Watch::Stalled(mut candidates) => {
                candidates.retain(Candidate::is_blocked);
                state.mark_blocked(&candidates)
            }
        }
    }

    #[test]
    fn where_the_system_does_not_tell_a_short_stall_adds_no_thread() {
        let (state, slots) = stalled();
        assert_eq!((look(&state), look(&state), look(&state)), (0, 0, 0));
        slots[0].count_taken();
        assert_eq!((look(&state), look(&state), look(&state), look(&state)), (0, 0, 0, 0), "it begins afresh");
        assert_eq!(look(&state), 4, "twice as many as are blocked");
    }
}
