//! Attempts of a task that retries, as its handles show them. Tasks that are composed of it share this.

use crate::error::TaskError;
use crate::instant::Instant;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::util::catch::drop_quietly;
use std::io;

/// What is known of the attempts of one task.
pub(crate) struct RetryState {
    max_attempts: u32,
    /// The current one, counted from 1. Written under the lock of `wait`.
    attempt: AtomicU32,
    /// The lock is held for a few moves; no user code runs under it.
    wait: Mutex<Wait>,
    /// Why the next attempt cannot begin: there is no thread for it.
    refused: Mutex<Option<io::Error>>,
}

struct Wait {
    /// A moment of the runtime's clock, while the task waits for it.
    next: Option<Instant>,
    last_error: Option<TaskError>,
}

/// A task that waits for its next attempt.
pub(crate) struct Waiting {
    pub(crate) attempt: u32,
    pub(crate) next_at: Instant,
    pub(crate) last_error: TaskError,
}

impl RetryState {
    pub(crate) fn new(max_attempts: u32) -> Self {
        Self {
            max_attempts,
            attempt: AtomicU32::new(1),
            wait: Mutex::new(Wait { next: None, last_error: None }),
            refused: Mutex::new(None),
        }
    }

    /// `None`: no limit.
    pub(crate) fn max_attempts(&self) -> Option<u32> {
        (self.max_attempts != u32::MAX).then_some(self.max_attempts)
    }

    /// Relaxed: a number for display.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// An attempt begins, and with it the wait for it ends.
    pub(crate) fn begin(&self, attempt: u32) {
        let mut wait = self.wait.lock();
        self.attempt.store(attempt, Ordering::Relaxed);
        wait.next = None;
    }

    /// The current attempt failed with `error`, and the next one begins at that time; `None`: beyond the end of the clock.
    pub(crate) fn wait_until(&self, next: Option<Instant>, error: TaskError) {
        let mut wait = self.wait.lock();
        wait.next = next;
        let before = wait.last_error.replace(error);
        drop(wait);
        drop_quietly(before);
    }

    /// All of it from one moment, so that no attempt shows the wait of another.
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

    /// The next attempt has no thread to run on.
    pub(crate) fn refuse(&self, error: io::Error) {
        *self.refused.lock() = Some(error);
    }

    pub(crate) fn take_refusal(&self) -> Option<io::Error> {
        self.refused.lock().take()
    }
}
