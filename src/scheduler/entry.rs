//! A job in the schedule, and what becomes of its slots and runs.
//!
//! # A slot that is due
//! ```text
//! late by more than the grace    missed
//! left to a newer one            coalesced
//! a run fewer than may be        runs
//! otherwise, by the policy       overlapped | waits | runs | runs, and the oldest run is cancelled
//! ```

use super::cell::{Cell, JobStatus, Kept, Shown};
use super::event::{Hook, JobEvent, Passed};
use super::launch::Launch;
use super::settings::{Overlap, Settings};
use super::timetable::{CATCH_UP_LIMIT, Moment, Nanos, Now, Timetable};
use crate::manage::Stored;
use crate::sync::Arc;
use crate::trace;
use std::collections::{BTreeMap, VecDeque};

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
    pub(super) on_run: Option<Hook>,
    pub(super) event: JobEvent,
}

/// A job with a place in the schedule.
pub(super) struct Entry {
    pub(super) cell: Arc<Cell>,
    pub(super) table: Box<dyn Timetable>,
    pub(super) settings: Settings,
    pub(super) launch: Launch,
    pub(super) rng: fastrand::Rng,
    /// The next slot, and how much later it is to run.
    pub(super) slot: Option<Moment>,
    pub(super) delay: Nanos,
    pub(super) paused: bool,
    /// Runs that were begun.
    pub(super) begun: u64,
    /// Runs that are not over and were not cancelled for newer ones, oldest first.
    pub(super) running: VecDeque<u64>,
    pub(super) waiting: VecDeque<Moment>,
    /// Runs that were asked for and not looked at yet.
    pub(super) asked: u64,
}

/// A run that is not over.
pub(super) struct Run {
    pub(super) cell: Arc<Cell>,
    /// `None` until it is submitted.
    pub(super) task: Option<Arc<Stored>>,
    /// It was over before it was noted here.
    pub(super) over: bool,
}

impl Entry {
    pub(super) fn new(cell: Arc<Cell>, settings: Settings, table: Box<dyn Timetable>, launch: Launch) -> Self {
        let rng = settings.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            cell,
            table,
            settings,
            launch,
            rng,
            slot: None,
            delay: 0,
            paused: false,
            begun: 0,
            running: VecDeque::new(),
            waiting: VecDeque::new(),
            asked: 0,
        }
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.slot.map(|slot| slot.after(self.delay))
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.settings.max_runs.is_some_and(|most| self.begun >= most)
    }

    fn event(&self, slot: Moment, slots: u64, now: Now) -> JobEvent {
        JobEvent { job: Arc::clone(&self.cell.id), due: slot.on_the_wall(now), slots, task: None }
    }

    /// Copies what handles look at.
    pub(super) fn show(&self) {
        let mut shown = self.cell.shown.lock();
        shown.next = self.due().filter(|_| !self.paused);
        shown.counts.queued = self.waiting.len();
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
    pub(super) fn deal(&mut self, entry: &mut Entry) {
        let batch = entry.table.take(self.now, entry.delay, entry.settings.lateness);
        if batch.missed > 0 {
            entry.count(|shown| shown.counts.missed = shown.counts.missed.saturating_add(batch.missed));
            let first = batch.first_missed.unwrap_or(Moment::Steady(self.now.steady));
            self.tell(Passed::Missed, entry.settings.on_missed.clone(), entry.event(first, batch.missed, self.now));
        }
        entry.count(|shown| shown.counts.coalesced = shown.counts.coalesced.saturating_add(batch.coalesced));
        for slot in batch.runs {
            if entry.is_used_up() {
                break;
            }
            self.run_or_overlap(entry, slot, batch.coalesced.saturating_add(1));
        }
    }

    pub(super) fn run_or_overlap(&mut self, entry: &mut Entry, slot: Moment, slots: u64) {
        if entry.is_used_up() {
            return;
        }
        let places = entry.settings.places();
        let full = entry.running.len() >= places;
        match entry.settings.overlap {
            _ if !full => self.begin(entry, slot, slots),
            Overlap::Queue if entry.waiting.len() < CATCH_UP_LIMIT => entry.waiting.push_back(slot),
            Overlap::CancelPrevious => {
                while entry.running.len() >= places
                    && let Some(run) = entry.running.pop_front()
                {
                    self.actions.push(Action::Cancel { run });
                }
                self.begin(entry, slot, slots);
            }
            Overlap::Skip | Overlap::Allow | Overlap::Queue => {
                entry.count(|shown| shown.counts.overlapped += 1);
                self.tell(Passed::Overlapped, entry.settings.on_overlapped.clone(), entry.event(slot, 1, self.now));
            }
        }
    }

    pub(super) fn begin(&mut self, entry: &mut Entry, slot: Moment, slots: u64) {
        *self.run_numbers += 1;
        let run = *self.run_numbers;
        entry.begun += 1;
        entry.running.push_back(run);
        entry.count(|shown| shown.counts.running += 1);
        self.runs.insert(run, Run { cell: Arc::clone(&entry.cell), task: None, over: false });
        self.actions.push(Action::Launch(Launching {
            run,
            cell: Arc::clone(&entry.cell),
            launch: Arc::clone(&entry.launch),
            timeout: entry.settings.timeout,
            on_run: entry.settings.on_run.clone(),
            event: entry.event(slot, slots, self.now),
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
