//! What a builder collects, apart from the slots; and the policy for overlaps.

use super::event::Hook;
use super::instances::Instances;
use super::timetable::{Lateness, Nanos};
use crate::error::InvalidSetting;
use std::num::NonZeroUsize;
use std::time::Duration;

/// The default of `misfire_grace`.
const DEFAULT_GRACE: Duration = Duration::from_secs(1);

/// What happens to a slot that is due while `max_instances` runs of the job are active.
///
/// A run is active until its work is really over. A run that was cancelled or ran out of time ends as a task at once, but its closure
/// may go on: it counts until it returns, unless [`wait_for_closures`](super::JobBuilder::wait_for_closures) is off.
///
/// # Example
/// ```
/// use offtick::Overlap;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let job = scheduler.every(5.0).overlap(Overlap::CancelPrevious).spawn(|_cx| async { /* fetch */ })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overlap {
    /// It is given up and counted.
    #[default]
    Skip,
    /// It waits until one of the runs is over. Up to 1,000 wait; slots beyond that are given up and counted.
    Queue,
    /// It runs as well. With [`max_instances`](super::JobBuilder::max_instances), only up to that many; then as `Skip`.
    Allow,
    /// The oldest run is cancelled for it: a future is dropped at its next suspension point, a closure is notified through its context.
    ///
    /// The new run waits until the old closure has returned, so a closure that ignores its cancellation never runs beside the
    /// next one. A slot that waits is given up and counted when a newer one is due. With
    /// [`wait_for_closures(false)`](super::JobBuilder::wait_for_closures) the new run starts at once, beside the old closure.
    CancelPrevious,
}

/// What the builder collects, apart from the slots.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) id: Option<Box<str>>,
    pub(super) replace: bool,
    pub(super) start: Option<Nanos>,
    pub(super) end: Option<Nanos>,
    pub(super) max_runs: Option<u64>,
    pub(super) timeout: Option<Duration>,
    pub(super) quiet: bool,
    pub(super) jitter: Nanos,
    pub(super) seed: Option<u64>,
    pub(super) lateness: Lateness,
    pub(super) overlap: Overlap,
    pub(super) max_instances: Option<usize>,
    pub(super) wait_for_closures: bool,
    pub(super) on_run: Option<Hook>,
    pub(super) on_missed: Option<Hook>,
    pub(super) on_overlapped: Option<Hook>,
}

impl Settings {
    pub(super) fn new() -> Self {
        Self {
            id: None,
            replace: true,
            start: None,
            end: None,
            max_runs: None,
            timeout: None,
            quiet: false,
            jitter: 0,
            seed: None,
            lateness: Lateness { grace: Some(nanos(DEFAULT_GRACE)), coalesce: true },
            overlap: Overlap::Skip,
            max_instances: None,
            wait_for_closures: true,
            on_run: None,
            on_missed: None,
            on_overlapped: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::require(self.max_runs != Some(0), "max_runs", 0, "at least 1; the default is no limit")?;
        InvalidSetting::require(self.max_instances != Some(0), "max_instances", 0, "at least 1")?;
        InvalidSetting::require_time("timeout", self.timeout)
    }

    pub(super) fn instances<T>(&self) -> Instances<T> {
        let default = if self.overlap == Overlap::Allow { None } else { Some(1) };
        let limit = self.max_instances.or(default).and_then(NonZeroUsize::new);
        Instances::new(self.overlap, limit, self.wait_for_closures)
    }
}

pub(super) fn nanos(length: Duration) -> Nanos {
    // A Duration has fewer than 2^94 nanoseconds.
    length.as_nanos().cast_signed()
}
