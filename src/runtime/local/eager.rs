//! Eager starts on a runtime without a thread.
//!
//! # Between two ticks
//! A task that is started there is polled while this thread drives the runtime, as in a tick: a *visit*. Its wakes go
//! to the ready queue, and the host, which may wait, is notified of tasks left there at the end of the visit. The
//! runtime cannot be ticked meanwhile ([`TickError::Nested`](super::TickError::Nested)). If it is dropped, the visit
//! closes it at its end: a task cannot be dropped inside its own poll.
//!
//! Inside a tick it is a nested poll, as on any runtime.

use super::{LocalHandle, LocalRuntime};
use crate::error::IntoBoxError;
use crate::runtime::context::{self, Entered, Local};
use crate::runtime::eager::{Start, inside};
use crate::runtime::engine::ShutdownGuard;
use crate::runtime::owner::Reactor;
use crate::sync::Arc;
use crate::task::raw::{Body, Fallible, FutureBody, Value};
use crate::task::{Spec, Task};
use crate::util::methods::methods;
use std::future::Future;
use std::rc::Rc;

methods! {
impl LocalHandle, LocalRuntime {
    /// Starts a future immediately: its first part runs inside this call.
    ///
    /// The rest, from its first wait on, runs in later ticks.
    ///
    /// It is like [`Handle::spawn_eager`](crate::Handle::spawn_eager), but neither the future nor its result needs to
    /// be `Send`. The first part runs as a task of this runtime, in one of its tasks or between two ticks. Between two
    /// ticks the runtime cannot be ticked meanwhile. A panic ends the task and is kept for the handle.
    ///
    /// # Example
    /// ```
    /// use std::rc::Rc;
    /// let rt = offtick::LocalRuntime::new()?;
    /// let level = Rc::new("cave".to_owned());
    /// let cached = Rc::clone(&level);
    /// let task = rt.spawn_eager(async move { cached });
    /// assert!(matches!(task.result(), Some(Ok(found)) if Rc::ptr_eq(found, &level))); // and no tick yet
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    #[track_caller]
    pub fn spawn_eager<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
    {
        self.local_handle().start_eager_bound(FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result`; see [`spawn_eager`](Self::spawn_eager).
    ///
    /// `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_eager<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: IntoBoxError,
    {
        self.local_handle().start_eager_bound(FutureBody::<F, Fallible>::new(future), Spec::plain())
    }
}
}

impl LocalHandle {
    /// Starts a body that stays on this thread, immediately.
    pub(crate) fn start_eager_bound<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Body + 'static,
    {
        let local = self.local();
        let (Some(_start), false) = (Start::enter(size_of::<B>()), local.shared.is_closing()) else {
            return self.start_bound(body, spec);
        };
        let (runnable, task) = Task::make_bound(body, Reactor::new(&local.shared), spec);
        let driven = context::current();
        if context::drives(local) {
            let _context = context::started_for(None);
            local.core.run_nested(runnable);
        } else {
            let _visit = Visit::begin(local);
            inside(driven.as_deref(), || local.core.run_nested(runnable));
        }
        task
    }
}

/// A guard: this thread drives the runtime for one poll.
struct Visit {
    local: Rc<Local>,
    entered: Option<Entered>,
    /// True inside the drive of another runtime.
    within: bool,
}

impl Visit {
    fn begin(local: &Rc<Local>) -> Self {
        let within = local.visited.replace(true);
        local.core.set_now(local.shared.driver.clock().nanos());
        Self { local: Rc::clone(local), entered: Some(context::enter(Rc::clone(local))), within }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let local = &self.local;
        if !self.within && local.shared.is_closing() {
            let _guard = ShutdownGuard(Arc::clone(&local.shared));
            local.close();
        }
        self.entered = None;
        local.visited.set(self.within);
        if local.core.has_ready() || !local.requests.is_empty() {
            local.shared.unparker.unpark();
        }
    }
}
