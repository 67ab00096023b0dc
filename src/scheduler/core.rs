//! What the handles, the runs and the driver share: the engine under a lock, and what is done outside of it.
//!
//! # Locks
//! `state`, then those of a job's cell, then the manager's own. No user code runs under any of them: a search of a calendar, which asks
//! the user's zone, has the job's table to itself meanwhile, and user data is dropped after the lock.
//!
//! # Threads
//! What the engine decides in a call of a host or at the end of a run is done on that thread, but for hooks: those are called by
//! the driver, on the reactor thread.
//!
//! Runs know the scheduler by weak references: a run that never ends keeps no scheduler alive.

use super::cell::{Cell, Hooks, Work};
use super::error::ScheduleError;
use super::event::{Hook, JobEvent, Kind, Pending};
use super::launch::RunPlace;
use crate::instant::Instant;
use crate::manage::TaskManager;
#[cfg(feature = "net")]
use crate::reactor::OnStep;
use crate::repeat::{
    Action, Engine, ErrorPolicy, Event, JobStatus, MINUTE, Nanos, NextStep, Now, Outcome, Rules, SECOND, Search, Slot,
    Step, Table,
};
use crate::runtime::Handle;
use crate::spawn::TaskBuilder;
use crate::sync::{Arc, Condvar, HAS_THREADS, Mutex, MutexGuard, Weak};
use crate::task::{CancelHandle, Status};
use crate::time::WallClock;
use crate::time::clock::ClockListener;
use crate::util::catch::{drop_quietly, guarded};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

/// Jobs of one turn, before the reactor does its other work.
const JOBS_PER_TURN: usize = 64;

/// Searches of a calendar after which a turn ends.
const SEARCHES_PER_TURN: u64 = 128;

/// The longest wait for a reading of a wall clock that notifies of its steps, in nanoseconds.
const LONG_LOOK: Nanos = MINUTE;

/// The same for one that does not.
const SHORT_LOOK: Nanos = 10 * SECOND;

type Actions = Vec<Action<Arc<Cell>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    ShutDown,
    /// The driver ended with its runtime.
    RuntimeGone,
}

pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) engine: Engine<Arc<Cell>>,
    ids: HashMap<Arc<str>, u64>,
    cells: HashMap<u64, Arc<Cell>>,
    /// Of the runs that are not forgotten, from before they are queued on.
    controls: BTreeMap<u64, CancelHandle>,
    /// For the driver.
    events: VecDeque<Pending>,
    #[cfg(feature = "cron")]
    zone: ZoneWatch,
    keys: u64,
    generated: u64,
}

/// The last check of the machine's time zone.
#[cfg(feature = "cron")]
#[derive(Default)]
struct ZoneWatch {
    checked: Option<(Now, u64)>,
}

#[cfg(feature = "cron")]
impl ZoneWatch {
    /// True once either clock has advanced by a second since the last check.
    fn is_due(&self, now: Now) -> bool {
        self.checked
            .is_none_or(|(then, _)| (now.wall - then.wall).abs() >= SECOND || now.steady - then.steady >= SECOND)
    }

    fn changes(&mut self, now: Now, revision: u64) -> bool {
        let before = self.checked.replace((now, revision));
        before.is_some_and(|(_, before)| before != revision)
    }
}

pub(super) struct Core {
    pub(super) handle: Handle,
    /// `None`: runs are kept by their job alone.
    pub(super) manager: Option<TaskManager>,
    pub(super) wall: WallClock,
    /// Where the scheduler's own time begins, on the runtime's clock.
    origin: Instant,
    state: Mutex<State>,
    driver: Mutex<Option<Waker>>,
    /// A run is over.
    ended: Condvar,
    /// Woken when a run is submitted, and at the end.
    waiters: Mutex<Vec<Waker>>,
    /// Called by the reactor after a step of the system's wall clock.
    #[cfg(feature = "net")]
    watch: Mutex<Option<Arc<OnStep>>>,
}

/// What a job is made of, but for its slots.
pub(super) struct NewJob {
    pub(super) id: Option<Box<str>>,
    pub(super) name: Option<Box<str>>,
    pub(super) replace: bool,
    pub(super) rules: Rules,
    pub(super) trigger: String,
    /// False: it is idle until it is started.
    pub(super) active: bool,
}

impl Core {
    pub(super) fn new(handle: Handle, manager: Option<TaskManager>, wall: WallClock) -> Arc<Self> {
        let origin = handle.clock().now();
        let look = if wall.notifies(handle.clock()) { LONG_LOOK } else { SHORT_LOOK };
        let engine = Engine::new(Now { steady: 0, wall: wall.nanos() }, wall.runs_by_itself(), look);
        let state = State {
            phase: Phase::Open,
            engine,
            ids: HashMap::new(),
            cells: HashMap::new(),
            controls: BTreeMap::new(),
            events: VecDeque::new(),
            #[cfg(feature = "cron")]
            zone: ZoneWatch::default(),
            keys: 0,
            generated: 0,
        };
        let (state, driver) = (Mutex::new(state), Mutex::new(None));
        let (ended, waiters) = (Condvar::new(), Mutex::new(Vec::new()));
        let core = Arc::new(Self {
            handle,
            manager,
            wall,
            origin,
            state,
            driver,
            ended,
            waiters,
            #[cfg(feature = "net")]
            watch: Mutex::new(None),
        });
        let listener: Weak<Self> = Arc::downgrade(&core);
        core.wall.listen(listener);
        core
    }

    /// Reads the clocks. The runtime's is read first: a wait that is counted from it is never too long.
    pub(super) fn now(&self) -> Now {
        let steady = self.handle.clock().now().saturating_duration_since(self.origin);
        Now { steady: steady.as_nanos().cast_signed(), wall: self.wall.nanos() }
    }

    /// A moment of the scheduler's own time on the runtime's clock; `None` if that is too far away for it.
    pub(super) fn instant(&self, at: Nanos) -> Option<Instant> {
        let nanos = at.max(0).unsigned_abs();
        let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
        self.origin.checked_add(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
    }

    /// Wakes the driver.
    pub(super) fn notify(&self) {
        let waker = self.driver.lock().take();
        if let Some(waker) = waker {
            guarded(|| waker.wake());
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Leaves the lock and does what the engine decided.
    fn leave(self: &Arc<Self>, mut state: MutexGuard<'_, State>, actions: Actions) {
        let (mut rest, mut works) = (Actions::new(), Vec::new());
        let now = state.engine.seen();
        for action in actions {
            match action {
                Action::Notify { host, event } => {
                    let (kind, slot) = match event {
                        Event::Missed(slot) => (Kind::Missed, slot),
                        Event::Overlapped(slot) => (Kind::Overlapped, slot),
                    };
                    let work = host.work();
                    let event = JobEvent::new(&host, slot, now, None);
                    state.events.extend(Pending::new(kind, work.as_ref().map(|work| &work.hooks), event));
                    works.push(work);
                }
                Action::End { host, table } => {
                    if state.ids.get(&host.id) == Some(&host.key) {
                        state.ids.remove(&host.id);
                    }
                    state.cells.remove(&host.key);
                    rest.push(Action::End { host, table });
                }
                action => rest.push(action),
            }
        }
        let notify = !state.events.is_empty();
        drop(state);
        drop_quietly(works);
        for action in rest {
            match action {
                Action::Start { run, host, slot } => self.launch(run, &host, slot),
                Action::Cancel { run } => self.cancel(run),
                Action::Release { host, task } => {
                    if host.ignores_errors {
                        task.read_error();
                    }
                    // Its result goes with the last handle that a program holds; an unread error is reported then.
                    if let Some(manager) = &self.manager {
                        manager.remove(task.cancel_handle().id());
                    }
                    drop_quietly(task);
                }
                Action::End { host, table } => {
                    host.release();
                    drop_quietly(table);
                }
                Action::Drop(entry) => drop_quietly(entry),
                Action::Stray(table) => drop_quietly(table),
                Action::Ended => self.handle.shared().updated(),
                Action::Notify { .. } => {}
            }
        }
        if notify {
            self.notify();
        }
    }

    /// Changes the engine and does what it decides.
    pub(super) fn change<R>(self: &Arc<Self>, change: impl FnOnce(&mut State, &mut Actions) -> R) -> R {
        let (mut state, mut actions) = (self.state.lock(), Actions::new());
        let result = change(&mut state, &mut actions);
        self.leave(state, actions);
        result
    }

    /// Adds a job. Its table is made by a search, before the lock.
    pub(super) fn add(self: &Arc<Self>, job: NewJob, table: Table, work: Work) -> Result<Arc<Cell>, ScheduleError> {
        let NewJob { id, name, replace, mut rules, trigger, active } = job;
        rules.seed = rules.seed.or_else(|| self.handle.draw_seed());
        let now = self.now();
        let (table, ignores) = (Box::new(table), rules.on_error == ErrorPolicy::Ignore);
        let cell = self.change(|state, actions| {
            match state.phase {
                Phase::Open if self.handle.is_closed() => return Err(ScheduleError::RuntimeGone),
                Phase::Open => {}
                Phase::ShutDown => return Err(ScheduleError::ShutDown),
                Phase::RuntimeGone => return Err(ScheduleError::RuntimeGone),
            }
            let id: Arc<str> = match id {
                Some(id) => Arc::from(id),
                None => state.generate_id(),
            };
            let there = state.ids.get(&id).copied();
            if there.is_some() && !replace {
                return Err(ScheduleError::Duplicate { id: id.to_string() });
            }
            if let Some(key) = there {
                state.engine.end(key, JobStatus::Removed, actions);
            }
            state.keys += 1;
            let cell = Arc::new(Cell::new(state.keys, id, name, trigger, ignores, work));
            state.ids.insert(Arc::clone(&cell.id), cell.key);
            state.cells.insert(cell.key, Arc::clone(&cell));
            state.engine.add(Arc::clone(&cell), rules, table, active, now);
            Ok(cell)
        })?;
        self.notify();
        Ok(cell)
    }

    pub(super) fn resume(self: &Arc<Self>, key: u64) -> bool {
        let now = self.now();
        let (resumed, search) = self.state.lock().engine.resume(key, now);
        let searched = search.is_none_or(|search| self.search(search).is_ok());
        self.notify();
        resumed && searched
    }

    /// Runs a search and acts on what it found. Returns the number of searches. An error if user code panicked: that costs its own
    /// job, which is over.
    fn search(self: &Arc<Self>, mut search: Search) -> Result<u64, ()> {
        let found = search.run();
        self.change(|state, actions| match found {
            Ok((batch, searches)) => {
                state.engine.end_search(search, batch, actions);
                Ok(searches)
            }
            Err(panic) => {
                state.engine.fail_search(search, actions);
                Err(panic)
            }
        })
        .map_err(drop_quietly)
    }

    /// For the driver: decides, then does, for a part of the jobs at most. `None`: the scheduler is closed.
    pub(super) fn turn(self: &Arc<Self>, waker: &Waker) -> Option<NextStep> {
        // Before the clocks are read: a change after that wakes us.
        let old = self.driver.lock().replace(waker.clone());
        drop_quietly(old);
        let now = self.now();
        self.look(now);
        #[cfg(feature = "net")]
        self.watch_clock();
        let mut searches = 0;
        for _ in 0..JOBS_PER_TURN {
            self.call_hooks();
            let (mut state, mut actions) = (self.state.lock(), Actions::new());
            if state.phase != Phase::Open {
                return None;
            }
            let step = state.engine.step(now, &mut actions);
            self.leave(state, actions);
            match step {
                Step::Search(search) => searches += self.search(search).unwrap_or_default(),
                Step::Done => {}
                Step::Idle(rest) if self.state.lock().events.is_empty() => return Some(rest),
                Step::Idle(_) => {}
            }
            if searches >= SEARCHES_PER_TURN {
                break;
            }
        }
        self.call_hooks();
        Some(NextStep::Until(now.steady))
    }

    /// Has the reactor notify of steps of the system's wall clock, once a job waits for it.
    #[cfg(feature = "net")]
    fn watch_clock(self: &Arc<Self>) {
        let mut watch = self.watch.lock();
        if watch.is_some() || !self.wall.is_system() || !self.state.lock().engine.waits_for_wall() {
            return;
        }
        let core = Arc::downgrade(self);
        let on_step: Arc<OnStep> = Arc::new(move || {
            if let Some(core) = core.upgrade() {
                core.notify();
            }
        });
        if self.handle.shared().sockets.watch_clock(Arc::downgrade(&on_step)).is_ok() {
            self.state.lock().engine.set_look(LONG_LOOK);
        }
        *watch = Some(on_step);
    }

    /// Notices a step of the wall clock, and a change of the machine's time zone.
    fn look(&self, now: Now) {
        let mut state = self.state.lock();
        state.engine.look(now);
        #[cfg(feature = "cron")]
        if state.engine.waits_for_wall() && state.zone.is_due(now) {
            drop(state);
            let revision = crate::schedule::machine_revision();
            let mut state = self.state.lock();
            if state.zone.changes(now, revision) {
                state.engine.zone_changed();
            }
        }
    }

    fn call_hooks(&self) {
        let events = std::mem::take(&mut self.state.lock().events);
        events.into_iter().for_each(Pending::call);
    }

    fn launch(self: &Arc<Self>, run: u64, cell: &Arc<Cell>, slot: Slot) {
        let Some(work) = cell.work() else {
            // The job was removed in between.
            return self.change(|state, actions| state.engine.abandon(run, actions));
        };
        let now = self.now();
        let place = RunPlace::new(self, cell, run, slot.at.on_the_wall(now), work.hooks.on_finished.clone());
        let mut builder = TaskBuilder::new(place).name(&*cell.name).quiet_if(work.quiet);
        if let Some(limit) = work.timeout {
            builder = builder.timeout(limit);
        }
        let task = (work.launch)(builder, self.manager.as_ref());
        let control = task.cancel_handle().clone();
        let refused = self.change(|state, actions| {
            // A builder that refuses its options makes a task that is over, elsewhere.
            let refused = !state.controls.contains_key(&run);
            if refused {
                state.controls.insert(run, control.clone());
            }
            if state.engine.submitted(run, Arc::clone(&task), actions)
                && let Some(manager) = &self.manager
            {
                manager.alias(&latest_alias(&cell.name), control.id());
            }
            self.note_end(state, cell, run);
            let event = JobEvent::new(cell, slot, now, Some(control));
            state.events.extend(Pending::new(Kind::Run, Some(&work.hooks), event));
            refused
        });
        if refused {
            self.over(cell, run, work.hooks.on_finished.clone());
        }
        drop_quietly(work);
        self.released(false);
        self.wake_waiters();
    }

    /// After a run was submitted or has ended: the alias of the newest finished one, and the end of what is known of the run.
    fn note_end(&self, state: &mut State, cell: &Cell, run: u64) {
        if let Some(manager) = &self.manager
            && let Some(finished) = cell.newest(|newest| &newest.finished)
            && state.controls.get(&run).is_some_and(|control| control.id() == finished.cancel_handle().id())
        {
            manager.alias(&finished_alias(&cell.name), finished.cancel_handle().id());
        }
        if state.engine.slot_of(run).is_none() {
            state.controls.remove(&run);
        }
    }

    /// The task of a run was made, and is about to be queued.
    pub(super) fn prepared(&self, run: u64, control: CancelHandle) {
        let mut state = self.state.lock();
        let dismissed = state.engine.is_dismissed(run);
        let cancel = dismissed.then(|| control.clone());
        state.controls.insert(run, control);
        drop(state);
        if let Some(control) = cancel {
            control.cancel();
        }
    }

    /// The task of a run is over: on the thread that brought the end about.
    pub(super) fn over(self: &Arc<Self>, cell: &Arc<Cell>, run: u64, hook: Option<Hook>) {
        let mut wanted = false;
        self.change(|state, actions| {
            let (control, slot) = (state.controls.get(&run).cloned()?, state.engine.slot_of(run)?);
            let outcome = match control.status() {
                Status::Done => Outcome::Done,
                Status::Error => Outcome::Failed,
                _ => Outcome::Cancelled,
            };
            // Read under the lock. If the closure returns later, `closed` finds the mark.
            wanted = state.engine.over(run, outcome, control.is_left_running(), actions);
            self.note_end(state, cell, run);
            let hooks = Hooks { on_finished: hook, ..Hooks::default() };
            let event = JobEvent::new(cell, slot, state.engine.seen(), Some(control));
            state.events.extend(Pending::new(Kind::Finished, Some(&hooks), event));
            Some(())
        });
        if cell.ignores_errors
            && let Some(task) = cell.newest(|newest| &newest.finished)
        {
            task.read_error();
        }
        self.released(wanted);
    }

    /// The body of a run is gone. If its task was not marked as left running, `over` does the rest, or did.
    pub(super) fn closed(self: &Arc<Self>, cell: &Arc<Cell>, run: u64) {
        let wanted = self.change(|state, actions| {
            let wanted = state.engine.closed(run, actions);
            self.note_end(state, cell, run);
            wanted
        });
        self.released(wanted);
    }

    fn released(&self, wanted: bool) {
        self.ended.notify_all();
        if wanted {
            self.notify();
        }
    }

    fn wake_waiters(&self) {
        let waiters = std::mem::take(&mut *self.waiters.lock());
        waiters.into_iter().for_each(|waiter| guarded(|| waiter.wake()));
    }

    /// Registers a waker for the next run that is submitted.
    pub(super) fn wake_on_run(&self, waker: Waker) {
        self.waiters.lock().push(waker);
    }

    fn cancel(&self, run: u64) {
        let control = self.state.lock().controls.get(&run).cloned();
        if let Some(control) = control {
            control.cancel();
        }
    }

    /// Ends the schedule, for good; the runs go on. Returns how many jobs there were, and how many slots waited.
    pub(super) fn close(self: &Arc<Self>, phase: Phase) -> (usize, usize) {
        let counts = self.change(|state, actions| {
            if state.phase == Phase::Open {
                state.phase = phase;
            }
            state.engine.end_all(actions)
        });
        self.notify();
        self.wake_waiters();
        counts
    }

    /// Waits until no run is left and no closure of one still runs, or until `deadline`. Returns how many are not over, and
    /// how many are over with their closures still running.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> (usize, usize) {
        let mut state = self.state.lock();
        loop {
            let left = state.engine.active();
            let patience = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == (0, 0) || !HAS_THREADS || patience.is_some_and(|patience| patience.is_zero()) {
                return left;
            }
            // A thread that drives a runtime, or is inside of one of the runs, would wait for itself.
            if crate::runtime::current_driver().is_some() || state.controls.values().any(CancelHandle::must_not_wait) {
                return left;
            }
            match patience {
                None => self.ended.wait(&mut state),
                Some(patience) => drop(self.ended.wait_for(&mut state, patience)),
            }
        }
    }
}

impl State {
    pub(super) fn cell(&self, id: &str) -> Option<Arc<Cell>> {
        self.ids.get(id).and_then(|key| self.cells.get(key)).cloned()
    }

    fn generate_id(&mut self) -> Arc<str> {
        loop {
            self.generated += 1;
            let id: Arc<str> = format!("job-{}", self.generated).into();
            if !self.ids.contains_key(&id) {
                return id;
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
pub(super) fn latest_alias(name: &str) -> String {
    format!("latest:{name}")
}

/// The manager's name for the newest run of a job that is over.
pub(super) fn finished_alias(name: &str) -> String {
    format!("finished:{name}")
}
