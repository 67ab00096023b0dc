//! What the handles, the runs and the driver share.
//!
//! # Locks
//! `state`, then a job's `shown`, then the manager's own. No user code runs under any of them: a search of a calendar, which
//! asks the user's zone, has the job's timetable to itself meanwhile, and what user data leaves is dropped after.
//!
//! # The life of a run
//! ```text
//! decided (a turn) --> submitted (the driver) --> noted, and `latest`
//!                                \--> over, on any thread, and `latest_finished` --> its body is gone
//! ```
//! It is forgotten once all of these have come. It may be over before it is noted, and its body may be gone before it is over.
//! Once newer runs have replaced a finished run in both places, it leaves the manager as well.
//!
//! Runs know the scheduler by weak references: a run that never ends keeps no scheduler alive.

use super::cell::{Cell, JobStatus, Kept, keep_newest};
use super::entry::{Action, Entry, Launching, Search};
use super::error::ScheduleError;
use super::event::tell;
use super::launch::{Launch, RunPlace};
use super::settings::Settings;
use super::state::{Phase, Rest, State, Step};
use super::timetable::{Nanos, Now, Timetable};
use crate::instant::Instant;
use crate::manage::TaskManager;
use crate::spawn::TaskBuilder;
use crate::sync::{Arc, Condvar, HAS_THREADS, Mutex, Weak};
use crate::task::{CancelHandle, Status, TaskId};
use crate::time::WallClock;
use crate::time::clock::ClockListener;
use crate::util::catch::{drop_quietly, guarded};
use std::task::Waker;

/// Steps of one turn, before the reactor does its other work.
const JOBS_PER_TURN: usize = 64;

pub(super) struct Core {
    pub(super) manager: TaskManager,
    pub(super) wall: WallClock,
    /// Where the scheduler's own time begins, on the runtime's clock.
    origin: Instant,
    pub(super) state: Mutex<State>,
    driver: Mutex<Option<Waker>>,
    /// A run is over.
    ended: Condvar,
}

impl Core {
    pub(super) fn new(manager: TaskManager, wall: WallClock) -> Arc<Self> {
        let origin = manager.handle().clock().now();
        let state = Mutex::new(State::new(wall.nanos()));
        let core = Arc::new(Self { manager, wall, origin, state, driver: Mutex::new(None), ended: Condvar::new() });
        let listener: Weak<Self> = Arc::downgrade(&core);
        core.wall.listen(listener);
        core
    }

    /// What the clocks show. The runtime's is read first: a wait that is counted from it is never too long.
    pub(super) fn now(&self) -> Now {
        let steady = self.manager.handle().clock().now().saturating_duration_since(self.origin);
        Now { steady: steady.as_nanos().cast_signed(), wall: self.wall.nanos() }
    }

    /// A moment of the scheduler's own time on the runtime's clock; `None` if that is too far away for it.
    pub(super) fn instant(&self, at: Nanos) -> Option<Instant> {
        let nanos = at.max(0).unsigned_abs();
        let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
        self.origin.checked_add(std::time::Duration::new(seconds, (nanos % 1_000_000_000) as u32))
    }

    /// Has the driver look again.
    pub(super) fn notify(&self) {
        let waker = self.driver.lock().take();
        if let Some(waker) = waker {
            guarded(|| waker.wake());
        }
    }

    pub(super) fn add(
        &self,
        mut settings: Settings,
        trigger: String,
        table: Box<dyn Timetable>,
        launch: Launch,
    ) -> Result<Arc<Cell>, ScheduleError> {
        settings.seed = settings.seed.or_else(|| self.manager.handle().draw_seed());
        let now = self.now();
        let mut state = self.state.lock();
        let refused = match state.phase {
            Phase::Open if self.manager.handle().is_closed() => Some(ScheduleError::RuntimeGone),
            Phase::Open => None,
            Phase::ShutDown => Some(ScheduleError::ShutDown),
            Phase::RuntimeGone => Some(ScheduleError::RuntimeGone),
        };
        let id = match settings.id.take() {
            Some(id) => Arc::from(id),
            None => state.generate_id(),
        };
        let there = state.ids.get(&id).copied();
        let refused = refused.or_else(|| {
            (there.is_some() && !settings.replace).then(|| ScheduleError::Duplicate { id: id.to_string() })
        });
        if let Some(error) = refused {
            drop(state);
            return Err(error);
        }
        let replaced = there.and_then(|key| state.take(key, JobStatus::Removed));
        let cell = Arc::new(Cell::new(id, state.next_key(), trigger));
        state.insert(Entry::new(Arc::clone(&cell), settings, table, launch), now);
        drop(state);
        drop_quietly(replaced);
        self.notify();
        Ok(cell)
    }

    pub(super) fn remove(&self, key: u64) -> bool {
        let removed = self.state.lock().take(key, JobStatus::Removed);
        let there = removed.is_some();
        drop_quietly(removed);
        there
    }

    pub(super) fn resume(self: &Arc<Self>, key: u64) -> bool {
        let now = self.now();
        let (resumed, search) = self.state.lock().resume(key, now);
        let searched = search.is_none_or(|search| self.search(search));
        self.notify();
        resumed && searched
    }

    /// Runs a search and acts on what it found. False if the zone panicked: that costs its own job, which is over.
    fn search(self: &Arc<Self>, mut search: Search) -> bool {
        let found = search.run();
        let Search { key, table, now, .. } = search;
        let mut actions = Vec::new();
        let mut state = self.state.lock();
        let (left, panic) = match found {
            Ok(batch) => (state.end_search(key, table, batch, now, &mut actions), None),
            Err(panic) => {
                actions.extend(state.take(key, JobStatus::Stopped).map(Action::drop));
                (Some(table), Some(panic))
            }
        };
        drop(state);
        let searched = panic.is_none();
        drop_quietly((left, panic));
        self.act(actions);
        searched
    }

    /// For the driver: decides, then does, for a part of the jobs at most. `None`: the scheduler is closed.
    pub(super) fn turn(self: &Arc<Self>, waker: &Waker) -> Option<Rest> {
        // Before the clocks are read: a change after that wakes us.
        let old = self.driver.lock().replace(waker.clone());
        drop_quietly(old);
        let now = self.now();
        for turn in 0..JOBS_PER_TURN {
            let mut actions = Vec::new();
            let mut state = self.state.lock();
            if state.phase != Phase::Open {
                return None;
            }
            if turn == 0 {
                state.see_wall(now);
            }
            let step = state.step(now, self.wall.runs_by_itself(), &mut actions);
            drop(state);
            self.act(actions);
            match step {
                Step::Search(search) => drop(self.search(search)),
                Step::Done => {}
                Step::Rest(rest) => return Some(rest),
            }
        }
        Some(Rest::None)
    }

    fn act(self: &Arc<Self>, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Launch(launching) => self.launch(launching),
                Action::Cancel { run } => self.cancel(run),
                Action::Tell { passed, hook, event } => {
                    passed.trace(&event);
                    tell(hook.as_ref(), &event);
                }
                Action::Drop(entry) => drop_quietly(entry),
            }
        }
    }

    fn launch(self: &Arc<Self>, launching: Launching) {
        let Launching { run, cell, launch, timeout, quiet, on_run, mut event } = launching;
        let mut builder = TaskBuilder::new(RunPlace::new(self, &cell, run)).name(&*cell.id).quiet_if(quiet);
        if let Some(limit) = timeout {
            builder = builder.timeout(limit);
        }
        let task = launch(builder, &self.manager);
        event.task = Some(task.cancel_handle().clone());
        self.note(&cell, Kept { run, task });
        tell(on_run.as_ref(), &event);
    }

    /// The task of a run was made, and is about to be queued.
    pub(super) fn prepared(&self, run: u64, control: CancelHandle) {
        if let Some(known) = self.state.lock().runs.get_mut(&run) {
            known.control = Some(control);
        }
    }

    /// A run was submitted.
    fn note(&self, cell: &Cell, kept: Kept) {
        let mut state = self.state.lock();
        let (mut over, mut refused) = (false, false);
        if let Some(known) = state.runs.get_mut(&kept.run) {
            known.task = Some(Arc::clone(&kept.task));
            // A builder that refuses its options makes a task that is over, elsewhere.
            refused = known.control.is_none();
            over = known.over;
        }
        let forgotten = state.forget(kept.run);
        let mut shown = cell.shown.lock();
        shown.counts.runs += 1;
        let mut old = [None, None];
        let (run, id) = (kept.run, kept.id());
        if over {
            self.manager.alias(&finished_alias(&cell.id), id);
            old[0] = keep_newest(&mut shown.finished, kept.clone());
        }
        self.manager.alias(&latest_alias(&cell.id), id);
        old[1] = keep_newest(&mut shown.latest, kept);
        let replaced = old.each_ref().map(|old| old.as_ref().and_then(|old| state.replaced(&shown, old)));
        drop(shown);
        drop(state);
        drop_quietly((old, forgotten));
        self.leave_manager(replaced);
        if over {
            self.ended.notify_all();
        }
        if refused {
            self.over(cell, run);
        }
    }

    /// The task of a run is over: on the thread that brought the end about.
    pub(super) fn over(&self, cell: &Cell, run: u64) {
        let mut state = self.state.lock();
        let Some(known) = state.runs.get_mut(&run) else { return };
        known.over = true;
        let control = known.control.as_ref().or(known.task.as_ref().map(|task| task.cancel_handle()));
        let failed = control.is_some_and(|control| control.status() == Status::Error);
        // Looked at under the lock. If the closure returns later, `closed` finds the mark.
        let left_running = control.is_some_and(CancelHandle::is_left_running);
        known.left_running = left_running;
        let kept = known.kept(run);
        let forgotten = state.forget(run);
        let wanted = state.update(cell.key, |instances| instances.ended(run, left_running));
        let mut shown = cell.shown.lock();
        shown.counts.running -= 1;
        shown.counts.left_running += usize::from(left_running);
        shown.counts.failed += u64::from(failed);
        let mut old = None;
        if let Some(kept) = kept {
            if shown.finished.as_ref().is_none_or(|there| there.run < run) {
                self.manager.alias(&finished_alias(&cell.id), kept.id());
            }
            old = keep_newest(&mut shown.finished, kept);
        }
        let replaced = old.as_ref().and_then(|old| state.replaced(&shown, old));
        drop(shown);
        drop(state);
        drop_quietly((old, forgotten));
        self.leave_manager([replaced]);
        self.released(wanted);
    }

    /// The body of a run is gone. If its task was not marked as left running, `over` does the rest, or did.
    pub(super) fn closed(&self, cell: &Cell, run: u64) {
        let mut state = self.state.lock();
        let Some(known) = state.runs.get_mut(&run).filter(|known| known.left_running) else { return };
        known.left_running = false;
        let forgotten = state.forget(run);
        let wanted = state.update(cell.key, |instances| instances.closed(run));
        let mut shown = cell.shown.lock();
        shown.counts.left_running -= 1;
        let kept = forgotten.as_ref().and_then(|known| known.kept(run));
        let replaced = kept.as_ref().and_then(|kept| state.replaced(&shown, kept));
        drop(shown);
        drop(state);
        drop_quietly((kept, forgotten));
        self.leave_manager([replaced]);
        self.released(wanted);
    }

    fn released(&self, wanted: bool) {
        self.ended.notify_all();
        if wanted {
            self.notify();
        }
    }

    /// Takes runs that newer ones have replaced out of the manager: their results go with the last handle that a program
    /// holds, and an error that nobody has read is reported then.
    fn leave_manager<const N: usize>(&self, replaced: [Option<TaskId>; N]) {
        for id in replaced.into_iter().flatten() {
            self.manager.remove(id);
        }
    }

    fn cancel(&self, run: u64) {
        let control = self.state.lock().runs.get(&run).and_then(|run| run.control.clone());
        if let Some(control) = control {
            control.cancel();
        }
    }

    /// Cancels the runs of a job. Returns how many were not over.
    ///
    /// Runs are known here before they are queued, so a run whose body has begun is always found.
    pub(super) fn cancel_runs(&self, key: u64) -> usize {
        let state = self.state.lock();
        let of_job = state.runs.values().filter(|run| run.cell.key == key);
        let controls: Vec<_> = of_job.filter_map(|run| run.control.clone()).collect();
        drop(state);
        controls.iter().filter(|control| control.cancel()).count()
    }

    /// Ends the schedule, for good; the runs go on. Returns how many jobs there were, and how many slots waited.
    pub(super) fn close(&self, phase: Phase) -> (usize, usize) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = phase;
        }
        let jobs = state.take_all();
        drop(state);
        let counts = (jobs.len(), jobs.iter().map(|entry| entry.instances.waiting()).sum());
        drop_quietly(jobs);
        self.notify();
        counts
    }

    /// Waits until no run is left and no closure of one still runs, or until `deadline`. Returns how many are not over, and
    /// how many are over with their closures still running.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> (usize, usize) {
        let mut state = self.state.lock();
        loop {
            let left_running = state.runs.values().filter(|run| run.left_running).count();
            let left = (state.runs.values().filter(|run| !run.over).count(), left_running);
            let patience = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == (0, 0) || !HAS_THREADS || patience.is_some_and(|patience| patience.is_zero()) {
                return left;
            }
            // A thread that drives a runtime, or is inside of one of the runs, would wait for itself.
            let mut runs = state.runs.values().filter_map(|run| run.control.as_ref());
            if crate::runtime::current_driver().is_some() || runs.any(CancelHandle::must_not_wait) {
                return left;
            }
            match patience {
                None => self.ended.wait(&mut state),
                Some(patience) => drop(self.ended.wait_for(&mut state, patience)),
            }
        }
    }
}

impl ClockListener for Core {
    fn clock_moved(&self) {
        self.notify();
    }
}

/// The manager's name for the newest run of a job.
pub(super) fn latest_alias(id: &str) -> String {
    format!("latest:{id}")
}

/// The manager's name for the newest run of a job that is over.
pub(super) fn finished_alias(id: &str) -> String {
    format!("finished:{id}")
}
