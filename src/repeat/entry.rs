//! One job of the engine.

use super::counts::{JobCounts, JobStatus, Newest, Shown};
use super::engine::Host;
use super::instances::Instances;
use super::rules::Rules;
use super::steps::Steps;
use super::table::{Batch, Table};
use super::time::{Moment, Nanos, Now};
use crate::util::catch::catch;
use std::any::Any;

/// A due slot, and the number of slots it represents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) at: Moment,
    pub(crate) slots: u64,
}

/// Requests to a table, for the next search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Begins anew.
    pub(super) begin: bool,
    /// A pause has ended.
    pub(super) skip: bool,
    /// The wall clock was set back, or the zone has changed.
    pub(super) look: bool,
}

/// The table of a job, outside of the engine while it searches.
///
/// Zones are user code, which may take its time, panic, or call the scheduler.
///
/// Meanwhile the job stays in the engine without a place in the queues. What a call changes is seen when the table comes back: it
/// leaves with a job that was removed, and what it found is void after a pause or a new beginning.
#[must_use = "the job runs no more until its table is back"]
pub(crate) struct Search {
    pub(super) key: u64,
    pub(super) table: Box<Table>,
    wanted: Wanted,
    /// Slots are due: the delay, the rules, the steps of the clock.
    take: Option<(Nanos, Rules, Steps)>,
    pub(super) now: Now,
}

impl Search {
    /// Runs the search, under no lock. Returns the slots that were found and the number of searches, or the panic of user code.
    pub(crate) fn run(&mut self) -> Result<(Option<Batch>, u64), Box<dyn Any + Send>> {
        let Self { table, wanted, take, now, .. } = self;
        let before = table.searches();
        catch(|| {
            if wanted.begin {
                table.begin(*now);
            } else {
                if wanted.look {
                    table.look_again(*now);
                }
                if wanted.skip {
                    table.skip(*now);
                }
            }
            let batch = take.as_ref().map(|(delay, rules, steps)| table.take(*now, *delay, rules, steps));
            (batch, table.searches() - before)
        })
    }
}

pub(crate) struct Entry<H: Host> {
    pub(crate) host: H,
    pub(super) rules: Rules,
    pub(super) status: JobStatus,
    /// `None` during a [`Search`].
    pub(crate) table: Option<Box<Table>>,
    pub(super) wanted: Wanted,
    rng: fastrand::Rng,
    /// The next slot, and how much later it is to run.
    pub(super) slot: Option<Moment>,
    pub(super) delay: Nanos,
    /// Runs that were begun.
    pub(super) begun: u64,
    pub(super) instances: Instances<Slot>,
    /// Runs that were asked for and not dealt with yet.
    pub(super) asked: u64,
    /// Listed among the jobs with something to do.
    pub(super) listed: bool,
    pub(super) counts: JobCounts,
    pub(crate) newest: Newest<H::Run>,
}

impl<H: Host> Entry<H> {
    pub(super) fn new(host: H, rules: Rules, table: Box<Table>, status: JobStatus) -> Self {
        Self {
            host,
            status,
            table: Some(table),
            wanted: Wanted::default(),
            rng: rules.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            slot: None,
            delay: 0,
            begun: 0,
            instances: rules.instances(),
            asked: 0,
            listed: false,
            counts: JobCounts::default(),
            newest: Newest::default(),
            rules,
        }
    }

    /// True if slots run when they are due.
    pub(super) fn is_active(&self) -> bool {
        self.status == JobStatus::Active
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.rules.max_runs.is_some_and(|most| self.begun >= most)
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.slot.map(|slot| slot.after(self.delay))
    }

    /// Takes the table out for a search, if one is needed. The caller has unqueued the job.
    pub(super) fn start_search(&mut self, now: Now, steps: &Steps) -> Option<Search> {
        let wanted = self.wanted;
        // Slots that a pause or a step back may have changed are not due yet.
        let due = wanted == Wanted::default() && self.is_active() && !self.is_used_up();
        let due = due && self.due().is_some_and(|due| due.age(now) >= 0);
        if !due && wanted == Wanted::default() {
            return None;
        }
        let table = self.table.take()?;
        self.wanted = Wanted::default();
        let take = due.then(|| (self.delay, self.rules, steps.clone()));
        let key = self.host.key();
        Some(Search { key, table, wanted, take, now })
    }

    /// True if what a search found is void: a pause or a new beginning came meanwhile.
    pub(super) fn voids_slots(&self) -> bool {
        !self.is_active() || self.wanted.skip || self.wanted.begin
    }

    /// True if a step is needed without a due slot.
    pub(super) fn has_requests(&self) -> bool {
        self.asked > 0 || self.wanted != Wanted::default() || self.instances.waiting() > 0
    }

    /// Finds the next slot, and draws its delay.
    pub(super) fn find_slot(&mut self, now: Now) {
        let slot = match &self.table {
            _ if self.is_used_up() || self.status.is_finished() => None,
            Some(table) if table.waits_for_begin() && self.instances.waiting() > 0 => None,
            Some(table) => table.next(now),
            // During a search, the one before it.
            None => self.slot,
        };
        if slot != self.slot {
            let room = self.table.as_ref().map_or(0, |table| table.room());
            let most = self.rules.jitter.min(room);
            self.delay = if most > 0 { self.rng.u128(0..=most.unsigned_abs()).cast_signed() } else { 0 };
            self.slot = slot;
        }
    }

    /// Shows the host what has changed.
    pub(super) fn show(&mut self) {
        self.counts.queued = self.instances.waiting();
        let next = self.due().filter(|_| self.is_active());
        self.host.show(&Shown { status: self.status, next, counts: self.counts });
    }
}
