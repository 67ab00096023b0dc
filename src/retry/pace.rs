//! The clock and the timers that a run goes by.

use crate::runtime::{Handle, any_handle};
use crate::time::{Clock, Sleep, sleep};
use std::time::{Duration, Instant};

/// Where a run takes its time from, from its first try to its last, and the seed of its jitter.
pub(crate) struct Pace {
    clock: Clock,
    /// `None` where no runtime can be started; waits make do without timers then.
    handle: Option<Handle>,
}

impl Pace {
    /// Of a runtime.
    pub(crate) fn of(handle: &Handle) -> Self {
        Self { clock: handle.clock().clone(), handle: Some(handle.clone()) }
    }

    /// Of the runtime that this thread drives, else of the default one.
    pub(super) fn current() -> Self {
        let handle = any_handle().ok();
        let clock = handle.as_ref().map_or_else(Clock::system, |handle| handle.clock().clone());
        Self { clock, handle }
    }

    /// Of no runtime.
    #[cfg(all(test, not(loom)))]
    pub(super) fn bare() -> Self {
        Self { clock: Clock::system(), handle: None }
    }

    pub(super) fn draw_seed(&self) -> Option<u64> {
        self.handle.as_ref().and_then(Handle::draw_seed)
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn since(&self, start: Instant) -> Duration {
        self.now().saturating_duration_since(start)
    }

    pub(crate) fn sleep(&self, time: Duration) -> Sleep {
        match &self.handle {
            Some(handle) => Sleep::on(handle.driver(), time),
            None => sleep(time),
        }
    }
}
