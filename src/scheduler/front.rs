//! The scheduler as a program holds it.

use super::builder::{Every, JobBuilder, Options};
use super::cell::{Cell, Which};
use super::core::{Core, Phase, finished_alias, latest_alias};
use super::error::ScheduleError;
use super::job::Job;
use super::owner::{Scheduled, start};
use crate::instant::Instant;
use crate::manage::{TaskManager, WrongType};
use crate::schedule::Period;
use crate::sync::Arc;
use crate::task::SharedTask;
use crate::time::WallClock;
use std::fmt;
use std::time::Duration;

/// Runs jobs when they are due. Each run is a task, submitted through a [`TaskManager`].
///
/// It has no thread of its own: one future on the reactor of the manager's runtime drives all of its jobs, and waits for
/// the next slot like any sleep does. Bodies that are futures run on the reactor thread, the others on pool threads.
///
/// Intervals go by the runtime's [`Clock`](crate::time::Clock), which never jumps: a machine that sleeps does not hurry
/// them, a manual clock drives them. Cron expressions, times of day and instants go by a [`WallClock`], which may be set at any
/// time: a wait for it looks again every minute (of the runtime's clock), and at once when a settable one is moved.
///
/// Clones are the same scheduler. With the last of them it is shut down, without waiting: no job runs any more, and runs
/// that are under way go on as tasks of the manager.
///
/// # Example
/// ```
/// use offtick::{Runtime, Scheduler, TaskManager};
/// use std::time::Duration;
///
/// let rt = Runtime::new()?;
/// let scheduler = Scheduler::new(&TaskManager::new(&rt));
/// scheduler.every(Duration::from_secs(30)).now().id("weather").spawn(|_cx| async { "sunny" })?;
///
/// // On each tick:
/// let text = loop {
///     if let Some(task) = scheduler.latest_finished::<&str>("weather")?
///         && let Some(Ok(text)) = task.result()
///     {
///         break *text;
///     }
///     std::thread::yield_now();
/// };
/// assert_eq!(text, "sunny");
/// assert!(scheduler.shutdown(Duration::from_secs(5)).is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scheduler {
    owner: Arc<Owner>,
}

/// Goes with the last clone.
struct Owner {
    core: Arc<Core>,
    manager: TaskManager,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.core.close(Phase::ShutDown);
    }
}

/// What a [`Scheduler::shutdown`] left behind.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// scheduler.every(std::time::Duration::from_secs(60)).spawn(|_cx| async {})?;
/// let report = scheduler.shutdown(std::time::Duration::ZERO);
/// assert_eq!((report.jobs, report.running, report.left_running), (1, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchedulerReport {
    /// Jobs that were taken out of the schedule.
    pub jobs: usize,
    /// Slots that waited for a run to be over. They were given up.
    pub queued: usize,
    /// Runs that were not over when the wait ended. They go on.
    pub running: usize,
    /// Runs that were over, cancelled or at their time limit, and whose closures still ran when the wait ended.
    pub left_running: usize,
}

impl SchedulerReport {
    /// True if no run is left and no closure of one still runs.
    pub fn is_clean(&self) -> bool {
        self.running == 0 && self.left_running == 0
    }
}

impl Scheduler {
    /// A scheduler on the runtime of `manager`, and on the wall clock of the system.
    pub fn new(manager: &TaskManager) -> Self {
        Self::with_wall_clock(manager, WallClock::system())
    }

    /// A scheduler whose calendar goes by `wall`.
    ///
    /// # Example
    /// ```
    /// use offtick::time::{Clock, WallClock};
    /// use offtick::{Builder, Scheduler, TaskManager};
    ///
    /// // A simulation: both clocks move by hand, and together.
    /// let clock = Clock::manual();
    /// let wall = WallClock::paced_by(clock.clone(), std::time::UNIX_EPOCH);
    /// let rt = Builder::new().clock(clock.clone()).build()?;
    /// let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall);
    /// # assert!(scheduler.is_empty());
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn with_wall_clock(manager: &TaskManager, wall: impl Into<WallClock>) -> Self {
        let core = start(manager.handle().clone(), Some(manager.clone()), wall.into());
        Self { owner: Arc::new(Owner { core, manager: manager.clone() }) }
    }

    fn core(&self) -> &Arc<Core> {
        &self.owner.core
    }

    pub(super) fn builder<S>(&self, source: S) -> JobBuilder<S> {
        JobBuilder::new(Scheduled(Arc::clone(self.core())), source, Options::default())
    }

    /// A job at fixed intervals: a [`Duration`], or a [`Period`].
    ///
    /// The first run is after one period, or at once with [`now`](JobBuilder::now). The grid is fixed: late runs do not
    /// move it. A length of zero is an error of the verb.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let job = scheduler.every(Duration::from_secs(90)).spawn_blocking(|_cx| std::fs::metadata("Cargo.toml").is_ok())?;
    /// assert_eq!(job.trigger(), "every 90s");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn every<P>(&self, period: P) -> JobBuilder<Every>
    where
        P: TryInto<Period>,
        P::Error: Into<ScheduleError>,
    {
        self.builder(Every { period: period.try_into().map_err(Into::into), at_once: false })
    }

    /// All jobs that are not over, in the order in which they were added.
    pub fn list(&self) -> Vec<Job> {
        let state = self.core().state();
        let cells: Vec<_> = state.engine.hosts().map(Arc::clone).collect();
        drop(state);
        cells.into_iter().map(|cell| Job::new(Arc::clone(self.core()), cell)).collect()
    }

    /// The job `id`, unless it is over.
    pub fn get(&self, id: &str) -> Option<Job> {
        self.cell(id).map(|cell| Job::new(Arc::clone(self.core()), cell))
    }

    fn cell(&self, id: &str) -> Option<Arc<Cell>> {
        self.core().state().cell(id)
    }

    /// Takes the job `id` out of the schedule; see [`Job::remove`]. False if there is none.
    pub fn remove(&self, id: &str) -> bool {
        self.get(id).is_some_and(|job| job.remove())
    }

    /// Pauses every job; see [`Job::pause`]. Returns the number of jobs that were active.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// scheduler.every(Duration::from_secs(60)).spawn(|_cx| async {})?;
    /// assert_eq!((scheduler.pause_all(), scheduler.resume_all()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause_all(&self) -> usize {
        self.list().iter().filter(|job| job.pause()).count()
    }

    /// Resumes every job; see [`Job::resume`]. Returns the number of jobs that were paused.
    ///
    /// # Example
    /// See [`pause_all`](Self::pause_all).
    pub fn resume_all(&self) -> usize {
        self.list().iter().filter(|job| job.resume()).count()
    }

    /// Number of jobs that are not over.
    pub fn len(&self) -> usize {
        self.core().state().engine.len()
    }

    /// True if there is no job that is not over.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The newest run of the job `id`: `None` until its first.
    ///
    /// The manager knows it by the alias `latest:NAME`; the name of a job is its id unless it was given another one. After the job is
    /// over it is found there, as long as the manager keeps it.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`.
    pub fn latest<T: 'static>(&self, id: &str) -> Result<Option<SharedTask<T>>, WrongType> {
        self.newest(id, &latest_alias(id), |newest| &newest.latest)
    }

    /// The newest run of the job `id` that is over, in whatever way; the manager's alias is `finished:NAME`.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`.
    pub fn latest_finished<T: 'static>(&self, id: &str) -> Result<Option<SharedTask<T>>, WrongType> {
        self.newest(id, &finished_alias(id), |newest| &newest.finished)
    }

    fn newest<T: 'static>(&self, id: &str, alias: &str, which: Which) -> Result<Option<SharedTask<T>>, WrongType> {
        match self.cell(id) {
            // A job keeps its newest runs, whatever the manager forgets.
            Some(cell) => cell.newest(which).map(|task| task.get()).transpose(),
            None => self.manager().get_alias(alias),
        }
    }

    /// The manager of its runs.
    pub fn manager(&self) -> &TaskManager {
        &self.owner.manager
    }

    /// What its calendar goes by.
    pub fn wall_clock(&self) -> &WallClock {
        &self.core().wall
    }

    /// True once it is shut down, or its runtime is gone.
    pub fn is_closed(&self) -> bool {
        self.core().state().phase != Phase::Open
    }

    /// Takes all jobs out of the schedule, refuses new ones, and waits until the active runs are over and their closures have
    /// returned, at most for `patience`: zero to wait for nothing, [`Duration::MAX`] for as long as it takes.
    ///
    /// Nothing is cancelled. The report counts what was left. On a reactor thread, and inside one of the
    /// runs, this does not wait.
    ///
    /// # Example
    /// See [`SchedulerReport`].
    pub fn shutdown(&self, patience: Duration) -> SchedulerReport {
        let (jobs, queued) = self.core().close(Phase::ShutDown);
        let (running, left_running) = self.core().wait(Instant::now().checked_add(patience));
        SchedulerReport { jobs, queued, running, left_running }
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("len", &self.len()).field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
