//! Tasks that exist but are not queued yet, for owners that limit how many run.
//!
//! Such an owner creates a task immediately and launches it later.

use super::handle::Handle;
use super::owner::{Pool, Reactor};
use super::refused::refuse;
use super::shared::Shared;
use crate::blocking::Refused;
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::task::raw::{Audience, Runnable, TaskRef, Work};
use crate::task::{EndHook, Follower, Schedule, Spec, Task, TaskId};
use std::fmt;

/// A receiver of notices about one task.
///
/// It is called on any thread, under no lock.
pub(crate) trait Watch: Send + Sync + 'static {
    /// Called before the task's closure runs on this thread. Not called for futures.
    fn starts(&self) {}

    /// Called when the task's priority has changed.
    ///
    /// Returns true if it is not launched, and so in no queue of its runtime.
    fn moved(&self) -> bool {
        false
    }

    /// Called once, when the task has visibly finished.
    fn ended(&self);

    /// Called once, when the body is dropped; see [`Schedule::on_closed`].
    fn closed(&self);
}

/// A task that is not queued yet.
///
/// Its status is `Pending`, and it may be cancelled. Dropping this ends it as runtime gone.
pub(crate) struct Prepared {
    runnable: Runnable,
    shared: Arc<Shared>,
    closure: bool,
}

impl Prepared {
    pub(crate) fn is_closure(&self) -> bool {
        self.closure
    }

    /// Queues the task.
    ///
    /// A cancelled task is queued so that its body is dropped. The task ends here if the runtime has shut down, or if
    /// it is a closure and no thread could be started for it.
    pub(crate) fn launch(self) {
        let Self { runnable, shared, closure } = self;
        if !closure {
            shared.accept(runnable);
        } else if shared.is_closing() {
            refuse(runnable);
        } else {
            match shared.pool.admit_unlimited() {
                Ok(permit) => permit.submit(runnable),
                Err(Refused::Full | Refused::Closed) => refuse(runnable),
                Err(Refused::NoThread(error)) => runnable.fail(TaskError::from_error(error)),
            }
        }
    }
}

impl Handle {
    /// Creates a task for the reactor.
    pub(crate) fn prepare<B, P, W>(&self, body: B, spec: Spec<P>, watch: W) -> (Task<B::Output, P>, Prepared)
    where
        B: Work,
        W: Watch,
    {
        self.prepare_for(Reactor::new(self.shared()), false, body, spec, watch)
    }

    /// Creates a task for the pool.
    pub(crate) fn prepare_blocking<B, P, W>(&self, body: B, spec: Spec<P>, watch: W) -> (Task<B::Output, P>, Prepared)
    where
        B: Work,
        W: Watch,
    {
        self.prepare_for(Pool::new(self.shared()), true, body, spec, watch)
    }

    fn prepare_for<O, B, P, W>(
        &self,
        owner: O,
        closure: bool,
        body: B,
        spec: Spec<P>,
        watch: W,
    ) -> (Task<B::Output, P>, Prepared)
    where
        O: Schedule,
        B: Work,
        W: Watch,
    {
        let (runnable, task) = Task::make(body, Watched { owner, watch }, spec);
        (task, Prepared { runnable, shared: Arc::clone(self.shared()), closure })
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runnable.fmt(f)
    }
}

/// An owner that forwards every call and notifies the watch.
struct Watched<O, W> {
    owner: O,
    watch: W,
}

impl<O, W> Watched<O, W> {
    /// A group or a pool shows all tasks that are not quiet.
    fn audience(&self, task: &TaskRef, audience: Audience) -> Audience {
        if task.is_quiet() { audience } else { Audience::Group }
    }
}

impl<O: Schedule, W: Watch> Schedule for Watched<O, W> {
    const INTERNAL: bool = O::INTERNAL;

    fn schedule(&self, task: Runnable) {
        self.owner.schedule(task);
    }

    fn must_not_wait(&self, id: TaskId) -> bool {
        self.owner.must_not_wait(id)
    }

    fn begin_wait(&self, task: &TaskRef) -> bool {
        self.owner.begin_wait(task)
    }

    fn end_wait(&self) {
        self.owner.end_wait();
    }

    fn follow(&self) -> Follower {
        self.owner.follow()
    }

    fn moved(&self, task: &TaskRef) {
        if !self.watch.moved() {
            self.owner.moved(task);
        }
    }

    fn starts(&self, task: &TaskRef) -> bool {
        self.watch.starts();
        self.owner.starts(task)
    }

    fn on_started(&self, task: &TaskRef, audience: Audience) {
        self.owner.on_started(task, self.audience(task, audience));
    }

    fn on_ended(&self, task: &TaskRef, audience: Audience) {
        self.watch.ended();
        self.owner.on_ended(task, self.audience(task, audience));
    }

    fn on_closed(&self) {
        self.watch.closed();
        self.owner.on_closed();
    }

    fn raise_update(&self) {
        self.owner.raise_update();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.owner.on_panic(task, panic);
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.owner.on_end(task, hook);
    }

    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.owner.on_unhandled(task, error)
    }
}
