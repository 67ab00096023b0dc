//! The handle of a job.

use super::cell::{Cell, JobCounts, JobStatus};
use super::core::Core;
use crate::manage::WrongType;
use crate::sync::Arc;
use crate::task::SharedTask;
use std::fmt;
use std::time::SystemTime;

/// A job: looks at it and changes it. Cheap to clone; dropping it changes nothing.
///
/// It stays useful when the job is over: counts and the latest tasks can still be read. None of the calls waits.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let job = scheduler.every(3600.0).id("sync").run(|_cx| async { "41".parse::<i32>().map(|n| n + 1) })?;
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

    /// Its schedule, in words.
    pub fn trigger(&self) -> &str {
        &self.cell.trigger
    }

    /// Where it stands.
    pub fn status(&self) -> JobStatus {
        self.cell.shown.lock().status
    }

    /// What became of its slots and runs so far.
    pub fn counts(&self) -> JobCounts {
        self.cell.shown.lock().counts
    }

    /// When it runs next, by the wall clock. `None` if it is paused or over.
    ///
    /// For an interval this is where the wall clock will stand if nobody sets it. With the feature `cron`, a
    /// `chrono::DateTime<Utc>` can be made from it.
    pub fn next_run_at(&self) -> Option<SystemTime> {
        let next = self.cell.shown.lock().next?;
        next.on_the_wall(self.core.now())
    }

    /// Lets no slot run until [`resume`](Self::resume). False if it is over or paused already.
    ///
    /// Runs that are under way go on; slots that wait in the job's queue wait on; [`run_now`](Self::run_now) works.
    pub fn pause(&self) -> bool {
        self.core.state.lock().pause(self.cell.key)
    }

    /// Ends a pause, with the next slot that lies ahead. False if it is over or not paused.
    ///
    /// The slots of the pause are neither run nor counted. An interval keeps its phase.
    pub fn resume(&self) -> bool {
        self.core.resume(self.cell.key)
    }

    /// Asks for one run now, besides the slots; the overlap policy holds for it. False if the job is over.
    pub fn run_now(&self) -> bool {
        let asked = self.core.state.lock().ask(self.cell.key);
        self.core.notify();
        asked
    }

    /// Takes the job out of the schedule. False if it is over.
    ///
    /// Runs that are under way go on; [`cancel_runs`](Self::cancel_runs) ends them.
    pub fn remove(&self) -> bool {
        self.core.remove(self.cell.key)
    }

    /// Cancels the runs that are under way, and says how many. The schedule goes on.
    pub fn cancel_runs(&self) -> usize {
        self.core.cancel_runs(self.cell.key)
    }

    /// The newest run: `None` until the first.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`.
    pub fn latest<T: 'static>(&self) -> Result<Option<SharedTask<T>>, WrongType> {
        let latest = self.cell.shown.lock().latest.clone();
        latest.map(|kept| kept.task.get()).transpose()
    }

    /// The newest run that is over, in whatever way: `None` until there is one.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`.
    pub fn latest_finished<T: 'static>(&self) -> Result<Option<SharedTask<T>>, WrongType> {
        let finished = self.cell.shown.lock().finished.clone();
        finished.map(|kept| kept.task.get()).transpose()
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
