//! The part of a runtime that every thread uses.

use super::Parker;
use super::context;
use super::hook_queue::HookQueue;
use super::hooks::{Hooks, Notice};
use super::listing::{Listing, Published};
use super::poll_watcher::PollWatcher;
use super::refused::refuse;
use super::shutdown::{Ending, ShutdownReport};
use super::visible::look_again;
use crate::blocking::{BlockingPool, RunningClosures};
use crate::counters::Counter;
use crate::error::{Panic, TaskError};
use crate::executor::Counters;
use crate::instant::Instant;
use crate::park::Unpark;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::task::raw::{Audience, Inbox, Push, Runnable, TaskRef, thread_token};
use crate::task::{EndHook, TaskInfo};
use crate::time::Clock;
use crate::time::driver::Driver;
use crate::trace;
use crate::util::cache_padded::CachePadded;
use crate::util::seeds::Seeds;
use crate::util::update::UpdateFlag;
use std::fmt;

/// The shared half of a runtime.
pub(crate) struct Shared {
    /// On its own cache lines: spawning threads write it, while the reactor writes the flag below and reads the rest.
    pub(crate) inbox: CachePadded<Inbox>,
    pub(crate) unparker: Arc<dyn Unpark>,
    pub(crate) driver: Arc<Driver>,
    #[cfg(feature = "net")]
    pub(crate) sockets: Arc<crate::reactor::Sockets>,
    pub(crate) pool: BlockingPool,
    /// The threads that look up names.
    ///
    /// `None` if closures, and with them lookups, run on the host's thread.
    #[cfg(feature = "net")]
    pub(crate) names: Option<BlockingPool>,
    pub(crate) closures: RunningClosures,
    /// The update flag, written at the end of each task and at each report.
    ///
    /// Reporters share it.
    pub(crate) update: Arc<UpdateFlag>,
    pub(crate) hooks: Arc<HookQueue>,
    has_update_hook: bool,
    pub(crate) counters: Arc<Counters>,
    /// The number of times that the reactor parked.
    pub(crate) parks: Counter,
    /// Set first at shutdown: new work is refused from then on.
    closing: AtomicBool,
    /// The list of futures for other threads.
    pub(crate) listing: Listing<Published>,
    pub(crate) ending: Ending,
    /// The watcher, in a runtime that watches its polls.
    pub(crate) poll_watcher: Option<PollWatcher>,
    pub(crate) started: Instant,
    /// The timers that count ticks. A reactor thread has none.
    pub(crate) frames: Option<Arc<Driver>>,
    /// The source of random numbers in a deterministic runtime.
    pub(super) seeds: Option<Seeds>,
    /// The thread of a runtime without its own thread.
    owner_thread: Option<u64>,
}

/// The driver of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverKind {
    /// A thread of the runtime.
    Thread,
    /// The host, on the thread that built the runtime.
    Host,
}

impl Shared {
    pub(crate) fn new(
        parker: &Parker,
        listen: impl FnOnce(Arc<dyn Unpark>) -> Arc<dyn Unpark>,
        clock: Clock,
        pool: impl FnOnce(&Arc<dyn Unpark>) -> BlockingPool,
        hooks: Hooks,
        driver_kind: DriverKind,
    ) -> Self {
        let unparker = listen(parker.unparker());
        let host = driver_kind == DriverKind::Host;
        let update = Arc::new(UpdateFlag::new());
        Self {
            inbox: CachePadded::new(if host { Inbox::new() } else { Inbox::with_parking() }),
            driver: Driver::new(clock, Arc::clone(&unparker)),
            pool: pool(&unparker),
            #[cfg(feature = "net")]
            names: None,
            unparker,
            #[cfg(feature = "net")]
            sockets: parker.sockets(),
            closures: RunningClosures::new(Arc::clone(&update)),
            update,
            has_update_hook: hooks.on_update.is_some(),
            hooks: Arc::new(HookQueue::new(hooks)),
            counters: Arc::new(Counters::default()),
            parks: Counter::default(),
            closing: AtomicBool::new(false),
            listing: Listing::new(),
            ending: Ending::new(),
            poll_watcher: None,
            started: Instant::now(),
            frames: host.then(|| Driver::new(Clock::manual().into(), Arc::new(NoopUnpark))),
            seeds: None,
            owner_thread: host.then(thread_token),
        }
    }

    /// Queues a new future, or ends it as runtime gone if the runtime is closing.
    pub(crate) fn accept(&self, task: Runnable) {
        if self.is_closing() { refuse(task) } else { self.queue(task) }
    }

    /// Queues a future that was spawned or woken.
    ///
    /// On the driver thread it goes directly to the ready queue, on other threads through the inbox.
    #[inline]
    pub(crate) fn queue(&self, task: Runnable) {
        let mut task = Some(task);
        context::with_local(|local| {
            if std::ptr::eq(Arc::as_ptr(&local.shared), self)
                && let Some(task) = task.take()
            {
                local.core.push(task);
            }
        });
        let Some(task) = task else { return };
        match self.inbox.push(task) {
            Push::Queued => {}
            Push::First => self.unparker.unpark(),
            Push::Closed(task) => refuse(task),
        }
    }

    /// Returns true if this thread must not wait for the runtime's work.
    ///
    /// It drives a runtime, or this one between two ticks.
    pub(crate) fn must_not_wait(&self) -> bool {
        context::drives_any() || self.is_owner_thread()
    }

    /// Returns true if a host ticks the runtime.
    pub(crate) fn is_ticked(&self) -> bool {
        self.owner_thread.is_some()
    }

    /// Returns true on every thread but the host's, if a host drives the runtime.
    pub(super) fn is_foreign_to_host(&self) -> bool {
        self.owner_thread.is_some_and(|owner| owner != thread_token())
    }

    /// Returns true on the driver thread of the runtime, while it drives.
    pub(super) fn is_driven_here(&self) -> bool {
        context::with_local(|local| std::ptr::eq(Arc::as_ptr(&local.shared), self)).unwrap_or(false)
    }

    /// Returns true on the thread whose ticks drive the runtime.
    pub(crate) fn is_owner_thread(&self) -> bool {
        self.owner_thread.is_some_and(|owner| owner == thread_token())
    }

    /// Raises the update flag, by this thread's own flag if possible.
    ///
    /// If the flag was clear, the driver thread calls the hook later. In a runtime without a thread, only a thread that
    /// wakes the host calls the hook itself: no other thread could.
    pub(crate) fn updated(&self) {
        if !self.has_update_hook {
            if self.update.raise_own() {
                return;
            }
            if self.is_owner_thread() {
                return self.update.raise_as_driver();
            }
        }
        self.raise_common();
    }

    #[cold]
    fn raise_common(&self) {
        if !self.update.raise() || !self.has_update_hook {
            return;
        }
        if self.is_foreign_to_host() {
            return self.hooks.hooks().updated();
        }
        self.request_hooks(self.hooks.post_update());
    }

    /// Raises the update flag for a step of a task, if a host can see it.
    ///
    /// If another task awaits this one, the host sees the result of that one. But the other task may have stopped
    /// waiting and left the handle to the host. So, if an idle host would be woken, this is decided after the other
    /// task has run.
    #[inline]
    pub(super) fn task_updated(self: &Arc<Self>, task: &TaskRef, audience: Audience) {
        if audience == Audience::Host { self.updated() } else { self.task_updated_slow(task, audience) }
    }

    #[cold]
    fn task_updated_slow(self: &Arc<Self>, task: &TaskRef, audience: Audience) {
        match audience {
            Audience::Hidden => {}
            Audience::Task if self.has_update_hook => look_again(self, task),
            Audience::Task | Audience::Host | Audience::Group => self.updated(),
        }
    }

    /// Passes a panic of a task to its hook.
    pub(super) fn panicked(&self, task: &TaskRef, panic: &Panic) {
        if self.hooks.hooks().on_panic.is_some() {
            self.request_hooks(self.hooks.post(Notice::Panicked(TaskInfo::of(task), panic.clone())));
        }
    }

    /// Passes an unread error to its hooks; returns it if there are none.
    pub(super) fn unhandled(&self, task: &TaskRef, error: TaskError) -> Option<TaskError> {
        if self.hooks.hooks().on_unhandled_error.is_empty() && !trace::ON {
            return Some(error);
        }
        self.request_hooks(self.hooks.post(Notice::Unhandled(TaskInfo::of(task), error)));
        None
    }

    /// Passes a task's own hook to the thread that calls hooks.
    pub(super) fn call_end_hook(&self, task: &TaskRef, hook: EndHook) {
        self.request_hooks(self.hooks.post(Notice::Ended(TaskInfo::of(task), hook)));
    }

    /// Makes the driver call the hooks, with a notification if it needs one.
    ///
    /// On its own thread it checks the hooks before it parks.
    fn request_hooks(&self, unpark: bool) {
        if unpark && !self.is_driven_here() {
            self.unparker.unpark();
        }
    }

    /// Returns the update flag, if raising it is all that `updated` does.
    pub(crate) fn silent_update(&self) -> Option<Arc<UpdateFlag>> {
        (!self.has_update_hook).then(|| Arc::clone(&self.update))
    }

    /// Returns true once the runtime is closing. Acquire pairs with `begin_closing`.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Refuses new work from now on and wakes the reactor to see it.
    ///
    /// Returns false if that was already done.
    pub(crate) fn begin_closing(&self) -> bool {
        // AcqRel pairs with `is_closing`.
        let first = !self.closing.swap(true, Ordering::AcqRel);
        if first {
            self.pools().for_each(BlockingPool::close);
            self.closures.cancel_running();
            self.unparker.unpark();
        }
        first
    }
}

/// Does nothing: only tasks wait for the next tick.
struct NoopUnpark;

impl Unpark for NoopUnpark {
    fn unpark(&self) {}
}

impl Shared {
    fn pools(&self) -> impl Iterator<Item = &BlockingPool> {
        #[cfg(feature = "net")]
        let names = self.names.as_ref();
        #[cfg(not(feature = "net"))]
        let names = None;
        std::iter::once(&self.pool).chain(names)
    }

    /// Drops the closures that wait for a thread.
    pub(crate) fn drain_closures(&self) {
        self.pools().for_each(|pool| _ = pool.drain());
    }

    /// Ends the closed pools and reports what is left.
    ///
    /// Waiting closures never run. It waits for running ones, unless this thread must not.
    pub(crate) fn end_pools(
        &self,
        reactor_stopped: bool,
        deadline: Option<Instant>,
        must_not_wait: bool,
    ) -> ShutdownReport {
        self.drain_closures();
        let end = |pool: &BlockingPool| if must_not_wait { pool.stats().threads } else { pool.join(deadline) };
        let left = self.pools().map(end).sum();
        if left != 0 {
            // Closures that were admitted before the close and pushed after the first drain.
            self.drain_closures();
        }
        self.shutdown_report(reactor_stopped, left)
    }

    pub(super) fn shutdown_report(&self, reactor_stopped: bool, blocking_left: usize) -> ShutdownReport {
        let running = self.describe(&[], |task| !task.is_internal());
        // The report keeps no task allocated.
        let left_running = running.into_iter().map(TaskInfo::apart).collect();
        ShutdownReport { reactor_stopped, blocking_left, left_running }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("closing", &self.is_closing()).finish_non_exhaustive()
    }
}
