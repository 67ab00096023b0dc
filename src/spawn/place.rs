//! Where a task that the builder made starts: at once on a runtime, or in a group or a pool, when that has room.

use crate::error::BoxError;
use crate::runtime::{Handle, LocalHandle};
use crate::task::raw::Work;
use crate::task::{Spec, Task};
use std::time::Duration;

/// What takes closures in. Groups and pools, which stand above this module, implement it for themselves.
pub(crate) trait Place {
    /// True if the place itself keeps the time limits of its tasks: those of pools count while the task runs.
    const KEEPS_TIME: bool = false;

    /// Why no task can start here. Asked before anything else.
    fn check(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// The limit of a task that asks for this one.
    fn time_limit(&self, asked: Option<Duration>) -> Option<Duration> {
        asked
    }

    /// Where the task runs.
    fn handle(&self) -> &Handle;

    /// Takes in what runs on the pool.
    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work;
}

/// What takes futures in from any thread.
pub(crate) trait FuturePlace: Place {
    /// Takes in what is polled.
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work;
}

impl Place for Handle {
    fn handle(&self) -> &Handle {
        self
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        Handle::start_blocking(self, body, spec)
    }
}

impl FuturePlace for Handle {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        Handle::start(self, body, spec)
    }
}

/// Its futures are of their own kind: they stay on its thread.
impl Place for LocalHandle {
    fn handle(&self) -> &Handle {
        self
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        Handle::start_blocking(self, body, spec)
    }
}
