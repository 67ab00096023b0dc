//! The clock and the timers of a run.

use crate::instant::Instant;
use crate::runtime::{Handle, any_driver, any_handle};
use crate::sync::Arc;
use crate::time::Sleep;
use crate::time::driver::{self, Driver};
use std::time::Duration;

/// The clock of a run, from its first to its last attempt, and the seed of its jitter.
pub(crate) struct Pace {
    driver: Arc<Driver>,
    /// `None` if no runtime can be started.
    handle: Option<Handle>,
}

impl Pace {
    /// Returns the pace of a runtime.
    pub(crate) fn of(handle: &Handle) -> Self {
        Self { driver: handle.driver(), handle: Some(handle.clone()) }
    }

    /// The pace of a task with its own timers.
    pub(crate) fn by(driver: Arc<Driver>, handle: &Handle) -> Self {
        Self { driver, handle: Some(handle.clone()) }
    }

    /// Returns the pace of the task that this thread polls, else of the default runtime.
    pub(super) fn current() -> Self {
        match any_handle() {
            Ok(handle) => Self { driver: any_driver(), handle: Some(handle) },
            Err(_) => Self::bare(),
        }
    }

    /// Returns the pace without a runtime.
    pub(super) fn bare() -> Self {
        Self { driver: driver::orphan(), handle: None }
    }

    pub(super) fn draw_seed(&self) -> Option<u64> {
        self.handle.as_ref().and_then(Handle::draw_seed)
    }

    pub(crate) fn now(&self) -> Instant {
        self.driver.now_instant()
    }

    pub(crate) fn since(&self, start: Instant) -> Duration {
        self.now().saturating_duration_since(start)
    }

    pub(crate) fn sleep(&self, time: Duration) -> Sleep {
        Sleep::on(Arc::clone(&self.driver), time)
    }
}
