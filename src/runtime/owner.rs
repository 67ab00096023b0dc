//! The owners of tasks: the reactor's executor, and the blocking pool.

use super::context;
use super::refused::refuse;
use super::shared::Shared;
use crate::blocking::{self, Refused};
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::task::raw::{Audience, Runnable, TaskRef};
use crate::task::{EndHook, Follow, Follower, Schedule, TaskId};

/// The owner of futures.
pub(crate) struct Reactor {
    /// Present until the drop.
    shared: Option<Arc<Shared>>,
}

impl Reactor {
    /// Creates an owner, with a cached reference on the driver thread.
    #[inline]
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let in_hand = context::with_local(|local| Arc::ptr_eq(&local.shared, shared).then(|| local.arc_cache.take()));
        Self { shared: Some(in_hand.flatten().unwrap_or_else(|| Arc::clone(shared))) }
    }

    #[inline(always)]
    fn shared(&self) -> &Arc<Shared> {
        self.shared.as_ref().expect("there until the drop")
    }
}

impl Drop for Reactor {
    #[inline]
    fn drop(&mut self) {
        context::with_local(|local| {
            if self.shared.as_ref().is_some_and(|shared| Arc::ptr_eq(&local.shared, shared))
                && let Some(shared) = self.shared.take()
            {
                local.arc_cache.put(shared);
            }
        });
    }
}

impl Schedule for Reactor {
    #[inline]
    fn schedule(&self, task: Runnable) {
        self.shared().queue(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        self.shared().must_not_wait()
    }

    fn moved(&self, task: &TaskRef) {
        Shared::moved(self.shared(), task);
    }

    fn follow(&self) -> Follower {
        Follower::new(Arc::clone(self.shared()) as Arc<dyn Follow>)
    }

    fn on_started(&self, task: &TaskRef, audience: Audience) {
        if audience != Audience::Task {
            Shared::task_updated(self.shared(), task, audience);
        }
    }

    #[inline]
    fn on_ended(&self, task: &TaskRef, audience: Audience) {
        Shared::task_updated(self.shared(), task, audience);
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.shared().call_end_hook(task, hook);
    }

    fn raise_update(&self) {
        self.shared().updated();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.shared().panicked(task, panic);
    }

    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.shared().unhandled(task, error)
    }
}

/// The owner of internal tasks of the crate.
///
/// They call no hook, raise no flag and are not listed.
pub(crate) struct InternalTask<O>(pub(crate) O);

impl<O: Schedule> Schedule for InternalTask<O> {
    const INTERNAL: bool = true;

    fn schedule(&self, task: Runnable) {
        self.0.schedule(task);
    }

    fn must_not_wait(&self, id: TaskId) -> bool {
        self.0.must_not_wait(id)
    }

    fn moved(&self, task: &TaskRef) {
        self.0.moved(task);
    }

    fn starts(&self, task: &TaskRef) -> bool {
        self.0.starts(task)
    }

    fn follow(&self) -> Follower {
        self.0.follow()
    }
}

/// The owner of blocking closures.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// True if a task spawned the closure, and may be about to await it.
    of_task: bool,
}

impl Pool {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), of_task: shared.is_driven_here() }
    }

    /// Returns who can see the closure: a task that spawned it may be about to await it.
    fn audience(&self, audience: Audience) -> Audience {
        if self.of_task && audience == Audience::Host { Audience::Task } else { audience }
    }
}

impl Schedule for Pool {
    fn schedule(&self, task: Runnable) {
        // A closure that waited: its next attempt is due, or it was cancelled and its body is to be dropped. It was admitted
        // before, so the queue limit does not apply.
        match self.shared.pool.admit_unlimited() {
            Ok(permit) => permit.submit(task),
            Err(Refused::Full | Refused::Closed) => refuse(task),
            Err(Refused::NoThread(error)) => task.fail(TaskError::from_error(error)),
        }
    }

    fn must_not_wait(&self, id: TaskId) -> bool {
        self.shared.must_not_wait() || blocking::inside() == Some(id)
    }

    fn begin_wait(&self, task: &TaskRef) -> bool {
        !self.must_not_wait(task.id()) && self.shared.pool.begin_wait(task)
    }

    fn end_wait(&self) {
        self.shared.pool.end_wait();
    }

    fn follow(&self) -> Follower {
        Follower::new(Arc::clone(&self.shared) as Arc<dyn Follow>)
    }

    fn starts(&self, task: &TaskRef) -> bool {
        // Recorded first: a shutdown that is missed here finds the record.
        self.shared.closures.enter(task, self.shared.driver.clock().now());
        !self.shared.is_closing()
    }

    fn on_started(&self, task: &TaskRef, audience: Audience) {
        if audience != Audience::Task {
            Shared::task_updated(&self.shared, task, self.audience(audience));
        }
    }

    fn on_ended(&self, task: &TaskRef, audience: Audience) {
        Shared::task_updated(&self.shared, task, self.audience(audience));
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.shared.call_end_hook(task, hook);
    }

    fn raise_update(&self) {
        self.shared.updated();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.shared.panicked(task, panic);
    }

    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.shared.unhandled(task, error)
    }
}

/// The owner of tasks that have ended from the start and never run.
pub(crate) struct Refuser(pub(crate) Arc<Shared>);

impl Schedule for Refuser {
    fn schedule(&self, task: Runnable) {
        drop(task);
    }

    fn follow(&self) -> Follower {
        Follower::new(Arc::clone(&self.0) as Arc<dyn Follow>)
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }

    fn on_ended(&self, task: &TaskRef, audience: Audience) {
        Shared::task_updated(&self.0, task, audience);
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.0.call_end_hook(task, hook);
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.0.panicked(task, panic);
    }

    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.0.unhandled(task, error)
    }
}
