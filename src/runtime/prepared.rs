//! A task that exists but is not queued yet: whoever limits how many run makes it at once and launches it in its turn.

use super::closures;
use super::handle::Handle;
use super::owner::{Pool, PoolJob, Reactor};
use super::refused::refuse;
use super::shared::Shared;
use crate::blocking::Refused;
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::task::raw::{Audience, Outcome, Runnable, TaskRef, Work};
use crate::task::{EndHook, Schedule, Spec, Task, TaskId};
use std::fmt;
use std::io;

/// Is told of the life of one prepared task.
pub(crate) trait Watch: Send + Sync + 'static {
    /// The task's closure is about to run on this thread. Not called for futures.
    fn starts(&self) {}

    /// The task was given another level. True: it is not launched, and so in no queue of its owner's.
    fn moved(&self) -> bool {
        false
    }

    /// The task is over, for everyone to see. Called once, on any thread, under no lock.
    fn ended(&self);
}

/// Not queued yet: its status is `Pending`, and it may be cancelled. Dropped, it ends as runtime gone.
pub(crate) struct Prepared {
    runnable: Runnable,
    shared: Arc<Shared>,
    closure: bool,
}

/// No thread lives and the system refused to start one.
pub(crate) struct NotLaunched {
    runnable: Runnable,
    error: io::Error,
}

impl Prepared {
    /// Queues the task; one that was cancelled meanwhile is queued for the drop of its body. If the runtime is gone, it
    /// ends here.
    ///
    /// # Errors
    /// For closures: no thread could be started.
    pub(crate) fn launch(self) -> Result<(), NotLaunched> {
        let Self { runnable, shared, closure } = self;
        if !closure {
            shared.accept(runnable);
        } else if shared.is_closing() {
            refuse(runnable);
        } else {
            match shared.pool.admit_unlimited() {
                Ok(permit) => permit.submit(PoolJob(runnable)),
                Err(Refused::Full | Refused::Closed) => refuse(runnable),
                Err(Refused::NoThread(error)) => return Err(NotLaunched { runnable, error }),
            }
        }
        Ok(())
    }
}

impl NotLaunched {
    /// Tells the closure that it is to fail, and why; then runs it on this thread.
    pub(crate) fn fail(self, tell: impl FnOnce(io::Error)) {
        tell(self.error);
        // Told that, it does not sleep.
        let _over = closures::away_from_seat(|| self.runnable.run(Outcome::Gone));
    }
}

impl Handle {
    /// Makes a task for the reactor.
    pub(crate) fn prepare<B, P, W>(&self, body: B, spec: Spec<P>, watch: W) -> (Task<B::Output, P>, Prepared)
    where
        B: Work,
        W: Watch,
    {
        self.prepare_for(Reactor::new(self.shared()), false, body, spec, watch)
    }

    /// Makes a task for the pool.
    pub(crate) fn prepare_blocking<B, P, W>(&self, body: B, spec: Spec<P>, watch: W) -> (Task<B::Output, P>, Prepared)
    where
        B: Work,
        W: Watch,
    {
        self.prepare_for(Pool::new(self.shared()), true, body, spec, watch)
    }

    fn prepare_for<O, B, P, W>(
        &self,
        owner: O,
        closure: bool,
        body: B,
        spec: Spec<P>,
        watch: W,
    ) -> (Task<B::Output, P>, Prepared)
    where
        O: Schedule,
        B: Work,
        W: Watch,
    {
        let (runnable, task) = Task::make(body, Watched { owner, watch }, spec);
        (task, Prepared { runnable, shared: Arc::clone(self.shared()), closure })
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runnable.fmt(f)
    }
}

/// An owner that passes everything on, and tells the watch.
struct Watched<O, W> {
    owner: O,
    watch: W,
}

impl<O, W> Watched<O, W> {
    /// A group or a pool shows all that is not quiet.
    fn audience(&self, task: &TaskRef, audience: Audience) -> Audience {
        if task.is_quiet() { audience } else { Audience::Group }
    }
}

impl<O: Schedule, W: Watch> Schedule for Watched<O, W> {
    const INTERNAL: bool = O::INTERNAL;

    fn schedule(&self, task: Runnable) {
        self.owner.schedule(task);
    }

    fn must_not_wait(&self, id: TaskId) -> bool {
        self.owner.must_not_wait(id)
    }

    fn moved(&self, task: &TaskRef) {
        if !self.watch.moved() {
            self.owner.moved(task);
        }
    }

    fn starts(&self, task: &TaskRef) -> bool {
        self.watch.starts();
        self.owner.starts(task)
    }

    fn on_started(&self, task: &TaskRef, audience: Audience) {
        self.owner.on_started(task, self.audience(task, audience));
    }

    fn on_ended(&self, task: &TaskRef, audience: Audience) {
        self.watch.ended();
        self.owner.on_ended(task, self.audience(task, audience));
    }

    fn raise_update(&self) {
        self.owner.raise_update();
    }

    fn on_panic(&self, task: &TaskRef, panic: &Panic) {
        self.owner.on_panic(task, panic);
    }

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        self.owner.on_end(task, hook);
    }

    fn on_unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.owner.on_unhandled(task, error)
    }
}
