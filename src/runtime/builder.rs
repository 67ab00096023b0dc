//! The options of a runtime.

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

/// The threads that run closures of a runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Inline {
    /// Pool threads.
    #[default]
    No,
    /// The host's thread, in each tick.
    Ticks,
    /// The host's thread, when the host requests it.
    Held,
}

/// The longest time that a reactor may spin.
const LONGEST_SPIN: Duration = Duration::from_secs(1);

/// The smallest stack of a reactor thread, in bytes.
const SMALLEST_STACK: usize = 64 << 10;

/// The options of a [`Runtime`]; [`Runtime::new`] uses the defaults.
///
/// Options are checked by [`Builder::build`], whose error names the wrong one.
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
    /// Creates a builder with the default options.
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

    /// Sets the name of the reactor thread. Default `offtick-reactor`.
    ///
    /// The pool's threads are named `offtick-blocking-N`.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = name.into();
        self
    }

    /// Sets the stack size of the reactor thread, in bytes.
    ///
    /// Default 2 MiB, minimum 64 KiB.
    ///
    /// Use it for futures that recurse deeply, or that are large: an [eager start](Handle::spawn_eager) polls one
    /// future inside another. [`blocking_stack_size`](Self::blocking_stack_size) is the option for pool threads.
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

    /// Sets the clock of sleeps and timeouts.
    ///
    /// Default [`Clock::system`]; tests use a [`Clock::manual`].
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Sets how long the reactor checks for work before it parks.
    ///
    /// At most one second. Default zero: it parks immediately. There is one exception: while other threads keep waking
    /// it less than 50 microseconds after it parked, it checks for half a microsecond.
    ///
    /// Spinning uses a whole core. It saves the system call and the thread switch of each wake-up that comes within
    /// that time.
    pub fn spin(mut self, time: Duration) -> Self {
        self.spin = time;
        self
    }

    /// Sets the largest number of pool threads alive at a time, 1 to 65,536.
    ///
    /// Default 512: closures that wait for a disk or a peer need a thread, not a core.
    ///
    /// Waiting closures start as many threads as the machine has cores. More threads start only when all of those have
    /// been blocked in their closures for about a millisecond while others wait: a burst of small closures never starts
    /// many threads.
    pub fn blocking_threads(mut self, most: usize) -> Self {
        self.pool.max_threads = most;
        self
    }

    /// The `nth` start of a pool thread fails if `fails` returns true.
    #[cfg(all(test, not(loom), not(target_family = "wasm")))]
    pub(crate) fn thread_starts(mut self, fails: impl Fn(usize) -> bool + Send + Sync + 'static) -> Self {
        self.pool.spawner = Some(blocking::unreliable(fails));
        self
    }

    /// Makes the pool refuse every closure.
    pub(super) fn blocking_refused(mut self) -> Self {
        self.pool = self.pool.without_threads();
        self
    }

    /// Sets the source of random numbers.
    ///
    /// For a deterministic runtime; one with threads is not.
    pub(super) fn seed(mut self, seed: Option<u64>) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the threads that run closures.
    pub(super) fn inline(mut self, inline: Inline) -> Self {
        self.inline = inline;
        self
    }

    /// Sets the largest number of closures that compute at a time, 1 to 65,536.
    ///
    /// Default: one per core. Closures that block do not count.
    ///
    /// A host that misses frames beside closures that compute sets one or two less than the number of cores, which
    /// leaves those for the host and the reactor; see also [`blocking_priority`](Self::blocking_priority).
    pub fn blocking_core_threads(mut self, most: usize) -> Self {
        self.pool.core_threads = Some(most);
        self
    }

    /// Sets the priority of pool threads. Default: normal.
    ///
    /// With [`ThreadPriority::BelowNormal`] the host and the reactor get a core first when closures compute on all of
    /// them. It needs the feature `priority`, on Linux, Android, macOS or Windows. If the priority cannot be set, pool
    /// threads run at normal priority and
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

    /// Sets how long an idle pool thread stays alive. Default 10 seconds.
    pub fn blocking_keep_alive(mut self, time: Duration) -> Self {
        self.pool.keep_alive = time;
        self
    }

    /// Sets the largest number of waiting closures, at least 1. Default: no limit.
    ///
    /// The `try_` methods return the closure at the limit; the other methods ignore it.
    pub fn blocking_queue(mut self, most: usize) -> Self {
        self.pool.queue_limit = Some(most);
        self
    }

    /// Sets the stack size of pool threads, in bytes, at most `isize::MAX`.
    ///
    /// Default: that of the standard library.
    ///
    /// If the system does not have that much, starting a thread fails: see
    /// [`TrySpawnError::NoThread`](crate::TrySpawnError).
    pub fn blocking_stack_size(mut self, bytes: usize) -> Self {
        self.pool.stack_size = Some(bytes);
        self
    }

    /// Sets the hook that is called when the update flag is raised.
    ///
    /// The flag is raised when a visible task starts, reports, begins a retry wait or finishes, for the first time
    /// since the host last took the flag ([`Handle::take_update`]). A GUI requests a repaint here. Tasks that are
    /// detached, [quiet](crate::TaskBuilder::quiet), or awaited by another task call nothing.
    ///
    /// It should only post a message. A panic in it is caught and dropped.
    ///
    /// # When and where hooks run
    /// No hook runs inside a call of the host or of a task, so a hook may take any lock that they hold. All hooks of a
    /// runtime, including those of its tasks, are called one after the other on the reactor thread, between two polls.
    /// A task that blocks the reactor delays them, and so does a slow hook. Events after the runtime's end (a closure
    /// that returns late, a handle that is dropped later) are reported on a separate thread, which exists only for
    /// that.
    pub fn on_update(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.on_update = Some(Arc::new(hook));
        self
    }

    /// Sets the hook for panics of tasks.
    ///
    /// It is called soon after each panic ([on the reactor thread](Self::on_update)) of a task's body, of the body's
    /// destructor, and of its output's destructor.
    pub fn on_panic(mut self, hook: impl Fn(&TaskInfo, &Panic) + Send + Sync + 'static) -> Self {
        self.hooks.on_panic = Some(Arc::new(hook));
        self
    }

    /// Sets the hook for unread errors of tasks.
    ///
    /// It is called once per error (returned, panicked, timed out) that no code has read, soon after the last owner of
    /// the task drops it ([on the reactor thread](Self::on_update)). Owners are: a handle that is dropped or detached,
    /// the last clone of a shared one, a set, group, session, manager, pool or job, and the owner of a run that a newer
    /// run replaces.
    ///
    /// An error is read by code that gets it from `result`, `error`, `take`, `wait` or an `await`. Checking the status
    /// reads nothing. A task that was cancelled, or whose runtime was shut down, has no error to report.
    ///
    /// If several are set, all are called, in order.
    pub fn on_unhandled_error(mut self, hook: impl Fn(&TaskInfo, &TaskError) + Send + Sync + 'static) -> Self {
        self.hooks.on_unhandled_error.push(Arc::new(hook));
        self
    }

    /// Watches for polls that take longer than `threshold`, in real time.
    ///
    /// Default: polls are not watched.
    ///
    /// A future that computes, blocks or spins in one poll delays every other future. With this option,
    /// [`metrics`](Handle::metrics) shows which task does so ([`Metrics::slow_poll`](crate::Metrics::slow_poll)) and
    /// which poll took longest, and [`on_slow_poll`](Self::on_slow_poll) is called. Hooks are watched too. Closures on
    /// pool threads are not, since they may block.
    ///
    /// One more thread, `offtick-watch`, checks once per threshold while the runtime polls, and sleeps otherwise. Each
    /// poll costs two clock reads and two uncontended locks more, about 100 ns. Without this option it costs nothing
    /// more.
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

    /// Sets the hook for slow polls.
    ///
    /// It is called once per poll that exceeds the threshold of [`watch_polls`](Self::watch_polls), during that poll.
    /// Without a threshold it is never called.
    ///
    /// It runs on the watcher thread, never inside a call of the host. A panic in it is caught and dropped. A hook that
    /// does not return delays later reports, and nothing else.
    pub fn on_slow_poll(mut self, hook: impl Fn(&SlowPoll) + Send + Sync + 'static) -> Self {
        self.on_slow_poll = Some(Box::new(hook));
        self
    }

    /// Sets what runs on the reactor thread before and after all tasks.
    ///
    /// Neither part may panic.
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
    /// [`BuildError::Invalid`] for an option out of its range. [`BuildError::Thread`] and [`BuildError::Poll`] if the
    /// system refuses, as on wasm32-unknown-unknown, which has no threads. In either case nothing is left behind.
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

    /// Builds the parts of a runtime that has no driver yet.
    ///
    /// `listen` may wrap the waker of its parker.
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
