//! Why a job was not added.

use crate::error::InvalidSetting;
use crate::schedule::{CronError, PeriodError, SearchError, StoreError, ZoneError};
use std::convert::Infallible;

/// Why a job was not added. Nothing of it was: the scheduler is as it was before.
///
/// # Example
/// ```
/// use offtick::ScheduleError;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let never = scheduler.every(std::time::Duration::ZERO).spawn(|_cx| async {});
/// assert!(matches!(never, Err(ScheduleError::Period(_))));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The length of the interval is zero or negative.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// A cron expression that is wrong, never fires, or is in the past.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The search for the first slot led to no end.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// No slot lies ahead: the instant is over, or start and end leave nothing.
    #[error("`{trigger}` has no run ahead of the present time, within its start and end")]
    NeverFires {
        /// The schedule.
        trigger: String,
    },
    /// An option is out of its range, of the job or of its policy for retries.
    #[error(transparent)]
    Invalid(#[from] InvalidSetting),
    /// Another job has this id, and it is not to be replaced.
    #[error("a job `{id}` exists; take another id, remove that job, or let it be replaced")]
    Duplicate {
        /// The id.
        id: String,
    },
    /// A store that failed to return the last run of the job.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An unknown zone of the machine: times would be those of UTC.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// The scheduler was shut down.
    #[error("the scheduler is shut down; add jobs to a live one")]
    ShutDown,
    /// The runtime of the scheduler is gone.
    #[error("the runtime of this scheduler is gone; make one on a live runtime")]
    RuntimeGone,
}

impl From<Infallible> for ScheduleError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
