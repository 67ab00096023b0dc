//! The visible state of a job: status, counts, newest runs.

use super::time::Moment;
use std::fmt;

/// The state of a job.
///
/// # Example
/// ```
/// use offtick::scheduler::JobStatus;
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let job = scheduler.every(Duration::from_secs(60)).spawn(|_cx| async {})?;
/// assert_eq!(job.status(), JobStatus::Active);
/// job.remove();
/// assert_eq!(job.status(), JobStatus::Removed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// Runs when it is due.
    Active,
    /// Runs only on request.
    Paused,
    /// Its owner has cancelled it, or has not started it yet; see [`Repeat`](crate::toolkit::Repeat).
    Idle,
    /// No slot is left, or `max_runs` is reached.
    Finished,
    /// A run failed under [`ErrorPolicy::Stop`](super::ErrorPolicy::Stop), or the search for a slot panicked.
    Failed,
    /// Removed, or replaced by a job with the same id.
    Removed,
    /// Its scheduler was shut down, or the runtime has shut down.
    Stopped,
}

impl JobStatus {
    /// Returns true for the last four: no run will be due any more.
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Active | Self::Paused | Self::Idle)
    }

    /// Returns the name in lower case, as `Display` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Idle => "idle",
            Self::Finished => "finished",
            Self::Failed => "failed",
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

/// Counts of the slots and runs of a job.
///
/// Every slot that has passed is in exactly one of `runs`, `missed`, `overlapped`, `coalesced` and `queued`; so is every run that was
/// requested ([`Job::run_now`](crate::scheduler::Job::run_now)). Slots of a pause are not counted.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let job = scheduler.every(Duration::from_secs(60)).spawn(|_cx| async {})?;
/// assert_eq!(job.counts().runs, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCounts {
    /// Runs that were submitted.
    pub runs: u64,
    /// Slots that passed without a run.
    ///
    /// A step of the wall clock passed them by more than the grace, or they came after the 1,000 that are caught up on one by one.
    /// Slots of a calendar that pass at once are counted one by one up to 64; each range beyond that counts as one.
    pub missed: u64,
    /// Slots for which there was no room.
    ///
    /// Earlier runs, or (with [`Overlap::CancelPrevious`](super::Overlap::CancelPrevious)) a newer
    /// slot, left none, or the job ended while they waited.
    pub overlapped: u64,
    /// Slots that were left to a newer one, which ran. Counted as `missed` is.
    pub coalesced: u64,
    /// Runs that ended in an error, a panic or a timeout.
    pub failed: u64,
    /// Unfinished runs.
    pub running: usize,
    /// Finished runs whose closures still run: cancelled ones, and timeouts.
    pub left_running: usize,
    /// Slots that wait for room.
    ///
    /// For a run to finish ([`Overlap::Queue`](super::Overlap::Queue)), or for the closure of a cancelled run to
    /// return ([`Overlap::CancelPrevious`](super::Overlap::CancelPrevious)).
    pub queued: usize,
}

/// The part that changes with each step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) status: JobStatus,
    /// The time of the next run.
    pub(crate) next: Option<Moment>,
    pub(crate) counts: JobCounts,
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// An error, a panic, the time limit.
    Failed,
    Cancelled,
}

/// The newest runs of a job, by number.
#[derive(Clone, Debug)]
pub(crate) struct Newest<R> {
    pub(crate) latest: Option<(u64, R)>,
    /// The newest finished run.
    pub(crate) finished: Option<(u64, R)>,
    /// The newest run that ended with a value.
    pub(crate) done: Option<(u64, R)>,
}

impl<R> Default for Newest<R> {
    fn default() -> Self {
        Self { latest: None, finished: None, done: None }
    }
}

impl<R> Newest<R> {
    pub(super) fn holds(&self, run: u64) -> bool {
        [&self.latest, &self.finished, &self.done].into_iter().flatten().any(|(there, _)| *there == run)
    }
}

/// Puts in a run unless a newer one is there. Returns the run that it replaced, or itself.
#[must_use]
pub(super) fn keep_newest<R>(place: &mut Option<(u64, R)>, run: u64, task: R) -> Option<(u64, R)> {
    if place.as_ref().is_none_or(|(there, _)| *there < run) { place.replace((run, task)) } else { Some((run, task)) }
}
