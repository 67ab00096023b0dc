//! With the feature `tracing`.

use crate::util::catch::{catch, drop_quietly, guarded};
use std::fmt::Display;
use std::panic::Location;
use std::time::Duration;
use tracing::span::EnteredSpan;
use tracing::{Span, debug, debug_span, warn};

/// Events are emitted.
pub(crate) const ON: bool = true;

/// The span of one task.
#[derive(Debug)]
pub(crate) struct TaskSpan(Span);

impl TaskSpan {
    /// Begins the span. It follows from the spawning span, which may end before it.
    pub(crate) fn new(id: u64, name: Option<&str>, location: &Location<'_>) -> Self {
        let begun = catch(|| {
            let (file, line) = (location.file(), location.line());
            let span = debug_span!(target: "offtick::task", parent: None, "task", id, name, file, line);
            if !span.is_disabled() {
                span.follows_from(Span::current());
            }
            span
        });
        Self(begun.unwrap_or_else(|payload| {
            drop_quietly(payload);
            Span::none()
        }))
    }

    /// Enters the span until the result is dropped.
    pub(crate) fn enter(&self) -> EnteredSpan {
        self.0.clone().entered()
    }
}

/// An attempt of a task begins.
pub(crate) fn attempt(task: u64, attempt: u32) {
    guarded(|| debug!(target: "offtick::retry", task, attempt, "attempt begins"));
}

/// An attempt failed, and the task waits for the next.
pub(crate) fn retry(task: u64, attempt: u32) {
    guarded(|| debug!(target: "offtick::retry", task, attempt, "attempt failed, waits for the next"));
}

/// A task ended with an error that no code reads.
pub(crate) fn unhandled(task: u64, name: Option<&str>, error: &impl Display) {
    guarded(|| warn!(target: "offtick::task", task, name, %error, "unhandled error"));
}

/// A poll exceeds the threshold. Without a task, it is a hook.
pub(crate) fn slow_poll(task: Option<u64>, name: Option<&str>, elapsed: Duration) {
    guarded(|| warn!(target: "offtick::task", task, name, ?elapsed, "slow poll"));
}

/// Slots of a job passed without a run.
pub(crate) fn missed(job: &str, slots: u64) {
    guarded(|| warn!(target: "offtick::scheduler", job, slots, "runs missed"));
}

/// A slot of a job passed because earlier runs are active.
pub(crate) fn overlapped(job: &str) {
    guarded(|| warn!(target: "offtick::scheduler", job, "run overlapped"));
}

/// The zone of the machine cannot be read.
#[cfg(feature = "cron")]
#[allow(dead_code, reason = "not every system reports problems of its zone")]
pub(crate) fn zone(problem: &impl Display) {
    guarded(|| warn!(target: "offtick::schedule", %problem, "time zone of the machine"));
}

/// A closure was returned.
pub(crate) fn refused(reason: &str) {
    guarded(|| warn!(target: "offtick::blocking", reason, "closure refused"));
}
