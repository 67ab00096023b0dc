//! The interface of a runtime: [`Runtime`] owns it, [`Handle`] spawns on it.

use super::builder::Builder;
use super::listing::TaskList;
use super::local::LocalRuntime;
use super::metrics::Metrics;
use super::owner::{InternalTask, Pool, Reactor, Refuser};
use super::refused::refuse;
use super::shared::Shared;
use super::shutdown::{ShutdownReport, drop_patience};
use crate::blocking::{BlockingPool, Permit, Refused};
use crate::error::{BuildError, IntoBoxError, TaskError, TrySpawnError};
use crate::instant::Instant;
use crate::sync::Arc;
use crate::sync::thread::JoinHandle;
use crate::task::raw::{ClosureBody, Convert, Fallible, FutureBody, Value, Work};
use crate::task::{Completer, Follow, Schedule, Spec, Stopwatch, Task, make_promise};
use crate::time::Clock;
use crate::time::driver::Driver;
use crate::trace;
use crate::util::methods::methods;
use crate::util::seeds::Seeds;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// A handle that spawns tasks on a runtime; cloning it is cheap.
///
/// A handle keeps its runtime's memory, not its threads. After the [`Runtime`] is dropped, tasks that are spawned
/// through the handle end immediately with [`TaskError::RuntimeGone`].
///
/// | method | body | runs on |
/// |---|---|---|
/// | [`spawn`](Self::spawn) | future that returns `T` | reactor thread |
/// | [`run`](Self::run) | future that returns `Result<T, E>` | reactor thread |
/// | [`spawn_blocking`](Self::spawn_blocking) | closure that returns `T` | pool thread |
/// | [`run_blocking`](Self::run_blocking) | closure that returns `Result<T, E>` | pool thread |
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// let task = rt.spawn(async move { handle.spawn_blocking(|| 7).await });
/// # let mut task = task;
/// assert_eq!(task.wait()??, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Returns itself, for methods that owners of a handle have as well.
    pub(crate) fn handle(&self) -> &Self {
        self
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns true if both are handles to one runtime.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Returns a seed for random numbers, or `None` if any will do.
    pub(crate) fn draw_seed(&self) -> Option<u64> {
        self.shared.seeds.as_ref().map(Seeds::draw)
    }

    /// Returns the time of this runtime's timers, also after it has shut down.
    pub(crate) fn now(&self) -> Instant {
        self.shared.driver.now_instant()
    }

    pub(crate) fn driver(&self) -> Arc<Driver> {
        Arc::clone(&self.shared.driver)
    }

    /// Queues a future on the reactor.
    pub(crate) fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.start_kept(body, spec, |task| task)
    }

    /// Starts an internal future of the crate.
    #[track_caller]
    pub(crate) fn spawn_internal<F>(&self, future: F) -> Task<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.start_internal(FutureBody::<F, Value>::new(future))
    }

    /// Starts an internal body of the crate.
    #[track_caller]
    pub(crate) fn start_internal<B: Work>(&self, body: B) -> Task<B::Output> {
        let owner = InternalTask(Reactor::new(&self.shared));
        let (runnable, task) = Task::make(body, owner, Spec::plain());
        self.shared.accept(runnable);
        task
    }

    /// Queues a future; `keep` gets the task before it can run.
    pub(crate) fn start_kept<B, P, R>(&self, body: B, spec: Spec<P>, keep: impl FnOnce(Task<B::Output, P>) -> R) -> R
    where
        B: Work,
    {
        self.shared.inbox.expect_push();
        let owner = Reactor::new(&self.shared);
        let (runnable, task) = Task::make(body, owner, spec);
        let kept = keep(task);
        self.shared.accept(runnable);
        kept
    }

    /// Queues a closure on the pool.
    pub(crate) fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.start_blocking_kept(body, spec, |task| task)
    }

    /// Queues a closure; `keep` gets the task before it can run.
    pub(crate) fn start_blocking_kept<B, P, R>(
        &self,
        body: B,
        spec: Spec<P>,
        keep: impl FnOnce(Task<B::Output, P>) -> R,
    ) -> R
    where
        B: Work,
    {
        self.start_blocking_on(&self.shared.pool, Pool::new(&self.shared), body, spec, keep)
    }

    /// Starts a name lookup, which user closures cannot delay.
    #[track_caller]
    #[cfg(feature = "net")]
    pub(crate) fn spawn_lookup<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let owner = InternalTask(Pool::new(&self.shared));
        let pool = self.shared.names.as_ref().unwrap_or(&self.shared.pool);
        self.start_blocking_on(pool, owner, ClosureBody::<F, Value>::new(closure), Spec::plain(), |task| task)
    }

    fn start_blocking_on<O, B, P, R>(
        &self,
        pool: &BlockingPool,
        owner: O,
        body: B,
        spec: Spec<P>,
        keep: impl FnOnce(Task<B::Output, P>) -> R,
    ) -> R
    where
        O: Schedule,
        B: Work,
    {
        match pool.admit_unlimited() {
            Ok(permit) => Self::submit(permit, owner, body, spec, keep),
            Err(Refused::NoThread(error)) => keep(self.over(TaskError::from_error(error), spec)),
            Err(Refused::Full | Refused::Closed) => {
                let (runnable, task) = Task::make(body, owner, spec);
                let kept = keep(task);
                refuse(runnable);
                kept
            }
        }
    }

    /// Creates a task that has ended with an error.
    ///
    /// It raises the update flag and calls hooks like any other task.
    pub(crate) fn over<T: 'static, P>(&self, error: TaskError, spec: Spec<P>) -> Task<T, P> {
        Task::already_finished_for(Refuser(Arc::clone(&self.shared)), Err(error), spec)
    }

    fn try_start_blocking<F, R, C>(&self, closure: F, spec: Spec<()>) -> Result<Task<C::Output>, TrySpawnError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        C: Convert<R> + 'static,
        C::Output: Send + 'static,
    {
        let permit = match self.shared.pool.admit() {
            Ok(permit) => permit,
            Err(refused) => {
                trace::refused(match &refused {
                    Refused::Full => "the queue is full",
                    Refused::Closed => "the runtime is shut down",
                    Refused::NoThread(_) => "no thread could be started",
                });
                return Err(match refused {
                    Refused::Full => TrySpawnError::Full(closure),
                    Refused::Closed => TrySpawnError::RuntimeGone(closure),
                    Refused::NoThread(error) => TrySpawnError::NoThread(closure, error),
                });
            }
        };
        let owner = Pool::new(&self.shared);
        Ok(Self::submit(permit, owner, ClosureBody::<F, C>::new(closure), spec, |task| task))
    }

    fn submit<O, B, P, R>(
        permit: Permit<'_>,
        owner: O,
        body: B,
        spec: Spec<P>,
        keep: impl FnOnce(Task<B::Output, P>) -> R,
    ) -> R
    where
        O: Schedule,
        B: Work,
    {
        let (runnable, task) = Task::make(body, owner, spec);
        let kept = keep(task);
        permit.submit(runnable);
        kept
    }
}

methods! {
impl Handle, Runtime {
    /// Starts a future on the reactor thread.
    ///
    /// Never blocks. It makes at most one system call, and only if the reactor sleeps. If the runtime has shut down,
    /// the future is dropped here, and the task ends with [`TaskError::RuntimeGone`].
    ///
    /// A future that holds an `Rc` is not `Send`: let the reactor build it with `rt.task().spawn(|_cx| async { .. })`.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().start(FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result`. `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        self.handle().start(FutureBody::<F, Fallible>::new(future), Spec::plain())
    }

    /// Returns the tasks of the runtime, for debug panels and tools. Never waits.
    ///
    /// Running closures are always listed. A closure whose task was cancelled or timed out is listed, with that status,
    /// until it returns. Futures belong to the reactor thread:
    /// - The list is exact on that thread (in a task, for example) and, with
    ///   [`LocalHandle::tasks`](crate::LocalHandle::tasks), on the thread that ticks.
    /// - On any other thread it has the futures of the reactor's last list, with their present status and number of
    ///   polls, and the call requests the next list. [`TaskList::age`] returns its age, and [`TaskList::is_complete`]
    ///   whether it has all futures.
    ///
    /// So the first call returns only closures, and a host that calls this in every frame gets the list of the previous
    /// frame. While a task blocks the reactor, the list stays readable and its age grows; with
    /// [`Builder::watch_polls`](crate::Builder::watch_polls), [`metrics`](Self::metrics) names that task. A list that
    /// is not requested again is dropped after a second. A tool that needs an exact list lets a task create it:
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let handle = rt.handle().clone();
    /// let tasks = rt.spawn(async move { handle.tasks() }).wait()?;
    /// assert!(tasks.is_complete());
    /// assert_eq!(tasks.len(), 1); // the task that listed them
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Not listed: closures that wait for a thread (counted in [`Metrics::blocking_queued`]), tasks that wait for their
    /// turn in a group, and internal tasks of the crate, such as the driver of a [`Scheduler`](crate::Scheduler). Each
    /// refresh costs the reactor one reference per future.
    pub fn tasks(&self) -> TaskList {
        self.handle().shared.list()
    }
}
}

methods! {
impl Handle, Runtime, LocalRuntime {
    /// Starts a closure on a pool thread, where it may block.
    ///
    /// Closures of one priority start in the order of their submission, from any threads: with n pool threads, a
    /// closure overtakes at most n-1 that were submitted earlier. So a closure may wait for earlier ones under any
    /// limit of threads. A closure that waits for a later one needs a free thread; [`Task::wait`] returns
    /// [`TaskError::WouldDeadlock`] if there can be none.
    ///
    /// Never blocks, and ignores the queue limit. If no thread is alive and the system refuses to start one, the task
    /// ends with that error. If the runtime has shut down, it ends with [`TaskError::RuntimeGone`].
    /// [`try_spawn_blocking`](Self::try_spawn_blocking) returns the closure instead.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.handle().start_blocking(ClosureBody::<F, Value>::new(closure), Spec::plain())
    }

    /// Starts a closure that returns a `Result`. `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_blocking<F, T, E>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        self.handle().start_blocking(ClosureBody::<F, Fallible>::new(closure), Spec::plain())
    }

    /// Starts a closure like [`spawn_blocking`](Self::spawn_blocking), or returns it.
    ///
    /// It returns a closure that cannot be queued.
    ///
    /// # Errors
    /// [`TrySpawnError::Full`] at the queue limit, [`TrySpawnError::RuntimeGone`], [`TrySpawnError::NoThread`].
    ///
    /// # Example
    /// ```
    /// use std::sync::mpsc::channel;
    /// let rt = offtick::Builder::new().blocking_threads(1).blocking_queue(1).build()?;
    /// let (go, wait) = channel::<()>();
    /// let (started, seen) = channel::<()>();
    /// let _busy = rt.spawn_blocking(move || { started.send(()).ok(); wait.recv().ok() });
    /// seen.recv()?;
    /// let _queued = rt.spawn_blocking(|| None::<()>);
    /// let refused = rt.try_spawn_blocking(|| 1).expect_err("the queue is full");
    /// assert!(refused.is_full());
    /// assert_eq!(refused.into_inner()(), 1);
    /// go.send(())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn try_spawn_blocking<F, T>(&self, closure: F) -> Result<Task<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.handle().try_start_blocking::<F, T, Value>(closure, Spec::plain())
    }

    /// Starts a closure like [`run_blocking`](Self::run_blocking), or returns it.
    ///
    /// It returns a closure that cannot be queued.
    ///
    /// # Errors
    /// Those of [`try_spawn_blocking`](Self::try_spawn_blocking).
    #[track_caller]
    pub fn try_run_blocking<F, T, E>(&self, closure: F) -> Result<Task<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        self.handle().try_start_blocking::<F, Result<T, E>, Fallible>(closure, Spec::plain())
    }

    /// Creates a task that is completed from outside; see [`promise`](crate::promise()).
    ///
    /// A callback or another thread completes it.
    ///
    /// It belongs to this runtime: its progress and its end raise the update flag, its time is that of the runtime's
    /// clock, and tasks composed of it run on the reactor. It has no work there. So it is not listed, and does not end
    /// when the runtime shuts down: it can be completed afterwards.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let (completer, mut task) = rt.promise::<String, ()>();
    /// let library = std::thread::spawn(move || completer.complete("answer".to_owned()));
    /// assert_eq!(task.wait()?, "answer");
    /// # library.join().expect("it does not panic").expect("the task waited for it");
    /// assert!(rt.take_update());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn promise<T, P>(&self) -> (Completer<T, P>, Task<T, P>)
    where
        T: Send + 'static,
        P: Send + 'static,
    {
        let stopwatch = Stopwatch::new(self.clock().source());
        make_promise(Arc::clone(&self.handle().shared) as Arc<dyn Follow>, Some(stopwatch), Location::caller())
    }

    /// Returns true if any visible task changed since the last call.
    ///
    /// A change is a start, a report, the begin of a retry wait, or the end.
    ///
    /// When it returns false, no handle has changed and a tick may skip them all. It costs a few loads from two cache
    /// lines. A task that ends at the same moment may already show on its handle; then the next call returns true.
    ///
    /// Detached tasks, [quiet](crate::TaskBuilder::quiet) ones and internal tasks of the crate do not count. A task
    /// that another task awaits may count.
    ///
    /// The call clears the flag: a tick that got `true` should check everything, or remember that it has not. Unread
    /// values raise no second flag: progress that was not drained, or a task that had ended before it was put into a
    /// [`TaskSet`](crate::TaskSet).
    #[inline]
    pub fn take_update(&self) -> bool {
        self.handle().shared.update.take()
    }

    /// Returns the metrics of the runtime.
    pub fn metrics(&self) -> Metrics {
        self.handle().shared.metrics()
    }

    /// Returns the clock of this runtime.
    pub fn clock(&self) -> &Clock {
        self.handle().shared.driver.clock()
    }

    /// Returns true once the runtime has shut down or is shutting down.
    pub fn is_closed(&self) -> bool {
        self.handle().shared.is_closing()
    }
}
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// A background runtime: a reactor thread for futures and a pool for closures.
///
/// It has the methods of its [`Handle`]. It is not `Clone`: pass clones of the [`handle`](Self::handle) to other
/// places, which keep no runtime alive. Functions that need a runtime take either, as `&impl AsRef<Handle>`.
///
/// Threads: `offtick-reactor` from the start; pool threads `offtick-blocking-N` while there are closures to run. An
/// idle runtime never wakes.
///
/// Dropping it shuts it down: every unfinished task ends with [`TaskError::RuntimeGone`]. The drop waits up to 200 ms
/// for a task that blocks the reactor, then leaves its thread to end later. [`shutdown`](Self::shutdown) waits for as
/// long as requested and returns a report. On any reactor thread (in a future, in most hooks) a drop does not wait: the
/// threads end later. Inside one of its own closures it does not wait for the pool.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.spawn(async { 2 + 2 });
/// assert_eq!(task.wait()?, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A clone of the owner does not compile:
/// ```compile_fail,E0599
/// let rt = offtick::Runtime::new().unwrap();
/// let other = rt.clone();
/// ```
pub struct Runtime {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Runtime {
    /// Starts a runtime with the default options; [`Builder`] has the others.
    ///
    /// # Errors
    /// [`BuildError::Thread`] and [`BuildError::Poll`] if the system refuses.
    pub fn new() -> Result<Self, BuildError> {
        Builder::new().build()
    }

    pub(super) fn with_thread(handle: Handle, thread: JoinHandle<()>) -> Self {
        Self { handle, thread: Some(thread) }
    }

    /// Returns the handle that spawns on this runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends the runtime and waits for it, at most for `patience`.
    ///
    /// New work is refused from now on. Futures are dropped on the reactor thread, waiting closures never run, and
    /// running closures find out through their context. All of their tasks end with [`TaskError::RuntimeGone`]. The
    /// report lists what did not stop in time. On the runtime's own reactor thread this does not wait; inside one of
    /// its own closures, not for the pool.
    pub fn shutdown(mut self, patience: Duration) -> ShutdownReport {
        self.end(patience)
    }

    fn end(&mut self, patience: Duration) -> ShutdownReport {
        let thread = self.thread.take();
        let shared = &self.handle.shared;
        shared.begin_closing();
        let deadline = Instant::now().checked_add(patience);
        // Waiting closures end here: a running closure may hold the thread that they wait for, without limit.
        shared.drain_closures();
        let inside = shared.ending.is_own_thread();
        let reactor_stopped = !inside && shared.ending.wait(deadline);
        if reactor_stopped && let Some(thread) = thread {
            // Its end is announced, so this waits only for the thread to exit, not for any task.
            let _panic = thread.join();
        }
        if reactor_stopped {
            shared.end_poll_watcher(deadline);
        }
        shared.end_pools(reactor_stopped, deadline, inside)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // `shutdown` takes the thread out, and has waited for as long as requested.
        if self.thread.is_some() {
            self.end(drop_patience());
        }
    }
}

impl AsRef<Handle> for Handle {
    fn as_ref(&self) -> &Handle {
        self
    }
}

impl AsRef<Handle> for Runtime {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("closed", &self.handle.is_closed()).finish_non_exhaustive()
    }
}
