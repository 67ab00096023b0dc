//! The limit of a tick, its measurement, and its result.

use crate::instant::Instant;
use std::time::Duration;

/// The limit of one tick: a time, a number of polls, both, or none.
///
/// - **Time** is that of the system's clock, under any clock of the runtime. It is checked after each poll: a tick can
///   exceed its budget by at most one poll, or one batch of 32 timer wakes. Two steps are not divided: queueing the
///   tasks that other threads have spawned and woken since the last tick, and waking tasks whose sockets are ready, up
///   to 256 events per tick.
/// - **Polls** are exact, and the same on every machine: for simulations and tests.
/// - **Zero** of either polls nothing and wakes nothing; the tick only reports.
/// - **Unlimited**: everything that is ready, and everything that becomes ready from that, in at most 64 rounds. A
///   round runs every ready task once. So a chain of 64 tasks that wake each other finishes in one tick, and a task
///   that always wakes itself runs 64 times at each time at which the tick stops.
///   [`LocalRuntime::run_until_stalled`](crate::LocalRuntime::run_until_stalled) has no such limit.
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
    /// Creates a budget without a limit but that of the rounds.
    pub const fn unlimited() -> Self {
        Self { time: None, polls: None }
    }

    /// Creates a budget of time.
    pub const fn time(limit: Duration) -> Self {
        Self { time: Some(limit), polls: None }
    }

    /// Creates a budget of polls.
    pub const fn polls(limit: usize) -> Self {
        Self { time: None, polls: Some(limit) }
    }

    /// Combines both limits: the first one reached ends the tick.
    pub fn and(self, other: Self) -> Self {
        fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        Self { time: least(self.time, other.time), polls: least(self.polls, other.polls) }
    }

    /// Returns the limit of time, if there is one.
    pub const fn time_limit(&self) -> Option<Duration> {
        self.time
    }

    /// Returns the limit of polls, if there is one.
    pub const fn poll_limit(&self) -> Option<usize> {
        self.polls
    }

    /// Returns true if nothing may be done.
    pub const fn is_zero(&self) -> bool {
        matches!(self.polls, Some(0)) || matches!(self.time, Some(time) if time.is_zero())
    }
}

/// The result of a tick: what it did, and what it left.
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
    /// Polls of tasks.
    ///
    /// They include drops of tasks that were cancelled while they waited, and each [closure that ran in the
    /// tick](crate::LocalBuilder::blocking_inline).
    pub polled: usize,
    /// Timers that were due, and waits for ticks that ended.
    pub fired: usize,
    /// Ready tasks and closures that the next tick begins with.
    pub left_ready: usize,
    /// True if the budget did not reach all due timers, or waits for this tick: the next tick begins with them too.
    pub left_due: bool,
    /// The time by which the budget was exceeded, or zero.
    pub overrun: Duration,
    /// The time that the clock is behind, because the budget did not reach it.
    ///
    /// The host passed it to [`advance`](crate::LocalRuntime::advance) or [`tick_at`](crate::LocalRuntime::tick_at),
    /// and the next tick continues there. A host that is always behind should pass less time, or more budget.
    pub behind: Duration,
    /// A time of the runtime's clock before which no timer fires; `None` without timers.
    ///
    /// It may belong to a timer that was cancelled meanwhile.
    /// [`LocalRuntime::next_deadline`](crate::LocalRuntime::next_deadline) is more exact and costs more.
    pub next_deadline: Option<Instant>,
}

impl TickReport {
    /// Returns true if there is nothing to do before the next deadline, or an event from elsewhere.
    pub fn is_idle(&self) -> bool {
        self.left_ready == 0 && !self.left_due && self.behind.is_zero()
    }
}

/// The reason why a runtime was not ticked.
///
/// Then nothing happened: no poll, and no change of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TickError {
    /// One of the runtime's own tasks requested it.
    #[error("this runtime is already in a tick, and one of its tasks requested another; await instead")]
    Nested,
    /// [`run_until`](crate::LocalRuntime::run_until) may have to wait, and this thread drives another runtime.
    #[error("waiting here would block the runtime that this thread drives; tick instead")]
    WouldDeadlock,
    /// Only a manual clock can be moved.
    #[error("the clock of this runtime is not manual; build it with a manual clock, or call `tick`")]
    NotManual,
}

/// The rest of a budget, and how much of it was used.
#[derive(Debug)]
pub(super) struct Meter {
    /// The beginning, and the time limit.
    time: Option<(Instant, Duration)>,
    /// The limit of polls.
    polls: Option<usize>,
    /// The number of polls from which on the limits are checked after each poll.
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

    /// Counts one poll; returns true if it was the last.
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

    /// Checks the limits; returns true if the budget is used up.
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

    /// Returns true if the budget was used up at the last check.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// Returns true if there is a limit.
    pub(super) fn is_limited(&self) -> bool {
        self.time.is_some() || self.polls.is_some()
    }
}
