//! The instances of one job: which slot runs or waits, by its [`Overlap`] policy.
//!
//! An instance holds a slot of the job's [`Limiter`] from the decision to run it until it is really over: its future is dropped, its
//! closure has returned. Where `wait_for_closures` is off, until its task has ended.
//!
//! With [`Overlap::CancelPrevious`] the newest slots win: of the instances that are not cancelled and the slots that wait for the
//! closures of cancelled ones there are never more than the limit. A slot that waits makes way for a newer one as a run does.
//!
//! Plain data under the scheduler's lock; it starts and cancels nothing itself.

use super::rules::{Overlap, Rules};
use crate::manage::limiter::{Holder, Limiter};
use crate::task::Priority;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// The instances of one job, and the slots `T` that wait for room.
pub(super) struct Instances<T> {
    overlap: Overlap,
    queue_limit: usize,
    wait_for_closures: bool,
    limiter: Limiter<T>,
    /// The runs that hold a slot, oldest first.
    holders: BTreeMap<u64, Instance>,
}

struct Instance {
    holder: Holder,
    /// Cancelled for a newer one.
    displaced: bool,
}

/// The decision about a due slot. If the slot is in none of the fields, it waits.
#[derive(Debug)]
#[must_use]
pub(super) struct Decision<T> {
    /// The slot runs now: [`begin`](Instances::begin) follows.
    pub(super) run: Option<T>,
    /// Runs that are to be cancelled for it, oldest first.
    pub(super) cancel: Vec<u64>,
    /// Slots without room: this one, or older ones that waited.
    pub(super) overlapped: Vec<T>,
}

impl<T> Instances<T> {
    /// `limit`: `None` is unlimited.
    pub(super) fn new(rules: &Rules, limit: Option<NonZeroUsize>) -> Self {
        let Rules { overlap, queue_limit, wait_for_closures, .. } = *rules;
        Self { overlap, queue_limit, wait_for_closures, limiter: Limiter::new(limit), holders: BTreeMap::new() }
    }

    /// A slot is due. `catches_up`: it follows a late one of the same job, for which it waits under [`Overlap::Skip`].
    pub(super) fn due(&mut self, slot: T, catches_up: bool) -> Decision<T> {
        let mut decision = Decision { run: None, cancel: Vec::new(), overlapped: Vec::new() };
        if self.overlap == Overlap::CancelPrevious {
            self.displace(&mut decision);
        }
        let most = match self.overlap {
            Overlap::Queue => self.queue_limit,
            Overlap::Skip if catches_up => self.queue_limit,
            Overlap::CancelPrevious => usize::MAX,
            Overlap::Skip | Overlap::Allow => 0,
        };
        // Behind those that wait already.
        if self.limiter.waiting() == 0 && self.limiter.acquire() {
            decision.run = Some(slot);
        } else if let Ok(permit) = self.limiter.permit(Some(most)) {
            self.limiter.push(permit, slot, Priority::default());
        } else {
            decision.overlapped.push(slot);
        }
        decision
    }

    /// Makes room for one more by giving up the oldest: runs first, which are older than slots that wait.
    fn displace(&mut self, decision: &mut Decision<T>) {
        let limit = self.limiter.limit().map_or(usize::MAX, NonZeroUsize::get);
        let live: Vec<u64> = self.live().collect();
        let excess = (live.len() + self.limiter.waiting() + 1).saturating_sub(limit);
        decision.cancel.extend(live.iter().take(excess));
        for run in &decision.cancel {
            if !self.wait_for_closures {
                self.release(*run);
            } else if let Some(instance) = self.holders.get_mut(run) {
                instance.displaced = true;
            }
        }
        let given_up = excess - decision.cancel.len();
        decision.overlapped.extend((0..given_up).map_while(|_| self.limiter.pop()));
    }

    /// The unfinished runs that are not displaced, oldest first.
    fn live(&self) -> impl Iterator<Item = u64> {
        let live = |instance: &Instance| instance.holder == Holder::Running && !instance.displaced;
        self.holders.iter().filter(move |(_, instance)| live(instance)).map(|(run, _)| *run)
    }

    /// The oldest slot that waits, if it may run now: [`begin`](Self::begin) follows.
    pub(super) fn next(&mut self) -> Option<T> {
        self.limiter.start()
    }

    /// A run takes the slot of the limiter that it was given.
    pub(super) fn begin(&mut self, run: u64) {
        self.holders.insert(run, Instance { holder: Holder::Running, displaced: false });
    }

    /// The task of a run has finished; `left_running`: its closure still runs.
    pub(super) fn ended(&mut self, run: u64, left_running: bool) {
        if left_running && self.wait_for_closures {
            if let Some(instance) = self.holders.get_mut(&run) {
                instance.holder = Holder::LeftRunning;
                self.limiter.end();
            }
        } else {
            self.release(run);
        }
    }

    /// The closure of a run that was left running has returned.
    pub(super) fn closed(&mut self, run: u64) {
        self.release(run);
    }

    fn release(&mut self, run: u64) {
        if let Some(instance) = self.holders.remove(&run) {
            self.limiter.release(instance.holder);
        }
    }

    /// Removes every slot that waits.
    pub(super) fn give_up(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.limiter.pop()).collect()
    }

    /// Number of slots that wait.
    pub(super) fn waiting(&self) -> usize {
        self.limiter.waiting()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
