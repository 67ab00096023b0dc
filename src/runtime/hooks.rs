//! The host's callbacks, each caught: a hook that panics costs its own call.

use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::task::TaskInfo;
use crate::task::raw::TaskRef;
use crate::util::catch::guarded;

type UpdateHook = Arc<dyn Fn() + Send + Sync>;
type PanicHook = Arc<dyn Fn(&TaskInfo, &Panic) + Send + Sync>;
type ErrorHook = Arc<dyn Fn(&TaskInfo, &TaskError) + Send + Sync>;

/// The callbacks given to the builder.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(super) on_update: Option<UpdateHook>,
    pub(super) on_panic: Option<PanicHook>,
    pub(super) on_unhandled_error: Vec<ErrorHook>,
}

impl Hooks {
    pub(crate) fn updated(&self) {
        if let Some(hook) = &self.on_update {
            guarded(|| hook());
        }
    }

    pub(crate) fn panicked(&self, task: &TaskRef, panic: &Panic) {
        if let Some(hook) = &self.on_panic {
            guarded(|| hook(&TaskInfo::of(task), panic));
        }
    }

    pub(crate) fn unhandled(&self, task: &TaskRef, error: &TaskError) {
        for hook in &self.on_unhandled_error {
            guarded(|| hook(&TaskInfo::of(task).failed(), error));
        }
    }
}
