//! The attempts and the elapsed time of a task, as its handles show them.

use super::raw::TaskRef;
use super::{CancelHandle, RetryState, SharedTask, Task, TaskMeta};
use crate::error::TaskError;
use crate::instant::Instant;
use std::time::Duration;

impl TaskRef {
    fn retry(&self) -> Option<&RetryState> {
        self.details()?.retry().map(|retry| &**retry)
    }

    /// Returns `value`, unless the task has finished.
    ///
    /// The caller read `value` before this checks the state, so a finished task shows nothing of it.
    fn unless_finished<V>(&self, value: V) -> Option<V> {
        if self.is_finished() { None } else { Some(value) }
    }

    fn next_attempt_at(&self) -> Option<Instant> {
        let next = self.retry()?.next_attempt_at()?;
        self.unless_finished(next)
    }

    fn next_attempt_in(&self) -> Option<Duration> {
        let next = self.next_attempt_at()?;
        Some(next.saturating_duration_since(self.details()?.stopwatch()?.now()))
    }

    fn last_error(&self) -> Option<TaskError> {
        let error = self.retry()?.last_error()?;
        self.unless_finished(error)
    }

    fn max_attempts(&self) -> Option<u32> {
        self.retry().map_or(Some(1), RetryState::max_attempts)
    }

    fn elapsed(&self) -> Option<Duration> {
        let stopwatch = self.details().and_then(TaskMeta::stopwatch)?;
        Some(stopwatch.elapsed(self.is_finished()))
    }

    pub(super) fn waiting(&self) -> Option<super::retry_state::Waiting> {
        self.retry()?.waiting()
    }
}

impl<T, P> Task<T, P> {
    /// Returns the current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.task_ref().attempt()
    }

    /// Returns the largest number of attempts.
    ///
    /// 1 without a retry policy, `None` without a limit.
    pub fn max_attempts(&self) -> Option<u32> {
        self.task_ref().max_attempts()
    }

    /// Returns the start of the next attempt, on the runtime's clock.
    ///
    /// `None` unless the task waits for its next attempt ([`TaskBuilder::retry`](crate::TaskBuilder::retry)).
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

    /// Returns the time until the next attempt, on the runtime's clock.
    ///
    /// Zero if the attempt is due. `None` unless the task waits for it.
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

    /// Returns the error of the last failed attempt.
    ///
    /// `None` before the first failure, and once the task has finished: then [`error`](Self::error) returns the last
    /// error.
    pub fn last_error(&self) -> Option<TaskError> {
        self.task_ref().last_error()
    }

    /// Returns the time since the task was submitted, on the runtime's clock.
    ///
    /// It stops once the task has finished.
    ///
    /// Tasks of a builder ([`Handle::task`](crate::Handle::task)), futures and closures, and tasks composed of them
    /// measure it. It is `None` for others: a plain `spawn` does not read the clock.
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
    /// Returns the current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.task_ref().attempt()
    }

    /// Returns the largest number of attempts; see [`Task::max_attempts`].
    pub fn max_attempts(&self) -> Option<u32> {
        self.task_ref().max_attempts()
    }

    /// Returns the start of the next attempt; see [`Task::next_attempt_at`].
    pub fn next_attempt_at(&self) -> Option<Instant> {
        self.task_ref().next_attempt_at()
    }

    /// Returns the time until the next attempt; see [`Task::next_attempt_in`].
    pub fn next_attempt_in(&self) -> Option<Duration> {
        self.task_ref().next_attempt_in()
    }

    /// Returns the error of the last failed attempt; see [`Task::last_error`].
    pub fn last_error(&self) -> Option<TaskError> {
        self.task_ref().last_error()
    }

    /// Returns the time since the task was submitted; see [`Task::elapsed`].
    pub fn elapsed(&self) -> Option<Duration> {
        self.task_ref().elapsed()
    }
}

impl CancelHandle {
    /// Returns the current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.task_ref().attempt()
    }

    /// Returns the largest number of attempts; see [`Task::max_attempts`].
    pub fn max_attempts(&self) -> Option<u32> {
        self.task_ref().max_attempts()
    }

    /// Returns the start of the next attempt; see [`Task::next_attempt_at`].
    pub fn next_attempt_at(&self) -> Option<Instant> {
        self.task_ref().next_attempt_at()
    }

    /// Returns the time until the next attempt; see [`Task::next_attempt_in`].
    pub fn next_attempt_in(&self) -> Option<Duration> {
        self.task_ref().next_attempt_in()
    }

    /// Returns the error of the last failed attempt; see [`Task::last_error`].
    pub fn last_error(&self) -> Option<TaskError> {
        self.task_ref().last_error()
    }

    /// Returns the time since the task was submitted; see [`Task::elapsed`].
    pub fn elapsed(&self) -> Option<Duration> {
        self.task_ref().elapsed()
    }
}
