//! Where a task that the builder made starts: at once on a runtime, or in a group, when that has room.

use crate::progress::Reader;
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::task::raw::Body;
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

    /// Takes in what runs on the pool.
    fn start_blocking<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Unpin + Send + 'static,
        B::Output: Send + 'static;
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

    fn start_blocking<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Unpin + Send + 'static,
        B::Output: Send + 'static,
    {
        Handle::start_blocking(self, body, location, Some(details), progress)
    }
}
