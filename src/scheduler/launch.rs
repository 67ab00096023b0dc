//! The body of a job, with its types forgotten: what starts one run.

use crate::error::BoxError;
use crate::manage::{Stored, TaskManager};
use crate::retry::RetryPolicy;
use crate::spawn::{Maker, TaskBuilder, TaskContext};
use crate::sync::Arc;
use crate::task::Task;
use std::future::Future;

/// Starts one run from the settings of its task and registers it. Runs under no lock.
///
/// This is the one place through which runs become tasks: what a job adds to the task of each run (a name, a time
/// limit) is in the builder that is given here.
pub(super) type Launch = Arc<dyn Fn(TaskBuilder, &TaskManager) -> Arc<Stored> + Send + Sync>;

pub(super) fn spawn<M, F>(make: M) -> Launch
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

pub(super) fn run<M, F, T, E>(make: M) -> Launch
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

pub(super) fn spawn_blocking<F, T>(closure: F) -> Launch
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

pub(super) fn run_blocking<F, T, E>(closure: F) -> Launch
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
pub(super) fn retry<M, F, T, E>(policy: RetryPolicy<E>, make: M) -> Launch
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
pub(super) fn retry_blocking<F, T, E>(policy: RetryPolicy<E>, closure: F) -> Launch
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
fn register<T: Send + Sync + 'static>(manager: &TaskManager, task: Task<T>) -> Arc<Stored> {
    Arc::new(Stored::new(manager.insert(task)))
}
