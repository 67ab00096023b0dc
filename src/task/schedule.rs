//! What a task knows of the executor or pool that owns it.

use super::EndHook;
use super::inline::inline;
use super::raw::{Audience, Runnable, TaskRef};
use super::{TaskId, TaskInfo};
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::util::catch::guarded;

/// The owner of a task. Called from any thread; calls do not unwind (what user code they run is caught by the task).
pub(crate) trait Schedule: Send + Sync + 'static {
    /// True for tasks that the crate runs for itself: they are not listed and cannot be cancelled from outside.
    const INTERNAL: bool = false;

    /// Queues a task that was woken, or whose body is to be dropped.
    fn schedule(&self, task: Runnable);

    /// True if the calling thread must not wait for task `id` of this owner: it is the thread that runs the owner's
    /// tasks, or runs this very task.
    fn must_not_wait(&self, id: TaskId) -> bool;

    /// The calling thread is going to block until `task` is over, or until [`end_wait`](Self::end_wait). False: it must not.
    fn begin_wait(&self, task: &TaskRef) -> bool {
        !self.must_not_wait(task.id())
    }

    /// The thread that was allowed to block goes on.
    fn end_wait(&self) {}

    /// A task that is queued, or may be so, was given another level.
    fn moved(&self, _task: &TaskRef) {}

    /// The owner of tasks that are composed of one of this owner.
    fn follow(&self) -> Follower {
        Follower::new(inline())
    }

    /// A closure is about to run on this thread. False: it must not; it ends as runtime gone.
    fn starts(&self, _task: &TaskRef) -> bool {
        true
    }

    /// A task has started, and goes on to run.
    fn on_started(&self, _task: &TaskRef, _audience: Audience) {}

    /// A task is over.
    fn on_ended(&self, _task: &TaskRef, _audience: Audience) {}

    /// The body is gone: the future was dropped, the closure has returned. Called once per task, by the runner, after [6].
    ///
    /// A closure that was cancelled or ran out of time ends first and is closed later. Of the two calls, either may come
    /// first then, on two threads; in every other case this one comes second.
    fn on_closed(&self) {}

    /// Raises the update flag: the host left progress or results of the task unread.
    fn raise_update(&self) {}

    /// The body or its destructor panicked, before the task ends; or the destructor of its output, after it ended.
    fn on_panic(&self, _task: &TaskRef, _panic: &Panic) {}

    /// The task is over, and its own hook is to be called. A runtime calls it later: this may be inside a call of the host.
    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        guarded(|| hook.call(&TaskInfo::of(task)));
    }

    /// The task ended with an error, and its handle is gone or was detached. Gives the error back where nobody is told.
    fn on_unhandled(&self, _task: &TaskRef, error: TaskError) -> Option<TaskError> {
        Some(error)
    }
}

/// What runs composed tasks: the runtime of the tasks that they are made of. The part of [`Schedule`] that can be an object.
pub(crate) trait Follow: Send + Sync {
    /// As [`Schedule::schedule`].
    fn schedule(&self, task: Runnable);

    /// As [`Schedule::must_not_wait`].
    fn must_not_wait(&self) -> bool;

    /// As [`Schedule::moved`].
    fn moved(self: Arc<Self>, task: &TaskRef);

    /// As [`Schedule::on_started`] and [`Schedule::on_ended`].
    fn task_updated(self: Arc<Self>, task: &TaskRef, audience: Audience);

    /// As [`Schedule::raise_update`]; for progress as well.
    fn updated(&self);

    /// As [`Schedule::on_panic`].
    fn on_panic(&self, task: &TaskRef, panic: &Panic);

    /// As [`Schedule::on_end`].
    fn on_end(&self, task: &TaskRef, hook: EndHook);

    /// As [`Schedule::on_unhandled`].
    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError>;
}

/// The owner of a composed task, or of a promise.
pub(crate) struct Follower {
    follow: Arc<dyn Follow>,
    /// The first task that the composed one is made of: who waits for the one waits for the other.
    first: Option<TaskRef>,
}

impl Follower {
    pub(crate) fn new(follow: Arc<dyn Follow>) -> Self {
        Self { follow, first: None }
    }

    /// Names the first task, unless that is composed itself: then its own first one stands for it.
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
