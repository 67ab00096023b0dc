//! What hooks are told.

use crate::sync::Arc;
use crate::task::CancelHandle;
use crate::trace;
use crate::util::catch::guarded;
use std::time::SystemTime;

/// What happened to slots of a job: for the hooks `on_run`, `on_missed` and `on_overlapped` of
/// [`JobBuilder`](super::JobBuilder).
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let (tell, told) = std::sync::mpsc::channel();
/// let job = scheduler
///     .every(3600.0)
///     .now()
///     .id("sync")
///     .on_run(move |event| drop(tell.send((event.job().to_owned(), event.slots()))))
///     .spawn(|_cx| async {})?;
/// assert_eq!(told.recv()?, ("sync".to_owned(), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JobEvent {
    pub(super) job: Arc<str>,
    pub(super) due: Option<SystemTime>,
    pub(super) slots: u64,
    pub(super) task: Option<CancelHandle>,
}

impl JobEvent {
    /// The id of the job.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// When the (first) slot was due by the wall clock. `None` where the system cannot express it.
    pub fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// How many slots this is about: those that were missed together; for a run, the one that runs and the older ones that
    /// were left to it.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// The task, for a run.
    pub fn task(&self) -> Option<&CancelHandle> {
        self.task.as_ref()
    }
}

/// Why a slot passed without a run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Passed {
    /// It was later than the grace allows.
    Missed,
    /// Earlier runs were active.
    Overlapped,
}

impl Passed {
    pub(super) fn trace(self, event: &JobEvent) {
        match self {
            Self::Missed => trace::missed(&event.job, event.slots),
            Self::Overlapped => trace::overlapped(&event.job),
        }
    }
}

/// A callback. Runs on the reactor thread, under no lock; a panic in it is caught and dropped.
pub(super) type Hook = Arc<dyn Fn(&JobEvent) + Send + Sync>;

pub(super) fn tell(hook: Option<&Hook>, event: &JobEvent) {
    if let Some(hook) = hook {
        guarded(|| hook(event));
    }
}
