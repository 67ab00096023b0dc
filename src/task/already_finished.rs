//! Tasks that are finished from the start, for jobs that nothing can run.

use super::raw::{ClosureBody, Outcome, Runnable, WithTaskError};
use super::{Schedule, Spec, Task, TaskId};
use crate::error::TaskError;

/// An owner that runs no task.
struct NoopSchedule;

impl Schedule for NoopSchedule {
    fn schedule(&self, task: Runnable) {
        drop(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }
}

impl<T: 'static, P> Task<T, P> {
    /// Creates a finished task with `result`, of no runtime.
    pub(crate) fn already_finished(result: Result<T, TaskError>, spec: Spec<P>) -> Self {
        Self::already_finished_for(NoopSchedule, result, spec)
    }

    /// Creates a finished task with `result`, of `owner`.
    pub(crate) fn already_finished_for(owner: impl Schedule, result: Result<T, TaskError>, spec: Spec<P>) -> Self {
        let body = ClosureBody::<_, WithTaskError>::new(move || result);
        let (runnable, task) = Self::make_bound(body, owner, spec);
        let _over = runnable.run(Outcome::Gone);
        task
    }
}
