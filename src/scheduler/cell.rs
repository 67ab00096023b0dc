//! What a job shows: shared by its handles, its runs and the scheduler, and outlives its place in the schedule.

use super::timetable::Moment;
use crate::manage::Stored;
use crate::sync::{Arc, Mutex};
use crate::task::TaskId;
use std::fmt;

/// Where a job stands.
///
/// # Example
/// ```
/// use offtick::scheduler::JobStatus;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let job = scheduler.every(60.0).spawn(|_cx| async {})?;
/// assert_eq!(job.status(), JobStatus::Active);
/// job.remove();
/// assert_eq!(job.status(), JobStatus::Removed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// It runs when it is due.
    Active,
    /// It runs only when it is asked to.
    Paused,
    /// Over: there are no more slots, or it ran as often as it was to.
    Finished,
    /// Over: it was removed, or another job took its id.
    Removed,
    /// Over: its scheduler was shut down, or the runtime is gone.
    Stopped,
}

impl JobStatus {
    /// True for the last three, which never change again.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Active | Self::Paused)
    }

    /// The name in lower case, as `Display` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Removed => "removed",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of the slots of a job, and of its runs.
///
/// Every slot that is over is in exactly one of `runs`, `missed`, `overlapped` and `coalesced`; `runs` counts those asked for
/// by [`Job::run_now`](super::Job::run_now) as well.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let job = scheduler.every(60.0).spawn(|_cx| async {})?;
/// assert_eq!(job.counts().runs, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCounts {
    /// Runs that were submitted.
    pub runs: u64,
    /// Slots that were seen too late, beyond the grace for misfires. Of a calendar, those beyond 1,000 at a time count as one.
    pub missed: u64,
    /// Slots that were given up because earlier runs, or (with [`Overlap::CancelPrevious`](super::Overlap::CancelPrevious)) a newer
    /// slot, left no room for them.
    pub overlapped: u64,
    /// Slots that were left to a newer one, which ran.
    pub coalesced: u64,
    /// Runs that ended in an error, a panic or at their time limit.
    pub failed: u64,
    /// Runs that are not over.
    pub running: usize,
    /// Runs that are over, cancelled or at their time limit, and whose closures still run.
    pub left_running: usize,
    /// Slots that wait for a run to be over ([`Overlap::Queue`](super::Overlap::Queue)), or for the closure of a cancelled run to
    /// return ([`Overlap::CancelPrevious`](super::Overlap::CancelPrevious)).
    pub queued: usize,
}

pub(super) struct Cell {
    pub(super) id: Arc<str>,
    /// Of the job in its scheduler, never used again.
    pub(super) key: u64,
    pub(super) trigger: String,
    /// Locked for a copy; last of all locks but the manager's.
    pub(super) shown: Mutex<Shown>,
}

pub(super) struct Shown {
    pub(super) status: JobStatus,
    pub(super) next: Option<Moment>,
    pub(super) counts: JobCounts,
    /// The newest run, and the newest of those that are over.
    pub(super) latest: Option<Kept>,
    pub(super) finished: Option<Kept>,
}

/// The task of a run, by number.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) run: u64,
    pub(super) task: Arc<Stored>,
}

impl Kept {
    pub(super) fn id(&self) -> TaskId {
        self.task.cancel_handle().id()
    }
}

impl Shown {
    /// True for the newest run, and for the newest that is over.
    pub(super) fn shows(&self, run: u64) -> bool {
        [&self.latest, &self.finished].into_iter().flatten().any(|kept| kept.run == run)
    }
}

impl Cell {
    pub(super) fn new(id: Arc<str>, key: u64, trigger: String) -> Self {
        let shown =
            Shown { status: JobStatus::Active, next: None, counts: JobCounts::default(), latest: None, finished: None };
        Self { id, key, trigger, shown: Mutex::new(shown) }
    }
}

/// Puts in a run, unless a newer one is there. Returns what is to be dropped, after the lock.
#[must_use]
pub(super) fn keep_newest(place: &mut Option<Kept>, kept: Kept) -> Option<Kept> {
    if place.as_ref().is_none_or(|there| there.run < kept.run) { place.replace(kept) } else { Some(kept) }
}
