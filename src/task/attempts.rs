//! Attempts and the time that a task took, as its handles show them.

use super::raw::TaskRef;
use super::{CancelHandle, RetryState, SharedTask, Task, TaskMeta};
use crate::error::TaskError;
use crate::instant::Instant;
use std::time::Duration;

impl TaskRef {
    fn retry(&self) -> Option<&RetryState> {
        self.details()?.retry().map(|retry| &**retry)
    }

    /// `value` is of a moment before the look at the state: nothing of it is shown of a task that has finished.
    fn unless_over<V>(&self, value: V) -> Option<V> {
        if self.is_over() { None } else { Some(value) }
    }

    fn next_attempt_at(&self) -> Option<Instant> {
        let next = self.retry()?.next_attempt_at()?;
        self.unless_over(next)
    }

    fn next_attempt_in(&self) -> Option<Duration> {
        let next = self.next_attempt_at()?;
        Some(next.saturating_duration_since(self.details()?.stopwatch()?.now()))
    }

    fn last_error(&self) -> Option<TaskError> {
        let error = self.retry()?.last_error()?;
        self.unless_over(error)
    }

    fn max_attempts(&self) -> Option<u32> {
        self.retry().map_or(Some(1), RetryState::max_attempts)
    }

    fn elapsed(&self) -> Option<Duration> {
        let stopwatch = self.details().and_then(TaskMeta::stopwatch)?;
        Some(stopwatch.elapsed(self.is_over()))
    }

    pub(super) fn waiting(&self) -> Option<super::retry_state::Waiting> {
        self.retry()?.waiting()
    }
}

impl<T, P> Task<T, P> {
    /// The current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.task_ref().attempt()
    }

    /// The number of attempts that the task has at most: 1 without a retry policy, `None` without a limit.
    pub fn max_attempts(&self) -> Option<u32> {
        self.task_ref().max_attempts()
    }

    /// When the next attempt begins, while the task waits for it ([`TaskBuilder::retry`](crate::TaskBuilder::retry)). A
    /// moment of the runtime's clock. `None` at all other times.
    ///
    /// # Example
    /// ```
    /// use offtick::{RetryPolicy, time::Clock};
    /// use std::time::Duration;
    /// let clock = Clock::manual();
    /// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
    /// let policy = RetryPolicy::fixed(Duration::from_secs(5)).max_attempts(2);
    /// let task = rt.task().retry(policy).run(|_cx| async { Err::<(), _>("offline") });
    /// let next = loop {
    ///     match task.next_attempt_at() {
    ///         Some(next) => break next,
    ///         None => std::thread::yield_now(),
    ///     }
    /// };
    /// assert_eq!(next - clock.now(), Duration::from_secs(5));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn next_attempt_at(&self) -> Option<Instant> {
        self.task_ref().next_attempt_at()
    }

    /// How long it is to the next attempt, by the runtime's clock, while the task waits for it. Zero if the attempt is due.
    ///
    /// # Example
    /// ```
    /// use offtick::{RetryPolicy, time::Clock};
    /// use std::time::Duration;
    /// let clock = Clock::manual();
    /// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
    /// let policy = RetryPolicy::fixed(Duration::from_secs(5)).max_attempts(3);
    /// let task = rt.task().retry(policy).run(|_cx| async { Err::<(), _>("offline") });
    /// while task.next_attempt_in().is_none() {
    ///     std::thread::yield_now();
    /// }
    /// let line = format!(
    ///     "attempt {} of {} failed: {}, next one in {:?}",
    ///     task.attempt(),
    ///     task.max_attempts().expect("there is a limit"),
    ///     task.last_error().expect("it has failed once").label(),
    ///     task.next_attempt_in().expect("it waits"),
    /// );
    /// assert_eq!(line, "attempt 1 of 3 failed: offline, next one in 5s");
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn next_attempt_in(&self) -> Option<Duration> {
        self.task_ref().next_attempt_in()
    }

    /// Why the last attempt failed, of a task that retries and has not finished. `None` before that, and once the task has
    /// finished: then [`error`](Self::error) has the last one.
    pub fn last_error(&self) -> Option<TaskError> {
        self.task_ref().last_error()
    }

    /// The time since the task was submitted, by the runtime's clock. It stands still once the task has finished.
    ///
    /// For the tasks of a builder ([`Handle::task`](crate::Handle::task)), futures and closures, and those composed of them.
    /// `None` for others: a plain `spawn` does not read the clock.
    ///
    /// # Example
    /// ```
    /// use offtick::time::Clock;
    /// use std::time::Duration;
    /// let clock = Clock::manual();
    /// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
    /// let task = rt.task().spawn_blocking(|cx| while !cx.is_cancelled() {});
    /// clock.advance(Duration::from_secs(3));
    /// assert_eq!(task.elapsed(), Some(Duration::from_secs(3)));
    /// task.cancel();
    /// clock.advance(Duration::from_secs(3));
    /// assert_eq!(task.elapsed(), Some(Duration::from_secs(3)));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn elapsed(&self) -> Option<Duration> {
        self.task_ref().elapsed()
    }
}

impl<T, P> SharedTask<T, P> {
    /// The current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.task_ref().attempt()
    }

    /// The number of attempts that the task has at most; see [`Task::max_attempts`].
    pub fn max_attempts(&self) -> Option<u32> {
        self.task_ref().max_attempts()
    }

    /// When the next attempt begins, while the task waits for it; see [`Task::next_attempt_at`].
    pub fn next_attempt_at(&self) -> Option<Instant> {
        self.task_ref().next_attempt_at()
    }

    /// How long it is to the next attempt, while the task waits for it; see [`Task::next_attempt_in`].
    pub fn next_attempt_in(&self) -> Option<Duration> {
        self.task_ref().next_attempt_in()
    }

    /// Why the last attempt failed; see [`Task::last_error`].
    pub fn last_error(&self) -> Option<TaskError> {
        self.task_ref().last_error()
    }

    /// The time since the task was submitted; see [`Task::elapsed`].
    pub fn elapsed(&self) -> Option<Duration> {
        self.task_ref().elapsed()
    }
}

impl CancelHandle {
    /// The current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.task_ref().attempt()
    }

    /// The number of attempts that the task has at most; see [`Task::max_attempts`].
    pub fn max_attempts(&self) -> Option<u32> {
        self.task_ref().max_attempts()
    }

    /// When the next attempt begins, while the task waits for it; see [`Task::next_attempt_at`].
    pub fn next_attempt_at(&self) -> Option<Instant> {
        self.task_ref().next_attempt_at()
    }

    /// How long it is to the next attempt, while the task waits for it; see [`Task::next_attempt_in`].
    pub fn next_attempt_in(&self) -> Option<Duration> {
        self.task_ref().next_attempt_in()
    }

    /// Why the last attempt failed; see [`Task::last_error`].
    pub fn last_error(&self) -> Option<TaskError> {
        self.task_ref().last_error()
    }

    /// The time since the task was submitted; see [`Task::elapsed`].
    pub fn elapsed(&self) -> Option<Duration> {
        self.task_ref().elapsed()
    }
}
