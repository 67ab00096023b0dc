//! Waiting for the host's next ticks: frames of a game, cycles of a control loop.
//!
//! A runtime that is ticked has a second set of timers, whose clock shows the number of the tick: a wait for the next
//! tick is a sleep of one.

use super::driver::Driver;
use super::{Clock, Sleep, sleep};
use crate::instant::Instant;
use crate::runtime::{current_driver, current_frames};
use crate::sync::Arc;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The length of a tick without a host that ticks.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// A future that is ready at a later tick.
///
/// [`next_tick`] and [`ticks`] create it, and have examples. It counts ticks from its first poll. Dropping it removes
/// the wait.
#[must_use = "a wait does nothing until it is awaited"]
pub struct TickWait {
    ticks: u64,
    /// The start of the elapsed time: the call, inside a task, else the first poll.
    since: Option<(Clock, Instant)>,
    wait: Option<Wait>,
}

enum Wait {
    Ticks {
        frames: Arc<Driver>,
        until: u64,
        sleep: Sleep,
    },
    /// A wait without a host that ticks.
    Time(Sleep),
}

/// Waits for the next tick of the runtime that polls this task.
///
/// That is a [`LocalRuntime`](crate::LocalRuntime). It returns the time that has passed.
///
/// Each tick with a budget other than zero counts, even one that ends without having polled this task. It is ready at
/// the start of that tick, so a task that awaits it in a loop runs once per tick, however many rounds the tick has.
///
/// **The time** is that of the task's clock, game time under a manual one. It is measured from this call (outside of a
/// task: from the first poll) to the start of the tick. In a loop the times add up to all time that has passed, so
/// `position += speed * dt` needs no clock of its own. It is zero while the clock is paused.
///
/// Like [`sleep`] it cannot fail: without a host that ticks (on a [`Runtime`](crate::Runtime), on a foreign executor,
/// after the end of the `LocalRuntime`) a tick is a sleep of 1/60 of a second.
///
/// # Example
/// ```
/// use offtick::time::{Clock, next_tick};
/// use offtick::{Budget, LocalBuilder};
/// use std::{cell::Cell, rc::Rc, time::Duration};
/// let rt = LocalBuilder::new().clock(Clock::manual()).build()?;
/// let angle = Rc::new(Cell::new(0.0));
/// let theirs = Rc::clone(&angle);
/// let _spin = rt.spawn(async move {
///     loop {
///         let dt = next_tick().await;
///         theirs.set(theirs.get() + 90.0 * dt.as_secs_f64()); // degrees a second
///     }
/// });
/// for _frame in 0..=4 {
///     rt.advance(Duration::from_millis(250), Budget::unlimited())?;
/// }
/// assert_eq!(angle.get(), 90.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn next_tick() -> TickWait {
    ticks(1)
}

/// Waits for the `count`-th tick from now; zero is ready immediately.
///
/// See [`next_tick`].
///
/// # Example
/// ```
/// use offtick::{Budget, LocalRuntime, time::ticks};
/// let rt = LocalRuntime::new()?;
/// let blink = rt.spawn(ticks(30));
/// for _frame in 0..30 {
///     rt.tick(Budget::unlimited())?;
/// }
/// assert!(!blink.is_done()); // counted from its first poll, in the first tick
/// rt.tick(Budget::unlimited())?;
/// assert!(blink.is_done());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn ticks(count: u64) -> TickWait {
    TickWait { ticks: count, since: current_driver().map(|driver| now(driver.clock())), wait: None }
}

fn now(clock: &Clock) -> (Clock, Instant) {
    (clock.clone(), clock.now())
}

impl Wait {
    fn begin(ticks: u64) -> Self {
        match current_frames() {
            None => Self::without_ticks(ticks),
            Some(frames) => {
                let until = frames.clock().nanos().saturating_add(ticks);
                let sleep = Sleep::on(Arc::clone(&frames), Duration::from_nanos(ticks));
                Self::Ticks { frames, until, sleep }
            }
        }
    }

    fn without_ticks(ticks: u64) -> Self {
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        Self::Time(sleep(FRAME.saturating_mul(ticks)))
    }
}

impl Future for TickWait {
    type Output = Duration;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Duration> {
        let this = &mut *self;
        let (clock, since) = this.since.get_or_insert_with(|| match current_driver() {
            Some(driver) => now(driver.clock()),
            None => now(&Clock::system()),
        });
        loop {
            match this.wait.get_or_insert_with(|| Wait::begin(this.ticks)) {
                Wait::Time(sleep) => ready!(Pin::new(sleep).poll(cx)),
                Wait::Ticks { frames, until, sleep } => {
                    ready!(Pin::new(sleep).poll(cx));
                    if frames.clock().nanos() < *until {
                        // Ready before its tick: the runtime was shut down.
                        this.wait = Some(Wait::without_ticks(1));
                        continue;
                    }
                }
            }
            return Poll::Ready(clock.now().saturating_duration_since(*since));
        }
    }
}

impl fmt::Debug for TickWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TickWait").field("ticks", &self.ticks).finish_non_exhaustive()
    }
}
