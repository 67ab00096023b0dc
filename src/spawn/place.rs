//! Where a task that the builder made starts: at once on a runtime, or in a group, when that has room.

use crate::runtime::Handle;
use crate::task::raw::Work;
use crate::task::{Spec, Task};

/// What takes a task in. The groups, which stand above this module, implement it for themselves.
pub(crate) trait Place {
    /// True if a task may wait here before its body is looked at for the first time.
    const WAITS: bool;

    /// Where the task runs.
    fn handle(&self) -> &Handle;

    /// Takes in what is polled.
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work;

    /// Takes in what runs on the pool.
    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work + Unpin;
}

impl Place for Handle {
    const WAITS: bool = false;

    fn handle(&self) -> &Handle {
        self
    }

    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        Handle::start(self, body, spec)
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work + Unpin,
    {
        Handle::start_blocking(self, body, spec)
    }
}
