//! What hooks are told.

use super::cell::{Cell, Hooks};
use crate::repeat::{Now, Slot};
use crate::sync::Arc;
use crate::task::CancelHandle;
use crate::trace;
use crate::util::catch::guarded;
use std::time::SystemTime;

/// An event of a job: the argument of the hooks `on_run`, `on_finished`, `on_missed` and `on_overlapped` of
/// [`JobBuilder`](super::JobBuilder).
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let (tell, told) = std::sync::mpsc::channel();
/// let job = scheduler
///     .every(Duration::from_secs(3600))
///     .now()
///     .id("sync")
///     .on_run(move |event| drop(tell.send((event.job().to_owned(), event.slots()))))
///     .spawn(|_cx| async {})?;
/// assert_eq!(told.recv()?, ("sync".to_owned(), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JobEvent {
    job: Arc<str>,
    due: Option<SystemTime>,
    slots: u64,
    task: Option<CancelHandle>,
}

impl JobEvent {
    pub(super) fn new(cell: &Cell, slot: Slot, now: Now, task: Option<CancelHandle>) -> Self {
        Self { job: Arc::clone(&cell.id), due: slot.at.on_the_wall(now), slots: slot.slots, task }
    }

    /// The id of the job.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// When the (first) slot was due by the wall clock. `None` if the system cannot express it.
    pub fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// The number of slots: those that were missed together; for a run, the one that runs and the older ones that were left to it.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// The task, for a run.
    pub fn task(&self) -> Option<&CancelHandle> {
        self.task.as_ref()
    }
}

/// The kind of an event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A run was submitted.
    Run,
    /// A run is over.
    Finished,
    /// Slots were later than the grace allows.
    Missed,
    /// A slot was given up for other runs.
    Overlapped,
}

/// A callback. Runs on the reactor thread, under no lock; a panic in it is caught and dropped.
pub(super) type Hook = Arc<dyn Fn(&JobEvent) + Send + Sync>;

/// An event that waits for the driver, with the hook as it was when it happened.
pub(super) struct Pending {
    kind: Kind,
    hook: Option<Hook>,
    event: JobEvent,
}

impl Pending {
    /// `None` if nobody is to be told.
    pub(super) fn new(kind: Kind, hooks: Option<&Hooks>, event: JobEvent) -> Option<Self> {
        let hook = hooks.and_then(|hooks| match kind {
            Kind::Run => hooks.on_run.clone(),
            Kind::Finished => hooks.on_finished.clone(),
            Kind::Missed => hooks.on_missed.clone(),
            Kind::Overlapped => hooks.on_overlapped.clone(),
        });
        (hook.is_some() || trace::ON).then_some(Self { kind, hook, event })
    }

    pub(super) fn call(self) {
        let Self { kind, hook, event } = self;
        match kind {
            Kind::Run | Kind::Finished => {}
            Kind::Missed => trace::missed(&event.job, event.slots),
            Kind::Overlapped => trace::overlapped(&event.job),
        }
        if let Some(hook) = hook {
            guarded(|| hook(&event));
            guarded(|| drop(hook));
        }
    }
}
