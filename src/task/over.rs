//! Tasks that are over from the start: the answer where there is nobody to run a body.

use super::raw::{self, ClosureBody, Outcome, Runnable, Verdict};
use super::{Details, Schedule, Task, TaskId};
use crate::error::TaskError;
use crate::progress::Reader;
use crate::sync::Arc;
use std::panic::Location;

/// The owner of tasks that nobody runs.
struct Nobody;

impl Schedule for Nobody {
    fn schedule(&self, task: Runnable) {
        drop(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }
}

impl<T: Send + 'static, P> Task<T, P> {
    /// A task that is over with `result`.
    pub(crate) fn over(
        result: Result<T, TaskError>,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
        progress: Option<Reader<P>>,
    ) -> Self {
        let body = ClosureBody::<_, Verdict>::new(move || result);
        let (runnable, join) = raw::new(body, Nobody, location, details);
        let _over = runnable.run(Outcome::Gone);
        Self::new(join, progress)
    }
}
