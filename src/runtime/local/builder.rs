//! The options of a runtime without a thread.

use super::LocalRuntime;
use super::host::HostWaker;
use crate::error::{BuildError, Panic, TaskError};
use crate::executor::SlowPoll;
use crate::runtime::shared::DriverKind;
use crate::runtime::{Builder, Inline, ThreadPriority};
use crate::sync::{Arc, HAS_THREADS};
use crate::task::TaskInfo;
use crate::task::raw::thread_token;
use crate::time::Clock;
use crate::util::bounds::{MaybeSendSync, Shareable};
use std::fmt;
use std::time::Duration;

/// The options of a [`LocalRuntime`]; [`LocalRuntime::new`] uses the defaults.
///
/// Options are checked by [`LocalBuilder::build`], whose error names the wrong one.
///
/// # Example
/// ```
/// use offtick::{LocalBuilder, time::Clock};
/// // Game time, and no thread whatever happens.
/// let clock = Clock::manual();
/// let rt = LocalBuilder::new().clock(clock.clone()).blocking_refused().build()?;
/// # drop(rt);
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct LocalBuilder {
    common: Builder,
    on_wake: Option<Arc<dyn Fn() + Send + Sync>>,
    inline: Inline,
    seed: Option<u64>,
    shuffle: bool,
}

impl Default for LocalBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalBuilder {
    /// Creates a builder with the default options.
    pub fn new() -> Self {
        Self {
            common: Builder::new(),
            on_wake: None,
            inline: if HAS_THREADS { Inline::No } else { Inline::Ticks },
            seed: None,
            shuffle: false,
        }
    }

    fn set(mut self, change: impl FnOnce(Builder) -> Builder) -> Self {
        self.common = change(self.common);
        self
    }

    /// Sets the clock of sleeps and timeouts. Default [`Clock::system`].
    ///
    /// Game time and tests use a [`Clock::manual`], which [`LocalRuntime::advance`] and [`LocalRuntime::tick_at`] move.
    pub fn clock(self, clock: impl Into<Clock>) -> Self {
        self.set(|common| common.clock(clock))
    }

    /// Sets the largest number of pool threads alive at a time, 1 to 65,536. Default 512.
    ///
    /// No thread starts before the first closure, and an idle one ends after
    /// [`blocking_keep_alive`](Self::blocking_keep_alive).
    pub fn blocking_threads(self, most: usize) -> Self {
        self.set(|common| common.blocking_threads(most))
    }

    /// Starts no pool thread: closures that block are refused.
    ///
    /// The `spawn_blocking` methods then end their tasks with [`TaskError::Failed`], which has an [`std::io::Error`] of
    /// the kind `Unsupported`. The `try_` methods return the closure inside
    /// [`TrySpawnError::NoThread`](crate::TrySpawnError::NoThread).
    ///
    /// # Example
    /// ```
    /// let rt = offtick::LocalBuilder::new().blocking_refused().build()?;
    /// let refused = rt.try_spawn_blocking(|| 6 * 7).expect_err("no threads");
    /// assert_eq!(refused.into_inner()(), 42);
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn blocking_refused(mut self) -> Self {
        self.inline = Inline::No;
        self.set(Builder::blocking_refused)
    }

    /// Runs closures in the ticks, on the host's own thread, in order.
    ///
    /// No thread is started, and the trace is the same every time. Use it for tests and simulations, and for machines
    /// without threads.
    ///
    /// Each closure counts as a poll of the [`Budget`](crate::Budget). A round runs the waiting closures, then the
    /// tasks. The tick does not continue while one runs, so waits for this runtime are refused in it
    /// ([`Task::wait`](crate::Task::wait), [`retry_blocking`](crate::retry::retry_blocking),
    /// [`block_on`](crate::block_on)). The options of the pool's threads have no effect;
    /// [`blocking_queue`](Self::blocking_queue) has.
    ///
    /// This is the default on wasm32-unknown-unknown, where there are no threads.
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, LocalBuilder};
    /// let rt = LocalBuilder::new().blocking_inline().build()?;
    /// let task = rt.spawn_blocking(|| std::thread::current().id());
    /// assert!(!task.is_done());
    /// rt.tick(Budget::unlimited())?;
    /// assert!(matches!(task.result(), Some(Ok(thread)) if *thread == std::thread::current().id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn blocking_inline(mut self) -> Self {
        self.inline = Inline::Ticks;
        self
    }

    /// Runs closures only in [`LocalRuntime::run_closures`].
    pub(crate) fn blocking_held(mut self) -> Self {
        self.inline = Inline::Held;
        self
    }

    /// Sets how long an idle pool thread stays alive. Default 10 seconds.
    pub fn blocking_keep_alive(self, time: Duration) -> Self {
        self.set(|common| common.blocking_keep_alive(time))
    }

    /// Sets the largest number of waiting closures, at least 1. Default: no limit.
    ///
    /// See [`Builder::blocking_queue`](crate::Builder::blocking_queue).
    pub fn blocking_queue(self, most: usize) -> Self {
        self.set(|common| common.blocking_queue(most))
    }

    /// Sets the largest number of closures that compute at a time.
    ///
    /// See [`Builder::blocking_core_threads`](crate::Builder::blocking_core_threads).
    pub fn blocking_core_threads(self, most: usize) -> Self {
        self.set(|common| common.blocking_core_threads(most))
    }

    /// Sets the priority of pool threads.
    ///
    /// See [`Builder::blocking_priority`](crate::Builder::blocking_priority).
    pub fn blocking_priority(self, priority: ThreadPriority) -> Self {
        self.set(|common| common.blocking_priority(priority))
    }

    /// Sets the stack size of pool threads, in bytes, at most `isize::MAX`.
    ///
    /// Default: that of the standard library.
    pub fn blocking_stack_size(self, bytes: usize) -> Self {
        self.set(|common| common.blocking_stack_size(bytes))
    }

    /// Sets the hook for a raised update flag.
    ///
    /// See [`Builder::on_update`](crate::Builder::on_update). Hooks of this runtime run inside its ticks. An event of
    /// another thread calls this hook on that thread, since the host may sleep.
    pub fn on_update(self, hook: impl Fn() + MaybeSendSync + 'static) -> Self {
        let hook = Shareable::new(hook);
        self.set(|common| common.on_update(move || _ = hook.get().map(|hook| hook())))
    }

    /// Sets the hook for panics of tasks, called in the same or the next tick.
    ///
    /// See [`Builder::on_panic`](crate::Builder::on_panic).
    pub fn on_panic(self, hook: impl Fn(&TaskInfo, &Panic) + MaybeSendSync + 'static) -> Self {
        let hook = Shareable::new(hook);
        self.set(|common| common.on_panic(move |task, panic| _ = hook.get().map(|hook| hook(task, panic))))
    }

    /// Sets the hook for unread errors, called in the same or the next tick.
    ///
    /// See [`Builder::on_unhandled_error`](crate::Builder::on_unhandled_error).
    pub fn on_unhandled_error(self, hook: impl Fn(&TaskInfo, &TaskError) + MaybeSendSync + 'static) -> Self {
        let hook = Shareable::new(hook);
        self.set(|common| common.on_unhandled_error(move |task, error| _ = hook.get().map(|hook| hook(task, error))))
    }

    /// Watches for polls that take longer than `threshold`, in real time.
    ///
    /// See [`Builder::watch_polls`](crate::Builder::watch_polls).
    ///
    /// Closures that run [in the ticks](Self::blocking_inline) are watched as well. The watcher is a thread: the only one of
    /// such a runtime, if it has no pool.
    pub fn watch_polls(self, threshold: Duration) -> Self {
        self.set(|common| common.watch_polls(threshold))
    }

    /// Sets the hook for slow polls, called once per poll on the watcher thread.
    ///
    /// See [`Builder::on_slow_poll`](crate::Builder::on_slow_poll).
    pub fn on_slow_poll(self, hook: impl Fn(&SlowPoll) + Send + Sync + 'static) -> Self {
        self.set(|common| common.on_slow_poll(hook))
    }

    /// Sets the hook that is called when there is work between two ticks.
    ///
    /// A task was spawned or woken, a timer became the earliest, or a manual clock was moved past a deadline. It is
    /// called once until the next tick.
    ///
    /// Use it in hosts that sleep: the loop of a window system posts itself a message here, then ticks. Some work does
    /// not call it:
    /// - a deadline that passes: the host sleeps no longer than
    ///   [`TickReport::next_deadline`](crate::TickReport::next_deadline);
    /// - work that the budget of a tick did not reach: [`TickReport::is_idle`](crate::TickReport::is_idle) reports it;
    /// - a socket: a host with sockets waits for the runtime's descriptor.
    ///
    /// Before the first tick it is called for the first spawn of another thread.
    ///
    /// It runs on the thread that brought the work, or at the end of a tick in which another thread brought some. The
    /// host's own calls never run it: after those the host asks [`needs_tick`](LocalRuntime::needs_tick). It should
    /// only post a message and must not tick; a panic in it is caught and dropped.
    ///
    /// On wasm32-unknown-unknown everything runs on one thread, so there the hook also reports what comes from callbacks of the
    /// page and from the host's own calls. It runs from a microtask, may tick, and need be neither `Send` nor `Sync`.
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, LocalBuilder};
    /// let (post, messages) = std::sync::mpsc::channel();
    /// let rt = LocalBuilder::new().on_wake(move || drop(post.send(()))).build()?;
    /// let handle = rt.handle().clone();
    /// let task = std::thread::spawn(move || handle.spawn(async { 1 })).join().expect("spawns");
    /// messages.recv()?; // the host sleeps here
    /// rt.tick(Budget::unlimited())?;
    /// assert!(task.is_done());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_wake(mut self, hook: impl Fn() + MaybeSendSync + 'static) -> Self {
        let hook = Shareable::new(hook);
        self.on_wake = Some(Arc::new(move || _ = hook.get().map(|hook| hook())));
        self
    }

    /// Makes the runtime deterministic: its random choices follow from this seed.
    ///
    /// These are the jitter of retries, of reconnecting sockets and of schedules, and the order of a
    /// [shuffled](Self::shuffle) queue. A policy or a job with its own seed uses that. With a manual clock and budgets
    /// of polls a program has the same trace in each run, as long as nothing comes from outside: other threads
    /// (including the pool's, unless closures run [inline](Self::blocking_inline)), sockets, the system's clock and its
    /// random numbers, addresses. [`TaskId`](crate::TaskId)s continue through the whole process.
    ///
    /// # Example
    /// ```
    /// use offtick::time::Clock;
    /// use offtick::{LocalBuilder, RetryPolicy};
    /// use std::time::Duration;
    /// let wait = |seed| {
    ///     let clock = Clock::manual();
    ///     let rt = LocalBuilder::new().clock(clock.clone()).seed(seed).build()?;
    ///     let policy = RetryPolicy::fixed(Duration::from_secs(1)).max_attempts(2).jitter(0.5);
    ///     let task = rt.task().retry(policy).run(|_| async { Err::<(), _>("busy") });
    ///     rt.run_until_stalled()?;
    ///     Ok::<_, Box<dyn std::error::Error>>(task.next_attempt_at().map(|next| next - clock.now()))
    /// };
    /// assert_eq!(wait(7)?, wait(7)?);
    /// assert_ne!(wait(7)?, wait(8)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Runs ready tasks in random order, to find code that relies on an order.
    ///
    /// Default `false`. For tests: the more tasks are ready, the longer a tick takes.
    ///
    /// Without a [seed](Self::seed) one is chosen; [`LocalRuntime::seed`] returns it.
    ///
    /// These rules still hold:
    /// - [priorities](crate::Priority): more urgent tasks run first, and none starves;
    /// - [positions](crate::queue#positions): a task at position `n` runs after `n` others, so `switch_to`,
    ///   `spawn_descend`, `yield_at` and all tasks that were moved run where they were put;
    /// - eager starts, and the order of timers: earlier deadlines wake earlier;
    /// - every ready task gets its turn: it is overtaken at most 64 times, plus four times per ready task.
    ///
    /// This does not hold: that tasks run in the order in which they were spawned or woken. A task that yields lets
    /// others run first only by chance, and may be polled more than once in a round.
    ///
    /// # Example
    /// ```
    /// use offtick::LocalBuilder;
    /// use std::{cell::RefCell, rc::Rc};
    /// let order = |seed| {
    ///     let rt = LocalBuilder::new().seed(seed).shuffle(true).build()?;
    ///     let log = Rc::new(RefCell::new(Vec::new()));
    ///     for n in 0..8 {
    ///         let log = Rc::clone(&log);
    ///         rt.spawn(async move { log.borrow_mut().push(n) }).detach();
    ///     }
    ///     rt.run_until_stalled()?;
    ///     Ok::<_, Box<dyn std::error::Error>>(log.take())
    /// };
    /// assert_eq!(order(1)?, order(1)?);
    /// assert_ne!(order(1)?, order(2)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Builds the runtime, which stays on this thread.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] for an option out of its range, [`BuildError::Poll`] if the system refuses its poll.
    pub fn build(self) -> Result<LocalRuntime, BuildError> {
        let mut host_waker = None;
        let on_wake = self.on_wake;
        let seed = self.seed.or_else(|| self.shuffle.then(|| fastrand::u64(..)));
        let (shared, parker) = self.common.seed(seed).inline(self.inline).assemble(
            |unparker| match on_wake {
                None => unparker,
                Some(hook) => {
                    let new = Arc::new(HostWaker::new(unparker, hook, Some(thread_token())));
                    host_waker = Some(Arc::clone(&new));
                    new
                }
            },
            DriverKind::Host,
        )?;
        let rt = LocalRuntime::with_parts(shared, parker, host_waker, seed);
        if let (Some(seed), true) = (seed, self.shuffle) {
            // It has its own generator: a shuffled run waits as long as one that is not shuffled.
            rt.local_handle().local().core.shuffle(!seed);
        }
        Ok(rt)
    }
}

impl fmt::Debug for LocalBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBuilder").field("common", &self.common).field("seed", &self.seed).finish_non_exhaustive()
    }
}
