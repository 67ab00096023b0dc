//! A runtime as the owner of composed tasks.

use super::shared::Shared;
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::task::raw::{Audience, Runnable, TaskRef};
use crate::task::{EndHook, Follow};

/// Composed tasks run with the futures, even if they are composed of closures: a busy pool must not delay their
/// cancellation.
impl Follow for Shared {
    fn schedule(&self, task: Runnable) {
        self.queue(task);
    }

    fn must_not_wait(&self) -> bool {
        self.must_not_wait()
    }

    fn moved(self: Arc<Self>, task: &TaskRef) {
        Self::moved(&self, task);
    }

    fn task_updated(self: Arc<Self>, task: &TaskRef, audience: Audience) {
        Self::task_updated(&self, task, audience);
    }

    fn updated(&self) {
        self.updated();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.panicked(task, panic);
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.call_end_hook(task, hook);
    }

    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.unhandled(task, error)
    }
}
