//! The schedule itself: which job is due when, and what is to be done about it. All under one lock, and without user code
//! but for the arithmetic of time zones; what a turn decides is done after it, in order.
//!
//! # Queues
//! A job that is active and has a slot ahead stands in exactly one of two ordered queues: by the runtime's clock, or by the
//! wall clock. `asked` holds the jobs with something to do at once: runs that were asked for, or slots that wait for an instance
//! to be over.

use super::cell::{JobStatus, Kept, Shown};
use super::entry::{Action, Dealer, Entry, Run, Slot};
use super::instances::Instances;
use super::timetable::{Moment, Nanos, Now};
use crate::sync::Arc;
use crate::task::TaskId;
use crate::util::catch::catch;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Jobs that one turn looks at before the reactor looks after its other work.
const JOBS_PER_TURN: usize = 64;

/// The longest wait for a reading of the wall clock before looking at it again, in nanoseconds: one minute.
const LONGEST_WAIT: Nanos = 60 * 1_000_000_000;

/// What the driver does after a turn.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// More is due.
    None,
    /// Until this moment of the runtime's clock, or a notice.
    Until(Nanos),
    /// Until a notice.
    Unlimited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    ShutDown,
    /// The driver is gone with its runtime.
    RuntimeGone,
}

pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) jobs: BTreeMap<u64, Entry>,
    pub(super) ids: HashMap<Arc<str>, u64>,
    /// Every run whose task is not over, or whose closure still runs.
    pub(super) runs: BTreeMap<u64, Run>,
    steady: BTreeSet<(Nanos, u64)>,
    wall: BTreeSet<(Nanos, u64)>,
    asked: VecDeque<u64>,
    keys: u64,
    run_numbers: u64,
    generated: u64,
    /// What the wall clock showed at the last turn.
    wall_seen: Nanos,
}

impl State {
    pub(super) fn new(wall: Nanos) -> Self {
        Self {
            phase: Phase::Open,
            jobs: BTreeMap::new(),
            ids: HashMap::new(),
            runs: BTreeMap::new(),
            steady: BTreeSet::new(),
            wall: BTreeSet::new(),
            asked: VecDeque::new(),
            keys: 0,
            run_numbers: 0,
            generated: 0,
            wall_seen: wall,
        }
    }

    pub(super) fn next_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }

    pub(super) fn generate_id(&mut self) -> Arc<str> {
        loop {
            self.generated += 1;
            let id: Arc<str> = format!("job-{}", self.generated).into();
            if !self.ids.contains_key(&id) {
                return id;
            }
        }
    }

    /// Takes in a job whose id is free.
    pub(super) fn insert(&mut self, entry: Entry, now: Now) {
        let key = entry.cell.key;
        self.ids.insert(Arc::clone(&entry.cell.id), key);
        self.jobs.insert(key, entry);
        self.plan(key, now);
    }

    /// The task of a run that was kept, if it is over and newer runs have replaced it.
    pub(super) fn replaced(&self, shown: &Shown, old: &Kept) -> Option<TaskId> {
        let wanted = shown.shows(old.run) || self.runs.contains_key(&old.run);
        (!wanted).then(|| old.id())
    }

    /// Takes a job out of everything. Its runs go on.
    pub(super) fn take(&mut self, key: u64, status: JobStatus) -> Option<Entry> {
        self.unqueue(key);
        let entry = self.jobs.remove(&key)?;
        self.ids.remove(&entry.cell.id);
        let mut shown = entry.cell.shown.lock();
        (shown.status, shown.next, shown.counts.queued) = (status, None, 0);
        drop(shown);
        Some(entry)
    }

    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        let keys: Vec<_> = self.jobs.keys().copied().collect();
        keys.into_iter().filter_map(|key| self.take(key, JobStatus::Stopped)).collect()
    }

    /// False if it is not there.
    pub(super) fn ask(&mut self, key: u64) -> bool {
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        entry.asked += 1;
        self.asked.push_back(key);
        true
    }

    /// False if it is not there, or paused already.
    pub(super) fn pause(&mut self, key: u64) -> bool {
        self.unqueue(key);
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        let changed = !std::mem::replace(&mut entry.paused, true);
        entry.show();
        changed
    }

    /// False if it is not there, or not paused. Slots of the pause are neither run nor counted.
    #[must_use]
    pub(super) fn resume(&mut self, key: u64, now: Now, actions: &mut Vec<Action>) -> bool {
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        if !std::mem::replace(&mut entry.paused, false) {
            return false;
        }
        if catch(|| entry.table.skip(now)).is_err() {
            actions.extend(self.take(key, JobStatus::Stopped).map(Action::drop));
            return false;
        }
        self.asked.push_back(key);
        self.plan(key, now);
        self.retire(key, actions);
        true
    }

    /// An instance of a job changed. True if the driver is to look at the job.
    pub(super) fn update(&mut self, key: u64, change: impl FnOnce(&mut Instances<Slot>)) -> bool {
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        change(&mut entry.instances);
        let wanted = entry.instances.waiting() > 0;
        if wanted {
            self.asked.push_back(key);
        }
        wanted
    }

    /// Forgets a run if it was submitted, is over, and its body is gone. Returns what is to be dropped after the lock.
    #[must_use]
    pub(super) fn forget(&mut self, run: u64) -> Option<Run> {
        let known = self.runs.get(&run)?;
        let done = known.task.is_some() && known.over && !known.left_running;
        if done { self.runs.remove(&run) } else { None }
    }

    /// Decides what is to be done now, for a part of the jobs at most.
    pub(super) fn turn(&mut self, now: Now, wall_runs: bool, actions: &mut Vec<Action>) -> Rest {
        if now.wall < self.wall_seen {
            self.look_again(now);
        }
        self.wall_seen = now.wall;
        for _ in 0..JOBS_PER_TURN {
            let Some(key) = self.pop_due(now) else { return self.rest(now, wall_runs) };
            // The zones of the jobs are foreign code: one that panics costs its own job, which is over.
            if catch(|| self.handle(key, now, actions)).is_err() {
                actions.extend(self.take(key, JobStatus::Stopped).map(Action::drop));
            }
        }
        Rest::None
    }

    fn pop_due(&mut self, now: Now) -> Option<u64> {
        if let Some(key) = self.asked.pop_front() {
            return Some(key);
        }
        let due = |queue: &BTreeSet<(Nanos, u64)>, now| queue.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key);
        due(&self.steady, now.steady).or_else(|| due(&self.wall, now.wall))
    }

    fn rest(&self, now: Now, wall_runs: bool) -> Rest {
        let steady = self.steady.first().map(|(at, _)| *at);
        let wall = self.wall.first().filter(|_| wall_runs);
        let wall = wall.map(|(at, _)| now.steady.saturating_add((at - now.wall).min(LONGEST_WAIT)));
        match (steady, wall) {
            (Some(one), Some(other)) => Rest::Until(one.min(other)),
            (Some(one), None) | (None, Some(one)) => Rest::Until(one),
            (None, None) => Rest::Unlimited,
        }
    }

    /// The wall clock went back: every job that waits for it asks its calendar again.
    fn look_again(&mut self, now: Now) {
        let keys: Vec<_> = self.wall.iter().map(|(_, key)| *key).collect();
        for key in keys {
            if let Some(entry) = self.jobs.get_mut(&key)
                && catch(|| entry.table.look_again(now)).is_ok()
            {
                self.plan(key, now);
            }
        }
    }

    /// Looks at one job: its slots that are due, the runs that were asked for, the slots that wait for a place.
    fn handle(&mut self, key: u64, now: Now, actions: &mut Vec<Action>) {
        self.unqueue(key);
        let Self { jobs, runs, run_numbers, .. } = self;
        let Some(entry) = jobs.get_mut(&key) else { return };
        let mut dealer = Dealer { runs, run_numbers, actions, now };
        if !entry.paused {
            while !entry.is_used_up()
                && let Some(slot) = entry.instances.next()
            {
                dealer.begin(entry, slot);
            }
            if entry.due().is_some_and(|due| due.age(now) >= 0) {
                dealer.deal(entry);
            }
        }
        for _ in 0..std::mem::take(&mut entry.asked) {
            dealer.run_or_overlap(entry, Slot { at: Moment::Steady(now.steady), slots: 1 });
        }
        self.plan(key, now);
        self.retire(key, actions);
    }

    /// Finds the job's next slot and its place in the queues.
    fn plan(&mut self, key: u64, now: Now) {
        self.unqueue(key);
        let Some(entry) = self.jobs.get_mut(&key) else { return };
        let slot = if entry.is_used_up() { None } else { entry.table.next(now) };
        if slot != entry.slot {
            let jitter = entry.settings.jitter;
            entry.delay = if jitter > 0 { entry.rng.u128(0..=jitter.unsigned_abs()).cast_signed() } else { 0 };
            entry.slot = slot;
        }
        entry.show();
        if !entry.paused {
            match entry.due() {
                Some(Moment::Steady(at)) => drop(self.steady.insert((at, key))),
                Some(Moment::Wall(at)) => drop(self.wall.insert((at, key))),
                None => {}
            }
        }
    }

    fn unqueue(&mut self, key: u64) {
        match self.jobs.get(&key).and_then(|entry| entry.due()) {
            Some(Moment::Steady(at)) => drop(self.steady.remove(&(at, key))),
            Some(Moment::Wall(at)) => drop(self.wall.remove(&(at, key))),
            None => {}
        }
    }

    /// Takes a job out that has nothing ahead.
    fn retire(&mut self, key: u64, actions: &mut Vec<Action>) {
        let Some(entry) = self.jobs.get(&key) else { return };
        let nothing = entry.slot.is_none() && entry.instances.waiting() == 0 && entry.asked == 0;
        if entry.is_used_up() || (nothing && !entry.paused) {
            actions.extend(self.take(key, JobStatus::Finished).map(Action::drop));
        }
    }
}
