//! The handle of a job.

use super::cell::{Cell, Which};
use super::core::{Core, Phase};
use crate::manage::WrongType;
use crate::repeat::{JobCounts, JobStatus};
use crate::sync::Arc;
use crate::task::SharedTask;
use crate::time::wall::wall_nanos;
use crate::util::catch::drop_quietly;
use std::fmt;
use std::time::SystemTime;

/// A handle to a job. Cheap to clone; dropping it changes nothing.
///
/// It stays useful when the job is over: counts and the latest tasks can still be read. None of the calls waits.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let hourly = scheduler.every(std::time::Duration::from_secs(3600));
/// let job = hourly.id("sync").run(|_cx| async { "41".parse::<i32>().map(|n| n + 1) })?;
/// assert!(job.latest::<i32>()?.is_none());
/// job.run_now();
/// let task = loop {
///     match job.latest::<i32>()? {
///         Some(task) => break task,
///         None => std::thread::yield_now(), // a tick
///     }
/// };
/// assert_eq!(task.wait().ok(), Some(&42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Job {
    core: Arc<Core>,
    cell: Arc<Cell>,
}

impl Job {
    pub(super) fn new(core: Arc<Core>, cell: Arc<Cell>) -> Self {
        Self { core, cell }
    }

    /// What it is found by.
    pub fn id(&self) -> &str {
        &self.cell.id
    }

    /// Its schedule, as it was given.
    pub fn trigger(&self) -> &str {
        &self.cell.trigger
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The state of the job.
    pub fn status(&self) -> JobStatus {
        self.cell.shown().status
    }

    /// The number of slots and runs so far, by what became of them.
    pub fn counts(&self) -> JobCounts {
        self.cell.shown().counts
    }

    /// When it runs next, by the wall clock. `None` if it is paused or over.
    ///
    /// For an interval this is the reading at that time if nobody sets the clock. With the feature `cron`, a
    /// `chrono::DateTime<Utc>` can be made from it.
    pub fn next_run_at(&self) -> Option<SystemTime> {
        self.cell.shown().next?.on_the_wall(self.core.now())
    }

    /// Returns the next `count` runs, by the wall clock.
    ///
    /// Empty if the job is paused or has ended; only [`next_run_at`](Self::next_run_at) for a job without a schedule. The times are those of the
    /// zone and the clock as they are now. Each takes a search of microseconds, at most some milliseconds, in this call: show a few in a
    /// tick, not thousands.
    ///
    /// # Panics
    /// If the job's own zone or function does.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let job = scheduler.every(Duration::from_secs(60)).spawn(|_cx| async {})?;
    /// let next = job.upcoming(3);
    /// assert_eq!(next[2].duration_since(next[0])?, Duration::from_secs(120));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upcoming(&self, count: usize) -> Vec<SystemTime> {
        let (Some(first), Some(work)) = (self.next_run_at(), self.cell.work()) else { return Vec::new() };
        let in_time = |at: &SystemTime| work.end.is_none_or(|end| wall_nanos(*at) <= end);
        let times = work.outlook.from(first).take_while(in_time).take(count).collect();
        drop_quietly(work);
        times
    }

    /// Describes the schedule in words, in English: "at 02:30, Monday to Friday (Europe/Berlin)".
    ///
    /// [`trigger`](Self::trigger) returns it as it was given, such as a cron expression.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let job = scheduler.every(std::time::Duration::from_secs(90)).spawn(|_cx| async {})?;
    /// assert_eq!(job.describe(), "every 90s");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn describe(&self) -> String {
        let work = self.cell.work();
        let words = work.as_ref().and_then(|work| work.outlook.describe());
        drop_quietly(work);
        words.unwrap_or_else(|| self.trigger().to_owned())
    }

    /// Lets no slot run until [`resume`](Self::resume). False if it is over or paused already.
    ///
    /// Runs that are active continue; slots that wait in the job's queue wait on; [`run_now`](Self::run_now) works.
    pub fn pause(&self) -> bool {
        self.core.state().engine.pause(self.cell.key)
    }

    /// Ends a pause, with the next slot that lies ahead. False if it is over or not paused.
    ///
    /// The slots of the pause are neither run nor counted. An interval keeps its phase.
    pub fn resume(&self) -> bool {
        self.core.resume(self.cell.key)
    }

    /// Requests one run now, besides the slots; the overlap policy holds for it. False if the job is over.
    pub fn run_now(&self) -> bool {
        let asked = self.core.state().engine.run_now(self.cell.key);
        self.core.notify();
        asked
    }

    /// Takes the job out of the schedule. False if it is over.
    ///
    /// Runs that are active continue; [`cancel_runs`](Self::cancel_runs) ends them.
    pub fn remove(&self) -> bool {
        self.core.change(|state, actions| state.engine.end(self.cell.key, JobStatus::Removed, actions))
    }

    /// Cancels the runs that are active, and returns their number. The schedule continues.
    pub fn cancel_runs(&self) -> usize {
        self.core.change(|state, actions| state.engine.dismiss(self.cell.key, actions))
    }

    /// Begins anew.
    pub(super) fn restart(&self) -> bool {
        let restarted = self
            .core
            .change(|state, actions| state.phase == Phase::Open && state.engine.restart(self.cell.key, actions));
        self.core.notify();
        restarted
    }

    /// Begins a run within this call.
    pub(super) fn start_run(&self) -> bool {
        let now = self.core.now();
        self.core
            .change(|state, actions| state.phase == Phase::Open && state.engine.start_now(self.cell.key, now, actions))
    }

    /// Cancels the runs, and lets none begin.
    pub(super) fn idle(&self) -> usize {
        self.core.change(|state, actions| match state.phase {
            Phase::Open => state.engine.idle(self.cell.key, actions),
            _ => state.engine.dismiss(self.cell.key, actions),
        })
    }

    /// The newest run: `None` until the first.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`.
    pub fn latest<T: 'static>(&self) -> Result<Option<SharedTask<T>>, WrongType> {
        self.newest(|newest| &newest.latest)
    }

    /// The newest run that is over, in whatever way: `None` until there is one.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`.
    pub fn latest_finished<T: 'static>(&self) -> Result<Option<SharedTask<T>>, WrongType> {
        self.newest(|newest| &newest.finished)
    }

    /// The newest run that ended with a value: what a screen shows while a newer run is active or has failed.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`.
    pub fn latest_done<T: 'static>(&self) -> Result<Option<SharedTask<T>>, WrongType> {
        self.newest(|newest| &newest.done)
    }

    fn newest<T: 'static>(&self, which: Which) -> Result<Option<SharedTask<T>>, WrongType> {
        self.cell.newest(which).map(|task| task.get()).transpose()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("trigger", &self.trigger())
            .field("status", &self.status())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
