//! The schedule itself: which job is due when, and what is to be done about it. All under one lock, and without user code:
//! a [`Search`] of a calendar takes the job's timetable out, and what a step decides is done after it, in order.
//!
//! # Queues
//! A job that is active and has a slot ahead stands in exactly one of two ordered queues: by the runtime's clock, or by the
//! wall clock. `asked` holds the jobs with something to do at once: runs that were asked for, or slots that wait for an instance
//! to be over.

use super::cell::{JobStatus, Kept, Shown};
use super::entry::{Action, Dealer, Entry, Run, Search, Slot};
use super::instances::Instances;
use super::timetable::{Batch, Moment, Nanos, Now, Timetable};
use crate::sync::Arc;
use crate::task::TaskId;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

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

/// One step of a turn.
#[must_use]
pub(super) enum Step {
    /// A job is to search its calendar, without the lock.
    Search(Search),
    /// A job was dealt with.
    Done,
    /// Nothing is due.
    Rest(Rest),
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

    /// Ends a pause: false if the job is not there, or not paused. Slots of the pause are neither run nor counted, once the
    /// search has been run; a search that is on already leaves this to the driver.
    pub(super) fn resume(&mut self, key: u64, now: Now) -> (bool, Option<Search>) {
        let Some(entry) = self.jobs.get_mut(&key) else { return (false, None) };
        if !std::mem::replace(&mut entry.paused, false) {
            return (false, None);
        }
        // For the slots that wait.
        self.asked.push_back(key);
        entry.want_skip();
        (true, entry.start_search(now))
    }

    /// Puts a timetable back after its search, with what it found. Returns it if the job was removed meanwhile: to be dropped
    /// without the lock.
    #[must_use]
    pub(super) fn end_search(
        &mut self,
        key: u64,
        table: Box<dyn Timetable>,
        batch: Option<Batch>,
        now: Now,
        actions: &mut Vec<Action>,
    ) -> Option<Box<dyn Timetable>> {
        let Self { jobs, runs, run_numbers, .. } = self;
        let Some(entry) = jobs.get_mut(&key) else { return Some(table) };
        entry.end_search(table);
        if let Some(batch) = batch
            && !entry.voids_slots()
        {
            Dealer { runs, run_numbers, actions, now }.deal(entry, batch);
        }
        // Left to the driver: this may be a call of the host, which begins no run.
        if entry.has_requests() {
            self.asked.push_back(key);
        }
        self.plan(key, now);
        self.retire(key, actions);
        None
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

    /// Notes that the wall clock went back: every job that goes by it asks its calendar again.
    pub(super) fn see_wall(&mut self, now: Now) {
        if std::mem::replace(&mut self.wall_seen, now.wall) <= now.wall {
            return;
        }
        let Self { jobs, asked, .. } = self;
        for (key, entry) in jobs {
            if entry.is_searching() || matches!(entry.slot, Some(Moment::Wall(_))) {
                entry.want_look();
                asked.push_back(*key);
            }
        }
    }

    /// Decides what is to be done now, for one job at most.
    pub(super) fn step(&mut self, now: Now, wall_runs: bool, actions: &mut Vec<Action>) -> Step {
        let Some(key) = self.pop_due(now) else { return Step::Rest(self.rest(now, wall_runs)) };
        self.unqueue(key);
        let Self { jobs, runs, run_numbers, .. } = self;
        let Some(entry) = jobs.get_mut(&key) else { return Step::Done };
        let mut dealer = Dealer { runs, run_numbers, actions, now };
        // First the slots that wait for a place, then those that are due, then the runs that were asked for.
        while !entry.paused
            && !entry.is_used_up()
            && let Some(slot) = entry.instances.next()
        {
            dealer.begin(entry, slot);
        }
        if let Some(search) = entry.start_search(now) {
            return Step::Search(search);
        }
        for _ in 0..std::mem::take(&mut entry.asked) {
            dealer.run_or_overlap(entry, Slot { at: Moment::Steady(now.steady), slots: 1 });
        }
        self.plan(key, now);
        self.retire(key, actions);
        Step::Done
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

    /// Finds the job's next slot and its place in the queues.
    fn plan(&mut self, key: u64, now: Now) {
        self.unqueue(key);
        let Some(entry) = self.jobs.get_mut(&key) else { return };
        let slot = entry.next_slot(now);
        if slot != entry.slot {
            let jitter = entry.settings.jitter;
            entry.delay = if jitter > 0 { entry.rng.u128(0..=jitter.unsigned_abs()).cast_signed() } else { 0 };
            entry.slot = slot;
        }
        entry.show();
        if !entry.paused && !entry.is_searching() {
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
