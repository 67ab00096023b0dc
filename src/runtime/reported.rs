//! Runs of what runs again and again. Nobody may look at a run's handle before the next one takes its place, so whether
//! its error is news does not depend on the handle: the owner says it ahead.

use super::handle::Handle;
use super::owner::{Owner, Pool, Reactor};
use crate::blocking::Refused;
use crate::error::{Panic, TaskError};
use crate::task::raw::{Audience, Runnable, TaskRef, Work};
use crate::task::{EndHook, Schedule, Spec, Task, TaskId, TaskInfo};

/// Who is told of the errors of runs, which stay with their handles as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Errors {
    /// The hook for unhandled ones, of each when it comes.
    #[default]
    ToHook,
    /// Nobody: the owner deals with them. (A panic is still told to the hook for panics.)
    Handled,
}

impl Handle {
    /// As `start`, with errors as said.
    pub(crate) fn start_reported<B, P>(&self, errors: Errors, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let (runnable, task) = Task::make(body, Reported { owner: Reactor::new(self.shared()), errors }, spec);
        self.shared().accept(runnable);
        task
    }

    /// As `start_blocking`, with errors as said.
    pub(crate) fn start_blocking_reported<B, P>(&self, errors: Errors, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let permit = match self.shared().pool.admit_unlimited() {
            Ok(permit) => Some(permit),
            Err(Refused::NoThread(error)) => {
                let task = self.over(TaskError::from_error(error), spec);
                if errors == Errors::ToHook
                    && let Some(error) = task.error()
                {
                    self.shared().hooks.hooks().unhandled(&TaskInfo::of(task.task_ref()), error);
                }
                return task;
            }
            Err(Refused::Full | Refused::Closed) => None,
        };
        let (runnable, task) = Task::make(body, Reported { owner: Pool::new(self.shared()), errors }, spec);
        match permit {
            Some(permit) => permit.submit(runnable),
            None => drop(runnable),
        }
        task
    }
}

/// An owner that passes everything on, but tells of an error when it comes or never, and so not when it is dropped.
struct Reported<O> {
    owner: O,
    errors: Errors,
}

impl<O: Owner> Schedule for Reported<O> {
    const INTERNAL: bool = O::INTERNAL;

    fn schedule(&self, task: Runnable) {
        self.owner.schedule(task);
    }

    fn must_not_wait(&self, id: TaskId) -> bool {
        self.owner.must_not_wait(id)
    }

    fn begin_wait(&self, task: &TaskRef) -> bool {
        self.owner.begin_wait(task)
    }

    fn end_wait(&self) {
        self.owner.end_wait();
    }

    fn moved(&self, task: &TaskRef) {
        self.owner.moved(task);
    }

    fn starts(&self, task: &TaskRef) -> bool {
        self.owner.starts(task)
    }

    fn on_started(&self, task: &TaskRef, audience: Audience) {
        self.owner.on_started(task, audience);
    }

    fn on_ended(&self, task: &TaskRef, audience: Audience) {
        self.owner.on_ended(task, audience);
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.owner.on_end(task, hook);
    }

    fn raise_update(&self) {
        self.owner.raise_update();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.owner.on_panic(task, panic);
    }

    fn on_error(&self, task: &TaskRef, error: &TaskError) {
        match self.errors {
            // Here and now, since the error stays with the handle.
            Errors::ToHook => self.owner.shared().hooks.hooks().unhandled(&TaskInfo::of(task).failed(), error),
            Errors::Handled => {}
        }
    }
}
