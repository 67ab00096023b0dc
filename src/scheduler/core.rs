//! What the handles, the runs and the driver share.
//!
//! # Locks
//! `state`, then a job's `shown`, then the manager's own. No user code runs under any of them but the arithmetic of time
//! zones; what user data leaves is dropped after.
//!
//! # The life of a run
//! ```text
//! decided (a turn) --> submitted (the driver) --> noted, and `latest`
//!                                \--> over, on any thread --> forgotten, and `latest_finished`
//! ```
//! A run may be over before it is noted; whoever comes second does what both have to do.
//!
//! Runs know the scheduler by weak references: a run that never ends keeps no scheduler alive.

use super::cell::{Cell, JobStatus, Kept, keep_newest};
use super::entry::{Action, Entry, Launching};
use super::error::ScheduleError;
use super::event::tell;
use super::launch::Launch;
use super::settings::Settings;
use super::state::{Phase, Rest, State};
use super::timetable::{Nanos, Now, Timetable};
use crate::manage::TaskManager;
use crate::sync::{Arc, Condvar, Mutex, Weak};
use crate::task::{EndHook, Status, TaskInfo};
use crate::time::WallClock;
use crate::time::clock::ClockListener;
use crate::util::catch::{drop_quietly, guarded};
use std::task::Waker;
use std::time::Instant;

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

    pub(super) fn resume(&self, key: u64) -> bool {
        let now = self.now();
        let mut actions = Vec::new();
        let resumed = self.state.lock().resume(key, now, &mut actions);
        drop_quietly(actions);
        self.notify();
        resumed
    }

    /// For the driver: decides, then does. `None`: the scheduler is closed.
    pub(super) fn turn(self: &Arc<Self>, waker: &Waker) -> Option<Rest> {
        // Before the clocks are read: a change after that wakes us.
        let old = self.driver.lock().replace(waker.clone());
        drop_quietly(old);
        let mut actions = Vec::new();
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return None;
        }
        let now = self.now();
        let rest = state.turn(now, self.wall.runs_by_itself(), &mut actions);
        drop(state);
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
        Some(rest)
    }

    fn launch(self: &Arc<Self>, launching: Launching) {
        let Launching { run, cell, launch, timeout, on_run, mut event } = launching;
        let (core, theirs) = (Arc::downgrade(self), Arc::downgrade(&cell));
        let on_end = EndHook::internal(move |info: &TaskInfo| {
            if let (Some(core), Some(cell)) = (core.upgrade(), theirs.upgrade()) {
                core.over(&cell, run, info.status());
            }
        });
        let mut builder = self.manager.handle().task().name(&*cell.id).end_hook(on_end);
        if let Some(limit) = timeout {
            builder = builder.timeout(limit);
        }
        let task = launch(builder, &self.manager);
        event.task = Some(task.cancel_handle().clone());
        self.note(&cell, Kept { run, task });
        tell(on_run.as_ref(), &event);
    }

    /// A run was submitted.
    fn note(&self, cell: &Cell, kept: Kept) {
        let mut state = self.state.lock();
        let over = match state.runs.get_mut(&kept.run) {
            Some(known) if known.over => true,
            Some(known) => {
                known.task = Some(Arc::clone(&kept.task));
                false
            }
            None => false,
        };
        if over {
            state.runs.remove(&kept.run);
        }
        let mut shown = cell.shown.lock();
        shown.counts.runs += 1;
        let mut old = [None, None];
        let id = kept.task.cancel_handle().id();
        if over {
            self.manager.alias(&finished_alias(&cell.id), id);
            old[0] = keep_newest(&mut shown.finished, kept.clone());
        }
        self.manager.alias(&latest_alias(&cell.id), id);
        old[1] = keep_newest(&mut shown.latest, kept);
        drop(shown);
        drop(state);
        drop_quietly(old);
        if over {
            self.ended.notify_all();
        }
    }

    /// A run is over: on the thread that brought the end about.
    fn over(&self, cell: &Cell, run: u64, status: Status) {
        let mut state = self.state.lock();
        let wanted = state.ended(cell.key, run);
        let kept = state.runs.get_mut(&run).and_then(|known| {
            known.over = true;
            known.kept(run)
        });
        let mut forgotten = None;
        let mut shown = cell.shown.lock();
        shown.counts.running -= 1;
        shown.counts.failed += u64::from(status == Status::Error);
        let mut old = None;
        if let Some(kept) = kept {
            forgotten = state.runs.remove(&run);
            if shown.finished.as_ref().is_none_or(|there| there.run < run) {
                self.manager.alias(&finished_alias(&cell.id), kept.task.cancel_handle().id());
            }
            old = keep_newest(&mut shown.finished, kept);
        }
        drop(shown);
        drop(state);
        drop_quietly((old, forgotten));
        self.ended.notify_all();
        if wanted {
            self.notify();
        }
    }

    fn cancel(&self, run: u64) {
        let task = self.state.lock().runs.get(&run).and_then(|run| run.task.clone());
        if let Some(task) = task {
            task.cancel_handle().cancel();
            drop_quietly(task);
        }
    }

    /// Cancels the runs of a job, and says how many were not over.
    pub(super) fn cancel_runs(&self, key: u64) -> usize {
        let state = self.state.lock();
        let of_job = state.runs.values().filter(|run| run.cell.key == key);
        let tasks: Vec<_> = of_job.filter_map(|run| run.task.clone()).collect();
        drop(state);
        let cancelled = tasks.iter().filter(|task| task.cancel_handle().cancel()).count();
        drop_quietly(tasks);
        cancelled
    }

    /// Ends the schedule, for good; the runs go on. Says how many jobs there were.
    pub(super) fn close(&self, phase: Phase) -> usize {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = phase;
        }
        let jobs = state.take_all();
        drop(state);
        let count = jobs.len();
        drop_quietly(jobs);
        self.notify();
        count
    }

    /// Waits until no run is left, or until `deadline`; says how many are.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> usize {
        let mut state = self.state.lock();
        loop {
            let left = state.runs.len();
            let patience = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == 0 || patience.is_some_and(|patience| patience.is_zero()) {
                return left;
            }
            // A thread that drives a runtime, or is inside of one of the runs, would wait for itself.
            let tasks = state.runs.values().filter_map(|run| run.task.as_ref());
            if crate::runtime::current_driver().is_some()
                || tasks.map(|task| task.cancel_handle()).any(|run| run.must_not_wait())
            {
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
