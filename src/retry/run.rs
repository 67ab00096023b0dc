//! One run of a policy: counts the attempts and decides after each one.
//!
//! It has no clock: the caller passes the elapsed time.

use super::pace::Pace;
use super::policy::{AttemptError, RetryPolicy};
use crate::error::{StopReason, ends_retries};
use crate::util::catch::guarded;
use fastrand::Rng;
use std::time::Duration;

/// The decision after a failed attempt.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Next {
    /// Wait this long, then retry.
    Wait(Duration),
    /// Stop, for this reason.
    Stop(StopReason),
}

/// The attempts made so far.
pub(crate) struct Run<E> {
    policy: RetryPolicy<E>,
    rng: Rng,
    attempt: u32,
}

impl<E> Run<E> {
    /// Creates a run of a valid policy.
    ///
    /// The policy's own seed counts, else that of the runtime, if it has one.
    pub(crate) fn new(policy: RetryPolicy<E>, pace: &Pace) -> Self {
        let rng = policy.seed.or_else(|| pace.draw_seed()).map_or_else(Rng::new, Rng::with_seed);
        Self { policy, rng, attempt: 0 }
    }

    /// Counts an attempt that begins. Returns its number, from 1.
    pub(crate) fn begin(&mut self) -> u32 {
        self.attempt += 1;
        self.attempt
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    pub(crate) fn attempt_timeout(&self) -> Option<Duration> {
        self.policy.attempt_timeout
    }

    /// Decides after the current attempt failed.
    ///
    /// `elapsed` is the time since the start of the first attempt. Calls the hook before a wait.
    pub(crate) fn failed(&mut self, error: &AttemptError<E>, elapsed: Duration) -> Next
    where
        E: 'static,
    {
        let Self { policy, rng, attempt } = self;
        let failure = error.failure();
        if failure.is_some_and(|failure| ends_retries(failure)) {
            return Next::Stop(StopReason::NotRetryable);
        }
        if let (Some(failure), Some(retry_if)) = (failure, &policy.retry_if)
            && !retry_if(failure)
        {
            return Next::Stop(StopReason::NotRetryable);
        }
        if *attempt >= policy.max_attempts {
            return Next::Stop(StopReason::Attempts);
        }
        if policy.max_elapsed.is_some_and(|limit| elapsed >= limit) {
            return Next::Stop(StopReason::Elapsed);
        }
        let backoff = &policy.backoff;
        let advised = failure.and_then(|failure| policy.retry_after.as_ref()?(failure));
        let wait = match advised {
            Some(advised) => advised.min(backoff.max),
            None => backoff.with_jitter(backoff.delay(*attempt - 1), rng),
        };
        if policy.max_elapsed.is_some_and(|limit| elapsed.saturating_add(wait) > limit) {
            return Next::Stop(StopReason::Elapsed);
        }
        if let Some(hook) = &policy.on_retry {
            guarded(|| hook(*attempt, error, wait));
        }
        Next::Wait(wait)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
