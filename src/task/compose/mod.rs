//! Tasks composed of tasks: a body that awaits others.
//!
//! They keep the names, the progress and the kind of the error, and a cancellation reaches the inner tasks.
//!
//! A composed task needs no thread. It runs on the runtime of its first task: [`Follow`](super::Follow). It is
//! cancelled like a closure: it ends immediately, whether or not its inner tasks have ended.

mod chain;
mod inner_tasks;
mod join;

pub use join::{join_all, race};

use super::raw::{Outcome, SpawnMeta, TaskRef, Work};
use super::{Follower, Task, TaskMeta};
use crate::progress::Reader;
use crate::sync::Arc;
use std::cell::RefCell;
use std::panic::Location;
use std::task::{Wake, Waker};

/// The parts that a composed task inherits from its inner tasks.
pub(super) struct Inherited<P> {
    meta: TaskMeta,
    owner: Follower,
    progress: Option<Reader<P>>,
    /// The inner tasks that a cancellation reaches immediately. Dropping the body cancels the others.
    cancelled_with: Vec<TaskRef>,
}

impl<P> Inherited<P> {
    /// Takes the progress out of `task`, which the body will own.
    pub(super) fn from_one<T>(task: &mut Task<T, P>, location: &'static Location<'static>) -> Self {
        let inner = task.task_ref();
        let mut meta = TaskMeta::new(location, inner.name().map(Into::into), None, None).prioritised(inner.priority());
        if let Some(details) = inner.details() {
            meta = meta.composed_of(details);
        }
        Self {
            meta,
            owner: inner.follow().of(inner),
            cancelled_with: vec![inner.clone()],
            progress: task.take_progress(),
        }
    }

    /// Takes the progress of several tasks, and the name of the first that has one.
    pub(super) fn from_many<T>(tasks: &mut [Task<T, P>], location: &'static Location<'static>) -> Self {
        let name = tasks.iter().find_map(|task| task.name()).map(Into::into);
        let mut meta = TaskMeta::new(location, name, None, None);
        if let Some(stopwatch) = tasks.iter().find_map(|task| task.task_ref().details()?.stopwatch()) {
            meta = meta.timed(stopwatch.since_same_start());
        }
        let first = tasks.first().map(Task::task_ref);
        let owner = first.map_or_else(|| Follower::new(super::inline::inline()), |first| first.follow().of(first));
        let cancelled_with = tasks.iter().map(|task| task.task_ref().clone()).collect();
        let mut readers: Vec<_> = tasks.iter_mut().filter_map(Task::take_progress).collect();
        let progress = if readers.len() < 2 { readers.pop() } else { Some(Reader::sum(readers)) };
        Self { meta, owner, cancelled_with, progress }
    }

    /// Starts the composed task.
    pub(super) fn start<B: Work>(self, body: B) -> Task<B::Output, P> {
        let meta = Arc::new(self.meta);
        let cancel = Waker::from(Arc::new(CancelAll(self.cancelled_with)));
        // Registered before the handle exists.
        let _not_yet = meta.wake_on_cancel(cancel);
        let spec = super::Spec { origin: SpawnMeta::of(meta), progress: self.progress };
        let (runnable, task) = Task::make(body, self.owner, spec);
        runnable.requeue();
        task
    }
}

/// A waker that cancels the inner tasks when the composed one is cancelled.
///
/// An inner task may be composed as well, and so on. The outermost wake on a thread cancels the tasks that the wakes
/// inside of it add, so such a chain is a loop, not a recursion.
struct CancelAll(Vec<TaskRef>);

thread_local! {
    /// The tasks that the outermost wake on this thread must cancel. `None` outside of a wake.
    static TO_CANCEL: RefCell<Option<Vec<TaskRef>>> = const { RefCell::new(None) };
}

impl CancelAll {
    /// Adds the tasks to those of the outermost wake on this stack. Returns false if this is the outermost.
    fn leave_to_outermost(&self) -> bool {
        let left = TO_CANCEL.try_with(|all| {
            let mut all = all.borrow_mut();
            let Some(all) = &mut *all else {
                *all = Some(Vec::new());
                return false;
            };
            all.extend(self.0.iter().rev().cloned());
            true
        });
        // An ending thread has already dropped its list: then the wakes are nested.
        left.unwrap_or(false)
    }
}

impl Wake for CancelAll {
    fn wake(self: Arc<Self>) {
        if self.leave_to_outermost() {
            return;
        }
        for task in &self.0 {
            task.cancel(Outcome::Cancelled);
        }
        while let Ok(Some(task)) = TO_CANCEL.try_with(|all| all.borrow_mut().as_mut().and_then(Vec::pop)) {
            task.cancel(Outcome::Cancelled);
        }
        let _ending = TO_CANCEL.try_with(|all| all.take());
    }
}
