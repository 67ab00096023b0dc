//! The context of a body of the builder.

use crate::error::{Cancelled, RetryError};
use crate::park;
use crate::progress::{Reporter, SendError, SharedReporter, TrySendError};
use crate::retry::{Pace, RetryPolicy, repeat};
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::task::{TaskId, TaskMeta};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, SystemTime};

/// The context of a body: its identifier, its progress, its cancellation.
///
/// A future gets it by value, a closure by reference. A cancelled future is dropped where it waits and need not check.
/// A closure should [`check`](Self::check) from time to time, since nothing else can stop it.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.task().name("count").progress::<u32>(16).run_blocking(|cx| {
///     for step in 1..=3 {
///         cx.check()?;
///         cx.report(step);
///     }
///     Ok::<_, offtick::Cancelled>("counted")
/// });
/// assert_eq!(task.wait()?, "counted");
/// assert_eq!(task.progress().collect::<Vec<_>>(), [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskContext<P = ()> {
    handle: Handle,
    details: Arc<TaskMeta>,
    reporter_slot: ReporterSlot<P>,
}

/// The reporter of a body.
pub(super) enum ReporterSlot<P> {
    /// The task has no progress, or its reporter was taken out.
    None,
    Own(Reporter<P>),
    /// Others report as well: parts of the work, or other attempts.
    Shared(SharedReporter<P>),
}

impl<P> TaskContext<P> {
    pub(super) fn new(handle: Handle, details: Arc<TaskMeta>, reporter_slot: ReporterSlot<P>) -> Self {
        Self { handle, details, reporter_slot }
    }

    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.details.id()
    }

    /// Returns the name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.details.name()
    }

    /// Returns the current attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.details.attempt()
    }

    /// Returns the time at which the slot of this run was due.
    ///
    /// It is a reading of the wall clock; `None` for a task that is not a run of a job. A run for several slots has the
    /// newest of them.
    ///
    /// # Example
    /// ```
    /// # #[cfg(feature = "toolkit")] {
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let every = scheduler.every(Duration::from_secs(60)).now();
    /// let job = every.spawn(|cx| async move { cx.due() })?;
    /// let run = loop {
    ///     match job.latest_finished::<Option<std::time::SystemTime>>()? {
    ///         Some(run) => break run,
    ///         None => std::thread::yield_now(), // a tick
    ///     }
    /// };
    /// assert!(run.wait().is_ok_and(|due| due.is_some()));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn due(&self) -> Option<SystemTime> {
        self.details.due()
    }

    /// Returns true once the body should stop.
    ///
    /// The task was cancelled or timed out, its runtime is shutting down, or this attempt timed out
    /// ([`TaskBuilder::attempt_timeout`](crate::TaskBuilder::attempt_timeout)).
    pub fn is_cancelled(&self) -> bool {
        self.details.should_stop()
    }

    /// Fails once [`is_cancelled`](Self::is_cancelled) is true, so that `cx.check()?` leaves the body.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Reports a progress value. Never waits.
    ///
    /// When the ring is full, the oldest value is dropped and counted. Does nothing for a task without progress.
    #[inline]
    pub fn report(&mut self, value: P) {
        match &mut self.reporter_slot {
            ReporterSlot::None => {}
            ReporterSlot::Own(reporter) => reporter.report(value),
            ReporterSlot::Shared(reporter) => reporter.report(value),
        }
    }

    /// Adds a value if there is room.
    ///
    /// # Errors
    /// [`TrySendError`] with the value: the ring is full, or the handle is dropped. A cancellation is not checked.
    #[inline]
    pub fn try_send(&mut self, value: P) -> Result<(), TrySendError<P>> {
        match &mut self.reporter_slot {
            ReporterSlot::None => Ok(()),
            ReporterSlot::Own(reporter) => reporter.try_send(value),
            ReporterSlot::Shared(reporter) => reporter.try_send(value),
        }
    }

    /// Adds a value as soon as there is room: nothing is lost.
    ///
    /// Dropping the future before it is ready drops the value unsent and changes nothing else. For a task without
    /// progress, and once the reporter was taken out, there is no reader: the value is dropped, without an error.
    ///
    /// # Errors
    /// [`SendError`] with the value: the task is cancelled, or the handle is dropped.
    pub async fn send(&mut self, value: P) -> Result<(), SendError<P>> {
        match &mut self.reporter_slot {
            ReporterSlot::None => Ok(()),
            ReporterSlot::Own(reporter) => reporter.send(value).await,
            ReporterSlot::Shared(reporter) => reporter.send(value).await,
        }
    }

    /// Adds a value like [`send`](Self::send), and blocks the thread until there is room.
    ///
    /// # Errors
    /// Those of [`send`](Self::send); a cancellation ends the wait.
    pub fn send_blocking(&mut self, value: P) -> Result<(), SendError<P>> {
        match &mut self.reporter_slot {
            ReporterSlot::None => Ok(()),
            ReporterSlot::Own(reporter) => reporter.send_blocking(value),
            ReporterSlot::Shared(reporter) => reporter.send_blocking(value),
        }
    }

    /// Takes the reporter out, to pass it to a part of the work.
    ///
    /// Afterwards the context itself reports nothing. Returns `None` for a task without progress, the second time, and
    /// if the reporter has several users: after [`shared_reporter`](Self::shared_reporter), and in a task that retries,
    /// whose attempts all report to one ring.
    pub fn take_reporter(&mut self) -> Option<Reporter<P>> {
        match std::mem::replace(&mut self.reporter_slot, ReporterSlot::None) {
            ReporterSlot::Own(reporter) => Some(reporter),
            reporter_slot => {
                self.reporter_slot = reporter_slot;
                None
            }
        }
    }

    /// Returns a reporter for a part of the work, besides the context.
    ///
    /// Returns `None` for a task without progress, or if its reporter was taken out.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.task().progress::<u8>(8).spawn_blocking(|cx| {
    ///     let part = cx.shared_reporter().expect("the task has progress");
    ///     cx.report(1);
    ///     part.report(2);
    /// });
    /// task.wait()?;
    /// assert_eq!(task.progress().collect::<Vec<_>>(), [1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shared_reporter(&mut self) -> Option<SharedReporter<P>> {
        self.reporter_slot.share()
    }

    /// Retries a part of a closure as `policy` says, and blocks the thread meanwhile.
    ///
    /// It uses the clock of the task's runtime. A cancellation of the task ends the wait.
    ///
    /// It is for a part: [`attempt`](Self::attempt) does not change, and the context does not show the policy's
    /// `attempt_timeout`. A whole closure is better retried by its task
    /// ([`TaskBuilder::retry`](crate::TaskBuilder::retry)), which holds no thread while it waits.
    ///
    /// # Errors
    /// Those of [`retry_blocking`](crate::retry::retry_blocking);
    /// [`StopReason::Cancelled`](crate::retry::StopReason::Cancelled) with the last error, if the task was cancelled.
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.task().run_blocking(|cx| {
    ///     let policy = RetryPolicy::fixed(Duration::from_millis(1)).max_attempts(3);
    ///     let mut answers = ["42", "soon", "wait"].to_vec();
    ///     cx.retry_blocking(policy, |_cx| answers.pop().unwrap_or_default().parse::<u8>())
    /// });
    /// assert_eq!(task.wait()?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry_blocking<T, E: 'static>(
        &mut self,
        policy: RetryPolicy<E>,
        mut body: impl FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<T, RetryError<E>> {
        let (handle, details) = (self.handle.clone(), Arc::clone(&self.details));
        repeat(policy, || Pace::of(&handle), |_| body(self), |pace, time| wait(&details, pace, time))
    }
}

impl<P> ReporterSlot<P> {
    /// Shares the reporter, and returns another one.
    pub(super) fn share(&mut self) -> Option<SharedReporter<P>> {
        let shared = match std::mem::replace(self, Self::None) {
            Self::None => return None,
            Self::Own(reporter) => reporter.shared(),
            Self::Shared(shared) => shared,
        };
        *self = Self::Shared(shared.clone());
        Some(shared)
    }
}

/// Blocks the thread for a time. Returns false if the task is cancelled meanwhile.
fn wait(details: &TaskMeta, pace: &Pace, time: Duration) -> bool {
    let mut sleep = pace.sleep(time);
    let over = pin!(poll_fn(|cx| {
        if !details.wake_wait_on_cancel(cx.waker().clone()) {
            return Poll::Ready(false);
        }
        Pin::new(&mut sleep).poll(cx).map(|()| true)
    }));
    park::block_on(over, None).unwrap_or(false)
}

impl<P> fmt::Debug for TaskContext<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").field("id", &self.id()).field("cancelled", &self.is_cancelled()).finish()
    }
}
