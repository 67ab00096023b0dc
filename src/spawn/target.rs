//! Where a task that the builder made starts: at once on a runtime, or in a group or a pool, when that has room.

use crate::error::BoxError;
use crate::runtime::{Handle, LocalHandle};
use crate::task::raw::Work;
use crate::task::{Spec, Task};
use std::time::{Duration, SystemTime};

/// Where a [`TaskBuilder`](crate::TaskBuilder) starts its task.
///
/// A [`Handle`], a [`LocalHandle`], a [`PoolHandle`](crate::PoolHandle), or the [`DefaultRuntime`](crate::DefaultRuntime).
/// Sealed: there are no others.
#[expect(private_bounds, reason = "sealed")]
pub trait SpawnTarget: sealed::Target {}

#[diagnostic::do_not_recommend]
impl<T: sealed::Target> SpawnTarget for T {}

/// A [`SpawnTarget`] whose futures may come from any thread: all but a [`LocalHandle`], which has methods of its own.
///
/// Sealed.
#[diagnostic::on_unimplemented(
    message = "futures for `{Self}` are started by methods of its own",
    note = "the builder of a `LocalHandle` has the same methods for futures that are not `Send`"
)]
#[expect(private_bounds, reason = "sealed")]
pub trait FutureTarget: SpawnTarget + sealed::Futures {}

#[diagnostic::do_not_recommend]
impl<T: sealed::Target + sealed::Futures> FutureTarget for T {}

pub(crate) mod sealed {
    use super::{BoxError, Duration, Handle, Spec, SystemTime, Task, Work};

    /// Starts closures.
    pub(crate) trait Target {
        /// True if the target itself keeps the time limits of its tasks: those of pools count while the task runs.
        const KEEPS_TIME: bool = false;

        /// Returns why no task can start here. Called before anything else.
        fn check(&self) -> Result<(), BoxError> {
            Ok(())
        }

        /// Returns the time limit of a task that asks for this one.
        fn time_limit(&self, asked: Option<Duration>) -> Option<Duration> {
            asked
        }

        /// Returns when the slot of the task was due, for a run of a job.
        fn due(&self) -> Option<SystemTime> {
            None
        }

        /// Returns the runtime of the task.
        fn handle(&self) -> &Handle;

        /// Starts what runs on the pool.
        fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
        where
            B: Work;
    }

    /// Starts futures from any thread.
    pub(crate) trait Futures: Target {
        /// Starts what is polled.
        fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
        where
            B: Work;
    }
}

impl sealed::Target for Handle {
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

impl sealed::Futures for Handle {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        Handle::start(self, body, spec)
    }
}

/// Its futures are of their own kind: they stay on its thread.
impl sealed::Target for LocalHandle {
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
