//! Waiting for the host's next ticks: the frames of a game, the cycles of a control loop.
//!
//! A runtime that is ticked has a second set of timers whose clock shows the number of the tick: a wait for the next
//! tick is a sleep of one.

use super::Sleep;
use super::driver::Driver;
use crate::runtime::current_frames;
use crate::sync::Arc;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A future that is ready at a later tick; made by [`next_tick`] and [`ticks`], which have examples.
///
/// It counts from its first poll. Dropping it takes the wait out.
#[must_use = "a wait does nothing until it is awaited"]
pub struct TickWait {
    /// How many are left to wait for, until the first poll.
    ticks: u64,
    wait: Option<Wait>,
}

struct Wait {
    frames: Arc<Driver>,
    until: u64,
    sleep: Sleep,
}

/// There are no ticks to wait for: the task is not polled by a [`LocalRuntime`](crate::LocalRuntime), or that one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no ticks here: only a LocalRuntime that lives has them; use time::sleep, or spawn the task there")]
pub struct NoTicks;

/// Waits for the next tick of the [`LocalRuntime`](crate::LocalRuntime) that polls this task.
///
/// Each tick with a budget other than zero counts, also one that ends without having polled this task. Ready at the start
/// of that tick, so a task that awaits this in a loop runs once a tick, however many rounds the tick has.
///
/// # Errors
/// [`NoTicks`] on a [`Runtime`](crate::Runtime) and on a foreign executor, which have none: at once, rather than never.
///
/// # Example
/// ```
/// use offtick::{Budget, LocalRuntime, time::next_tick};
/// use std::{cell::Cell, rc::Rc};
/// let rt = LocalRuntime::new()?;
/// let angle = Rc::new(Cell::new(0));
/// let theirs = Rc::clone(&angle);
/// let _spin = rt.spawn(async move {
///     while next_tick().await.is_ok() {
///         theirs.set(theirs.get() + 15); // degrees a frame
///     }
/// });
/// for _frame in 0..=6 {
///     rt.tick(Budget::unlimited())?;
/// }
/// assert_eq!(angle.get(), 90);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn next_tick() -> TickWait {
    ticks(1)
}

/// As [`next_tick`], for the `count`-th tick from now; zero is ready at once.
///
/// # Errors
/// Those of [`next_tick`].
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
    TickWait { ticks: count, wait: None }
}

impl Future for TickWait {
    type Output = Result<(), NoTicks>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), NoTicks>> {
        if self.wait.is_none() {
            let Some(frames) = current_frames() else { return Poll::Ready(Err(NoTicks)) };
            let until = frames.clock().nanos().saturating_add(self.ticks);
            let sleep = Sleep::on(Arc::clone(&frames), Duration::from_nanos(self.ticks));
            self.wait = Some(Wait { frames, until, sleep });
        }
        let Some(wait) = &mut self.wait else { return Poll::Ready(Err(NoTicks)) };
        ready!(Pin::new(&mut wait.sleep).poll(cx));
        // Ahead of its tick: the runtime is gone.
        Poll::Ready(if wait.frames.clock().nanos() < wait.until { Err(NoTicks) } else { Ok(()) })
    }
}

impl fmt::Debug for TickWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TickWait").field("ticks", &self.ticks).finish_non_exhaustive()
    }
}
