//! Tasks whose errors are told to the runtime whoever looks at their handles: the runs of what runs again and again, which
//! nobody may look at before the next one takes their place.

use super::handle::Handle;
use super::owner::{Pool, PoolJob, Reactor};
use crate::blocking::Refused;
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::task::raw::{Runnable, TaskRef, Work};
use crate::task::{Schedule, Spec, Task, TaskId};

impl Handle {
    /// As `start`; an error goes to the hook for unhandled ones, and stays with the handle.
    pub(crate) fn start_reported<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let (runnable, task) = Task::make(body, Reported(Reactor(Arc::clone(self.shared()))), spec);
        self.shared().accept(runnable);
        task
    }

    /// As `start_blocking`, with errors as above.
    pub(crate) fn start_blocking_reported<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let permit = match self.shared().pool.admit_unlimited() {
            Ok(permit) => Some(permit),
            Err(Refused::NoThread(error)) => {
                let task = self.over(TaskError::from_error(error), spec);
                if let Some(error) = task.error() {
                    self.shared().hooks.unhandled(task.task_ref(), error);
                }
                return task;
            }
            Err(Refused::Full | Refused::Closed) => None,
        };
        let (runnable, task) = Task::make(body, Reported(Pool(Arc::clone(self.shared()))), spec);
        match permit {
            Some(permit) => permit.submit(PoolJob(runnable)),
            None => drop(runnable),
        }
        task
    }
}

/// An owner that passes everything on, and tells of each error when it comes, so never again when it is dropped.
struct Reported<O>(O);

impl<O: Schedule> Schedule for Reported<O> {
    fn schedule(&self, task: Runnable) {
        self.0.schedule(task);
    }

    fn must_not_wait(&self, id: TaskId) -> bool {
        self.0.must_not_wait(id)
    }

    fn starts(&self, task: &TaskRef) -> bool {
        self.0.starts(task)
    }

    fn on_ended(&self) {
        self.0.on_ended();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.0.on_panic(task, panic);
    }

    fn on_error(&self, task: &TaskRef, error: &TaskError) {
        // What the owner below does with an error that nobody will see.
        self.0.on_unhandled(task, error);
    }
}
