//! The settings of a runtime.

use super::handle::{Handle, Runtime};
use super::hooks::Hooks;
use super::poll_watcher::{PollWatcher, SlowPollHook};
use super::shared::{DriverKind, Shared};
use super::stack;
use super::{Parker, thread};
use crate::blocking::{self, BlockingPool, Runner, ThreadPriority};
use crate::error::{BuildError, InvalidSetting, Panic, TaskError};
use crate::executor::SlowPoll;
use crate::instant::has_clock;
use crate::park::Unpark;
use crate::sync::{Arc, HAS_THREADS};
use crate::task::TaskInfo;
use crate::time::Clock;
use crate::util::seeds::Seeds;
use std::fmt;
use std::io;
use std::time::Duration;

/// Who runs closures on a runtime without a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Inline {
    /// The threads of the pool.
    #[default]
    No,
    /// Each tick.
    Ticks,
    /// The host, when it asks for it.
    Held,
}

/// The longest time that a reactor may be told to spin.
const LONGEST_SPIN: Duration = Duration::from_secs(1);

/// The smallest stack of a reactor thread, in bytes.
const SMALLEST_STACK: usize = 64 << 10;

/// Settings of a [`Runtime`]; [`Runtime::new`] takes the defaults.
///
/// Nothing is checked before [`Builder::build`], which names the setting that is wrong.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Builder::new()
///     .thread_name("assets")
///     .blocking_threads(8)
///     .blocking_queue(1024)
///     .build()?;
/// assert_eq!(rt.spawn_blocking(|| 6 * 7).wait()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    thread_name: String,
    stack_size: usize,
    spin: Duration,
    clock: Clock,
    pool: blocking::Config,
    hooks: Hooks,
    around: Option<thread::Around>,
    seed: Option<u64>,
    inline: Inline,
    watch_polls: Option<Duration>,
    on_slow_poll: Option<SlowPollHook>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            thread_name: "offtick-reactor".to_owned(),
            stack_size: stack::DEFAULT_SIZE,
            spin: Duration::ZERO,
            clock: Clock::system(),
            pool: blocking::Config::default(),
            hooks: Hooks::default(),
            around: None,
            seed: None,
            inline: Inline::No,
            watch_polls: None,
            on_slow_poll: None,
        }
    }

    /// The name of the reactor thread. Default `offtick-reactor`; the pool's threads are called
    /// `offtick-blocking-N`.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = name.into();
        self
    }

    /// Sets the stack size of the reactor thread, in bytes. Default 2 MiB, minimum 64 KiB.
    ///
    /// For futures that recurse deeply, or that are large: an [eager start](Handle::spawn_eager) polls one future inside
    /// another. [`blocking_stack_size`](Self::blocking_stack_size) is that of the pool threads.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Builder::new().stack_size(8 << 20).build()?;
    /// assert_eq!(rt.spawn(async { 7 }).wait().ok(), Some(7));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// The clock that sleeps and timeouts obey. Default [`Clock::system`]; tests give a [`Clock::manual`].
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// How long the reactor looks for work before it parks, at most one second. Default zero: it parks at once, but for half
    /// a microsecond of looking while other threads keep waking it less than 50 microseconds after it has parked.
    ///
    /// Spinning takes a core for itself and saves the system call, and the switch of threads, of each wake-up that
    /// comes within that time.
    pub fn spin(mut self, time: Duration) -> Self {
        self.spin = time;
        self
    }

    /// The most pool threads alive at a time, 1 to 65,536. Default 512: closures that wait for a disk or a peer need a
    /// thread, not a core.
    ///
    /// As many threads as the machine has cores are started for closures that wait. More come only when all of those
    /// are held up in their closures for about a millisecond while others wait: a burst of small closures never starts a
    /// crowd.
    pub fn blocking_threads(mut self, most: usize) -> Self {
        self.pool.max_threads = most;
        self
    }

    /// A pool that refuses every closure.
    pub(super) fn blocking_refused(mut self) -> Self {
        self.pool = self.pool.without_threads();
        self
    }

    /// Where random numbers come from. For a runtime that does the same every time, which one with threads does not.
    pub(super) fn seed(mut self, seed: Option<u64>) -> Self {
        self.seed = seed;
        self
    }

    /// Who runs closures.
    pub(super) fn inline(mut self, inline: Inline) -> Self {
        self.inline = inline;
        self
    }

    /// How many closures that compute may run at a time, 1 to 65,536. Default: one per core. Closures that block do not count.
    ///
    /// A host that misses frames beside closures that compute sets one or two less than there are cores, which leaves these to
    /// the host and the reactor; see also [`blocking_priority`](Self::blocking_priority).
    pub fn blocking_core_threads(mut self, most: usize) -> Self {
        self.pool.core_threads = Some(most);
        self
    }

    /// The priority of pool threads. Default: normal.
    ///
    /// [`ThreadPriority::BelowNormal`] lets the host and the reactor have a core first when closures compute on all of them. It
    /// takes the feature `priority`, on Linux, Android, macOS or Windows. Where the priority cannot be set, pool threads
    /// run at normal priority and
    /// [`Metrics::blocking_priority_refused`](crate::Metrics::blocking_priority_refused) has the reason.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Builder::new().blocking_priority(offtick::ThreadPriority::BelowNormal).build()?;
    /// rt.spawn_blocking(|| 6 * 7).wait()?;
    /// if let Some(reason) = rt.metrics().blocking_priority_refused {
    ///     eprintln!("pool threads run at normal priority: {reason}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn blocking_priority(mut self, priority: ThreadPriority) -> Self {
        self.pool.priority = priority;
        self
    }

    /// How long a pool thread without work stays alive. Default 10 seconds.
    pub fn blocking_keep_alive(mut self, time: Duration) -> Self {
        self.pool.keep_alive = time;
        self
    }

    /// The most closures that may wait for a thread, at least 1. Default: no limit.
    ///
    /// The `try_` verbs give the closure back at the limit; the plain verbs do not look at it.
    pub fn blocking_queue(mut self, most: usize) -> Self {
        self.pool.queue_limit = Some(most);
        self
    }

    /// The stack of each pool thread, in bytes, `isize::MAX` at most. Default: that of the standard library.
    ///
    /// Whether the system has that much shows when a thread is started: see [`TrySpawnError::NoThread`](crate::TrySpawnError).
    pub fn blocking_stack_size(mut self, bytes: usize) -> Self {
        self.pool.stack_size = Some(bytes);
        self
    }

    /// Calls `hook` when the update flag goes up: a task that a host can see started, reported, began a retry wait or
    /// finished, for the first time since the host last took the flag ([`Handle::take_update`]). A GUI asks for a repaint
    /// here. Tasks that are detached, [quiet](crate::TaskBuilder::quiet), or awaited by another task call nothing.
    ///
    /// It should do no more than post a message; a panic in it is caught and dropped.
    ///
    /// # When and where hooks run
    /// No hook runs inside a call of the host or of a task, so a hook may take any lock that they hold. All hooks of a
    /// runtime, those of its tasks included, are called one after the other on the reactor thread, between two polls. A task
    /// that holds the reactor delays them, and so does a hook that takes long. What comes after the runtime's end (a
    /// closure that returns late, a handle that is dropped later) is told on a thread that lives for that purpose only.
    pub fn on_update(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.on_update = Some(Arc::new(hook));
        self
    }

    /// Called for every panic of a task, soon after it happened ([on the reactor thread](Self::on_update)): of its body, of
    /// the body's destructor, and of its output's destructor.
    pub fn on_panic(mut self, hook: impl Fn(&TaskInfo, &Panic) + Send + Sync + 'static) -> Self {
        self.hooks.on_panic = Some(Arc::new(hook));
        self
    }

    /// Called once for every error of a task (returned, panicked, out of time) that nobody has read, when the last holder of
    /// the task lets go of it: a handle that is dropped or detached, the last clone of a shared one, a set, group, session,
    /// manager, pool or job, the owner of a run that a newer run replaces. Soon afterwards
    /// ([on the reactor thread](Self::on_update)).
    ///
    /// An error is read by whoever gets it from `result`, `error`, `take`, `wait` or an `await`; a look at the status reads
    /// nothing. A task that was cancelled, or whose runtime was shut down, has no error to report.
    ///
    /// Given more than once, all are called, in that order.
    pub fn on_unhandled_error(mut self, hook: impl Fn(&TaskInfo, &TaskError) + Send + Sync + 'static) -> Self {
        self.hooks.on_unhandled_error.push(Arc::new(hook));
        self
    }

    /// Watches for polls that take longer than `threshold`, in real time, while they are on. Default: polls are not watched.
    ///
    /// A future that computes, blocks or spins in one poll holds up every other future. With this, [`metrics`](Handle::metrics)
    /// shows which task that is ([`Metrics::slow_poll`](crate::Metrics::slow_poll)) and which poll took longest, and
    /// [`on_slow_poll`](Self::on_slow_poll) is called. Hooks are watched as well; closures on pool threads are not, since they
    /// may block.
    ///
    /// One more thread, `offtick-watch`, looks once per threshold while the runtime polls, and sleeps while it does not. Each
    /// poll costs two reads of the clock and two uncontended locks more, some 100 ns. Without this, a poll costs nothing for it.
    ///
    /// # Example
    /// ```
    /// use std::sync::mpsc::channel;
    /// use std::time::Duration;
    /// let (report, reported) = channel();
    /// let rt = offtick::Builder::new()
    ///     .watch_polls(Duration::from_millis(5))
    ///     .on_slow_poll(move |poll| drop(report.send(poll.clone())))
    ///     .build()?;
    /// let (go, wait) = channel::<()>();
    /// let mut task = rt.task().name("hog").spawn(|_cx| async move { wait.recv().ok() }); // blocks the reactor
    /// let slow = reported.recv()?;
    /// assert_eq!(slow.task().and_then(|task| task.name()), Some("hog"));
    /// drop(go);
    /// task.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch_polls(mut self, threshold: Duration) -> Self {
        self.watch_polls = Some(threshold);
        self
    }

    /// Called for each poll that has taken longer than the threshold of [`watch_polls`](Self::watch_polls), once, while it is
    /// still on. Without that it is never called.
    ///
    /// Runs on the watcher thread, never inside a call of the host. A panic in it is caught and dropped. A hook that does not
    /// return holds up the next reports, and nothing else.
    pub fn on_slow_poll(mut self, hook: impl Fn(&SlowPoll) + Send + Sync + 'static) -> Self {
        self.on_slow_poll = Some(Box::new(hook));
        self
    }

    /// What is done on the reactor thread around all of its tasks. Neither part may panic.
    pub(crate) fn around(mut self, around: thread::Around) -> Self {
        self.around = Some(around);
        self
    }

    fn check(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::require(
            self.spin <= LONGEST_SPIN,
            "spin",
            format_args!("{:?}", self.spin),
            "one second at most",
        )?;
        let bytes = format_args!("{} bytes", self.stack_size);
        InvalidSetting::require(self.stack_size >= SMALLEST_STACK, "stack_size", bytes, "65,536 bytes at least")?;
        InvalidSetting::require(
            !self.thread_name.contains('\0'),
            "thread_name",
            format_args!("{:?}", self.thread_name),
            "text without a null character",
        )?;
        InvalidSetting::require_time("watch_polls", self.watch_polls)?;
        self.pool.check()
    }

    /// Starts the runtime.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] for a setting out of its range, [`BuildError::Thread`] and [`BuildError::Poll`] where the
    /// system refuses, as on wasm32-unknown-unknown, which has no threads. Nothing is left behind in either case.
    pub fn build(mut self) -> Result<Runtime, BuildError> {
        if !HAS_THREADS {
            return Err(BuildError::Thread(no_threads()));
        }
        let (spin, name, around) = (self.spin, self.thread_name.clone(), self.around.take());
        let stack_size = self.stack_size;
        let (shared, parker) = self.assemble(|unparker| unparker, DriverKind::Thread)?;
        let shared = Arc::new(shared);
        let theirs = Arc::clone(&shared);
        let thread = crate::sync::thread::Builder::new()
            .name(name)
            .stack_size(stack_size)
            .spawn(move || thread::run(theirs, parker, spin, stack_size, around))
            .map_err(BuildError::Thread)?;
        Ok(Runtime::with_thread(Handle::new(shared), thread))
    }

    /// The parts of a runtime that nobody drives yet; `listen` may stand between the runtime and its parker.
    pub(super) fn assemble(
        self,
        listen: impl FnOnce(Arc<dyn Unpark>) -> Arc<dyn Unpark>,
        driver_kind: DriverKind,
    ) -> Result<(Shared, Parker), BuildError> {
        self.check()?;
        if !has_clock() {
            return Err(BuildError::NoClock);
        }
        let parker = Parker::new().map_err(BuildError::Poll)?;
        let (config, inline) = (self.pool, self.inline);
        #[cfg(feature = "net")]
        let names = (inline == Inline::No).then(|| BlockingPool::new(config.for_names()));
        let pool = |host: &Arc<dyn Unpark>| {
            let runner = match inline {
                Inline::No => Runner::Threads,
                Inline::Ticks | Inline::Held => Runner::Host { host: Arc::clone(host), held: inline == Inline::Held },
            };
            BlockingPool::new(blocking::Config { runner, ..config })
        };
        let mut shared = Shared::new(&parker, listen, self.clock, pool, self.hooks, driver_kind);
        #[cfg(feature = "net")]
        {
            shared.names = names;
        }
        shared.seeds = self.seed.map(Seeds::new);
        if let Some(threshold) = self.watch_polls {
            shared.poll_watcher = Some(PollWatcher::start(threshold, self.on_slow_poll)?);
        }
        Ok((shared, parker))
    }
}

/// Returns the error of a runtime with threads on a platform without.
fn no_threads() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this platform has no threads; build a `LocalRuntime` and tick it")
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("thread_name", &self.thread_name)
            .field("spin", &self.spin)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
