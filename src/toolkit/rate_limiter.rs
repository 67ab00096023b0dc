//! Not more often than so many in a time.
//!
//! # How it counts
//! One moment is kept: `next`, when the passage after those already given away would be due if they came at an even pace.
//! A passage may come early by up to `burst - 1` gaps, so that after a pause `burst` of them pass at once; each moves `next`
//! by one gap, from now on if it lies in the past. It is the generic cell rate algorithm: constant memory whatever
//! the burst, no timer while nobody waits.
//!
//! A passage that has to wait takes its turn when it begins to wait, so turns are first come, first served, and each
//! waits for its own time, with no queue. One that gives up hands its turn back if it was the last; else it stays unused.

use super::CENTURY;
use crate::error::InvalidSetting;
use crate::instant::Instant;
use crate::runtime::Handle;
use crate::sync::{Arc, Mutex};
use crate::time::Sleep;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Lets so many pass in a time, and no more: for requests to a server, for log lines, for redraws.
///
/// One every `gap` on the long run; after a pause, up to `burst` at once. [`try_pass`](Self::try_pass) asks and never waits,
/// for a tick; [`acquire`](Self::acquire) waits for its turn. Nothing is dropped: what is to be done when it is too early is the
/// caller's. To make one run of many calls, with the newest arguments, take a [`Debouncer`](super::Debouncer).
///
/// Clones are one limiter.
///
/// # Example
/// ```
/// use offtick::toolkit::RateLimiter;
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let limiter = RateLimiter::new(&rt, Duration::from_millis(1))?;
/// let requests = limiter.clone();
/// let mut task = rt.spawn(async move {
///     for _ in 0..3 {
///         requests.acquire().await; // Then the request.
///     }
///     "asked three times"
/// });
/// assert_eq!(task.wait()?, "asked three times");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RateLimiter(Arc<Inner>);

struct Inner {
    handle: Handle,
    gap: Duration,
    /// How much earlier than at an even pace one may pass.
    early: Duration,
    state: Mutex<State>,
}

struct State {
    next: Next,
    /// Passages given away, also those that wait.
    turns: u64,
}

/// When the next passage is due at an even pace.
#[derive(Clone, Copy)]
enum Next {
    /// Long past: nobody has passed yet.
    Any,
    At(Instant),
    /// Beyond the end of the clock.
    Never,
}

/// It is too early to pass; answer of [`RateLimiter::try_pass`].
///
/// # Example
/// ```
/// use offtick::{time::Clock, toolkit::RateLimiter};
/// use std::time::Duration;
/// let clock = Clock::manual();
/// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
/// let limiter = RateLimiter::new(&rt, Duration::from_secs(5))?;
/// limiter.try_pass()?;
/// let early = limiter.try_pass().expect_err("twice at the same moment");
/// assert_eq!(early.at, Some(clock.now() + Duration::from_secs(5)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too early to pass; try again at {at:?}")]
#[non_exhaustive]
pub struct TooEarly {
    /// The moment of the runtime's clock from which on somebody may pass. `None`: beyond its end.
    pub at: Option<Instant>,
}

impl RateLimiter {
    /// One passage every `gap`, on the clock of `handle`.
    ///
    /// # Errors
    /// [`InvalidSetting`] for a gap of zero.
    pub fn new(handle: &impl AsRef<Handle>, gap: Duration) -> Result<Self, InvalidSetting> {
        Self::with_burst(handle, gap, 1)
    }

    /// One passage every `gap` on the long run, and up to `burst` at once after a pause of as many gaps, also at the
    /// beginning.
    ///
    /// # Errors
    /// [`InvalidSetting`] for a gap or a burst of zero. A gap of more than a hundred years is one of a hundred years.
    pub fn with_burst(handle: &impl AsRef<Handle>, gap: Duration, burst: usize) -> Result<Self, InvalidSetting> {
        InvalidSetting::require_time("gap", Some(gap))?;
        let gaps = burst.checked_sub(1).ok_or_else(|| InvalidSetting::new("burst", 0, "at least 1"))?;
        let gap = gap.min(CENTURY);
        let early = times(gap, gaps);
        let state = Mutex::new(State { next: Next::Any, turns: 0 });
        Ok(Self(Arc::new(Inner { handle: handle.as_ref().clone(), gap, early, state })))
    }

    /// Passes, if it is not too early. Never waits.
    ///
    /// # Errors
    /// [`TooEarly`], with the moment from which on it is not.
    pub fn try_pass(&self) -> Result<(), TooEarly> {
        let now = self.0.handle.now();
        let mut state = self.0.state.lock();
        match self.0.free_at(state.next, now) {
            Some(at) if at <= now => {
                self.0.take(&mut state, now);
                Ok(())
            }
            at => Err(TooEarly { at }),
        }
    }

    /// Waits for its turn: first come, first served, counted from the first poll.
    ///
    /// Dropped before it is ready it does not pass; its turn goes back if it is the last one that was given away, and stays
    /// unused otherwise. After the runtime shuts down, turns come in real time: see [`time`](crate::time#after-the-end-of-a-runtime).
    pub fn acquire(&self) -> Acquire {
        Acquire { inner: Arc::clone(&self.0), turn: None, passed: false }
    }
}

impl Inner {
    /// From when on one may pass; `None`: never.
    fn free_at(&self, next: Next, now: Instant) -> Option<Instant> {
        match next {
            Next::Any => Some(now),
            Next::At(next) => Some(next.checked_sub(self.early).map_or(now, |at| at.max(now))),
            Next::Never => None,
        }
    }

    fn take(&self, state: &mut State, now: Instant) {
        let from = match state.next {
            Next::At(next) => next.max(now),
            Next::Any => now,
            Next::Never => return,
        };
        state.next = from.checked_add(self.gap).map_or(Next::Never, Next::At);
        state.turns += 1;
    }
}

/// A wait for one's turn; made by [`RateLimiter::acquire`].
#[must_use = "it does nothing until it is awaited"]
pub struct Acquire {
    inner: Arc<Inner>,
    turn: Option<Turn>,
    /// Its turn came; it takes no second one.
    passed: bool,
}

/// A turn that was taken and has not come.
struct Turn {
    number: u64,
    /// What `next` was before.
    before: Next,
    /// `None`: it never comes.
    wait: Option<Sleep>,
}

impl Future for Acquire {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { inner, turn, passed } = self.get_mut();
        if *passed {
            return Poll::Ready(());
        }
        if turn.is_none() {
            let now = inner.handle.now();
            let mut state = inner.state.lock();
            let (at, before) = (inner.free_at(state.next, now), state.next);
            inner.take(&mut state, now);
            let number = state.turns;
            drop(state);
            if at.is_some_and(|at| at <= now) {
                *passed = true;
                return Poll::Ready(());
            }
            *turn = Some(Turn { number, before, wait: at.map(|at| inner.handle.sleep_until(at)) });
        }
        let Some(sleep) = turn.as_mut().and_then(|turn| turn.wait.as_mut()) else {
            return Poll::Pending;
        };
        ready!(Pin::new(sleep).poll(cx));
        *turn = None;
        *passed = true;
        Poll::Ready(())
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let mut state = self.inner.state.lock();
        if state.turns == turn.number && turn.wait.is_some() {
            state.turns -= 1;
            state.next = turn.before;
        }
    }
}

/// `gap * count`, saturating.
fn times(gap: Duration, count: usize) -> Duration {
    let nanos = gap.as_nanos().saturating_mul(count as u128);
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    u64::try_from(seconds).map_or(Duration::MAX, |seconds| Duration::new(seconds, rest as u32))
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").field("gap", &self.0.gap).finish_non_exhaustive()
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("waiting", &self.turn.is_some()).finish_non_exhaustive()
    }
}
