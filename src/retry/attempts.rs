//! Retrying a future.
//!
//! ```text
//!            +-------------- the wait ends ------------------+
//!            v                                               |
//! +-----+  make  +--------+  failed, to be retried  +---------+
//! | DUE | -----> | TRYING | -----------------------> | WAITING |
//! +-----+        +--------+                          +---------+
//!                    |  succeeded, or not retried
//!                    v
//!                +------+
//!                | DONE |
//!                +------+
//! ```
//! The future of an attempt is dropped before the next step is decided. There is a suspension point between any two
//! attempts, even without a wait: other tasks of the thread get their turn, and a cancellation takes effect.

use super::pace::Pace;
use super::policy::{AttemptError, RetryPolicy};
use super::run::{Next, Run};
use crate::error::{RetryError, StopReason};
use crate::instant::Instant;
use crate::time::Sleep;
use crate::util::catch::drop_quietly;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Retries a future as `policy` says; `make` creates the future of each attempt.
///
/// It uses the clock of the runtime that polls it first (the default one, if it is polled by no runtime of this crate).
/// Dropping it ends it at any point. A panic in an attempt, or in `make`, is not caught.
///
/// # Errors
/// [`RetryError`] with the last error, once no further attempt is made. [`StopReason::InvalidPolicy`], before any
/// attempt, if the policy is not valid.
///
/// # Panics
/// If it is polled again after it ended.
///
/// # Example
/// ```
/// use offtick::RetryPolicy;
/// use offtick::retry::retry;
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let mut tries = 0;
///     let policy = RetryPolicy::fixed(Duration::from_millis(1)).max_attempts(3);
///     retry(policy, || {
///         tries += 1;
///         async move { if tries < 3 { Err(std::io::Error::other("busy")) } else { Ok(tries) } }
///     })
///     .await
/// });
/// assert_eq!(task.wait()?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn retry<M, F, T, E>(policy: RetryPolicy<E>, make: M) -> Retry<M, F, E>
where
    M: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    E: 'static,
{
    Retry { attempts: Attempts::new(policy, make, (), None) }
}

pin_project! {
    /// A future that is retried, from [`retry()`].
    #[must_use = "nothing is tried until it is awaited"]
    pub struct Retry<M, F, E> {
        #[pin]
        attempts: Attempts<M, F, E, ()>,
    }
}

impl<M, F, T, E> Future for Retry<M, F, E>
where
    M: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    E: 'static,
{
    type Output = Result<T, RetryError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().attempts.poll(cx)
    }
}

impl<M, F, E> fmt::Debug for Retry<M, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = self.attempts.run.as_ref().map_or(0, Run::attempt);
        f.debug_struct("Retry").field("attempt", &attempt).finish_non_exhaustive()
    }
}

/// An observer of the attempts of one run.
pub(crate) trait RetryObserver<E> {
    /// Called when an attempt begins.
    fn begins(&self, attempt: u32);

    /// Called when the current attempt failed, with the start of the next one.
    ///
    /// `None` is a start beyond the range of the clock.
    fn waits(&self, until: Option<Instant>, error: AttemptError<E>);
}

impl<E> RetryObserver<E> for () {
    fn begins(&self, _: u32) {}

    fn waits(&self, _: Option<Instant>, error: AttemptError<E>) {
        // A destructor that panics does not end the retry.
        drop_quietly(error);
    }
}

pin_project! {
    /// All attempts of one run.
    pub(crate) struct Attempts<M, F, E, W> {
        // Until the first poll.
        policy: Option<RetryPolicy<E>>,
        // From the first poll on.
        run: Option<Run<E>>,
        make: M,
        observer: W,
        pace: Option<Pace>,
        start: Option<Instant>,
        #[pin]
        stage: Stage<F>,
    }
}

pin_project! {
    #[project = StageView]
    enum Stage<F> {
        Due,
        Trying {
            #[pin]
            future: F,
            limit: Option<(Sleep, Duration)>,
        },
        Waiting {
            sleep: Sleep,
        },
        Finished,
    }
}

impl<M, F, E, W> Attempts<M, F, E, W> {
    /// Creates a run. Without a pace it finds one at the first poll.
    pub(crate) fn new(policy: RetryPolicy<E>, make: M, observer: W, pace: Option<Pace>) -> Self {
        Self { policy: Some(policy), run: None, make, observer, pace, start: None, stage: Stage::Due }
    }
}

impl<M, F, T, E, W> Future for Attempts<M, F, E, W>
where
    M: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    E: 'static,
    W: RetryObserver<E>,
{
    type Output = Result<T, RetryError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(policy) = this.policy.take() {
            if let Err(error) = policy.check() {
                this.stage.set(Stage::Finished);
                return Poll::Ready(Err(RetryError::untried(StopReason::InvalidPolicy(error))));
            }
            *this.run = Some(Run::new(policy, this.pace.get_or_insert_with(Pace::current)));
        }
        let run = this.run.as_mut().expect("a retry is not polled after it has ended");
        let pace = this.pace.get_or_insert_with(Pace::current);
        let start = *this.start.get_or_insert_with(|| pace.now());
        loop {
            let failed = match this.stage.as_mut().project() {
                StageView::Due => {
                    let attempt = run.begin();
                    this.observer.begins(attempt);
                    let limit = run.attempt_timeout().map(|limit| (pace.sleep(limit), limit));
                    let future = (this.make)();
                    this.stage.set(Stage::Trying { future, limit });
                    continue;
                }
                StageView::Trying { future, limit } => match future.poll(cx) {
                    Poll::Ready(Ok(value)) => {
                        this.stage.set(Stage::Finished);
                        return Poll::Ready(Ok(value));
                    }
                    Poll::Ready(Err(error)) => AttemptError::Failed(error),
                    Poll::Pending => {
                        let Some((sleep, limit)) = limit else { return Poll::Pending };
                        ready!(Pin::new(sleep).poll(cx));
                        AttemptError::TimedOut(*limit)
                    }
                },
                StageView::Waiting { sleep } => {
                    ready!(Pin::new(sleep).poll(cx));
                    this.stage.set(Stage::Due);
                    continue;
                }
                StageView::Finished => panic!("a retry is not polled after it has ended"),
            };
            this.stage.set(Stage::Finished);
            let elapsed = pace.since(start);
            match run.failed(&failed, elapsed) {
                Next::Stop(reason) => {
                    return Poll::Ready(Err(RetryError::new(run.attempt(), elapsed, reason, Some(failed))));
                }
                Next::Wait(wait) => {
                    // Created first: a clock that is moved after `observer` was notified then finds the timer due.
                    let mut sleep = pace.sleep(wait);
                    this.observer.waits(pace.now().checked_add(wait), failed);
                    if Pin::new(&mut sleep).poll(cx).is_ready() {
                        cx.waker().wake_by_ref();
                    }
                    this.stage.set(Stage::Waiting { sleep });
                    return Poll::Pending;
                }
            }
        }
    }
}
