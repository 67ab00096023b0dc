//! Metadata that only some tasks have: a name, a cancellation flag, a time limit.
//!
//! It lies beside the cell. The cell's word for the spawning line then refers to it, so a plain spawn pays nothing.

use super::raw::{Audience, TaskRef};
use super::{Priority, RetryState, Stopwatch, Task, TaskId, TaskInfo};
use crate::error::TaskError;
use crate::instant::Instant;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::sync::{Arc, Mutex};
use crate::trace;
use crate::util::bounds::{MaybeSend, Shareable};
use crate::util::catch::guarded;
use std::panic::Location;
use std::task::Waker;
use std::time::{Duration, SystemTime};

/// The metadata of a task of the builder, shared by its cell and its context.
pub(crate) struct TaskMeta {
    id: TaskId,
    location: &'static Location<'static>,
    name: Option<Box<str>>,
    time_limit: Option<TaskError>,
    /// The initial priority. Afterwards the state word has the priority.
    priority: Priority,
    /// The last attempt that timed out, or 0.
    expired: AtomicU32,
    cancelled: AtomicBool,
    /// True if the task never raises the update flag.
    quiet: bool,
    /// True if no host reads its progress: it is quiet, or its handle is dropped.
    hidden: AtomicBool,
    /// The waker of senders that wait for room in the task's progress, woken by a cancellation.
    sleeper: Mutex<Option<Waker>>,
    /// The waker of a closure that waits for its next attempt, woken by a cancellation.
    waiter: Mutex<Option<Waker>>,
    /// The attempts, of a task that retries and of those composed of it.
    retry: Option<Arc<RetryState>>,
    /// The elapsed time, of a task whose runtime is known.
    stopwatch: Option<Stopwatch>,
    /// The due time of the slot, for a run of a job.
    due: Option<SystemTime>,
    /// The hook that is called once, by the thread that ended the task.
    on_end: Mutex<Option<EndHook>>,
    /// The timer task of a closure with a time limit.
    ///
    /// The end of the task drops it, which cancels it.
    watchdog: Mutex<Option<Task<()>>>,
}

/// A task's own hook.
pub(crate) struct EndHook(Box<dyn FnOnce(&TaskInfo) + Send>);

impl EndHook {
    pub(crate) fn new(call: impl FnOnce(&TaskInfo) + MaybeSend + 'static) -> Self {
        let call = Shareable::new(call);
        Self(Box::new(move |task| {
            if let Some(call) = call.take() {
                call(task);
            }
        }))
    }

    pub(crate) fn call(self, task: &TaskInfo) {
        (self.0)(task);
    }
}

impl TaskMeta {
    pub(crate) fn new(
        location: &'static Location<'static>,
        name: Option<Box<str>>,
        time_limit: Option<Duration>,
        on_end: Option<EndHook>,
    ) -> Self {
        Self {
            id: TaskId::next(),
            location,
            name,
            time_limit: time_limit.map(TaskError::TimedOut),
            priority: Priority::default(),
            expired: AtomicU32::new(0),
            cancelled: AtomicBool::new(false),
            quiet: false,
            hidden: AtomicBool::new(false),
            sleeper: Mutex::new(None),
            waiter: Mutex::new(None),
            retry: None,
            stopwatch: None,
            due: None,
            on_end: Mutex::new(on_end),
            watchdog: Mutex::new(None),
        }
    }

    /// Sets the initial priority.
    pub(crate) fn prioritised(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Makes the task never raise the update flag, if `quiet`.
    pub(crate) fn quiet(mut self, quiet: bool) -> Self {
        (self.quiet, self.hidden) = (quiet, AtomicBool::new(quiet));
        self
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Restricts the `audience` of the state word to those who can see the task.
    pub(crate) fn audience_of(&self, audience: Audience) -> Audience {
        if self.quiet { Audience::Hidden } else { audience }
    }

    /// Records that the handle is dropped.
    ///
    /// Relaxed, here and below: a concurrent report may come before or after.
    pub(crate) fn hide(&self) {
        self.hidden.store(true, Ordering::Relaxed);
    }

    /// Returns true if no host sees the task's progress.
    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden.load(Ordering::Relaxed)
    }

    pub(crate) fn priority(&self) -> Priority {
        self.priority
    }

    /// Adds the attempts of a task that retries.
    pub(crate) fn retrying(mut self, retry: Arc<RetryState>) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Adds a stopwatch.
    pub(crate) fn timed(mut self, stopwatch: Stopwatch) -> Self {
        self.stopwatch = Some(stopwatch);
        self
    }

    /// Sets the due time of a run of a job.
    pub(crate) fn due_at(mut self, due: Option<SystemTime>) -> Self {
        self.due = due;
        self
    }

    pub(crate) fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// Copies the attempts and the start of `inner`, for a task composed of it.
    pub(crate) fn composed_of(mut self, inner: &Self) -> Self {
        self.retry = inner.retry.clone();
        self.stopwatch = inner.stopwatch.as_ref().map(Stopwatch::since_same_start);
        self
    }

    pub(crate) fn retry(&self) -> Option<&Arc<RetryState>> {
        self.retry.as_ref()
    }

    pub(crate) fn stopwatch(&self) -> Option<&Stopwatch> {
        self.stopwatch.as_ref()
    }

    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the source line that spawned the task.
    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.location
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn time_limit(&self) -> Option<Duration> {
        match self.time_limit {
            Some(TaskError::TimedOut(limit)) => Some(limit),
            _ => None,
        }
    }

    pub(crate) fn time_limit_error(&self) -> Option<&TaskError> {
        self.time_limit.as_ref()
    }

    /// Returns the current attempt, counted from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.retry.as_ref().map_or(1, |retry| retry.attempt())
    }

    /// Begins an attempt of a task that retries, and ends the wait for it.
    pub(crate) fn begin_attempt(&self, attempt: u32) {
        trace::attempt(self.id.get(), attempt);
        if let Some(retry) = &self.retry {
            retry.begin(attempt);
        }
    }

    /// Records the start of the next attempt, and the `error` of the last one.
    ///
    /// `None` is a start beyond the range of the clock.
    pub(crate) fn wait_until(&self, next: Option<Instant>, error: TaskError) {
        trace::retry(self.id.get(), self.attempt());
        if let Some(retry) = &self.retry {
            retry.wait_until(next, error);
        }
    }

    /// Records that attempt number `attempt` timed out, and notifies the body.
    pub(crate) fn expire(&self, attempt: u32) {
        // Release pairs with `should_stop`. The larger number stays if an earlier call comes late.
        self.expired.fetch_max(attempt, Ordering::Release);
        // The waker stays registered, since a cancellation may still come. (A clone of our own waker: no foreign code.)
        let sleeper = self.sleeper.lock().clone();
        if let Some(waker) = sleeper {
            guarded(|| waker.wake());
        }
    }

    /// Returns true once the body should stop.
    ///
    /// The task was cancelled, or this attempt timed out.
    pub(crate) fn should_stop(&self) -> bool {
        // Acquire pairs with `expire`.
        self.is_cancelled() || self.expired.load(Ordering::Acquire) == self.attempt()
    }

    /// Returns true once the task is cancelled.
    ///
    /// Acquire pairs with the release in `cancel`, so that the body sees what its canceller did before.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Notifies the body of a cancellation.
    pub(crate) fn cancel(&self) {
        // Release pairs with `is_cancelled`. The lock orders it against `wake_on_cancel`: either that call sees the
        // flag, or its waker is seen here.
        self.cancelled.store(true, Ordering::Release);
        for place in [&self.sleeper, &self.waiter] {
            let waker = place.lock().take();
            if let Some(waker) = waker {
                guarded(|| waker.wake());
            }
        }
    }

    /// Releases what the end of the task makes useless.
    ///
    /// The end is already visible. The task's own hook goes to `on_end`.
    pub(crate) fn ended(&self, on_end: impl FnOnce(EndHook)) {
        if let Some(stopwatch) = &self.stopwatch {
            stopwatch.stop();
        }
        let hook = self.on_end.lock().take();
        if let Some(hook) = hook {
            on_end(hook);
        }
        let watchdog = self.watchdog.lock().take();
        drop(watchdog);
        // No waiter needs a notification any more: a cancelled task sent it before it came here.
        let told = (self.sleeper.lock().take(), self.waiter.lock().take());
        drop(told);
    }

    /// Drops a timer task at the end of this one.
    pub(crate) fn watch(&self, watchdog: Task<()>, task: &TaskRef) {
        *self.watchdog.lock() = Some(watchdog);
        if task.is_finished() {
            // The end may have come before the watchdog was stored here.
            let watchdog = self.watchdog.lock().take();
            drop(watchdog);
        }
    }

    /// Registers the senders that wait for room, to be woken by a cancellation.
    ///
    /// Returns false if the task was already cancelled.
    #[must_use]
    pub(crate) fn wake_on_cancel(&self, waker: Waker) -> bool {
        self.register(&self.sleeper, waker)
    }

    /// Registers the closure that waits for its next attempt.
    ///
    /// Returns false if the task was already cancelled.
    #[must_use]
    pub(crate) fn wake_wait_on_cancel(&self, waker: Waker) -> bool {
        self.register(&self.waiter, waker)
    }

    fn register(&self, place: &Mutex<Option<Waker>>, waker: Waker) -> bool {
        let old = place.lock().replace(waker);
        drop(old);
        !self.is_cancelled()
    }
}
