//! The clock and the timers that a run goes by.

use crate::instant::Instant;
use crate::runtime::{Handle, any_driver, any_handle};
use crate::sync::Arc;
use crate::time::Sleep;
use crate::time::driver::{self, Driver};
use std::time::Duration;

/// Where a run takes its time from, from its first attempt to its last, and the seed of its jitter.
pub(crate) struct Pace {
    driver: Arc<Driver>,
    /// `None` where no runtime can be started.
    handle: Option<Handle>,
}

impl Pace {
    /// Of a runtime.
    pub(crate) fn of(handle: &Handle) -> Self {
        Self { driver: handle.driver(), handle: Some(handle.clone()) }
    }

    /// The pace of a task with its own timers.
    pub(crate) fn by(driver: Arc<Driver>, handle: &Handle) -> Self {
        Self { driver, handle: Some(handle.clone()) }
    }

    /// Of the task that this thread polls, else of the default runtime.
    pub(super) fn current() -> Self {
        match any_handle() {
            Ok(handle) => Self { driver: any_driver(), handle: Some(handle) },
            Err(_) => Self::bare(),
        }
    }

    /// Of no runtime.
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
