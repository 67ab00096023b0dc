//! What a task knows of the executor or pool that owns it.

use super::EndHook;
use super::raw::{Audience, Runnable, TaskRef};
use super::{TaskId, TaskInfo};
use crate::error::{Panic, TaskError};
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
