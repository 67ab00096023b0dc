//! What only some tasks have: a name, a context that asks about cancellation, a time limit. It stands beside the
//! cell, so that a plain spawn pays one null pointer for it.

use super::raw::TaskRef;
use super::{Task, TaskId, TaskInfo};
use crate::error::TaskError;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::util::catch::guarded;
use std::task::Waker;
use std::time::Duration;

/// The extras of a task made by the builder; shared by its cell and its context.
pub(crate) struct Details {
    id: TaskId,
    name: Option<Box<str>>,
    time_limit: Option<TaskError>,
    attempt: AtomicU32,
    cancelled: AtomicBool,
    /// Woken by a cancellation: whoever waits for room in the task's progress.
    sleeper: Mutex<Option<Waker>>,
    /// Called once at the end, by whoever brought it about.
    on_end: Mutex<Option<EndHook>>,
    /// The timer task of a closure with a time limit; dropped, and so cancelled, at the end.
    watchdog: Mutex<Option<Task<()>>>,
}

/// A task's own hook.
pub(crate) type EndHook = Box<dyn FnOnce(&TaskInfo) + Send>;

impl Details {
    pub(crate) fn new(name: Option<Box<str>>, time_limit: Option<Duration>, on_end: Option<EndHook>) -> Self {
        Self {
            id: TaskId::next(),
            name,
            time_limit: time_limit.map(TaskError::TimedOut),
            attempt: AtomicU32::new(1),
            cancelled: AtomicBool::new(false),
            sleeper: Mutex::new(None),
            on_end: Mutex::new(on_end),
            watchdog: Mutex::new(None),
        }
    }

    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn time_limit_error(&self) -> Option<&TaskError> {
        self.time_limit.as_ref()
    }

    /// The current try, counted from 1. Relaxed: a number for display.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// Acquire: pairs with the release in `cancel`, so that the body sees what its canceller did before.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Tells the body.
    pub(crate) fn cancel(&self) {
        // Release: pairs with `is_cancelled`. The lock orders it against `wake_on_cancel`: either that call sees the
        // flag, or its waker is seen here.
        self.cancelled.store(true, Ordering::Release);
        let sleeper = self.sleeper.lock().take();
        if let Some(waker) = sleeper {
            guarded(|| waker.wake());
        }
    }

    /// The task is over, for everyone to see.
    pub(crate) fn ended(&self, task: &TaskRef) {
        let hook = self.on_end.lock().take();
        if let Some(hook) = hook {
            guarded(|| hook(&TaskInfo::of(task)));
        }
        let watchdog = self.watchdog.lock().take();
        drop(watchdog);
        // Nobody needs to be told any more. A task that is cancelled was told before it came here.
        let sleeper = self.sleeper.lock().take();
        drop(sleeper);
    }

    /// Ties a timer task to the life of this one.
    pub(crate) fn watch(&self, watchdog: Task<()>, task: &TaskRef) {
        *self.watchdog.lock() = Some(watchdog);
        if task.is_over() {
            // The end may have come before the watchdog was there to be dropped by it.
            let watchdog = self.watchdog.lock().take();
            drop(watchdog);
        }
    }

    /// Registers who is to be woken by a cancellation; false if there was one already.
    #[must_use]
    pub(crate) fn wake_on_cancel(&self, waker: Waker) -> bool {
        let old = self.sleeper.lock().replace(waker);
        drop(old);
        !self.is_cancelled()
    }
}
