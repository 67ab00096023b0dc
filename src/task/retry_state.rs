//! The attempts of a task that retries, shared with the tasks composed of it.

use crate::error::TaskError;
use crate::instant::Instant;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::util::catch::drop_quietly;

/// The state of one task's attempts.
pub(crate) struct RetryState {
    max_attempts: u32,
    /// The current attempt, counted from 1. Written under the lock of `wait`.
    attempt: AtomicU32,
    /// The lock is held briefly, and no user code runs under it.
    wait: Mutex<Wait>,
}

struct Wait {
    /// The start of the next attempt, on the runtime's clock, while the task waits for it.
    next: Option<Instant>,
    last_error: Option<TaskError>,
}

/// The state of a task that waits for its next attempt.
pub(crate) struct Waiting {
    pub(crate) attempt: u32,
    pub(crate) next_at: Instant,
    pub(crate) last_error: TaskError,
}

impl RetryState {
    pub(crate) fn new(max_attempts: u32) -> Self {
        Self { max_attempts, attempt: AtomicU32::new(1), wait: Mutex::new(Wait { next: None, last_error: None }) }
    }

    /// Returns the largest number of attempts; `None` without a limit.
    pub(crate) fn max_attempts(&self) -> Option<u32> {
        (self.max_attempts != u32::MAX).then_some(self.max_attempts)
    }

    /// Returns the current attempt. Relaxed: it is for display.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// Begins an attempt, which ends the wait for it.
    pub(crate) fn begin(&self, attempt: u32) {
        let mut wait = self.wait.lock();
        self.attempt.store(attempt, Ordering::Relaxed);
        wait.next = None;
    }

    /// Records that the current attempt failed with `error`, and the start of the next.
    ///
    /// `None` is a start beyond the range of the clock.
    pub(crate) fn wait_until(&self, next: Option<Instant>, error: TaskError) {
        let mut wait = self.wait.lock();
        wait.next = next;
        let before = wait.last_error.replace(error);
        drop(wait);
        drop_quietly(before);
    }

    /// Returns a consistent snapshot, so that no attempt shows the wait of another.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        let wait = self.wait.lock();
        let (next_at, last_error) = (wait.next?, wait.last_error.clone()?);
        Some(Waiting { attempt: self.attempt(), next_at, last_error })
    }

    pub(crate) fn next_attempt_at(&self) -> Option<Instant> {
        self.wait.lock().next
    }

    pub(crate) fn last_error(&self) -> Option<TaskError> {
        self.wait.lock().last_error.clone()
    }
}
