//! Time limits of futures.

use super::sleep::{Sleep, sleep, sleep_until};
use crate::instant::Instant;
use crate::runtime::{Handle, LocalRuntime, Runtime, current_driver};
use crate::util::methods::methods;
use pin_project_lite::pin_project;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// An error for a time limit that has passed; see [`timeout`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out after {0:?}")]
pub struct Elapsed(pub Duration);

pin_project! {
    /// A future with a time limit, from [`timeout`] (with an example) and [`Handle::timeout`].
    #[derive(Debug)]
    #[must_use = "a timeout does nothing until it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        limit: Duration,
    }
}

/// Limits `future` to `limit`, on the clock of the runtime that polls it.
///
/// The future is polled first, so a ready one wins over a limit of zero. At the limit this is ready; dropping it drops
/// the future. If the runtime shuts down, the rest of the limit passes in real time: see
/// [`time`](crate::time#after-the-end-of-a-runtime).
///
/// # Errors
/// [`Elapsed`] if the limit passes first.
///
/// # Example
/// ```
/// use std::time::{Duration, Instant};
/// let rt = offtick::Runtime::new()?;
/// let slow = std::future::pending::<()>();
/// let mut task = rt.run(async { offtick::time::timeout(Duration::from_millis(1), slow).await });
/// let error = task.wait().expect_err("it never ends");
/// assert!(error.downcast_ref::<offtick::time::Elapsed>().is_some());
/// # Ok::<(), offtick::BuildError>(())
/// ```
pub fn timeout<F: IntoFuture>(limit: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), sleep: sleep(limit), limit }
}

/// Limits `future` to a time of the clock of the runtime that polls it.
///
/// A time that has passed allows a single poll. See [`timeout`].
///
/// # Errors
/// [`Elapsed`], with the time that was left when this was created.
///
/// # Example
/// ```
/// use std::time::Instant;
/// let rt = offtick::Runtime::new()?;
/// let now = Instant::now();
/// let mut task = rt.spawn(async move { offtick::time::timeout_at(now, async { "ready at once" }).await });
/// assert_eq!(task.wait()?, Ok("ready at once"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    let now = current_driver().map_or_else(Instant::now, |driver| driver.clock().now());
    let limit = deadline.saturating_duration_since(now);
    Timeout { future: future.into_future(), sleep: sleep_until(deadline), limit }
}

methods! {
impl Handle, Runtime, LocalRuntime {
    /// Limits `future` to a time of this runtime's clock; see [`timeout_at`].
    pub fn timeout_at<F: IntoFuture>(&self, deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
        let limit = deadline.saturating_duration_since(self.clock().now());
        Timeout { future: future.into_future(), sleep: self.sleep_until(deadline), limit }
    }

    /// Limits `future` to `limit` from now on this runtime's clock; see [`timeout`].
    pub fn timeout<F: IntoFuture>(&self, limit: Duration, future: F) -> Timeout<F::IntoFuture> {
        Timeout { future: future.into_future(), sleep: self.sleep(limit), limit }
    }
}
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(this.sleep).poll(cx).map(|()| Err(Elapsed(*this.limit)))
    }
}
