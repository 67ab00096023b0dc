//! A job in the schedule, and what becomes of its slots and runs.
//!
//! # A slot that is due
//! ```text
//! late by more than the grace    missed
//! left to a newer one            coalesced
//! otherwise, by the policy       overlapped | waits | runs | runs or waits, and the oldest run is cancelled
//! ```
//! The last line is decided by [`Instances`].

use super::cell::{Cell, JobStatus, Kept, Shown};
use super::event::{Hook, JobEvent, Passed};
use super::instances::Instances;
use super::launch::Launch;
use super::settings::Settings;
use super::timetable::{Batch, Lateness, Moment, Nanos, Now, Timetable};
use crate::manage::Stored;
use crate::sync::Arc;
use crate::task::CancelHandle;
use crate::trace;
use crate::util::catch::catch;
use std::any::Any;
use std::collections::BTreeMap;

/// What a turn decided.
pub(super) enum Action {
    Launch(Launching),
    Cancel {
        run: u64,
    },
    Tell {
        passed: Passed,
        hook: Option<Hook>,
        event: JobEvent,
    },
    /// To be dropped without the lock.
    Drop(Box<Entry>),
}

impl Action {
    pub(super) fn drop(entry: Entry) -> Self {
        Self::Drop(Box::new(entry))
    }
}

/// A run that is to be submitted.
pub(super) struct Launching {
    pub(super) run: u64,
    pub(super) cell: Arc<Cell>,
    pub(super) launch: Launch,
    pub(super) timeout: Option<std::time::Duration>,
    pub(super) quiet: bool,
    pub(super) on_run: Option<Hook>,
    pub(super) event: JobEvent,
}

/// A job with a place in the schedule.
pub(super) struct Entry {
    pub(super) cell: Arc<Cell>,
    /// `None` during a [`Search`].
    table: Option<Box<dyn Timetable>>,
    wanted: Wanted,
    pub(super) settings: Settings,
    pub(super) launch: Launch,
    pub(super) rng: fastrand::Rng,
    /// The next slot, and how much later it is to run.
    pub(super) slot: Option<Moment>,
    pub(super) delay: Nanos,
    pub(super) paused: bool,
    /// Runs that were begun.
    pub(super) begun: u64,
    /// What is active, and the slots that wait.
    pub(super) instances: Instances<Slot>,
    /// Runs that were asked for and not looked at yet.
    pub(super) asked: u64,
}

/// Requests to a job's timetable, for the next search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// A pause has ended.
    skip: bool,
    /// The wall clock went back.
    look_again: bool,
}

/// A job's timetable, taken out of the schedule for as long as it searches: zones are user code, which may take its time,
/// panic, or call the scheduler.
///
/// Meanwhile the job stays in the schedule without a place in the queues. What a call changes is seen when the timetable
/// comes back: it leaves with a job that was removed, and what it found is void after a pause.
#[must_use = "the job runs no more until its timetable is back"]
pub(super) struct Search {
    pub(super) key: u64,
    pub(super) table: Box<dyn Timetable>,
    wanted: Wanted,
    /// Slots are due: the delay, and the rules for late ones.
    take: Option<(Nanos, Lateness)>,
    pub(super) now: Now,
}

impl Search {
    /// Runs the search, under no lock. A panic of the zone is its payload.
    pub(super) fn run(&mut self) -> Result<Option<Batch>, Box<dyn Any + Send>> {
        let Self { table, wanted, take, now, .. } = self;
        catch(|| {
            if wanted.look_again {
                table.look_again(*now);
            }
            if wanted.skip {
                table.skip(*now);
            }
            take.map(|(delay, lateness)| table.take(*now, delay, lateness))
        })
    }
}

/// A slot that is due, and how many it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) at: Moment,
    pub(super) slots: u64,
}

/// A run whose task is not over, or whose closure still runs.
pub(super) struct Run {
    pub(super) cell: Arc<Cell>,
    /// `None` until the task is made.
    pub(super) control: Option<CancelHandle>,
    /// `None` until it is submitted.
    pub(super) task: Option<Arc<Stored>>,
    pub(super) over: bool,
    /// It is over, and its closure still runs.
    pub(super) left_running: bool,
}

impl Entry {
    pub(super) fn new(cell: Arc<Cell>, settings: Settings, table: Box<dyn Timetable>, launch: Launch) -> Self {
        let rng = settings.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let instances = settings.instances();
        let (table, wanted) = (Some(table), Wanted::default());
        Self {
            cell,
            table,
            wanted,
            settings,
            launch,
            rng,
            slot: None,
            delay: 0,
            paused: false,
            begun: 0,
            instances,
            asked: 0,
        }
    }

    /// Has the next search forget the slots until then.
    pub(super) fn want_skip(&mut self) {
        self.wanted.skip = true;
    }

    /// Has the next search go by a wall clock that went back.
    pub(super) fn want_look(&mut self) {
        self.wanted.look_again = true;
    }

    /// True if what a search found is void: a pause has begun meanwhile, or begun and ended.
    pub(super) fn voids_slots(&self) -> bool {
        self.paused || self.wanted.skip
    }

    pub(super) fn is_searching(&self) -> bool {
        self.table.is_none()
    }

    /// Takes the timetable out for what is wanted of it, if it is there. The caller has unqueued the job.
    pub(super) fn start_search(&mut self, now: Now) -> Option<Search> {
        let wanted = self.wanted;
        // Slots that a pause or a clock that went back may have changed are not due yet.
        let due = wanted == Wanted::default() && !self.paused && !self.is_used_up();
        let take =
            (due && self.due().is_some_and(|due| due.age(now) >= 0)).then_some((self.delay, self.settings.lateness));
        if take.is_none() && wanted == Wanted::default() {
            return None;
        }
        let table = self.table.take()?;
        self.wanted = Wanted::default();
        Some(Search { key: self.cell.key, table, wanted, take, now })
    }

    pub(super) fn end_search(&mut self, table: Box<dyn Timetable>) {
        self.table = Some(table);
    }

    /// True if a step has something to do, whether a slot is due or not.
    pub(super) fn has_requests(&self) -> bool {
        self.asked > 0 || self.wanted != Wanted::default() || self.instances.waiting() > 0
    }

    /// The next slot; `None` once there are no more. During a search, the one before it.
    pub(super) fn next_slot(&self, now: Now) -> Option<Moment> {
        match &self.table {
            _ if self.is_used_up() => None,
            Some(table) => table.next(now),
            None => self.slot,
        }
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.slot.map(|slot| slot.after(self.delay))
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.settings.max_runs.is_some_and(|most| self.begun >= most)
    }

    fn event(&self, slot: Slot, now: Now) -> JobEvent {
        JobEvent { job: Arc::clone(&self.cell.id), due: slot.at.on_the_wall(now), slots: slot.slots, task: None }
    }

    /// Copies what handles look at.
    pub(super) fn show(&self) {
        let mut shown = self.cell.shown.lock();
        shown.next = self.due().filter(|_| !self.paused);
        shown.counts.queued = self.instances.waiting();
        shown.status = if self.paused { JobStatus::Paused } else { JobStatus::Active };
    }

    fn count(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.cell.shown.lock());
    }
}

/// Deals out the slots of one job.
pub(super) struct Dealer<'a> {
    pub(super) runs: &'a mut BTreeMap<u64, Run>,
    pub(super) run_numbers: &'a mut u64,
    pub(super) actions: &'a mut Vec<Action>,
    pub(super) now: Now,
}

impl Dealer<'_> {
    pub(super) fn deal(&mut self, entry: &mut Entry, batch: Batch) {
        if batch.missed > 0 {
            entry.count(|shown| shown.counts.missed = shown.counts.missed.saturating_add(batch.missed));
            let first = batch.first_missed.unwrap_or(Moment::Steady(self.now.steady));
            let event = entry.event(Slot { at: first, slots: batch.missed }, self.now);
            self.tell(Passed::Missed, entry.settings.on_missed.clone(), event);
        }
        entry.count(|shown| shown.counts.coalesced = shown.counts.coalesced.saturating_add(batch.coalesced));
        for slot in batch.runs {
            if entry.is_used_up() {
                break;
            }
            self.run_or_overlap(entry, Slot { at: slot, slots: batch.coalesced.saturating_add(1) });
        }
    }

    pub(super) fn run_or_overlap(&mut self, entry: &mut Entry, slot: Slot) {
        if entry.is_used_up() {
            return;
        }
        let decision = entry.instances.due(slot);
        self.actions.extend(decision.cancel.into_iter().map(|run| Action::Cancel { run }));
        for slot in decision.overlapped {
            entry.count(|shown| shown.counts.overlapped += 1);
            let event = entry.event(Slot { slots: 1, ..slot }, self.now);
            self.tell(Passed::Overlapped, entry.settings.on_overlapped.clone(), event);
        }
        if let Some(slot) = decision.run {
            self.begin(entry, slot);
        }
    }

    /// Begins a run in the slot of the limiter that it was given.
    pub(super) fn begin(&mut self, entry: &mut Entry, slot: Slot) {
        *self.run_numbers += 1;
        let run = *self.run_numbers;
        entry.begun += 1;
        entry.instances.begin(run);
        entry.count(|shown| shown.counts.running += 1);
        let cell = Arc::clone(&entry.cell);
        self.runs.insert(run, Run { cell, control: None, task: None, over: false, left_running: false });
        self.actions.push(Action::Launch(Launching {
            run,
            cell: Arc::clone(&entry.cell),
            launch: Arc::clone(&entry.launch),
            timeout: entry.settings.timeout,
            quiet: entry.settings.quiet,
            on_run: entry.settings.on_run.clone(),
            event: entry.event(slot, self.now),
        }));
    }

    fn tell(&mut self, passed: Passed, hook: Option<Hook>, event: JobEvent) {
        if hook.is_some() || trace::ON {
            self.actions.push(Action::Tell { passed, hook, event });
        }
    }
}

impl Run {
    pub(super) fn kept(&self, run: u64) -> Option<Kept> {
        self.task.as_ref().map(|task| Kept { run, task: Arc::clone(task) })
    }
}
