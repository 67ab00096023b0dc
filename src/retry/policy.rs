//! The options of a retry.

use super::backoff::Backoff;
pub(super) use crate::error::AttemptError;
use crate::error::{BoxError, InvalidSetting};
use crate::sync::Arc;
use std::fmt;
use std::time::Duration;

/// The default limit of a wait: one minute.
const MAX_DELAY: Duration = Duration::from_secs(60);

type Predicate<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;
type Adviser<E> = Arc<dyn Fn(&E) -> Option<Duration> + Send + Sync>;
type Hook<E> = Arc<dyn Fn(u32, &AttemptError<E>, Duration) + Send + Sync>;

/// The rule for retries after an error of type `E`, with the waits between.
///
/// | option | default | meaning |
/// |---|---|---|
/// | [`max_attempts`](Self::max_attempts) | 1 | the number of attempts, the first included: **1 retries nothing** |
/// | [`base_delay`](Self::base_delay) | 0 | the first wait |
/// | [`multiplier`](Self::multiplier) | 2 | each wait is this many times the previous one |
/// | [`max_delay`](Self::max_delay) | 60 s | the longest wait, whatever the other options are |
/// | [`jitter`](Self::jitter) | 0 | each wait is up to this part of it longer or shorter |
/// | [`max_elapsed`](Self::max_elapsed) | none | no attempt begins later than this after the first |
/// | [`attempt_timeout`](Self::attempt_timeout) | none | an attempt that takes longer has failed |
/// | [`retry_if`](Self::retry_if) | all | the errors to retry |
/// | [`retry_after`](Self::retry_after) | none | a wait that the error itself requests |
/// | [`on_retry`](Self::on_retry) | none | called before each wait |
/// | [`seed`](Self::seed) | random | makes the jitter repeatable |
///
/// After a failed attempt these are checked in order: the kind of the error, the predicate, the number of attempts, the
/// elapsed time, and the elapsed time plus the next wait. The first one that refuses ends the retry.
///
/// **Never retried**, under any policy: a [`Cancelled`](crate::Cancelled), and the error of another task that was
/// cancelled, panicked, or lost its runtime ([`TaskError`](crate::TaskError)). No further attempt can correct that, and
/// the task that retries ends with the same kind. An inner task that timed out or failed is retried like any error.
///
/// Values are checked when the policy is used; [`check`](Self::check) checks them earlier. A task with an invalid
/// policy fails immediately, without an attempt.
///
/// For tasks: [`TaskBuilder::retry`](crate::TaskBuilder::retry). For a part of a body: [`retry`](crate::retry::retry),
/// [`retry_blocking`](crate::retry::retry_blocking).
///
/// # Example
/// ```
/// use offtick::RetryPolicy;
/// use std::io;
/// use std::time::Duration;
/// let policy = RetryPolicy::exponential(Duration::from_millis(200))
///     .max_attempts(5)
///     .jitter(0.2)
///     .max_elapsed(Duration::from_secs(30))
///     .retry_if(|error: &io::Error| error.kind() != io::ErrorKind::PermissionDenied)
///     .on_retry(|attempt, error, wait| eprintln!("attempt {attempt}: {error}; again in {wait:?}"));
/// policy.check()?;
/// assert_eq!(policy.delay(2), Duration::from_millis(800));
/// # Ok::<(), offtick::InvalidSetting>(())
/// ```
#[must_use = "a policy does nothing by itself; give it to a task or to `retry`"]
pub struct RetryPolicy<E = BoxError> {
    pub(super) max_attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) max_elapsed: Option<Duration>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) seed: Option<u64>,
    pub(super) retry_if: Option<Predicate<E>>,
    pub(super) retry_after: Option<Adviser<E>>,
    pub(super) on_retry: Option<Hook<E>>,
}

impl<E> RetryPolicy<E> {
    /// Creates the default policy: one attempt, and no wait.
    ///
    /// Set [`max_attempts`](Self::max_attempts) to retry immediately.
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            backoff: Backoff { base: Duration::ZERO, max: MAX_DELAY, multiplier: 2.0, jitter: 0.0 },
            max_elapsed: None,
            attempt_timeout: None,
            seed: None,
            retry_if: None,
            retry_after: None,
            on_retry: None,
        }
    }

    /// Creates a policy with waits that begin with `base` and double.
    ///
    /// It takes effect with [`max_attempts`](Self::max_attempts).
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use std::time::Duration;
    /// let policy: RetryPolicy = RetryPolicy::exponential(Duration::from_secs(1)).max_attempts(10);
    /// let waits: Vec<_> = (0..8).map(|n| policy.delay(n).as_secs()).collect();
    /// assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    /// ```
    pub fn exponential(base: Duration) -> Self {
        Self::none().base_delay(base)
    }

    /// Creates a policy with waits of `delay`, even if that is longer than a minute.
    ///
    /// It takes effect with [`max_attempts`](Self::max_attempts).
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use std::time::Duration;
    /// let policy: RetryPolicy = RetryPolicy::fixed(Duration::from_secs(300)).max_attempts(3);
    /// assert_eq!(policy.delay(1), Duration::from_secs(300));
    /// ```
    pub fn fixed(delay: Duration) -> Self {
        Self::none().base_delay(delay).max_delay(delay.max(MAX_DELAY)).multiplier(1.0)
    }

    /// Returns the value of `max_attempts`.
    pub(crate) fn attempt_limit(&self) -> u32 {
        self.max_attempts
    }

    /// Sets the largest number of attempts, the first one included.
    ///
    /// At least 1; `u32::MAX` is practically no limit.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the wait after the first attempt.
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.backoff.base = delay;
        self
    }

    /// Sets the longest wait.
    ///
    /// It limits everything: growth, jitter, and the wait of [`retry_after`](Self::retry_after).
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.backoff.max = delay;
        self
    }

    /// Sets the factor between a wait and the next one. Finite, at least 1.
    pub fn multiplier(mut self, multiplier: f64) -> Self {
        self.backoff.multiplier = multiplier;
        self
    }

    /// Sets the part of a wait by which it is randomly longer or shorter.
    ///
    /// It keeps many clients from returning at the same time. From 0 to 1: with 0.2, a wait of 10 s takes 8 to 12 s.
    pub fn jitter(mut self, part: f64) -> Self {
        self.backoff.jitter = part;
        self
    }

    /// Sets the time after the first start in which attempts may begin; more than zero.
    ///
    /// A wait that would exceed it does not begin. A running attempt is not stopped: use
    /// [`attempt_timeout`](Self::attempt_timeout) for that, or the [`timeout`](crate::TaskBuilder::timeout) of the
    /// whole task.
    pub fn max_elapsed(mut self, limit: Duration) -> Self {
        self.max_elapsed = Some(limit);
        self
    }

    /// Sets the time limit of one attempt; more than zero.
    ///
    /// An attempt that exceeds it has failed as [`AttemptError::TimedOut`](crate::retry::AttemptError::TimedOut), which
    /// is always retried.
    ///
    /// A future is dropped at the limit. A closure cannot be stopped: that of a task finds out through its context, and
    /// `cx.check()?` leaves it. An error that it returns after the limit counts as the timeout; a value is accepted
    /// even if it is late.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// Sets the seed of the jitter, so that each run with this policy has the same.
    ///
    /// Use it in tests and simulations: clients that share a seed return at the same time.
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use offtick::retry::retry_blocking;
    /// use std::sync::{Arc, Mutex};
    /// use std::time::Duration;
    /// let waits = || {
    ///     let seen = Arc::new(Mutex::new(Vec::new()));
    ///     let log = Arc::clone(&seen);
    ///     let policy = RetryPolicy::exponential(Duration::from_micros(10))
    ///         .max_attempts(4)
    ///         .jitter(0.5)
    ///         .seed(7)
    ///         .on_retry(move |_, _, wait| log.lock().expect("no panics").push(wait));
    ///     retry_blocking(policy, || Err::<(), _>("busy")).expect_err("always busy");
    ///     Arc::try_unwrap(seen).expect("the policy is gone").into_inner().expect("no panics")
    /// };
    /// assert_eq!(waits(), waits());
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the predicate of errors to retry; by default all are.
    ///
    /// It is not called for attempts that timed out, nor for errors that are [never retried](Self). A panic in it
    /// counts as one of the body.
    pub fn retry_if(mut self, predicate: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.retry_if = Some(Arc::new(predicate));
        self
    }

    /// Sets a function that returns the wait that an error requests.
    ///
    /// A server's `Retry-After` is an example. The wait replaces the next one. It has no jitter, and is cut to
    /// [`max_delay`](Self::max_delay): a server cannot make a program wait for longer than the policy allows. A panic
    /// in the function counts as one of the body.
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use std::time::Duration;
    /// struct Busy { retry_after: Option<u64> }
    /// let policy = RetryPolicy::exponential(Duration::from_millis(100))
    ///     .max_attempts(4)
    ///     .retry_after(|busy: &Busy| busy.retry_after.map(Duration::from_secs));
    /// # policy.check()?;
    /// # Ok::<(), offtick::InvalidSetting>(())
    /// ```
    pub fn retry_after(mut self, adviser: impl Fn(&E) -> Option<Duration> + Send + Sync + 'static) -> Self {
        self.retry_after = Some(Arc::new(adviser));
        self
    }

    /// Sets a hook that is called before each wait.
    ///
    /// It receives the number of the failed attempt, its error and the length of the wait. It is not called after the
    /// last attempt. A panic in it is caught and dropped.
    ///
    /// For a task that retries, the hook runs where its attempts run: on the reactor thread, on a pool thread, or in a
    /// tick, with no user code around it. In [`retry`](crate::retry::retry) and
    /// [`retry_blocking`](crate::retry::retry_blocking) it runs inside the caller's own future or call.
    pub fn on_retry(mut self, hook: impl Fn(u32, &AttemptError<E>, Duration) + Send + Sync + 'static) -> Self {
        self.on_retry = Some(Arc::new(hook));
        self
    }

    /// Returns wait number `n`, counted from 0, without jitter.
    ///
    /// `base_delay * multiplier^n`, at most [`max_delay`](Self::max_delay). It saturates. It has no meaning for a
    /// policy that is not valid.
    pub fn delay(&self, n: u32) -> Duration {
        self.backoff.delay(n)
    }

    /// Checks all options.
    ///
    /// Everything that uses the policy does so as well.
    ///
    /// # Errors
    /// The first option that is out of its range: `max_attempts` of 0, a `multiplier` below 1 or not finite, a `jitter`
    /// outside of 0 to 1, a `max_elapsed` or `attempt_timeout` of zero. NaN is out of every range.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::require(self.max_attempts > 0, "max_attempts", 0, "at least 1")?;
        self.backoff.check()?;
        InvalidSetting::require_time("max_elapsed", self.max_elapsed)?;
        InvalidSetting::require_time("attempt_timeout", self.attempt_timeout)
    }
}

/// Returns [`RetryPolicy::none`].
impl<E> Default for RetryPolicy<E> {
    fn default() -> Self {
        Self::none()
    }
}

impl<E> Clone for RetryPolicy<E> {
    fn clone(&self) -> Self {
        Self {
            retry_if: self.retry_if.clone(),
            retry_after: self.retry_after.clone(),
            on_retry: self.on_retry.clone(),
            ..*self
        }
    }
}

impl<E> fmt::Debug for RetryPolicy<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_attempts", &self.max_attempts)
            .field("base_delay", &self.backoff.base)
            .field("max_delay", &self.backoff.max)
            .field("multiplier", &self.backoff.multiplier)
            .field("jitter", &self.backoff.jitter)
            .field("max_elapsed", &self.max_elapsed)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("seed", &self.seed)
            .field("retry_if", &self.retry_if.is_some())
            .field("retry_after", &self.retry_after.is_some())
            .field("on_retry", &self.on_retry.is_some())
            .finish()
    }
}
