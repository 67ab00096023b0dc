//! The engine: all jobs of one driver, and the next action.
//!
//! # Queues
//! An active job with a slot ahead stands in exactly one of two ordered queues: by the runtime's clock, or by the wall clock. `listed`
//! holds the jobs with something to do at once: runs that were asked for, slots that wait for an instance to finish, requests to their
//! tables. After a step back, `recheck` passes over all jobs. These four take turns, one job each.

use super::counts::{JobStatus, Newest, Outcome, Shown, keep_newest};
use super::entry::{Entry, Search, Slot};
use super::rules::{ErrorPolicy, Overlap, Rules};
use super::steps::{Look, Steps};
use super::table::{Batch, Table};
use super::time::{Moment, Nanos, Now};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The driver's side of a job. A cheap handle.
pub(crate) trait Host: Clone {
    /// The handle of a run's task.
    type Run: Clone;

    /// The number of the job, never used again.
    fn key(&self) -> u64;

    /// The job has changed.
    fn show(&self, shown: &Shown);

    /// The newest runs of the job have changed.
    fn show_newest(&self, newest: &Newest<Self::Run>);
}

/// An action for the driver, to be done outside of its lock, in order.
pub(crate) enum Action<H: Host> {
    /// Submits a run; then the driver calls [`Engine::submitted`].
    Start { run: u64, host: H, slot: Slot },
    /// Cancels the task of a run.
    Cancel { run: u64 },
    /// Calls a hook.
    Notify { host: H, event: Event },
    /// Newer runs have replaced this one.
    Release { host: H, task: H::Run },
    /// A job that has ended: its user data is dropped.
    End { host: H, table: Option<Box<Table>> },
    /// Drops the entry of a finished job, with its newest tasks.
    Drop(Box<Entry<H>>),
    /// The table of a job that has left the engine.
    Stray(Box<Table>),
    /// Notifies the host: a job has finished or failed.
    Ended,
}

/// An event of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Missed(Slot),
    Overlapped(Slot),
}

/// The next step of the driver after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Until this moment of the runtime's clock, or a notice.
    Until(Nanos),
    /// Until a notice.
    Unlimited,
}

/// One step of a turn.
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is moved once; a box would cost an allocation for each slot")]
pub(crate) enum Step {
    /// A job is to search its calendar, without the lock; then call [`Engine::end_search`].
    Search(Search),
    /// A job was dealt with.
    Done,
    /// Nothing is due.
    Idle(NextStep),
}

/// An unfinished run, or a finished one whose closure still runs.
struct Run<R> {
    job: u64,
    slot: Slot,
    /// `None` until it is submitted.
    task: Option<R>,
    outcome: Option<Outcome>,
    /// Finished, and its closure still runs.
    left_running: bool,
    /// The engine has asked for its cancellation: that is no failure.
    dismissed: bool,
}

pub(crate) struct Engine<H: Host> {
    jobs: BTreeMap<u64, Entry<H>>,
    runs: BTreeMap<u64, Run<H::Run>>,
    runs_by_job: BTreeSet<(u64, u64)>,
    steady: BTreeSet<(Nanos, u64)>,
    wall: BTreeSet<(Nanos, u64)>,
    listed: VecDeque<u64>,
    /// The first job that is not passed over yet.
    recheck: Option<u64>,
    /// Jobs whose end is not final.
    lingering: BTreeSet<u64>,
    /// The queue that was asked last.
    turn: usize,
    steps: Steps,
    /// The longest wait for a reading of the wall clock, in nanoseconds.
    look: Nanos,
    /// The number of unfinished jobs.
    live: usize,
    run_numbers: u64,
}

impl<H: Host> Engine<H> {
    /// `runs`: the wall clock advances without being set; the driver reads it every `look` nanoseconds at least.
    pub(crate) fn new(now: Now, runs: bool, look: Nanos) -> Self {
        Self {
            jobs: BTreeMap::new(),
            runs: BTreeMap::new(),
            runs_by_job: BTreeSet::new(),
            steady: BTreeSet::new(),
            wall: BTreeSet::new(),
            listed: VecDeque::new(),
            recheck: None,
            lingering: BTreeSet::new(),
            turn: 0,
            steps: Steps::new(now, runs),
            look,
            live: 0,
            run_numbers: 0,
        }
    }

    // Calls of the host. Each is a few operations on maps.

    /// Takes in a job, active or idle.
    pub(crate) fn add(&mut self, host: H, rules: Rules, table: Box<Table>, active: bool, now: Now) {
        let key = host.key();
        let status = if active { JobStatus::Active } else { JobStatus::Idle };
        self.jobs.insert(key, Entry::new(host, rules, table, status));
        self.live += 1;
        self.plan(key, now);
        // A job without slots ends, unless it runs on request.
        if active && self.jobs.get(&key).is_some_and(|entry| entry.slot.is_none()) {
            self.list(key);
        }
    }

    /// The number of unfinished jobs.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    pub(crate) fn hosts(&self) -> impl Iterator<Item = &H> {
        self.jobs.values().filter(|entry| !entry.status.is_finished()).map(|entry| &entry.host)
    }

    /// Requests a run. Returns false if the job has ended or is idle.
    pub(crate) fn run_now(&mut self, key: u64) -> bool {
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        let runs = matches!(entry.status, JobStatus::Active | JobStatus::Paused);
        if runs {
            entry.asked += 1;
            self.list(key);
        }
        runs
    }

    /// Requests a run and begins it within this call.
    ///
    /// It waits if there is no room for it. Ends an idle state. Returns false if the job has ended.
    pub(crate) fn start_now(&mut self, key: u64, now: Now, actions: &mut Vec<Action<H>>) -> bool {
        let Some(entry) = self.jobs.get_mut(&key).filter(|entry| !entry.status.is_finished()) else { return false };
        entry.status = JobStatus::Active;
        self.dispatch_one(key, Slot { at: Moment::Steady(now.steady), slots: 1 }, false, now, actions);
        self.plan(key, now);
        true
    }

    /// False if the job is not active.
    pub(crate) fn pause(&mut self, key: u64) -> bool {
        self.unqueue(key);
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        let pauses = entry.is_active();
        if pauses {
            entry.status = JobStatus::Paused;
            entry.show();
        }
        pauses
    }

    /// Ends a pause: false if the job is not paused. Slots of the pause are neither run nor counted, once the search has been run; a
    /// search that is on already leaves this to the driver.
    pub(crate) fn resume(&mut self, key: u64, now: Now) -> (bool, Option<Search>) {
        let Some(entry) = self.jobs.get_mut(&key) else { return (false, None) };
        if entry.status != JobStatus::Paused {
            return (false, None);
        }
        entry.status = JobStatus::Active;
        entry.wanted.skip = true;
        let search = entry.start_search(now, &self.steps);
        // For the slots that wait, and for a search that is on.
        self.list(key);
        (true, search)
    }

    /// Restarts a job: cancels its runs, and drops the slots that wait.
    pub(crate) fn restart(&mut self, key: u64, actions: &mut Vec<Action<H>>) -> bool {
        self.halt(key, JobStatus::Active, actions);
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        entry.wanted.begin = true;
        entry.begun = 0;
        self.list(key);
        true
    }

    /// Cancels the runs of a job, which is idle then. Returns the number of runs.
    pub(crate) fn idle(&mut self, key: u64, actions: &mut Vec<Action<H>>) -> usize {
        self.halt(key, JobStatus::Idle, actions)
    }

    fn halt(&mut self, key: u64, status: JobStatus, actions: &mut Vec<Action<H>>) -> usize {
        self.unqueue(key);
        let Some(entry) = self.jobs.get_mut(&key) else { return 0 };
        let was_over = entry.status.is_finished();
        (entry.status, entry.asked, entry.slot) = (status, 0, None);
        entry.counts.overlapped += entry.instances.give_up().len() as u64;
        entry.show();
        self.live += usize::from(was_over);
        self.lingering.remove(&key);
        self.dismiss(key, actions)
    }

    /// Cancels the active runs of a job. Returns the number of runs.
    pub(crate) fn dismiss(&mut self, key: u64, actions: &mut Vec<Action<H>>) -> usize {
        let before = actions.len();
        for (_, run) in self.runs_by_job.range((key, 0)..=(key, u64::MAX)) {
            if let Some(known) = self.runs.get_mut(run).filter(|known| known.outcome.is_none() && !known.dismissed) {
                known.dismissed = true;
                actions.push(Action::Cancel { run: *run });
            }
        }
        actions.len() - before
    }

    /// True if a run was cancelled before its task was made.
    pub(crate) fn is_dismissed(&self, run: u64) -> bool {
        self.runs.get(&run).is_some_and(|known| known.dismissed)
    }

    /// Ends a job; its runs continue. Returns false if it has ended already.
    pub(crate) fn end(&mut self, key: u64, status: JobStatus, actions: &mut Vec<Action<H>>) -> bool {
        self.unqueue(key);
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        if entry.status.is_finished() && !(entry.rules.restarts && status != entry.status) {
            return false;
        }
        self.live -= usize::from(!entry.status.is_finished());
        (entry.status, entry.slot, entry.asked) = (status, None, 0);
        entry.counts.overlapped += entry.instances.give_up().len() as u64;
        entry.show();
        self.lingering.remove(&key);
        let by_itself = matches!(status, JobStatus::Finished | JobStatus::Failed);
        let stays = entry.rules.restarts && by_itself;
        if by_itself {
            actions.push(Action::Ended);
        }
        if !stays {
            entry.rules.restarts = false;
            actions.push(Action::End { host: entry.host.clone(), table: entry.table.take() });
            self.bury(key, actions);
        }
        true
    }

    /// Ends all jobs. Returns how many there were, and how many slots waited.
    pub(crate) fn end_all(&mut self, actions: &mut Vec<Action<H>>) -> (usize, usize) {
        let jobs = self.live;
        let queued = self.jobs.values().map(|entry| entry.instances.waiting()).sum();
        let keys: Vec<_> = self.jobs.keys().copied().collect();
        for key in keys {
            self.end(key, JobStatus::Stopped, actions);
        }
        (jobs, queued)
    }

    /// Drops the entry of an ended job without runs.
    fn bury(&mut self, key: u64, actions: &mut Vec<Action<H>>) {
        let over = self.jobs.get(&key).is_some_and(|entry| entry.status.is_finished() && !entry.rules.restarts);
        if over && self.runs_by_job.range((key, 0)..=(key, u64::MAX)).next().is_none() {
            actions.extend(self.jobs.remove(&key).map(|entry| Action::Drop(Box::new(entry))));
        }
    }

    // What becomes of runs.

    /// A run was submitted. Returns true if it is the newest.
    pub(crate) fn submitted(&mut self, run: u64, task: H::Run, actions: &mut Vec<Action<H>>) -> bool {
        let Some(known) = self.runs.get_mut(&run) else { return false };
        known.task = Some(task.clone());
        let (job, outcome) = (known.job, known.outcome);
        let Some(entry) = self.jobs.get_mut(&job) else { return false };
        entry.counts.runs += 1;
        let old = keep_newest(&mut entry.newest.latest, run, task.clone());
        let newest = old.as_ref().is_none_or(|(old, _)| *old != run);
        entry.host.show_newest(&entry.newest);
        entry.show();
        self.release(job, old, actions);
        if let Some(outcome) = outcome {
            self.keep_finished(job, run, task, outcome, actions);
        }
        self.forget(run, actions);
        newest
    }

    /// Takes back a run that was not submitted. Its slot counts as overlapped.
    pub(crate) fn abandon(&mut self, run: u64, actions: &mut Vec<Action<H>>) {
        let Some(known) = self.runs.remove(&run) else { return };
        self.runs_by_job.remove(&(known.job, run));
        if let Some(entry) = self.jobs.get_mut(&known.job) {
            entry.counts.running -= 1;
            entry.counts.overlapped += 1;
            entry.instances.ended(run, false);
            entry.show();
        }
        self.bury(known.job, actions);
    }

    /// The task of a run has finished; `left_running`: its closure still runs. Returns true if a slot waits.
    pub(crate) fn over(
        &mut self,
        run: u64,
        outcome: Outcome,
        left_running: bool,
        actions: &mut Vec<Action<H>>,
    ) -> bool {
        let Some(known) = self.runs.get_mut(&run) else { return false };
        (known.outcome, known.left_running) = (Some(outcome), left_running);
        let (job, task, dismissed) = (known.job, known.task.clone(), known.dismissed);
        let Some(entry) = self.jobs.get_mut(&job) else { return false };
        entry.counts.running -= 1;
        entry.counts.left_running += usize::from(left_running);
        entry.counts.failed += u64::from(outcome == Outcome::Failed);
        entry.instances.ended(run, left_running);
        let wanted = entry.instances.waiting() > 0;
        let fails = outcome != Outcome::Done && !dismissed && entry.rules.on_error == ErrorPolicy::Stop;
        entry.show();
        if let Some(task) = task {
            self.keep_finished(job, run, task, outcome, actions);
        }
        if fails {
            self.end(job, JobStatus::Failed, actions);
        } else if wanted {
            self.list(job);
        }
        self.forget(run, actions);
        wanted
    }

    /// The closure of a finished run has returned. Returns true if a slot waits.
    pub(crate) fn closed(&mut self, run: u64, actions: &mut Vec<Action<H>>) -> bool {
        let Some(known) = self.runs.get_mut(&run).filter(|known| known.left_running) else { return false };
        known.left_running = false;
        let job = known.job;
        let Some(entry) = self.jobs.get_mut(&job) else { return false };
        entry.counts.left_running -= 1;
        entry.instances.closed(run);
        let wanted = entry.instances.waiting() > 0;
        entry.show();
        if wanted {
            self.list(job);
        }
        self.forget(run, actions);
        wanted
    }

    /// The slot of a run that is not forgotten.
    pub(crate) fn slot_of(&self, run: u64) -> Option<Slot> {
        self.runs.get(&run).map(|known| known.slot)
    }

    fn keep_finished(&mut self, job: u64, run: u64, task: H::Run, outcome: Outcome, actions: &mut Vec<Action<H>>) {
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        let mut old = vec![keep_newest(&mut entry.newest.finished, run, task.clone())];
        if outcome == Outcome::Done {
            old.push(keep_newest(&mut entry.newest.done, run, task));
        }
        entry.host.show_newest(&entry.newest);
        old.into_iter().for_each(|old| self.release(job, old, actions));
    }

    /// Releases a replaced run, unless it is unfinished or still shown.
    fn release(&mut self, job: u64, old: Option<(u64, H::Run)>, actions: &mut Vec<Action<H>>) {
        let (Some((run, task)), Some(entry)) = (old, self.jobs.get(&job)) else { return };
        if !entry.newest.holds(run) && !self.runs.contains_key(&run) {
            actions.push(Action::Release { host: entry.host.clone(), task });
        }
    }

    /// Forgets a run that was submitted and finished, body included.
    fn forget(&mut self, run: u64, actions: &mut Vec<Action<H>>) {
        let Some(known) = self.runs.get(&run) else { return };
        if known.task.is_none() || known.outcome.is_none() || known.left_running {
            return;
        }
        let Some(known) = self.runs.remove(&run) else { return };
        self.runs_by_job.remove(&(known.job, run));
        self.release(known.job, known.task.map(|task| (run, task)), actions);
        self.bury(known.job, actions);
    }

    /// The number of unfinished runs, and of closures left running.
    pub(crate) fn active(&self) -> (usize, usize) {
        let left_running = self.runs.values().filter(|run| run.left_running).count();
        (self.runs.values().filter(|run| run.outcome.is_none()).count(), left_running)
    }

    // Calls of the driver.

    /// Sets the longest wait for a reading of the wall clock, in nanoseconds.
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "for reactors that notify of steps"))]
    pub(crate) fn set_look(&mut self, look: Nanos) {
        self.look = look;
    }

    /// True if a job waits for the wall clock.
    #[cfg_attr(not(feature = "cron"), allow(dead_code, reason = "for calendars"))]
    pub(crate) fn waits_for_wall(&self) -> bool {
        !self.wall.is_empty() || !self.lingering.is_empty()
    }

    /// Compares the clocks. Before the steps of a turn.
    pub(crate) fn look(&mut self, now: Now) {
        if self.steps.look(now) == Look::Back {
            self.recheck = Some(0);
        }
    }

    /// The machine's time zone has changed: all calendars are asked again.
    #[cfg_attr(not(feature = "cron"), allow(dead_code, reason = "for calendars"))]
    pub(crate) fn zone_changed(&mut self) {
        self.recheck = Some(0);
    }

    /// Performs one step, for one job at most.
    pub(crate) fn step(&mut self, now: Now, actions: &mut Vec<Action<H>>) -> Step {
        let Some(key) = self.pop_due(now) else { return Step::Idle(self.next_step(now)) };
        self.unqueue(key);
        // First the slots that wait for a place, then those that are due, then the runs that were asked for.
        while let Some(entry) = self.jobs.get_mut(&key).filter(|entry| entry.is_active() && !entry.is_used_up()) {
            let Some(slot) = entry.instances.next() else { break };
            self.begin(key, slot, now, actions);
        }
        let Some(entry) = self.jobs.get_mut(&key) else { return Step::Done };
        if let Some(search) = entry.start_search(now, &self.steps) {
            return Step::Search(search);
        }
        for _ in 0..std::mem::take(&mut entry.asked) {
            self.dispatch_one(key, Slot { at: Moment::Steady(now.steady), slots: 1 }, false, now, actions);
        }
        self.plan(key, now);
        self.retire(key, now, actions);
        Step::Done
    }

    /// Puts a table back after its search, with what it found.
    pub(crate) fn end_search(&mut self, search: Search, batch: Option<Batch>, actions: &mut Vec<Action<H>>) {
        let Search { key, table, now, .. } = search;
        let Some(entry) = self.jobs.get_mut(&key).filter(|entry| !entry.status.is_finished() || entry.rules.restarts)
        else {
            if let Some(entry) = self.jobs.get(&key) {
                actions.push(Action::End { host: entry.host.clone(), table: Some(table) });
            } else {
                actions.push(Action::Stray(table));
            }
            return;
        };
        let fails = table.failure().is_some();
        entry.table = Some(table);
        if let Some(batch) = batch
            && !entry.voids_slots()
        {
            self.dispatch(key, batch, now, actions);
        }
        // Left to the driver: this may be a call of the host.
        if self.jobs.get(&key).is_some_and(Entry::has_requests) {
            self.list(key);
        }
        self.plan(key, now);
        if fails {
            self.end(key, JobStatus::Failed, actions);
        }
        self.retire(key, now, actions);
    }

    /// The search of a job panicked: the job ends.
    pub(crate) fn fail_search(&mut self, search: Search, actions: &mut Vec<Action<H>>) {
        let Search { key, table, .. } = search;
        match self.jobs.get_mut(&key) {
            Some(entry) => entry.table = Some(table),
            None => actions.push(Action::Stray(table)),
        }
        self.end(key, JobStatus::Failed, actions);
    }

    fn dispatch(&mut self, key: u64, batch: Batch, now: Now, actions: &mut Vec<Action<H>>) {
        let Some(entry) = self.jobs.get_mut(&key) else { return };
        entry.counts.coalesced = entry.counts.coalesced.saturating_add(batch.coalesced);
        if batch.missed > 0 {
            entry.counts.missed = entry.counts.missed.saturating_add(batch.missed);
            let at = batch.first_missed.unwrap_or(Moment::Steady(now.steady));
            let event = Event::Missed(Slot { at, slots: batch.missed });
            actions.push(Action::Notify { host: entry.host.clone(), event });
        }
        if entry.table.as_ref().is_some_and(|table| table.waits_for_begin()) && !batch.runs.is_empty() {
            // A run that was asked for as well is this one.
            entry.asked = 0;
        }
        let mut catches_up = batch.catches_up;
        for (at, slots) in batch.runs {
            catches_up = self.dispatch_one(key, Slot { at, slots }, catches_up, now, actions);
        }
    }

    /// Deals with one slot. True if it runs or waits.
    fn dispatch_one(&mut self, key: u64, slot: Slot, catches_up: bool, now: Now, actions: &mut Vec<Action<H>>) -> bool {
        let Some(entry) = self.jobs.get_mut(&key) else { return false };
        if entry.is_used_up() || entry.status.is_finished() {
            return false;
        }
        let decision = entry.instances.due(slot, catches_up);
        let kept =
            decision.run.is_some() || entry.rules.overlap == Overlap::CancelPrevious || decision.overlapped.is_empty();
        entry.counts.overlapped += decision.overlapped.len() as u64;
        for given_up in decision.overlapped {
            let event = Event::Overlapped(Slot { slots: 1, ..given_up });
            actions.push(Action::Notify { host: entry.host.clone(), event });
        }
        for run in decision.cancel {
            if let Some(known) = self.runs.get_mut(&run) {
                known.dismissed = true;
            }
            actions.push(Action::Cancel { run });
        }
        if let Some(slot) = decision.run {
            self.begin(key, slot, now, actions);
        }
        kept
    }

    /// Begins a run, which has a slot of the limiter.
    fn begin(&mut self, key: u64, slot: Slot, now: Now, actions: &mut Vec<Action<H>>) {
        let Some(entry) = self.jobs.get_mut(&key) else { return };
        self.run_numbers += 1;
        let run = self.run_numbers;
        entry.begun += 1;
        entry.instances.begin(run);
        entry.counts.running += 1;
        if let Some(table) = &mut entry.table {
            table.run_begins(now);
        }
        let known = Run { job: key, slot, task: None, outcome: None, left_running: false, dismissed: false };
        self.runs.insert(run, known);
        self.runs_by_job.insert((key, run));
        actions.push(Action::Start { run, host: entry.host.clone(), slot });
    }

    fn list(&mut self, key: u64) {
        if let Some(entry) = self.jobs.get_mut(&key).filter(|entry| !entry.listed) {
            entry.listed = true;
            self.listed.push_back(key);
        }
    }

    fn pop_due(&mut self, now: Now) -> Option<u64> {
        let due = |queue: &BTreeSet<(Nanos, u64)>, now| queue.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key);
        for _ in 0..4 {
            self.turn = (self.turn + 1) % 4;
            let found = match self.turn {
                0 => self.listed.pop_front().inspect(|key| {
                    if let Some(entry) = self.jobs.get_mut(key) {
                        entry.listed = false;
                    }
                }),
                1 => due(&self.steady, now.steady),
                2 => due(&self.wall, now.wall),
                _ => self.next_to_recheck().or_else(|| self.next_to_settle(now)),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Passes over one job after a step back.
    fn next_to_recheck(&mut self) -> Option<u64> {
        let from = self.recheck?;
        let next = self.jobs.range_mut(from..).next();
        self.recheck = next.as_ref().map(|(key, _)| **key + 1);
        let (key, entry) = next?;
        let wall = entry.table.as_ref().is_none_or(|table| table.goes_by_the_wall());
        if wall && (!entry.status.is_finished() || entry.rules.restarts) {
            entry.wanted.look = true;
        }
        self.lingering.remove(key);
        Some(*key)
    }

    /// Takes a job whose end is final now.
    fn next_to_settle(&mut self, now: Now) -> Option<u64> {
        if self.steps.unsettled(now).is_some() { None } else { self.lingering.pop_first() }
    }

    fn next_step(&mut self, now: Now) -> NextStep {
        // Nothing is due, so no slot depends on the steps any more.
        self.steps.dealt_with();
        let steady = self.steady.first().map(|(at, _)| *at);
        let waits_for_wall = self.waits_for_wall() && self.steps.runs();
        let ahead = self.wall.first().map_or(self.look, |(at, _)| (at - now.wall).min(self.look));
        let look = waits_for_wall.then(|| now.steady.saturating_add(ahead));
        let settled = self.steps.unsettled(now).filter(|_| !self.lingering.is_empty());
        match [steady, look, settled].into_iter().flatten().min() {
            Some(at) => NextStep::Until(at),
            None => NextStep::Unlimited,
        }
    }

    /// Finds the job's next slot and its place in the queues.
    fn plan(&mut self, key: u64, now: Now) {
        self.unqueue(key);
        let Some(entry) = self.jobs.get_mut(&key) else { return };
        entry.find_slot(now);
        entry.show();
        if entry.is_active() && entry.table.is_some() {
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

    /// Ends a job that has nothing ahead. If a step of the clock has brought that about, it lingers.
    fn retire(&mut self, key: u64, now: Now, actions: &mut Vec<Action<H>>) {
        let Some(entry) = self.jobs.get(&key).filter(|entry| !entry.status.is_finished()) else { return };
        let Some(table) = &entry.table else { return };
        let nothing = entry.slot.is_none() && entry.is_active() && !entry.has_requests() && !table.is_on_request();
        if entry.is_used_up() || (nothing && (table.is_done() || self.steps.unsettled(now).is_none())) {
            self.end(key, JobStatus::Finished, actions);
        } else if nothing {
            self.lingering.insert(key);
        }
    }

    /// The readings of the last look.
    pub(crate) fn seen(&self) -> Now {
        self.steps.seen()
    }
}
