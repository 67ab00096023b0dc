//! What a builder collects, apart from the slots; and the policy for overlaps.

use super::error::ScheduleError;
use super::event::Hook;
use super::timetable::{Lateness, Nanos};
use std::time::Duration;

/// How late a run may be if the job is not told.
const DEFAULT_GRACE: Duration = Duration::from_secs(1);

/// What happens to a slot that is due while as many runs of the job as may be are not over yet.
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
pub enum Overlap {
    /// It is given up and counted.
    #[default]
    Skip,
    /// It waits until one of the runs is over. Up to 1,000 wait; what is due beyond that is given up and counted.
    Queue,
    /// It runs as well. With [`max_instances`](super::JobBuilder::max_instances), only up to that many; then as `Skip`.
    Allow,
    /// The oldest run is cancelled for it: a future is dropped where it waits, a closure is told through its context.
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
    pub(super) jitter: Nanos,
    pub(super) seed: Option<u64>,
    pub(super) lateness: Lateness,
    pub(super) overlap: Overlap,
    pub(super) max_instances: Option<usize>,
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
            jitter: 0,
            seed: None,
            lateness: Lateness { grace: Some(nanos(DEFAULT_GRACE)), coalesce: true },
            overlap: Overlap::Skip,
            max_instances: None,
            on_run: None,
            on_missed: None,
            on_overlapped: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), ScheduleError> {
        let zero = |setting| ScheduleError::Invalid { setting, given: "0".to_owned(), allowed: "at least 1" };
        if self.max_runs == Some(0) {
            return Err(zero("max_runs"));
        }
        if self.max_instances == Some(0) {
            return Err(zero("max_instances"));
        }
        Ok(())
    }

    /// How many runs may be under way.
    pub(super) fn places(&self) -> usize {
        self.max_instances.unwrap_or(if self.overlap == Overlap::Allow { usize::MAX } else { 1 })
    }
}

pub(super) fn nanos(length: Duration) -> Nanos {
    // A Duration has fewer than 2^94 nanoseconds.
    length.as_nanos().cast_signed()
}
