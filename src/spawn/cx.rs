//! What a body made by the builder knows of its own task.

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

/// The context of a body: its identity, its progress, its cancellation.
///
/// A future gets it by value, a closure by reference. A future that is cancelled is dropped where it waits and need not
/// ask; a closure should ask now and then ([`check`](Self::check)), since nothing else can stop it.
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
    voice: Voice<P>,
}

/// What a body reports through.
pub(super) enum Voice<P> {
    /// The task has no progress, or its reporter was taken out.
    None,
    Own(Reporter<P>),
    /// Others report, too: the parts of the work, or the other tries.
    Shared(SharedReporter<P>),
}

impl<P> TaskContext<P> {
    pub(super) fn new(handle: Handle, details: Arc<TaskMeta>, voice: Voice<P>) -> Self {
        Self { handle, details, voice }
    }

    /// The task's identity.
    pub fn id(&self) -> TaskId {
        self.details.id()
    }

    /// The name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.details.name()
    }

    /// The current try, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.details.attempt()
    }

    /// When the slot of this run was due by the wall clock. `None` for a task that is no run of a job.
    ///
    /// A run that stands for several slots has the newest of them.
    ///
    /// # Example
    /// ```
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
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn due(&self) -> Option<SystemTime> {
        self.details.due()
    }

    /// True once the task was cancelled, timed out, or its runtime is shutting down; and once this try ran out of its own
    /// time ([`TaskBuilder::attempt_timeout`](crate::TaskBuilder::attempt_timeout)).
    pub fn is_cancelled(&self) -> bool {
        self.details.should_stop()
    }

    /// Fails once [`is_cancelled`](Self::is_cancelled) holds, so that `cx.check()?` leaves the body.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Tells whoever polls the handle how far the body has come. Never waits: when the ring is full the oldest value is
    /// dropped and counted. Does nothing for a task without progress.
    #[inline]
    pub fn report(&mut self, value: P) {
        match &mut self.voice {
            Voice::None => {}
            Voice::Own(reporter) => reporter.report(value),
            Voice::Shared(reporter) => reporter.report(value),
        }
    }

    /// Adds a value if there is room.
    ///
    /// # Errors
    /// [`TrySendError`] gives the value back: the ring is full, or the handle gone. A cancellation is not looked at.
    #[inline]
    pub fn try_send(&mut self, value: P) -> Result<(), TrySendError<P>> {
        match &mut self.voice {
            Voice::None => Ok(()),
            Voice::Own(reporter) => reporter.try_send(value),
            Voice::Shared(reporter) => reporter.try_send(value),
        }
    }

    /// Adds a value and waits for room until then: nothing is lost. Dropping the future before it is ready drops the
    /// value unsent and changes nothing else. For a task without progress, and once the reporter was taken out, there is
    /// nobody to send to: the value is dropped, and that is no error.
    ///
    /// # Errors
    /// [`SendError`] gives the value back: the task is cancelled, or the handle gone.
    pub async fn send(&mut self, value: P) -> Result<(), SendError<P>> {
        match &mut self.voice {
            Voice::None => Ok(()),
            Voice::Own(reporter) => reporter.send(value).await,
            Voice::Shared(reporter) => reporter.send(value).await,
        }
    }

    /// As [`send`](Self::send), for closures: blocks the thread until there is room.
    ///
    /// # Errors
    /// Those of [`send`](Self::send); a cancellation ends the wait.
    pub fn send_blocking(&mut self, value: P) -> Result<(), SendError<P>> {
        match &mut self.voice {
            Voice::None => Ok(()),
            Voice::Own(reporter) => reporter.send_blocking(value),
            Voice::Shared(reporter) => reporter.send_blocking(value),
        }
    }

    /// Takes the reporter out, to pass it to a part of the work; from then on the context itself reports nothing. `None`
    /// for a task without progress, the second time, and where the reporter has several users: after
    /// [`shared_reporter`](Self::shared_reporter), and in a task that retries, whose tries all report to one ring.
    pub fn take_reporter(&mut self) -> Option<Reporter<P>> {
        match std::mem::replace(&mut self.voice, Voice::None) {
            Voice::Own(reporter) => Some(reporter),
            voice => {
                self.voice = voice;
                None
            }
        }
    }

    /// A reporter for a part of the work, next to the context, which goes on to report. `None` for a task without
    /// progress, or if its reporter was taken out.
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
        self.voice.share()
    }

    /// Tries a part of a closure again as `policy` says, and blocks the thread while it waits, on the clock of the task's
    /// runtime. A cancellation of the task ends the wait.
    ///
    /// For a part: [`attempt`](Self::attempt) stays what it is, and the policy's `attempt_timeout` is not told to the
    /// context. A whole closure is better retried by its task
    /// ([`TaskBuilder::retry`](crate::TaskBuilder::retry)), which holds no thread while it waits.
    ///
    /// # Errors
    /// Those of [`retry_blocking`](crate::retry::retry_blocking);
    /// [`StopReason::Cancelled`](crate::retry::StopReason::Cancelled) with the last error, where the task was cancelled.
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

impl<P> Voice<P> {
    /// Makes it one with several users, and gives another one.
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

/// Blocks the thread for a time; false if the task is cancelled meanwhile.
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
