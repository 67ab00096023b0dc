//! Tasks without a runtime, which run on the thread that wakes them.

use super::raw::{Audience, Outcome, PollOutcome, Runnable, TaskRef};
use super::{EndHook, Follow, TaskInfo};
use crate::error::{Panic, TaskError};
use crate::sync::Arc;
use crate::util::catch::guarded;
use std::cell::RefCell;
use std::collections::VecDeque;

/// The owner of promises without a runtime, and of the tasks composed of them.
struct Inline;

/// Returns the owner. It has no size, so only its counts are allocated.
pub(crate) fn inline() -> Arc<dyn Follow> {
    Arc::new(Inline)
}

thread_local! {
    /// Tasks that were woken while this thread ran one: a loop instead of recursion.
    ///
    /// `None` while this thread runs no task.
    static WOKEN: RefCell<Option<VecDeque<Runnable>>> = const { RefCell::new(None) };
}

/// Queues a task if this thread runs another one, else returns it.
fn queue(task: Runnable) -> Option<Runnable> {
    let mut task = Some(task);
    // The thread may be about to end, with its queue already dropped: then no other task runs on it.
    let _gone = WOKEN.try_with(|woken| match (woken.borrow_mut().as_mut(), task.take()) {
        (Some(queue), Some(next)) => queue.push_back(next),
        (None, Some(first)) => task = Some(first),
        (_, None) => {}
    });
    task
}

/// Returns the next task, or `None` at the end of the loop.
fn next() -> Option<Runnable> {
    WOKEN
        .try_with(|woken| {
            let mut woken = woken.borrow_mut();
            let next = woken.as_mut().and_then(VecDeque::pop_front);
            if next.is_none() {
                *woken = None;
            }
            next
        })
        .ok()
        .flatten()
}

impl Follow for Inline {
    fn schedule(&self, task: Runnable) {
        let Some(first) = queue(task) else { return };
        let _gone = WOKEN.try_with(|woken| *woken.borrow_mut() = Some(VecDeque::new()));
        let mut task = Some(first);
        while let Some(running) = task {
            if let PollOutcome::Again(again) = running.run(Outcome::Gone)
                && let Some(again) = queue(again)
            {
                task = Some(again);
                continue;
            }
            task = next();
        }
    }

    fn must_not_wait(&self) -> bool {
        false
    }

    fn moved(self: Arc<Self>, _: &TaskRef) {}

    fn task_updated(self: Arc<Self>, _: &TaskRef, _: Audience) {}

    fn updated(&self) {}

    fn on_panic(&self, _: &TaskRef, _: &Panic) {}

    fn on_end(&self, task: &TaskRef, hook: EndHook) {
        guarded(|| hook.call(&TaskInfo::of(task)));
    }

    fn on_unhandled(&self, _: &TaskRef, error: TaskError) -> Option<TaskError> {
        Some(error)
    }
}
