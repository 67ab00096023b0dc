//! Waiting for a moment.

use super::driver::{Driver, TimerKey, TimerState};
use crate::runtime::{Handle, current_driver, spend};
use crate::sync::Arc;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A future that is ready once a time has passed; made by [`sleep`], [`sleep_until`] and [`Handle::sleep`], which have
/// examples.
///
/// Never early; on the runtime's clock, so a manual clock moves it. Dropping it takes its timer out. If the runtime is shut
/// down it is ready at once.
#[must_use = "a sleep does nothing until it is awaited"]
pub struct Sleep {
    state: State,
}

enum State {
    /// Made where no runtime was at hand: the first poll finds one, and the time counts from there.
    Unbound(Due),
    Bound {
        driver: Arc<Driver>,
        deadline: u64,
        /// Of the timer in the wheel, while there is one.
        key: Option<TimerKey>,
        over: bool,
    },
    /// Over, and never bound.
    Over,
}

#[derive(Clone, Copy)]
enum Due {
    In(Duration),
    At(Instant),
}

impl Due {
    fn on(self, driver: &Driver) -> u64 {
        match self {
            Self::In(wait) => driver.clock().deadline_in(wait),
            Self::At(instant) => driver.clock().nanos_of(instant),
        }
    }
}

/// Waits for `time` on the runtime that polls this thread's task.
///
/// The time counts from this call inside a task; made elsewhere, from the first poll. Polled by no runtime of this crate
/// (a foreign executor, [`block_on`](crate::block_on) on a thread of your own), it uses the process-wide default
/// runtime. A time too long for the clock (584 years) never ends.
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

/// Waits until `instant` of the clock of the runtime that polls it; a moment that has passed is ready at once.
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
            None => Self { state: State::Unbound(due) },
        }
    }

    /// Waits for `time` from now on this driver.
    pub(crate) fn on(driver: Arc<Driver>, time: Duration) -> Self {
        Self::bound(driver, Due::In(time))
    }

    /// On the timers of a runtime, wherever it is polled.
    pub(super) fn at(driver: Arc<Driver>, instant: Instant) -> Self {
        Self::bound(driver, Due::At(instant))
    }

    fn bound(driver: Arc<Driver>, due: Due) -> Self {
        let deadline = due.on(&driver);
        Self { state: State::Bound { driver, deadline, key: None, over: false } }
    }

    /// True once it was ready. One that nobody polls never is; whether its moment has come, the clock knows.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over | State::Bound { over: true, .. })
    }

    /// Makes it end `time` from now, whether it is over or not. Whoever waits for it is woken at the new time.
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

    /// As [`reset`](Self::reset), to a moment of the clock.
    pub fn reset_until(&mut self, instant: Instant) {
        self.reset_due(Due::At(instant));
    }

    fn reset_due(&mut self, due: Due) {
        match &mut self.state {
            State::Bound { driver, deadline, key, over } => {
                *over = false;
                *deadline = due.on(driver);
                // A timer that fired is gone: the next poll makes a new one.
                *key = key.take_if(|key| driver.reset(*key, *deadline) == TimerState::Pending);
            }
            state => *state = State::Unbound(due),
        }
    }
}

impl Handle {
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
        Sleep::bound(self.driver(), Due::In(time))
    }

    /// Waits until `instant` of this runtime's clock, wherever the future is polled.
    pub fn sleep_until(&self, instant: Instant) -> Sleep {
        Sleep::bound(self.driver(), Due::At(instant))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let State::Unbound(due) = self.state {
            match crate::runtime::any_driver() {
                Some(driver) => *self = Self::bound(driver, due),
                // No runtime can be started: without a timer there is only looking again and again, from now on.
                None => {
                    let now = Instant::now();
                    let until = match due {
                        Due::At(instant) => Some(instant),
                        Due::In(time) => now.checked_add(time),
                    };
                    if until.is_some_and(|until| until <= now) {
                        self.state = State::Over;
                        return Poll::Ready(());
                    }
                    if let Some(until) = until {
                        self.state = State::Unbound(Due::At(until));
                        cx.waker().wake_by_ref();
                    }
                    return Poll::Pending;
                }
            }
        }
        let State::Bound { driver, deadline, key, over } = &mut self.state else { return Poll::Ready(()) };
        *over |= match key {
            _ if *over => true,
            Some(key) => driver.set_waker(*key, cx.waker()) != TimerState::Pending,
            None if driver.clock().nanos() >= *deadline => {
                // Else a task that sleeps for nothing, again and again, never gives way to others.
                if !spend() {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                true
            }
            None => match driver.insert(*deadline, cx.waker().clone()) {
                Ok(inserted) => {
                    *key = Some(inserted);
                    false
                }
                Err(_closed) => true,
            },
        };
        if *over {
            // The timer fired, or its driver is closed: there is nothing left to cancel.
            *key = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let State::Bound { driver, key: Some(key), .. } = &self.state {
            driver.cancel(*key);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("over", &self.is_over()).finish_non_exhaustive()
    }
}
