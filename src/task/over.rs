//! Tasks that are over from the start: the answer where there is nobody to run a body.

use super::raw::{ClosureBody, Outcome, Runnable, Verdict};
use super::{Schedule, Spec, Task, TaskId};
use crate::error::TaskError;

/// The owner of tasks that nobody runs.
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
    /// A finished task with `result`; no runtime is told of it.
    pub(crate) fn over(result: Result<T, TaskError>, spec: Spec<P>) -> Self {
        Self::over_for(NoopSchedule, result, spec)
    }

    /// A finished task with `result`, of `owner`.
    pub(crate) fn over_for(owner: impl Schedule, result: Result<T, TaskError>, spec: Spec<P>) -> Self {
        let body = ClosureBody::<_, Verdict>::new(move || result);
        let (runnable, task) = Self::make_bound(body, owner, spec);
        let _over = runnable.run(Outcome::Gone);
        task
    }
}
