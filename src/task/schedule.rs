//! The executor or pool that owns a task, as the task sees it.

use super::EndHook;
use super::inline::inline;
use super::raw::{Audience, Runnable, TaskRef};
use super::{TaskId, TaskInfo};
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::util::catch::guarded;

/// The owner of a task.
///
/// Any thread may call it. The methods do not unwind: the task catches the panics of user code that they run.
pub(crate) trait Schedule: Send + Sync + 'static {
    /// True for internal tasks of the crate: they are not listed and cannot be cancelled from outside.
    const INTERNAL: bool = false;

    /// Queues a task that was woken, or whose body must be dropped.
    fn schedule(&self, task: Runnable);

    /// Returns true if the calling thread must not wait for task `id` of this owner.
    ///
    /// It is the thread that runs the owner's tasks, or it runs this task.
    fn must_not_wait(&self, id: TaskId) -> bool;

    /// Announces that this thread will block until `task` has finished.
    ///
    /// It blocks until then or until [`end_wait`](Self::end_wait). Returns false if it must not block.
    fn begin_wait(&self, task: &TaskRef) -> bool {
        !self.must_not_wait(task.id())
    }

    /// Announces that the thread no longer blocks.
    fn end_wait(&self) {}

    /// Notifies the owner that the priority of an active task has changed.
    fn moved(&self, _task: &TaskRef) {}

    /// Returns the owner for tasks that are composed of one of this owner.
    fn follow(&self) -> Follower {
        Follower::new(inline())
    }

    /// Announces that a closure is about to run on this thread.
    ///
    /// Returns false if it must not run: then it ends as runtime gone.
    fn starts(&self, _task: &TaskRef) -> bool {
        true
    }

    /// Notifies the owner that a task has started and continues to run.
    fn on_started(&self, _task: &TaskRef, _audience: Audience) {}

    /// Notifies the owner that a task has finished.
    fn on_ended(&self, _task: &TaskRef, _audience: Audience) {}

    /// Notifies the owner that the body is gone: dropped, or returned.
    ///
    /// The runner calls this once per task, after [6]. A closure that was cancelled or timed out ends first and is
    /// closed later; then the two notifications may come in either order, on two threads. In every other case this one
    /// comes second.
    fn on_closed(&self) {}

    /// Raises the update flag, because the host left progress or results of the task unread.
    fn raise_update(&self) {}

    /// Notifies the owner of a panic.
    ///
    /// The body or its destructor panicked before the task ended, or the destructor of its output panicked afterwards.
    fn on_panic(&self, _task: &TaskRef, _panic: &Panic) {}

    /// Calls the task's own hook after its end.
    ///
    /// A runtime calls it later, because this may run inside a call of the host.
    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        guarded(|| hook.call(&TaskInfo::of(task)));
    }

    /// Reports an unread error of a task without a handle.
    ///
    /// Returns the error if there is no hook.
    fn on_unhandled(&self, _task: &TaskRef, error: TaskError) -> Option<TaskError> {
        Some(error)
    }
}

/// The runtime of composed tasks: that of their inner tasks.
///
/// This is the part of [`Schedule`] that can be a trait object.
pub(crate) trait Follow: Send + Sync {
    /// See [`Schedule::schedule`].
    fn schedule(&self, task: Runnable);

    /// See [`Schedule::must_not_wait`].
    fn must_not_wait(&self) -> bool;

    /// See [`Schedule::moved`].
    fn moved(self: Arc<Self>, task: &TaskRef);

    /// See [`Schedule::on_started`] and [`Schedule::on_ended`].
    fn task_updated(self: Arc<Self>, task: &TaskRef, audience: Audience);

    /// Raises the update flag, for results and progress; see [`Schedule::raise_update`].
    fn updated(&self);

    /// See [`Schedule::on_panic`].
    fn on_panic(&self, task: &TaskRef, panic: &Panic);

    /// See [`Schedule::on_end`].
    fn on_end(&self, task: &TaskRef, hook: EndHook);

    /// See [`Schedule::on_unhandled`].
    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError>;
}

/// The owner of a composed task or of a promise.
pub(crate) struct Follower {
    follow: Arc<dyn Follow>,
    /// The first inner task of the composed one: waiting for the one waits for the other.
    first: Option<TaskRef>,
}

impl Follower {
    pub(crate) fn new(follow: Arc<dyn Follow>) -> Self {
        Self { follow, first: None }
    }

    /// Sets the first inner task. If that is composed itself, its own first task is used.
    pub(crate) fn of(mut self, first: &TaskRef) -> Self {
        self.first.get_or_insert_with(|| first.clone());
        self
    }
}

impl Schedule for Follower {
    fn schedule(&self, task: Runnable) {
        self.follow.schedule(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        self.follow.must_not_wait()
    }

    fn begin_wait(&self, task: &TaskRef) -> bool {
        !self.must_not_wait(task.id()) && self.first.as_ref().is_none_or(TaskRef::begin_wait)
    }

    fn end_wait(&self) {
        if let Some(first) = &self.first {
            first.end_wait();
        }
    }

    fn moved(&self, task: &TaskRef) {
        Arc::clone(&self.follow).moved(task);
    }

    fn follow(&self) -> Follower {
        Self { follow: Arc::clone(&self.follow), first: self.first.clone() }
    }

    fn on_started(&self, task: &TaskRef, audience: Audience) {
        if audience != Audience::Task {
            Arc::clone(&self.follow).task_updated(task, audience);
        }
    }

    fn on_ended(&self, task: &TaskRef, audience: Audience) {
        Arc::clone(&self.follow).task_updated(task, audience);
    }

    fn raise_update(&self) {
        self.follow.updated();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.follow.on_panic(task, panic);
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.follow.on_end(task, hook);
    }

    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.follow.on_unhandled(task, error)
    }
}
