//! The clock and the timers that a run goes by.

use crate::runtime::{Handle, any_driver};
use crate::sync::Arc;
use crate::time::driver::Driver;
use crate::time::{Clock, Sleep, sleep};
use std::time::{Duration, Instant};

/// Where a run takes its time from, from its first try to its last.
pub(crate) struct Pace {
    clock: Clock,
    /// `None` where no runtime can be started; waits make do without timers then.
    driver: Option<Arc<Driver>>,
}

impl Pace {
    /// Of a runtime.
    pub(crate) fn of(handle: &Handle) -> Self {
        Self { clock: handle.clock().clone(), driver: Some(handle.driver()) }
    }

    /// Of the runtime that this thread drives, else of the default one.
    pub(super) fn current() -> Self {
        let driver = any_driver();
        let clock = driver.as_ref().map_or_else(Clock::system, |driver| driver.clock().clone());
        Self { clock, driver }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn since(&self, start: Instant) -> Duration {
        self.now().saturating_duration_since(start)
    }

    pub(crate) fn sleep(&self, time: Duration) -> Sleep {
        match &self.driver {
            Some(driver) => Sleep::on(Arc::clone(driver), time),
            None => sleep(time),
        }
    }
}
