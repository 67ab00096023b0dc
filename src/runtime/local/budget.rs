//! How much a tick may do, how that is measured, and what it did.

use crate::instant::Instant;
use std::time::Duration;

/// How much one tick may do: a time, a number of polls, both, or all there is.
///
/// - **Time** is that of the system's clock, whatever clock the runtime goes by. It is looked at after each poll: a tick
///   takes longer than its budget by one poll at most, or by a batch of 32 timers' wakes. Not cut into pieces is the
///   queueing of what other threads have spawned and woken since the last tick, nor the waking of those whose sockets are
///   ready, up to 256 events a tick.
/// - **Polls** are exact, and the same on every machine: for simulations and tests.
/// - **Zero** of either polls nothing and wakes nothing; the tick only reports.
/// - **Unlimited**: what is ready, and what becomes ready from that, in 64 rounds at most. A round runs every task
///   that is ready once, so a chain of 64 tasks that wake each other runs to its end in one tick, and a task that wakes
///   itself for ever runs 64 times at each moment of the clock that the tick comes by.
///   [`LocalRuntime::run_until_stalled`](crate::LocalRuntime::run_until_stalled) has no such bound.
///
/// # Example
/// ```
/// use offtick::Budget;
/// use std::time::Duration;
/// // Whichever is used up first.
/// let budget = Budget::time(Duration::from_millis(2)).and(Budget::polls(1000));
/// assert_eq!(budget.time_limit(), Some(Duration::from_millis(2)));
/// assert_eq!(budget.poll_limit(), Some(1000));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    time: Option<Duration>,
    polls: Option<usize>,
}

impl Budget {
    /// No limit but that of the rounds.
    pub const fn unlimited() -> Self {
        Self { time: None, polls: None }
    }

    /// Until this much time has passed.
    pub const fn time(limit: Duration) -> Self {
        Self { time: Some(limit), polls: None }
    }

    /// So many polls of tasks.
    pub const fn polls(limit: usize) -> Self {
        Self { time: None, polls: Some(limit) }
    }

    /// Both limits: whichever is used up first ends the tick.
    pub fn and(self, other: Self) -> Self {
        fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        Self { time: least(self.time, other.time), polls: least(self.polls, other.polls) }
    }

    /// The limit of time, if there is one.
    pub const fn time_limit(&self) -> Option<Duration> {
        self.time
    }

    /// The limit of polls, if there is one.
    pub const fn poll_limit(&self) -> Option<usize> {
        self.polls
    }

    /// True if nothing at all may be done.
    pub const fn is_zero(&self) -> bool {
        matches!(self.polls, Some(0)) || matches!(self.time, Some(time) if time.is_zero())
    }
}

/// What a tick did, and what it left.
///
/// # Example
/// ```
/// use offtick::{Budget, LocalRuntime};
/// let rt = LocalRuntime::new()?;
/// let _tasks = [rt.spawn(async {}), rt.spawn(async {}), rt.spawn(async {})];
/// let report = rt.tick(Budget::polls(2))?;
/// assert_eq!((report.polled, report.left_ready), (2, 1));
/// assert!(!report.is_idle());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TickReport {
    /// Polls of tasks; the drop of one that was cancelled while it waited counts as well, and so does each
    /// [closure that runs in the tick](crate::LocalBuilder::blocking_inline).
    pub polled: usize,
    /// Timers that came due, and waits for ticks that ended.
    pub fired: usize,
    /// Tasks that wait to be polled, and closures that wait for a tick: the next one begins with them.
    pub left_ready: usize,
    /// Timers are due, or waits for this tick, that the budget did not reach: the next tick begins with them, too.
    pub left_due: bool,
    /// By how much the budget of time was exceeded; zero otherwise.
    pub overrun: Duration,
    /// Time that [`advance`](crate::LocalRuntime::advance) or [`tick_at`](crate::LocalRuntime::tick_at) was given and that
    /// the budget did not reach: the clock is that far behind, and the next tick goes on there. A host that always falls
    /// behind gives less time, or more budget.
    pub behind: Duration,
    /// No timer fires before this moment of the runtime's clock; `None` without timers. It may name a timer that was
    /// cancelled meanwhile; [`LocalRuntime::next_deadline`](crate::LocalRuntime::next_deadline) is more exact, and dearer.
    pub next_deadline: Option<Instant>,
}

impl TickReport {
    /// True if there is nothing to do before the next deadline, or before something comes from elsewhere.
    pub fn is_idle(&self) -> bool {
        self.left_ready == 0 && !self.left_due && self.behind.is_zero()
    }
}

/// Why a runtime was not ticked. Nothing happened then: no poll, no move of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TickError {
    /// One of the runtime's own tasks asked for it.
    #[error("this runtime is in a tick already, and one of its tasks called for another; await instead")]
    Nested,
    /// [`run_until`](crate::LocalRuntime::run_until) may have to wait, and this thread drives another runtime.
    #[error("waiting here would hold up the runtime that this thread drives; tick instead")]
    WouldDeadlock,
    /// Only a manual clock can be moved.
    #[error("the clock of this runtime runs by itself; build it with a manual clock to move the time, else call tick")]
    NotManual,
}

/// What is left of a budget, and what was done with it.
#[derive(Debug)]
pub(super) struct Meter {
    /// When it began, and how long it may take.
    time: Option<(Instant, Duration)>,
    /// The limit of polls.
    polls: Option<usize>,
    /// The limits are checked after a poll from this number of polls on.
    look_from: usize,
    spent: bool,
    pub(super) polled: usize,
    pub(super) fired: usize,
    pub(super) overrun: Duration,
}

impl Meter {
    pub(super) fn new(budget: Budget) -> Self {
        let Budget { time, polls } = budget;
        Self {
            time: time.map(|limit| (Instant::now(), limit)),
            polls,
            look_from: if time.is_some() { 0 } else { polls.unwrap_or(usize::MAX) },
            spent: false,
            polled: 0,
            fired: 0,
            overrun: Duration::ZERO,
        }
    }

    /// Counts one poll; true if it was the last.
    #[inline(always)]
    pub(super) fn count_poll(&mut self) -> bool {
        self.polled += 1;
        self.polled >= self.look_from && self.look_after_poll()
    }

    #[inline(never)]
    fn look_after_poll(&mut self) -> bool {
        if self.polls.is_some_and(|limit| self.polled >= limit) {
            self.spent = true;
        }
        self.look()
    }

    /// True if the budget is used up.
    #[inline]
    pub(super) fn look(&mut self) -> bool {
        if let Some((began, limit)) = self.time {
            let elapsed = began.elapsed();
            if elapsed >= limit {
                self.spent = true;
                self.overrun = elapsed - limit;
            }
        }
        self.spent
    }

    /// True if the budget was used up at the last look.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// True if there is a limit at all.
    pub(super) fn is_limited(&self) -> bool {
        self.time.is_some() || self.polls.is_some()
    }
}
