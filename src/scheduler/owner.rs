//! What a builder adds its job to: a scheduler, or an owner with a driver of its own.

use super::core::Core;
use super::driver::Driver;
use super::job::Job;
use super::repeat::Repeat;
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::time::WallClock;
use std::fmt;
use std::marker::PhantomData;

/// The owner of a job that a builder adds.
///
/// Sealed: a scheduler, or one of the types in [`toolkit`](crate::toolkit).
#[expect(private_bounds, reason = "sealed")]
pub trait JobOwner: Drives {
    /// The result of the builder's methods, for a body with results of type `T`.
    type Made<T: Send + Sync + 'static>;

    #[doc(hidden)]
    fn made<T: Send + Sync + 'static>(job: Job) -> Self::Made<T>;
}

/// Has the driver of a job.
pub(super) trait Drives {
    /// True if the driver is that of the job alone.
    const OWNS_DRIVER: bool;

    fn core(self) -> Arc<Core>;
}

/// The jobs of a [`Scheduler`](super::Scheduler).
pub struct Scheduled(pub(super) Arc<Core>);

impl Drives for Scheduled {
    const OWNS_DRIVER: bool = false;

    fn core(self) -> Arc<Core> {
        self.0
    }
}

impl JobOwner for Scheduled {
    type Made<T: Send + Sync + 'static> = Job;

    fn made<T: Send + Sync + 'static>(job: Job) -> Job {
        job
    }
}

/// One job with a driver of its own, on a runtime. `K` is its [`RepeatKind`].
pub struct Owned<K> {
    handle: Handle,
    pub(crate) wall: WallClock,
    kind: PhantomData<fn() -> K>,
}

/// A type around a [`Repeat`].
pub trait RepeatKind {
    /// The type for results of type `T`.
    type Of<T: Send + Sync + 'static>: From<Repeat<T>>;
}

/// Makes a type a kind of [`Repeat`], with the methods of that.
macro_rules! repeat_kind {
    ($kind:ident) => {
        impl crate::scheduler::RepeatKind for $kind<()> {
            type Of<T: Send + Sync + 'static> = $kind<T>;
        }

        impl<T: Send + Sync + 'static> From<crate::scheduler::Repeat<T>> for $kind<T> {
            fn from(repeat: crate::scheduler::Repeat<T>) -> Self {
                Self(repeat)
            }
        }

        impl<T: Send + Sync + 'static> std::ops::Deref for $kind<T> {
            type Target = crate::scheduler::Repeat<T>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}
pub(crate) use repeat_kind;

impl<K> Owned<K> {
    pub(crate) fn new(handle: &Handle) -> Self {
        Self { handle: handle.clone(), wall: WallClock::system(), kind: PhantomData }
    }
}

impl<K> Drives for Owned<K> {
    const OWNS_DRIVER: bool = true;

    fn core(self) -> Arc<Core> {
        start(self.handle, None, self.wall)
    }
}

impl<K: RepeatKind> JobOwner for Owned<K> {
    type Made<T: Send + Sync + 'static> = K::Of<T>;

    fn made<T: Send + Sync + 'static>(job: Job) -> K::Of<T> {
        Repeat::new(job).into()
    }
}

/// Starts a driver on the reactor of the runtime.
pub(super) fn start(handle: Handle, manager: Option<crate::manage::TaskManager>, wall: WallClock) -> Arc<Core> {
    let core = Core::new(handle, manager, wall);
    // Made here: if the runtime has shut down, its drop tells the core.
    let driver = Driver::new(Arc::clone(&core));
    core.handle.spawn_internal(driver).detach();
    core
}

impl fmt::Debug for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scheduled")
    }
}

impl<K> fmt::Debug for Owned<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned").field("wall", &self.wall).finish_non_exhaustive()
    }
}
