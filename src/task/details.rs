//! What only some tasks have: a name, a context that asks about cancellation, a time limit. It stands beside the
//! cell, so that a plain spawn pays one null pointer for it.

use super::TaskId;
use crate::error::TaskError;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Waker;
use std::time::Duration;

/// The extras of a task made by the builder; shared by its cell and its context.
#[derive(Debug)]
pub(crate) struct Details {
    id: TaskId,
    name: Option<Box<str>>,
    time_limit: Option<TaskError>,
    attempt: AtomicU32,
    cancelled: AtomicBool,
    /// Woken by a cancellation: the thread of a closure that waits inside its context.
    sleeper: Mutex<Option<Waker>>,
}

impl Details {
    pub(crate) fn new(name: Option<Box<str>>, time_limit: Option<Duration>) -> Self {
        Self {
            id: TaskId::next(),
            name,
            time_limit: time_limit.map(TaskError::TimedOut),
            attempt: AtomicU32::new(1),
            cancelled: AtomicBool::new(false),
            sleeper: Mutex::new(None),
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
        if let Some(waker) = sleeper
            && let Err(payload) = crate::util::catch::catch(|| waker.wake())
        {
            crate::util::catch::drop_quietly(payload);
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
