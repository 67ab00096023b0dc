//! What only some tasks have: a name, a context that asks about cancellation, a time limit. It stands beside the
//! cell, in whose word for the spawning line they take the line's place, so that a plain spawn pays nothing for them.

use super::raw::{Audience, TaskRef};
use super::{Priority, Task, TaskId, TaskInfo};
use crate::error::TaskError;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::trace;
use crate::util::catch::guarded;
use std::io;
use std::panic::Location;
use std::task::Waker;
use std::time::{Duration, Instant};

/// `next` while no wait is on.
const NO_WAIT: u64 = u64::MAX;

/// The extras of a task made by the builder; shared by its cell and its context.
pub(crate) struct TaskMeta {
    id: TaskId,
    location: &'static Location<'static>,
    name: Option<Box<str>>,
    time_limit: Option<TaskError>,
    /// The level that the task begins with; from then on it stands in the state word.
    priority: Priority,
    attempt: AtomicU32,
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
    /// Of a task that retries.
    tries: Option<Box<Tries>>,
    /// Called once at the end, by whoever brought it about.
    on_end: Mutex<Option<EndHook>>,
    /// The timer task of a closure with a time limit; dropped, and so cancelled, at the end.
    watchdog: Mutex<Option<Task<()>>>,
}

/// What a task knows of the tries to come.
struct Tries {
    /// A moment of the runtime's clock.
    origin: Instant,
    /// When the next one begins: nanoseconds after the origin.
    next: AtomicU64,
    /// Why the next one cannot begin: there is no thread for it.
    refused: Mutex<Option<io::Error>>,
}

/// A task's own hook.
pub(crate) struct EndHook(Box<dyn FnOnce(&TaskInfo) + Send>);

impl EndHook {
    pub(crate) fn new(call: impl FnOnce(&TaskInfo) + Send + 'static) -> Self {
        Self(Box::new(call))
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
            attempt: AtomicU32::new(1),
            expired: AtomicU32::new(0),
            cancelled: AtomicBool::new(false),
            quiet: false,
            hidden: AtomicBool::new(false),
            sleeper: Mutex::new(None),
            waiter: Mutex::new(None),
            tries: None,
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

    /// Makes them those of a task that retries; `now` is a moment of its runtime's clock.
    pub(crate) fn retrying(mut self, now: Instant) -> Self {
        let tries = Tries { origin: now, next: AtomicU64::new(NO_WAIT), refused: Mutex::new(None) };
        self.tries = Some(Box::new(tries));
        self
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

    /// The current try, counted from 1. Relaxed: a number for display.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// A try begins, and with it the wait for it ends. Relaxed, as above, also in the next two.
    pub(crate) fn begin_attempt(&self, attempt: u32) {
        self.attempt.store(attempt, Ordering::Relaxed);
        trace::attempt(self.id.get(), attempt);
        if let Some(tries) = &self.tries {
            tries.next.store(NO_WAIT, Ordering::Relaxed);
        }
    }

    /// The task waits for its next try until then; `None`: beyond the end of the clock.
    pub(crate) fn wait_until(&self, next: Option<Instant>) {
        trace::retry(self.id.get(), self.attempt());
        if let Some(tries) = &self.tries {
            let nanos = next.map(|next| next.saturating_duration_since(tries.origin).as_nanos());
            tries.next.store(nanos.and_then(|nanos| nanos.try_into().ok()).unwrap_or(NO_WAIT), Ordering::Relaxed);
        }
    }

    /// When the next try begins, while the task waits for it.
    pub(crate) fn next_attempt_at(&self) -> Option<Instant> {
        let tries = self.tries.as_ref()?;
        let next = tries.next.load(Ordering::Relaxed);
        if next == NO_WAIT { None } else { tries.origin.checked_add(Duration::from_nanos(next)) }
    }

    /// The next try has no thread to run on.
    pub(crate) fn refuse(&self, error: io::Error) {
        if let Some(tries) = &self.tries {
            *tries.refused.lock() = Some(error);
        }
    }

    pub(crate) fn take_refusal(&self) -> Option<io::Error> {
        self.tries.as_ref()?.refused.lock().take()
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
