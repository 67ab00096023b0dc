//! One run of a body: a task whose end is told to its owner, under a number.
//!
//! The owner keeps the run; dropping it cancels the task, and then nothing is told. The task's waker knows its run only
//! weakly, so there is no circle. The lock is held while the task is polled, which registers that waker and runs no
//! foreign code; the end is told after it.

use super::promise::Settled;
use crate::error::BoxError;
use crate::runtime::Handle;
use crate::sync::{Arc, Mutex, Weak};
use crate::task::Task;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// A body's future; it is made, polled and dropped where the runtime's futures are, so it need not be `Send`.
pub(super) type RunFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>>>>;

/// Who is told of the end of a run.
pub(super) trait Owner<T>: Send + Sync + Sized + 'static {
    /// Run number `number` has finished. Called at most once, under no lock, on the thread that ended it.
    fn ended(self: Arc<Self>, number: u64, outcome: Settled<T>);
}

pub(super) struct Run<T, O> {
    owner: Weak<O>,
    number: u64,
    task: Mutex<Option<Task<T>>>,
}

/// The options of a run's task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) limit: Option<Duration>,
    pub(super) quiet: bool,
}

impl<T: Send + 'static, O: Owner<T>> Run<T, O> {
    /// Starts a run. If it is over at once (the runtime is gone), the owner is told before this returns.
    pub(super) fn start(
        handle: &Handle,
        options: Options<'_>,
        make: impl FnOnce() -> RunFuture<T> + Send + 'static,
        owner: &Arc<O>,
        number: u64,
    ) -> Arc<Self> {
        let run = Arc::new(Self { owner: Arc::downgrade(owner), number, task: Mutex::new(None) });
        let Options { name, limit, quiet } = options;
        let mut builder = handle.task().quiet_if(quiet);
        if let Some(name) = name {
            builder = builder.name(name);
        }
        if let Some(limit) = limit {
            builder = builder.timeout(limit);
        }
        *run.task.lock() = Some(builder.run(move |_cx| make()));
        run.look();
        run
    }

    /// Takes the task out if it has finished, else has itself woken at the end.
    fn look(self: &Arc<Self>) {
        let waker = Waker::from(Arc::new(End(Arc::downgrade(self))));
        let mut task = self.task.lock();
        let Some(running) = task.as_mut() else { return };
        if running.poll_finished(&mut Context::from_waker(&waker)).is_pending() {
            return;
        }
        let finished = task.take();
        drop(task);
        if let Some(finished) = finished
            && let Some(owner) = self.owner.upgrade()
        {
            owner.ended(self.number, Settled::of(finished));
        }
    }
}

/// The waker of the task.
struct End<T, O>(Weak<Run<T, O>>);

impl<T: Send + 'static, O: Owner<T>> Wake for End<T, O> {
    fn wake(self: Arc<Self>) {
        if let Some(run) = self.0.upgrade() {
            run.look();
        }
    }
}
