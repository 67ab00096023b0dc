//! Where a task that the builder made starts: at once on a runtime, or in a group, when that has room.

use crate::progress::Reader;
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::task::raw::{Body, ClosureBody, Convert};
use crate::task::{Details, Task};
use std::panic::Location;

/// What takes a task in. The groups, which stand above this module, implement it for themselves.
pub(crate) trait Place {
    /// True if a task may wait here before its body is looked at for the first time.
    const WAITS: bool;

    /// Where the task runs.
    fn handle(&self) -> &Handle;

    /// Takes in what is polled.
    fn start<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static;

    /// Takes in a closure for the pool.
    fn start_blocking<F, R, C, P>(
        &self,
        closure: F,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<C::Output, P>
    where
        F: FnOnce() -> R + Send + 'static,
        C: Convert<R> + 'static,
        C::Output: Send + 'static;
}

impl Place for Handle {
    const WAITS: bool = false;

    fn handle(&self) -> &Handle {
        self
    }

    fn start<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static,
    {
        Handle::start(self, body, location, Some(details), progress)
    }

    fn start_blocking<F, R, C, P>(
        &self,
        closure: F,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<C::Output, P>
    where
        F: FnOnce() -> R + Send + 'static,
        C: Convert<R> + 'static,
        C::Output: Send + 'static,
    {
        Handle::start_blocking(self, ClosureBody::<F, C>::new(closure), location, Some(details), progress)
    }
}
