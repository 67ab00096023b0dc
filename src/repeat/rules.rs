//! The rules of a job: what becomes of late, overlapping and failing runs.

use super::instances::Instances;
use super::time::{HOUR, Nanos};
use std::num::NonZeroUsize;

/// The policy for slots that are due while `max_instances` runs are active.
///
/// A run is active until its work has really finished. A run that was cancelled or ran out of time ends as a task at once, but its closure
/// may continue: it counts until it returns, unless [`wait_for_closures`](crate::scheduler::JobBuilder::wait_for_closures) is off.
///
/// # Example
/// ```
/// use offtick::Overlap;
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let every = scheduler.every(Duration::from_secs(5)).overlap(Overlap::CancelPrevious);
/// let job = every.spawn(|_cx| async { /* fetch */ })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overlap {
    /// Skips the slot and counts it.
    ///
    /// Late slots that each run ([`coalesce(false)`](crate::scheduler::JobBuilder::coalesce)) do not overlap each other: they run one after the
    /// other.
    #[default]
    Skip,
    /// Queues the slot until a run finishes. Up to 1,000 slots wait; those beyond are skipped and counted.
    Queue,
    /// Runs the slot as well. With [`max_instances`](crate::scheduler::JobBuilder::max_instances), only up to that many; then as `Skip`.
    Allow,
    /// Cancels the oldest run for it.
    ///
    /// A future is dropped at its next suspension point, a closure is notified through its context.
    ///
    /// The new run waits until the old closure has returned, so a closure that ignores its cancellation never runs beside the
    /// next one. A slot that waits is skipped and counted when a newer one is due. With
    /// [`wait_for_closures(false)`](crate::scheduler::JobBuilder::wait_for_closures) the new run starts at once, beside the old closure.
    CancelPrevious,
}

/// The policy for runs that fail.
///
/// A run fails if it ends in an error, a panic or a timeout, or is cancelled from outside. A run that makes way for a newer one
/// ([`Overlap::CancelPrevious`]), or is cancelled through its job, is no failure.
///
/// # Example
/// See [`Periodic`](crate::toolkit::Periodic).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorPolicy {
    /// Continues the job. An error that nobody reads is reported to
    /// [`on_unhandled_error`](crate::Builder::on_unhandled_error) when newer runs have replaced its run.
    #[default]
    Continue,
    /// Continues the job, and counts the error as read.
    ///
    /// It is never reported as unhandled. One refresh that fails does not stop a
    /// program that ends on unhandled errors.
    Ignore,
    /// Ends the job as [`JobStatus::Failed`](super::JobStatus::Failed). The error is reported as under `Continue`.
    Stop,
}

/// The lateness that a slot may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grace {
    /// The smaller of one period and one hour.
    Default,
    /// `None`: however late.
    Given(Option<Nanos>),
}

impl Grace {
    /// `period`: the distance to the next slot, if there is one.
    pub(crate) fn of(self, period: Option<Nanos>) -> Option<Nanos> {
        match self {
            Self::Default => Some(period.map_or(HOUR, |period| period.min(HOUR))),
            Self::Given(grace) => grace,
        }
    }
}

/// The rules of one job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) grace: Grace,
    /// One run stands for all slots that are due at once.
    pub(crate) coalesce: bool,
    pub(crate) overlap: Overlap,
    pub(crate) max_instances: Option<NonZeroUsize>,
    /// The most slots that wait under [`Overlap::Queue`].
    pub(crate) queue_limit: usize,
    pub(crate) wait_for_closures: bool,
    pub(crate) max_runs: Option<u64>,
    /// The longest random delay of a run.
    pub(crate) jitter: Nanos,
    pub(crate) seed: Option<u64>,
    pub(crate) on_error: ErrorPolicy,
    /// The job stays after its end, to be started again.
    pub(crate) restarts: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            grace: Grace::Default,
            coalesce: true,
            overlap: Overlap::Skip,
            max_instances: None,
            queue_limit: super::table::CATCH_UP_LIMIT,
            wait_for_closures: true,
            max_runs: None,
            jitter: 0,
            seed: None,
            on_error: ErrorPolicy::Continue,
            restarts: false,
        }
    }
}

impl Rules {
    pub(super) fn instances<T>(&self) -> Instances<T> {
        let default = if self.overlap == Overlap::Allow { None } else { NonZeroUsize::new(1) };
        Instances::new(self, self.max_instances.or(default))
    }
}
