//! The settings of a retry.

use super::backoff::Backoff;
pub(super) use crate::error::AttemptError;
use crate::error::{BoxError, InvalidSetting};
use crate::sync::Arc;
use std::fmt;
use std::time::Duration;

/// No wait is longer than this unless the policy says so: one minute.
const MAX_DELAY: Duration = Duration::from_secs(60);

type Predicate<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;
type Adviser<E> = Arc<dyn Fn(&E) -> Option<Duration> + Send + Sync>;
type Hook<E> = Arc<dyn Fn(u32, &AttemptError<E>, Duration) + Send + Sync>;

/// When to try again after an error of type `E`, and how long to wait before.
///
/// | setting | default | meaning |
/// |---|---|---|
/// | [`max_attempts`](Self::max_attempts) | 1 | all tries counted: **1 retries nothing** |
/// | [`base_delay`](Self::base_delay) | 0 | the first wait |
/// | [`multiplier`](Self::multiplier) | 2 | each wait is this many times the one before |
/// | [`max_delay`](Self::max_delay) | 60 s | no wait is longer, whatever the other settings say |
/// | [`jitter`](Self::jitter) | 0 | each wait is up to this part of it longer or shorter |
/// | [`max_elapsed`](Self::max_elapsed) | none | no try begins later than this after the first |
/// | [`attempt_timeout`](Self::attempt_timeout) | none | a try that takes longer has failed |
/// | [`retry_if`](Self::retry_if) | all | which errors are worth another try |
/// | [`retry_after`](Self::retry_after) | none | a wait that the error itself asks for |
/// | [`on_retry`](Self::on_retry) | none | told before each wait |
/// | [`seed`](Self::seed) | random | makes the jitter repeatable |
///
/// After a failed attempt these are checked in turn: the kind of the error, the predicate, the number of attempts, the time
/// elapsed, the time elapsed with the wait to come. The first that refuses ends the retry.
///
/// **Never retried**, whatever the policy: a [`Cancelled`](crate::Cancelled), and the error of another task that was cancelled,
/// panicked, or lost its runtime ([`TaskError`](crate::TaskError)). No further attempt mends that, and the task that retries ends
/// in the same kind. An inner task that timed out or failed is retried as any error is.
///
/// Values are taken as they come and looked at when the policy is used ([`check`](Self::check) looks earlier): a task with
/// an invalid policy fails at once and nothing is tried.
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
    /// One try, and no wait: the defaults. Give it [`max_attempts`](Self::max_attempts) to retry at once.
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

    /// Waits that begin with `base` and double. Takes effect with [`max_attempts`](Self::max_attempts).
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

    /// Waits that are all `delay` long, also if that is longer than a minute. Takes effect with
    /// [`max_attempts`](Self::max_attempts).
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

    /// The value of `max_attempts`.
    pub(crate) fn attempt_limit(&self) -> u32 {
        self.max_attempts
    }

    /// How many tries there are at most, the first one included. At least 1; `u32::MAX` is no limit worth the name.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The wait after the first try.
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.backoff.base = delay;
        self
    }

    /// The longest wait. Holds for everything: growth, jitter, and what [`retry_after`](Self::retry_after) asks for.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.backoff.max = delay;
        self
    }

    /// How many times longer each wait is than the one before. Finite, at least 1.
    pub fn multiplier(mut self, multiplier: f64) -> Self {
        self.backoff.multiplier = multiplier;
        self
    }

    /// The part of a wait by which it is made longer or shorter at random, so that many clients do not return at one
    /// moment. 0 to 1: with 0.2, a wait of 10 s takes 8 to 12.
    pub fn jitter(mut self, part: f64) -> Self {
        self.backoff.jitter = part;
        self
    }

    /// How long after the start of the first try another one may begin; more than zero. A wait that would overrun it is
    /// not begun. A try that runs is not cut short: that is [`attempt_timeout`](Self::attempt_timeout), or the
    /// [`timeout`](crate::TaskBuilder::timeout) of the whole task.
    pub fn max_elapsed(mut self, limit: Duration) -> Self {
        self.max_elapsed = Some(limit);
        self
    }

    /// How long one try may take; more than zero. A try that runs out of time has failed as
    /// [`AttemptError::TimedOut`](crate::retry::AttemptError::TimedOut), which is always worth another one.
    ///
    /// A future is dropped at the limit. A closure cannot be stopped: that of a task is told through its context, so that
    /// `cx.check()?` leaves it. An error that it returns after the limit counts as the timeout; a value is taken, however
    /// late.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// Makes the jitter of each run with this policy the same. For tests and simulations: clients that share a seed
    /// return at one moment.
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

    /// Which errors are worth another attempt; all, if this is not given. Not called for attempts that ran out of time, nor for
    /// errors that are [never retried](Self).
    ///
    /// A panic in it counts as one of the body.
    pub fn retry_if(mut self, predicate: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.retry_if = Some(Arc::new(predicate));
        self
    }

    /// A wait that the error itself asks for (a server's `Retry-After`), in place of the one that would be its turn.
    ///
    /// It is taken without jitter, and cut to [`max_delay`](Self::max_delay): a server cannot make a program wait for
    /// longer than the policy allows. A panic in it counts as one of the body.
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

    /// Called before each wait with the number of the try that failed, its error and the length of the wait. Not called
    /// after the last try. A panic in it is caught and dropped.
    ///
    /// For a task that retries, the hook runs where its attempts run: on the reactor thread or on a pool thread, or in a tick,
    /// with no user code around it. In [`retry`](crate::retry::retry) and
    /// [`retry_blocking`](crate::retry::retry_blocking) it runs inside the caller's own future or call.
    pub fn on_retry(mut self, hook: impl Fn(u32, &AttemptError<E>, Duration) + Send + Sync + 'static) -> Self {
        self.on_retry = Some(Arc::new(hook));
        self
    }

    /// Wait number `n`, counted from 0, without jitter: `base_delay * multiplier^n`, at most
    /// [`max_delay`](Self::max_delay). It saturates. Means nothing for a policy that is not valid.
    pub fn delay(&self, n: u32) -> Duration {
        self.backoff.delay(n)
    }

    /// Looks at all settings, as everything does that uses the policy.
    ///
    /// # Errors
    /// The first setting that is out of its range: `max_attempts` of 0, a `multiplier` below 1 or not finite, a `jitter`
    /// outside of 0 to 1, a `max_elapsed` or `attempt_timeout` of zero. NaN is out of every range.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::require(self.max_attempts > 0, "max_attempts", 0, "at least 1")?;
        self.backoff.check()?;
        InvalidSetting::require_time("max_elapsed", self.max_elapsed)?;
        InvalidSetting::require_time("attempt_timeout", self.attempt_timeout)
    }
}

/// [`RetryPolicy::none`].
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
