//! Retrying on a thread that may block.

use super::pace::Pace;
use super::policy::{AttemptError, RetryPolicy};
use super::run::{Next, Run};
use crate::error::{RetryError, StopReason};
use crate::park;
use crate::runtime::drives_any;
use crate::sync::HAS_THREADS;
use crate::util::catch::drop_quietly;
use std::pin::pin;
use std::time::Duration;

/// Retries a closure as `policy` says, and blocks the thread while it waits.
///
/// Use it for a part of a blocking closure. It uses the clock of the default runtime. A whole closure is better retried
/// by its task ([`TaskBuilder::retry`](crate::TaskBuilder::retry)), which holds no thread while it waits. A part of a
/// task's closure is better retried by [`TaskContext::retry_blocking`](crate::TaskContext::retry_blocking), whose wait
/// ends when the task is cancelled.
///
/// # Errors
/// [`RetryError`] with the last error, once no further attempt is made. Before any attempt:
/// [`StopReason::InvalidPolicy`], and [`StopReason::WouldDeadlock`] on a reactor thread.
///
/// # Example
/// ```
/// use offtick::RetryPolicy;
/// use offtick::retry::retry_blocking;
/// use std::time::Duration;
/// let policy = RetryPolicy::fixed(Duration::from_millis(1)).max_attempts(3);
/// let mut left = vec![Ok("third time lucky"), Err("two"), Err("one")];
/// let lucky = retry_blocking(policy, || left.pop().unwrap_or(Err("none left")));
/// assert_eq!(lucky.ok(), Some("third time lucky"));
/// ```
pub fn retry_blocking<T, E: 'static>(
    policy: RetryPolicy<E>,
    mut body: impl FnMut() -> Result<T, E>,
) -> Result<T, RetryError<E>> {
    let wait = |pace: &Pace, wait| park::block_on(pin!(pace.sleep(wait)), None).is_some();
    repeat(policy, Pace::current, |_| body(), wait)
}

/// Runs the loop of every blocking form.
///
/// `wait` blocks for a time, and returns false if the task was cancelled.
pub(crate) fn repeat<T, E: 'static>(
    policy: RetryPolicy<E>,
    pace: impl FnOnce() -> Pace,
    mut body: impl FnMut(u32) -> Result<T, E>,
    mut wait: impl FnMut(&Pace, Duration) -> bool,
) -> Result<T, RetryError<E>> {
    if !HAS_THREADS || drives_any() {
        return Err(RetryError::untried(StopReason::WouldDeadlock));
    }
    if let Err(error) = policy.check() {
        return Err(RetryError::untried(StopReason::InvalidPolicy(error)));
    }
    let pace = pace();
    let mut run = Run::new(policy, &pace);
    let start = pace.now();
    loop {
        let (attempt, begun) = (run.begin(), pace.now());
        let failed = match body(attempt) {
            Ok(value) => return Ok(value),
            Err(error) => judge(error, pace.since(begun), run.attempt_timeout()),
        };
        let elapsed = pace.since(start);
        let reason = match run.failed(&failed, elapsed) {
            Next::Stop(reason) => reason,
            Next::Wait(time) if wait(&pace, time) => {
                // A destructor that panics does not end the retry.
                drop_quietly(failed);
                continue;
            }
            Next::Wait(_) => StopReason::Cancelled,
        };
        return Err(RetryError::new(attempt, elapsed, reason, Some(failed)));
    }
}

/// Returns the attempt error of a closure that took `taken`.
///
/// Nothing can stop a closure at its limit, so an error after it counts as a timeout.
pub(crate) fn judge<E>(error: E, taken: Duration, limit: Option<Duration>) -> AttemptError<E> {
    match limit {
        Some(limit) if taken >= limit => {
            drop_quietly(error);
            AttemptError::TimedOut(limit)
        }
        _ => AttemptError::Failed(error),
    }
}
