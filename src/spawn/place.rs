//! Where a builder's task starts: on a runtime at once, or in a group in its turn.

use crate::progress::Reader;
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::task::raw::{Body, ClosureBody, Convert};
use crate::task::{Details, Task};
use std::panic::Location;

/// Starts tasks.
pub(crate) trait Place {
    /// The runtime that the tasks run on.
    fn handle(&self) -> &Handle;

    /// Starts a body that is polled.
    fn start<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static;

    /// Starts a closure.
    fn start_blocking<F, R, C, P>(
        &self,
        closure: F,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
        progress: Option<Reader<P>>,
    ) -> Task<C::Output, P>
    where
        F: FnOnce() -> R + Send + 'static,
        C: Convert<R> + 'static,
        C::Output: Send + 'static;
}

impl Place for Handle {
    fn handle(&self) -> &Handle {
        self
    }

    fn start<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static,
    {
        Handle::start(self, body, location, details, progress)
    }

    fn start_blocking<F, R, C, P>(
        &self,
        closure: F,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
        progress: Option<Reader<P>>,
    ) -> Task<C::Output, P>
    where
        F: FnOnce() -> R + Send + 'static,
        C: Convert<R> + 'static,
        C::Output: Send + 'static,
    {
        Handle::start_blocking(self, ClosureBody::<F, C>::new(closure), location, details, progress)
    }
}
