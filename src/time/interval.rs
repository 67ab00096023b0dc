//! Ticks at equal intervals.

use super::driver::Driver;
use super::sleep::Sleep;
use crate::error::InvalidSetting;
use crate::instant::Instant;
use crate::runtime::{Handle, LocalRuntime, Runtime, any_driver, spend};
use crate::sync::Arc;
use crate::util::methods::methods;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The policy of an [`Interval`] for ticks that were not awaited in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissedTicks {
    /// They come one directly after the other until the grid is reached.
    #[default]
    Burst,
    /// The grid restarts: the next tick is one period after the late one was taken.
    Delay,
    /// They are skipped: the next tick is the next one of the grid.
    Skip,
}

/// Ticks on a fixed grid (`start + n * period`) that does not drift.
///
/// [`interval`] and [`Handle::interval`] create it. The grid uses the runtime's clock. The first tick comes after one
/// period, or immediately with [`now`](Self::now). Dropping it removes its timer. If its runtime shuts down, the ticks
/// continue in real time: see [`time`](crate::time#after-the-end-of-a-runtime).
///
/// # Example
/// ```
/// use offtick::time::{Clock, interval};
/// use std::time::Duration;
///
/// let clock = Clock::manual();
/// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
/// let mut task = rt.run(async {
///     let mut seconds = interval(Duration::from_secs(1))?;
///     let first = seconds.tick().await;
///     let second = seconds.tick().await;
///     Ok::<_, offtick::InvalidSetting>(second - first)
/// });
/// while task.wait_timeout(Duration::from_millis(1)).is_none() {
///     clock.advance(Duration::from_secs(1));
/// }
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[must_use = "an interval does nothing until its ticks are awaited"]
pub struct Interval {
    driver: Arc<Driver>,
    sleep: Sleep,
    /// The time of the grid that `sleep` waits for; `None` beyond the range of the clock.
    next: Option<Instant>,
    period: Duration,
    missed: MissedTicks,
}

/// Returns ticks every `period`, on the clock of the current runtime.
///
/// That is the runtime that this thread drives, else the default runtime.
///
/// # Errors
/// [`InvalidSetting`] for a period of zero.
pub fn interval(period: Duration) -> Result<Interval, InvalidSetting> {
    Interval::on(any_driver(), period)
}

methods! {
impl Handle, Runtime, LocalRuntime {
    /// Returns ticks every `period` on this runtime's clock, on any thread; see [`interval`].
    ///
    /// # Errors
    /// [`InvalidSetting`] for a period of zero.
    pub fn interval(&self, period: Duration) -> Result<Interval, InvalidSetting> {
        Interval::on(self.handle().driver(), period)
    }
}
}

impl Interval {
    fn on(driver: Arc<Driver>, period: Duration) -> Result<Self, InvalidSetting> {
        InvalidSetting::require_time("period", Some(period))?;
        let now = driver.now_instant();
        let next = now.checked_add(period);
        let sleep = Sleep::at(Arc::clone(&driver), next.unwrap_or(now));
        Ok(Self { sleep, driver, next, period, missed: MissedTicks::default() })
    }

    /// Makes the first tick come immediately. For a new interval: the grid starts here.
    pub fn now(mut self) -> Self {
        let now = self.driver.now_instant();
        self.next = Some(now);
        self.sleep.reset_until(now);
        self
    }

    /// Sets the policy for missed ticks. Default [`MissedTicks::Burst`].
    pub fn missed(mut self, policy: MissedTicks) -> Self {
        self.missed = policy;
        self
    }

    /// Returns the time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Waits for the next tick and returns its time on the grid.
    ///
    /// Cancel safe: dropping the future loses no tick.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Is ready with the next tick.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let Some(tick) = self.next else { return Poll::Pending };
        ready!(Pin::new(&mut self.sleep).poll(cx));
        if !spend() {
            // A burst of missed ticks lets other tasks run.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let now = self.driver.now_instant();
        self.next = self.after(tick, now);
        if let Some(next) = self.next {
            self.sleep.reset_until(next);
        }
        Poll::Ready(tick)
    }

    /// Returns the tick after the one of `tick`, taken at `now`.
    fn after(&self, tick: Instant, now: Instant) -> Option<Instant> {
        let late = now.saturating_duration_since(tick);
        match self.missed {
            MissedTicks::Delay if late >= self.period => now.checked_add(self.period),
            MissedTicks::Skip if late >= self.period => {
                let into = u64::try_from(late.as_nanos() % self.period.as_nanos()).ok()?;
                now.checked_add(self.period)?.checked_sub(Duration::from_nanos(into))
            }
            _ => tick.checked_add(self.period),
        }
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval").field("period", &self.period).field("missed", &self.missed).finish_non_exhaustive()
    }
}

/// Its items are the moments of the grid; it never ends.
#[cfg(feature = "stream")]
impl futures_core::Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }
}
