//! The body of a job, with its types forgotten: what starts one run.

use super::cell::Cell;
use super::core::Core;
use super::event::Hook;
use crate::error::BoxError;
use crate::manage::{Stored, TaskManager};
use crate::retry::RetryPolicy;
use crate::runtime::{Handle, Prepared, Watch};
use crate::spawn::{Futures, Maker, Target, TaskBuilder, TaskContext};
use crate::sync::{Arc, Weak};
use crate::task::raw::Work;
use crate::task::{Spec, Task};
use std::future::Future;
use std::time::SystemTime;

/// Starts one run from the settings of its task and registers it. Runs under no lock.
///
/// This is the one place through which runs become tasks: what a job adds to the task of each run (a name, a time
/// limit) is in the builder that is given here.
///
/// Without a manager the job alone keeps the run.
pub(super) type RunFactory = Arc<dyn Fn(TaskBuilder<(), RunPlace>, Option<&TaskManager>) -> Arc<Stored> + Send + Sync>;

/// The target of one run: starts its task on the runtime and notifies the scheduler of its end and of the end of its body.
#[derive(Clone)]
pub(super) struct RunPlace {
    handle: Handle,
    due: Option<SystemTime>,
    watch: RunWatch,
}

/// Notifies the scheduler of what becomes of a run. Knows it weakly: a run that never ends keeps no scheduler alive.
#[derive(Clone)]
struct RunWatch {
    core: Weak<Core>,
    cell: Weak<Cell>,
    run: u64,
    /// It may be called after the job has ended.
    on_finished: Option<Hook>,
}

impl RunPlace {
    pub(super) fn new(
        core: &Arc<Core>,
        cell: &Arc<Cell>,
        run: u64,
        due: Option<SystemTime>,
        on_finished: Option<Hook>,
    ) -> Self {
        let watch = RunWatch { core: Arc::downgrade(core), cell: Arc::downgrade(cell), run, on_finished };
        Self { handle: core.handle.clone(), due, watch }
    }

    fn launch<T, P>(&self, task: Task<T, P>, prepared: Prepared) -> Task<T, P> {
        self.watch.notify(|core, _cell| core.prepared(self.watch.run, task.cancel_handle()));
        prepared.launch();
        task
    }
}

impl RunWatch {
    fn notify(&self, event: impl FnOnce(&Arc<Core>, &Arc<Cell>)) {
        if let (Some(core), Some(cell)) = (self.core.upgrade(), self.cell.upgrade()) {
            event(&core, &cell);
        }
    }
}

impl Watch for RunWatch {
    fn ended(&self) {
        self.notify(|core, cell| core.over(cell, self.run, self.on_finished.clone()));
    }

    fn closed(&self) {
        self.notify(|core, cell| core.closed(cell, self.run));
    }
}

impl Target for RunPlace {
    fn due(&self) -> Option<SystemTime> {
        self.due
    }

    fn handle(&self) -> &Handle {
        &self.handle
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let (task, prepared) = self.handle.prepare_blocking(body, spec, self.watch.clone());
        self.launch(task, prepared)
    }
}

impl Futures for RunPlace {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let (task, prepared) = self.handle.prepare(body, spec, self.watch.clone());
        self.launch(task, prepared)
    }
}

pub(super) fn spawn<M, F>(make: M) -> RunFactory
where
    M: FnMut(TaskContext) -> F + Send + 'static,
    F: Future + 'static,
    F::Output: Send + Sync + 'static,
{
    let maker = Arc::new(Maker::new(make));
    Arc::new(move |builder, manager| {
        let maker = Arc::clone(&maker);
        register(manager, builder.spawn(move |cx| maker.make(cx)))
    })
}

pub(super) fn run<M, F, T, E>(make: M) -> RunFactory
where
    M: FnMut(TaskContext) -> F + Send + 'static,
    F: Future<Output = Result<T, E>> + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    let maker = Arc::new(Maker::new(make));
    Arc::new(move |builder, manager| {
        let maker = Arc::clone(&maker);
        register(manager, builder.run(move |cx| maker.make(cx)))
    })
}

pub(super) fn spawn_blocking<F, T>(closure: F) -> RunFactory
where
    F: Fn(&mut TaskContext) -> T + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    let closure = Arc::new(closure);
    Arc::new(move |builder, manager| {
        let closure = Arc::clone(&closure);
        register(manager, builder.spawn_blocking(move |cx| closure(cx)))
    })
}

pub(super) fn run_blocking<F, T, E>(closure: F) -> RunFactory
where
    F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    let closure = Arc::new(closure);
    Arc::new(move |builder, manager| {
        let closure = Arc::clone(&closure);
        register(manager, builder.run_blocking(move |cx| closure(cx)))
    })
}

/// As [`run`], with tries.
pub(super) fn retry<M, F, T, E>(policy: RetryPolicy<E>, make: M) -> RunFactory
where
    M: FnMut(TaskContext) -> F + Send + 'static,
    F: Future<Output = Result<T, E>> + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    let maker = Arc::new(Maker::new(make));
    Arc::new(move |builder, manager| {
        let maker = Arc::clone(&maker);
        register(manager, builder.retry(policy.clone()).run(move |cx| maker.make(cx)))
    })
}

/// As [`run_blocking`], with tries.
pub(super) fn retry_blocking<F, T, E>(policy: RetryPolicy<E>, closure: F) -> RunFactory
where
    F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    let closure = Arc::new(closure);
    Arc::new(move |builder, manager| {
        let closure = Arc::clone(&closure);
        register(manager, builder.retry(policy.clone()).run_blocking(move |cx| closure(cx)))
    })
}

/// Gives a run to the manager, and to the job without its type.
fn register<T: Send + Sync + 'static>(manager: Option<&TaskManager>, task: Task<T>) -> Arc<Stored> {
    Arc::new(Stored::new(match manager {
        Some(manager) => manager.insert(task),
        None => task.share(),
    }))
}
