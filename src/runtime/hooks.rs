//! The host's callbacks. A panic of a hook is caught and affects only that call.

use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::task::{EndHook, TaskInfo};
use crate::trace;
use crate::util::catch::{catch, guarded};

type UpdateHook = Arc<dyn Fn() + Send + Sync>;
type PanicHook = Arc<dyn Fn(&TaskInfo, &Panic) + Send + Sync>;
type ErrorHook = Arc<dyn Fn(&TaskInfo, &TaskError) + Send + Sync>;

/// The callbacks of the builder.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) on_update: Option<UpdateHook>,
    pub(crate) on_panic: Option<PanicHook>,
    pub(crate) on_unhandled_error: Vec<ErrorHook>,
}

/// A notice to a hook about one task.
pub(crate) enum Notice {
    /// A body or a destructor of the task panicked.
    Panicked(TaskInfo, Panic),
    /// An error of the task was not read, and cannot be read any more.
    Unhandled(TaskInfo, TaskError),
    /// The task has ended; the hook is its own.
    Ended(TaskInfo, EndHook),
}

impl Hooks {
    /// Calls the hook for a raised update flag.
    pub(crate) fn updated(&self) {
        if let Some(hook) = &self.on_update {
            guarded(|| hook());
        }
    }

    pub(crate) fn tell(&self, notice: Notice) {
        match notice {
            Notice::Panicked(task, panic) => self.panicked(&task, &panic),
            Notice::Unhandled(task, error) => {
                self.unhandled(&task, &error);
                if let Err(payload) = catch(move || drop(error)) {
                    self.panicked(&task, &Panic::new(payload));
                }
            }
            Notice::Ended(task, hook) => guarded(|| hook.call(&task)),
        }
    }

    pub(crate) fn unhandled(&self, task: &TaskInfo, error: &TaskError) {
        trace::unhandled(task.id().get(), task.name(), error);
        for hook in &self.on_unhandled_error {
            guarded(|| hook(task, error));
        }
    }

    fn panicked(&self, task: &TaskInfo, panic: &Panic) {
        if let Some(hook) = &self.on_panic {
            guarded(|| hook(task, panic));
        }
    }
}
