//! One job as the driver and the handles share it: outlives its place in the engine.

use super::event::Hook;
use super::launch::RunFactory;
use super::outlook::Outlook;
use crate::manage::Stored;
use crate::repeat::{Host, JobCounts, JobStatus, Nanos, Newest, Shown};
use crate::sync::{Arc, Mutex};
use crate::util::catch::drop_quietly;
use std::time::Duration;

pub(super) struct Cell {
    pub(super) id: Arc<str>,
    /// The name of each run, and what the newest ones are found under in the manager.
    pub(super) name: Arc<str>,
    /// Of the job in its scheduler, never used again.
    pub(super) key: u64,
    pub(super) trigger: String,
    /// Errors of its runs count as read.
    pub(super) ignores_errors: bool,
    /// `None` after the end of the job.
    work: Mutex<Option<Arc<Work>>>,
    /// Locked for a copy; this and `newest` come last of all locks.
    shown: Mutex<Shown>,
    newest: Mutex<Newest<Arc<Stored>>>,
}

/// What runs, and who is notified: user code.
pub(super) struct Work {
    pub(super) launch: RunFactory,
    pub(super) timeout: Option<Duration>,
    pub(super) quiet: bool,
    pub(super) hooks: Hooks,
    pub(super) outlook: Outlook,
    /// The last reading at which a run may be due.
    pub(super) end: Option<Nanos>,
}

#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) on_run: Option<Hook>,
    pub(super) on_finished: Option<Hook>,
    pub(super) on_missed: Option<Hook>,
    pub(super) on_overlapped: Option<Hook>,
}

/// The choice of one of the newest runs.
pub(super) type Which = fn(&Newest<Arc<Stored>>) -> &Option<(u64, Arc<Stored>)>;

impl Cell {
    pub(super) fn new(
        key: u64,
        id: Arc<str>,
        name: Option<Box<str>>,
        trigger: String,
        ignores_errors: bool,
        work: Work,
    ) -> Self {
        let shown = Shown { status: JobStatus::Active, next: None, counts: JobCounts::default() };
        Self {
            name: name.map_or_else(|| Arc::clone(&id), Arc::from),
            id,
            key,
            trigger,
            ignores_errors,
            work: Mutex::new(Some(Arc::new(work))),
            shown: Mutex::new(shown),
            newest: Mutex::new(Newest::default()),
        }
    }

    pub(super) fn work(&self) -> Option<Arc<Work>> {
        self.work.lock().clone()
    }

    /// The job has ended. Drops user data; under no lock.
    pub(super) fn release(&self) {
        let work = self.work.lock().take();
        drop_quietly(work);
    }

    pub(super) fn shown(&self) -> Shown {
        *self.shown.lock()
    }

    pub(super) fn newest(&self, which: Which) -> Option<Arc<Stored>> {
        which(&self.newest.lock()).as_ref().map(|(_, task)| Arc::clone(task))
    }
}

impl Host for Arc<Cell> {
    type Run = Arc<Stored>;

    fn key(&self) -> u64 {
        self.key
    }

    fn show(&self, shown: &Shown) {
        *self.shown.lock() = *shown;
    }

    /// The engine keeps what is replaced until after its lock, so no task is dropped here.
    fn show_newest(&self, newest: &Newest<Arc<Stored>>) {
        *self.newest.lock() = newest.clone();
    }
}
