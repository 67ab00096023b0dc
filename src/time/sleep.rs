//! Futures that wait for a time.

use super::driver::{Driver, TimerKey, TimerState};
use crate::instant::Instant;
use crate::runtime::{Handle, LocalRuntime, Runtime, current_driver, spend};
use crate::sync::Arc;
use crate::util::methods::methods;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A future that is ready once a time has passed.
///
/// [`sleep`], [`sleep_until`] and [`Handle::sleep`] create it, and have examples.
///
/// It is never early. It uses the runtime's clock, so a manual clock moves it. Dropping it removes its timer. If the
/// runtime shuts down, the rest of the wait passes in real time: see [`time`](crate::time#after-the-end-of-a-runtime).
///
/// It is late by up to 4.1 microseconds, a tick of the timers, plus the time that the system takes to wake the thread,
/// some tens of microseconds. On Linux with the feature `net` a reactor thread measures that time and waits less, which
/// leaves about twenty microseconds on a quiet machine. If more than 64,000 timers end per second, they wake a reactor
/// thread or the host of a [`LocalRuntime`](crate::LocalRuntime) at most twice per millisecond: then each may be late
/// by another half a millisecond.
#[must_use = "a sleep does nothing until it is awaited"]
pub struct Sleep {
    state: State,
}

/// Flat, so that a sleep is as small as its tag and two words: tasks have many.
enum State {
    /// Created outside of a runtime: the first poll finds one, and the time counts from there.
    UnboundIn(Duration),
    /// The same, to a time.
    UnboundAt(Instant),
    /// Not yet in the wheel. The deadline is 0 if it had passed when it was set.
    Set { driver: Arc<Driver>, deadline: u64 },
    /// Its timer is in the wheel, unless it has fired.
    Waiting { driver: Arc<Driver>, key: TimerKey },
    /// Finished.
    FinishedOn(Arc<Driver>),
    /// Finished, and never bound.
    Finished,
}

#[derive(Clone, Copy)]
enum Due {
    In(Duration),
    At(Instant),
}

impl Due {
    /// Costs one reading of the clock, and none at the first poll.
    fn on(self, driver: &Driver) -> u64 {
        match self {
            Self::In(Duration::ZERO) => 0,
            Self::In(wait) => driver.deadline_in(wait),
            Self::At(instant) => {
                let deadline = driver.clock().nanos_of(instant);
                if deadline <= driver.now() { 0 } else { deadline }
            }
        }
    }

    fn unbound(self) -> State {
        match self {
            Self::In(wait) => State::UnboundIn(wait),
            Self::At(instant) => State::UnboundAt(instant),
        }
    }
}

/// Waits for `time` on the runtime that polls this thread's task.
///
/// Inside a task the time counts from this call, elsewhere from the first poll. Polled outside of the runtimes of this
/// crate (by a foreign executor, or by [`block_on`](crate::block_on) on your own thread), it uses the process-wide
/// default runtime. A time too long for the clock (584 years) never ends.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.spawn(async {
///     offtick::time::sleep(Duration::from_millis(1)).await;
///     "later"
/// });
/// assert_eq!(task.wait()?, "later");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sleep(time: Duration) -> Sleep {
    Sleep::due(Due::In(time))
}

/// Waits until `instant` of the clock of the runtime that polls it.
///
/// A time that has passed is ready immediately.
///
/// # Example
/// ```
/// use std::time::{Duration, Instant};
/// let rt = offtick::Runtime::new()?;
/// let soon = Instant::now() + Duration::from_millis(1);
/// rt.spawn(offtick::time::sleep_until(soon)).wait()?;
/// assert!(Instant::now() >= soon);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sleep_until(instant: Instant) -> Sleep {
    Sleep::due(Due::At(instant))
}

impl Sleep {
    fn due(due: Due) -> Self {
        match current_driver() {
            Some(driver) => Self::bound(driver, due),
            None => Self { state: due.unbound() },
        }
    }

    /// Waits for `time` from now on this driver.
    pub(crate) fn on(driver: Arc<Driver>, time: Duration) -> Self {
        Self::bound(driver, Due::In(time))
    }

    /// Waits on the timers of a runtime, wherever it is polled.
    pub(super) fn at(driver: Arc<Driver>, instant: Instant) -> Self {
        Self::bound(driver, Due::At(instant))
    }

    fn bound(driver: Arc<Driver>, due: Due) -> Self {
        let deadline = due.on(&driver);
        Self { state: State::Set { driver, deadline } }
    }

    /// Returns true once it was ready.
    ///
    /// A sleep that is never polled is never ready, even if its time has passed.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished | State::FinishedOn(_))
    }

    /// Sets its end to `time` from now, whether it has finished or not.
    ///
    /// Its waiter is woken at the new time.
    ///
    /// # Example
    /// ```
    /// use offtick::time::{Clock, sleep};
    /// use std::time::Duration;
    /// let clock = Clock::manual();
    /// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
    /// let mut task = rt.spawn(async {
    ///     let mut idle = sleep(Duration::from_secs(60));
    ///     idle.reset(Duration::from_secs(1));
    ///     idle.await;
    /// });
    /// while task.wait_timeout(Duration::from_millis(1)).is_none() {
    ///     clock.advance(Duration::from_secs(1));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&mut self, time: Duration) {
        self.reset_due(Due::In(time));
    }

    /// Sets its end to a time of the clock; see [`reset`](Self::reset).
    pub fn reset_until(&mut self, instant: Instant) {
        self.reset_due(Due::At(instant));
    }

    fn reset_due(&mut self, due: Due) {
        self.state = match std::mem::replace(&mut self.state, State::Finished) {
            State::Set { driver, .. } | State::FinishedOn(driver) => State::Set { deadline: due.on(&driver), driver },
            State::Waiting { driver, key } => {
                let deadline = due.on(&driver);
                match driver.reset(key, deadline) {
                    TimerState::Pending => State::Waiting { driver, key },
                    // A timer that fired is removed: the next poll creates a new one.
                    TimerState::Gone | TimerState::Closed => State::Set { driver, deadline },
                }
            }
            State::UnboundIn(_) | State::UnboundAt(_) | State::Finished => due.unbound(),
        };
    }

    /// Finds a driver, usually that of the default runtime.
    fn bind(&mut self, due: Due) {
        *self = Self::bound(crate::runtime::any_driver(), due);
    }
}

methods! {
impl Handle, Runtime, LocalRuntime {
    /// Waits for `time` from now on this runtime's clock, wherever the future is polled.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// // Any executor will do; the timer is the runtime's.
    /// offtick::block_on(rt.sleep(Duration::from_millis(1)))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sleep(&self, time: Duration) -> Sleep {
        Sleep::bound(self.handle().driver(), Due::In(time))
    }

    /// Waits until `instant` of this runtime's clock, wherever the future is polled.
    pub fn sleep_until(&self, instant: Instant) -> Sleep {
        Sleep::bound(self.handle().driver(), Due::At(instant))
    }
}
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.state {
            State::UnboundIn(wait) => self.bind(Due::In(wait)),
            State::UnboundAt(instant) => self.bind(Due::At(instant)),
            _ => {}
        }
        let key = match &self.state {
            State::FinishedOn(_) | State::Finished | State::UnboundIn(_) | State::UnboundAt(_) => {
                return Poll::Ready(());
            }
            State::Waiting { driver, key } if driver.set_waker(*key, cx.waker()) == TimerState::Pending => {
                driver.carry_on(cx);
                return Poll::Pending;
            }
            // The timer fired, or its driver is closed: there is nothing left to cancel.
            State::Waiting { .. } => None,
            State::Set { driver, deadline } if driver.has_reached(*deadline) => {
                // Otherwise a task that repeatedly sleeps for no time would never yield to others.
                if !spend() {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None
            }
            State::Set { driver, deadline } => {
                let key = driver.insert(*deadline, cx.waker().clone()).ok();
                driver.carry_on(cx);
                key
            }
        };
        self.state = match (std::mem::replace(&mut self.state, State::Finished), key) {
            (State::Set { driver, .. } | State::Waiting { driver, .. }, Some(key)) => State::Waiting { driver, key },
            (State::Set { driver, .. } | State::Waiting { driver, .. }, None) => State::FinishedOn(driver),
            (other, _) => other,
        };
        if key.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let State::Waiting { driver, key } = &self.state {
            driver.cancel(*key);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_takes_two_words_and_8_bytes() {
        let size = 2 * size_of::<usize>() + 8;
        assert_eq!((size_of::<Sleep>(), size_of::<Option<Sleep>>()), (size, size));
    }
}
