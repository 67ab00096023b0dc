//! The instances of one job: which slot runs, waits or is given up, by the job's [`Overlap`] policy.
//!
//! An instance holds a slot of the job's [`Limiter`] from the decision to run it until it is really over: its future is dropped, its
//! closure has returned. Where [`wait_for_closures`](super::JobBuilder::wait_for_closures) is off, until its task has ended.
//!
//! With [`Overlap::CancelPrevious`] the newest slots win: of the instances that are not cancelled and the slots that wait for the
//! closures of cancelled ones there are never more than the limit. A slot that waits makes way for a newer one as a run does.
//!
//! Plain data under the scheduler's lock; it starts and cancels nothing itself.

use super::settings::Overlap;
use super::timetable::CATCH_UP_LIMIT;
use crate::manage::limiter::{Holder, Limiter};
use crate::task::Priority;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// The instances of one job, and the slots of type `T` that wait for one of them to be over.
pub(super) struct Instances<T> {
    overlap: Overlap,
    wait_for_closures: bool,
    limiter: Limiter<T>,
    /// The runs that hold a slot, oldest first.
    holders: BTreeMap<u64, Instance>,
}

struct Instance {
    holder: Holder,
    /// It was cancelled for a newer one.
    displaced: bool,
}

/// What becomes of a slot that is due. If it neither runs nor is given up, it waits.
#[derive(Debug)]
#[must_use]
pub(super) struct Decision<T> {
    /// The slot runs now: [`begin`](Instances::begin) follows.
    pub(super) run: Option<T>,
    /// Runs that are to be cancelled for it, oldest first.
    pub(super) cancel: Vec<u64>,
    /// Slots that are given up: this one, or older ones that waited.
    pub(super) overlapped: Vec<T>,
}

impl<T> Instances<T> {
    /// `limit`: `None` is unlimited.
    pub(super) fn new(overlap: Overlap, limit: Option<NonZeroUsize>, wait_for_closures: bool) -> Self {
        Self { overlap, wait_for_closures, limiter: Limiter::new(limit), holders: BTreeMap::new() }
    }

    /// A slot is due.
    pub(super) fn due(&mut self, slot: T) -> Decision<T> {
        let mut decision = Decision { run: None, cancel: Vec::new(), overlapped: Vec::new() };
        if self.overlap == Overlap::CancelPrevious {
            self.displace(&mut decision);
        }
        let most = match self.overlap {
            Overlap::Queue => CATCH_UP_LIMIT,
            Overlap::CancelPrevious => usize::MAX,
            Overlap::Skip | Overlap::Allow => 0,
        };
        if self.limiter.acquire() {
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

    /// The runs that are not over and not displaced, oldest first.
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

    /// The task of a run is over; `left_running`: its closure still runs.
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

    /// Number of slots that wait.
    pub(super) fn waiting(&self) -> usize {
        self.limiter.waiting()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Due,
        /// A future, or a closure that returns: its task ends as its body does.
        Finish(usize),
        /// The task of a closure ends, by a cancellation or its time limit.
        End(usize),
        /// A closure returns after its task ended.
        Return(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Due),
            2 => any::<usize>().prop_map(Step::Finish),
            2 => any::<usize>().prop_map(Step::End),
            2 => any::<usize>().prop_map(Step::Return),
        ]
    }

    fn policy() -> impl Strategy<Value = Overlap> {
        prop_oneof![Just(Overlap::Skip), Just(Overlap::Queue), Just(Overlap::Allow), Just(Overlap::CancelPrevious)]
    }

    proptest! {
        #[test]
        fn never_more_bodies_than_instances_and_every_slot_is_accounted_for(
            overlap in policy(),
            limit in 1_usize..4,
            wait_for_closures: bool,
            steps in proptest::collection::vec(step(), 0..200),
        ) {
            let mut instances = Instances::new(overlap, NonZeroUsize::new(limit), wait_for_closures);
            // Runs whose tasks are not over, and runs that are left running.
            let (mut running, mut left) = (Vec::<u64>::new(), Vec::<u64>::new());
            let (mut due, mut ran, mut overlapped, mut runs) = (0_u64, 0, 0, 0_u64);
            let mut newest = None;
            for step in steps {
                let choose = |list: &[u64], choice: usize| choice.checked_rem(list.len());
                let mut started = Vec::new();
                match step {
                    Step::Due => {
                        due += 1;
                        let decision = instances.due(due);
                        overlapped += decision.overlapped.len();
                        if overlap == Overlap::CancelPrevious {
                            prop_assert!(!decision.overlapped.contains(&due), "the newest wins");
                        } else {
                            prop_assert!(decision.cancel.is_empty());
                        }
                        started.extend(decision.run);
                        for run in decision.cancel {
                            // Its closure ignores that it was cancelled.
                            running.retain(|other| *other != run);
                            instances.ended(run, true);
                            left.push(run);
                        }
                    }
                    Step::Finish(choice) => {
                        if let Some(at) = choose(&running, choice) {
                            instances.ended(running.remove(at), false);
                        }
                    }
                    Step::End(choice) => {
                        if let Some(at) = choose(&running, choice) {
                            let run = running.remove(at);
                            instances.ended(run, true);
                            left.push(run);
                        }
                    }
                    Step::Return(choice) => {
                        if let Some(at) = choose(&left, choice) {
                            instances.closed(left.remove(at));
                        }
                    }
                }
                started.extend(std::iter::from_fn(|| instances.next()));
                for slot in started {
                    prop_assert!(newest < Some(slot), "in the order of the slots");
                    newest = Some(slot);
                    runs += 1;
                    instances.begin(runs);
                    running.push(runs);
                    ran += 1;
                }
                let counted = running.len() + if wait_for_closures { left.len() } else { 0 };
                prop_assert!(counted <= limit);
                if overlap == Overlap::CancelPrevious {
                    prop_assert!(running.len() + instances.waiting() <= limit);
                }
                prop_assert_eq!(due as usize, ran + overlapped + instances.waiting());
            }
            // Every closure returns, and whatever waits runs.
            loop {
                running.drain(..).for_each(|run| instances.ended(run, false));
                left.drain(..).for_each(|run| instances.closed(run));
                let Some(_slot) = instances.next() else { break };
                runs += 1;
                instances.begin(runs);
                running.push(runs);
            }
            prop_assert_eq!(instances.waiting(), 0);
        }
    }
}
