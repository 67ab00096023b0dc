//! What only some tasks have: a name, a context that asks about cancellation, a time limit. It stands beside the
//! cell, in whose word for the spawning line they take the line's place, so that a plain spawn pays nothing for them.

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

/// The extras of a task made by the builder; shared by its cell and its context.
pub(crate) struct TaskMeta {
    id: TaskId,
    location: &'static Location<'static>,
    name: Option<Box<str>>,
    time_limit: Option<TaskError>,
    /// The level that the task begins with; from then on it stands in the state word.
    priority: Priority,
    /// The last try that ran out of time, 0 before that.
    expired: AtomicU32,
    cancelled: AtomicBool,
    /// It never raises the update flag.
    quiet: bool,
    /// Nobody reads what it reports: it is quiet, or its handle is gone.
    hidden: AtomicBool,
    /// Woken by a cancellation: whoever waits for room in the task's progress.
    sleeper: Mutex<Option<Waker>>,
    /// Woken by a cancellation: the closure that waits for its next try.
    waiter: Mutex<Option<Waker>>,
    /// Of a task that retries, and of those composed of it.
    retry: Option<Arc<RetryState>>,
    /// Of a task whose runtime is known.
    stopwatch: Option<Stopwatch>,
    /// When its slot was due, for a run of a job.
    due: Option<SystemTime>,
    /// Called once at the end, by whoever brought it about.
    on_end: Mutex<Option<EndHook>>,
    /// The timer task of a closure with a time limit; dropped, and so cancelled, at the end.
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

    /// Makes them those of a task that begins with this level.
    pub(crate) fn prioritised(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Makes them those of a task that never raises the update flag, if `quiet`.
    pub(crate) fn quiet(mut self, quiet: bool) -> Self {
        (self.quiet, self.hidden) = (quiet, AtomicBool::new(quiet));
        self
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Who can see of the task what its state word shows to `audience`.
    pub(crate) fn audience_of(&self, audience: Audience) -> Audience {
        if self.quiet { Audience::Nobody } else { audience }
    }

    /// The handle goes. Relaxed, here and below: a report at the same time may come before or after.
    pub(crate) fn hide(&self) {
        self.hidden.store(true, Ordering::Relaxed);
    }

    /// True if no host sees what the task reports.
    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden.load(Ordering::Relaxed)
    }

    pub(crate) fn priority(&self) -> Priority {
        self.priority
    }

    /// Makes them those of a task that retries.
    pub(crate) fn retrying(mut self, retry: Arc<RetryState>) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Makes them those of a task that tells how long it took.
    pub(crate) fn timed(mut self, stopwatch: Stopwatch) -> Self {
        self.stopwatch = Some(stopwatch);
        self
    }

    /// Makes them those of a run of a job.
    pub(crate) fn due_at(mut self, due: Option<SystemTime>) -> Self {
        self.due = due;
        self
    }

    pub(crate) fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// Makes them those of a task that is composed of one with `inner`: the attempts and the start are the same.
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

    /// The line that spawned the task.
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

    /// The current attempt, counted from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.retry.as_ref().map_or(1, |retry| retry.attempt())
    }

    /// An attempt of a task that retries begins, and with it the wait for it ends.
    pub(crate) fn begin_attempt(&self, attempt: u32) {
        trace::attempt(self.id.get(), attempt);
        if let Some(retry) = &self.retry {
            retry.begin(attempt);
        }
    }

    /// The task waits for its next attempt until then; `None`: beyond the end of the clock. `error` ended the last one.
    pub(crate) fn wait_until(&self, next: Option<Instant>, error: TaskError) {
        trace::retry(self.id.get(), self.attempt());
        if let Some(retry) = &self.retry {
            retry.wait_until(next, error);
        }
    }

    /// Try number `attempt` ran out of time: its body is told.
    pub(crate) fn expire(&self, attempt: u32) {
        // Release: pairs with `should_stop`. The greatest number stays, should an earlier word come late.
        self.expired.fetch_max(attempt, Ordering::Release);
        // It stays registered: a cancellation may be yet to come. (A clone of our own waker: no foreign code.)
        let sleeper = self.sleeper.lock().clone();
        if let Some(waker) = sleeper {
            guarded(|| waker.wake());
        }
    }

    /// True once the body is to leave: the task was cancelled, or this try ran out of time.
    pub(crate) fn should_stop(&self) -> bool {
        // Acquire: pairs with `expire`.
        self.is_cancelled() || self.expired.load(Ordering::Acquire) == self.attempt()
    }

    /// Acquire: pairs with the release in `cancel`, so that the body sees what its canceller did before.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Tells the body.
    pub(crate) fn cancel(&self) {
        // Release: pairs with `is_cancelled`. The lock orders it against `wake_on_cancel`: either that call sees the
        // flag, or its waker is seen here.
        self.cancelled.store(true, Ordering::Release);
        for place in [&self.sleeper, &self.waiter] {
            let waker = place.lock().take();
            if let Some(waker) = waker {
                guarded(|| waker.wake());
            }
        }
    }

    /// The task is over, for everyone to see; its own hook is left to `on_end`.
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
        // Nobody needs to be told any more. A task that is cancelled was told before it came here.
        let told = (self.sleeper.lock().take(), self.waiter.lock().take());
        drop(told);
    }

    /// Ties a timer task to the life of this one.
    pub(crate) fn watch(&self, watchdog: Task<()>, task: &TaskRef) {
        *self.watchdog.lock() = Some(watchdog);
        if task.is_over() {
            // The end may have come before the watchdog was there to be dropped by it.
            let watchdog = self.watchdog.lock().take();
            drop(watchdog);
        }
    }

    /// Registers the senders that wait for room, to be woken by a cancellation; false if there was one already.
    #[must_use]
    pub(crate) fn wake_on_cancel(&self, waker: Waker) -> bool {
        self.register(&self.sleeper, waker)
    }

    /// Registers the closure that waits for its next try; false if there was a cancellation already.
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
