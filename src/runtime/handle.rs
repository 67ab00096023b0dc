//! The front of a runtime: [`Runtime`] owns it, [`Handle`] spawns on it.

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

/// What spawns: a cheap clone of it goes wherever tasks are started.
///
/// A handle keeps its runtime's memory, not its threads: once the [`Runtime`] is gone, whatever is spawned through the
/// handle is over at once, as [`TaskError::RuntimeGone`].
///
/// | verb | body | runs on |
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

    /// Itself: for the methods that owners of a handle have as well.
    pub(crate) fn handle(&self) -> &Self {
        self
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// True if both are handles to one runtime.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// A seed for one user of random numbers; `None` where they may be what they like.
    pub(crate) fn draw_seed(&self) -> Option<u64> {
        self.shared.seeds.as_ref().map(Seeds::draw)
    }

    /// The time by which this runtime's timers go, also after it has shut down.
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

    /// Starts a future of the crate's own.
    #[track_caller]
    pub(crate) fn spawn_internal<F>(&self, future: F) -> Task<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.start_internal(FutureBody::<F, Value>::new(future))
    }

    /// Starts a body of the crate's own.
    #[track_caller]
    pub(crate) fn start_internal<B: Work>(&self, body: B) -> Task<B::Output> {
        let owner = InternalTask(Reactor::new(&self.shared));
        let (runnable, task) = Task::make(body, owner, Spec::plain());
        self.shared.accept(runnable);
        task
    }

    /// As `start`; `keep` gets the task before it can run.
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

    /// As `start_blocking`; `keep` gets the task before it can run.
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

    /// Starts a lookup of a name, which user closures cannot hold up.
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

    /// A task that is over with an error from the start. It raises the update flag, and has hooks as any other.
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
    /// Never blocks. One system call at most, and only if the reactor sleeps. If the runtime is gone the future is
    /// dropped here, and the task is over as [`TaskError::RuntimeGone`].
    ///
    /// A future that holds an `Rc` is not `Send`: let the reactor make it, `rt.task().spawn(|_cx| async { .. })`.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().start(FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result`: `Err` ends the task in `Status::Error`.
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
    /// Closures that run are always listed. A closure whose task was cancelled or ran out of time is listed, with that status,
    /// until it returns. Futures belong to the reactor thread:
    /// - On that thread (in a task, say) and, with [`LocalHandle::tasks`](crate::LocalHandle::tasks), on the thread that ticks,
    ///   the list is exact.
    /// - On any other thread it has the futures that the reactor listed last, with their present status and number of polls,
    ///   and the call requests the next list. [`TaskList::age`] says how old this one is, [`TaskList::is_complete`] whether
    ///   futures are missing in it.
    ///
    /// So the first call returns closures alone, and a host that calls this in every frame has in each the list of the frame
    /// before. While a task holds the reactor the list stays readable and its age grows; with
    /// [`Builder::watch_polls`](crate::Builder::watch_polls), [`metrics`](Self::metrics) names that task. A list that
    /// nobody asks for is dropped after a second. A tool that needs an exact list has a task make it:
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let handle = rt.handle().clone();
    /// let tasks = rt.spawn(async move { handle.tasks() }).wait()?;
    /// assert!(tasks.is_complete());
    /// assert_eq!(tasks.len(), 1); // the task that listed them
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Not listed: closures that wait for a thread (counted in [`Metrics::blocking_queued`]), tasks that wait for their turn in
    /// a group, and what the crate runs for itself, such as the driver of a [`Scheduler`](crate::Scheduler). Each refresh
    /// costs the reactor a reference for every future.
    pub fn tasks(&self) -> TaskList {
        self.handle().shared.list()
    }
}
}

methods! {
impl Handle, Runtime, LocalRuntime {
    /// Starts a closure on a pool thread, where it may block.
    ///
    /// Closures of one priority start in the order of their submission, whichever threads submit them: with n pool threads,
    /// a closure overtakes at most n-1 that were submitted earlier. So a closure may wait for earlier ones, whatever the
    /// limit on threads. One that waits for a closure submitted later needs a free thread; [`Task::wait`] returns
    /// [`TaskError::WouldDeadlock`] when there can be none.
    ///
    /// Never blocks and looks at no queue limit. If no thread lives and the system refuses to start one, the task is over
    /// with that error; if the runtime is gone, as [`TaskError::RuntimeGone`]. [`try_spawn_blocking`](Self::try_spawn_blocking)
    /// gives the closure back instead.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.handle().start_blocking(ClosureBody::<F, Value>::new(closure), Spec::plain())
    }

    /// Starts a closure that returns a `Result`: `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_blocking<F, T, E>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        self.handle().start_blocking(ClosureBody::<F, Fallible>::new(closure), Spec::plain())
    }

    /// As [`spawn_blocking`](Self::spawn_blocking), but a closure that cannot be queued comes back.
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

    /// As [`run_blocking`](Self::run_blocking), but a closure that cannot be queued comes back.
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

    /// Makes a task that is completed from outside, by a callback or another thread; see [`promise`](crate::promise()).
    ///
    /// It belongs to this runtime: its progress and its end raise the update flag, its time is that of the runtime's clock,
    /// and what is composed of it runs on the reactor. It has no work there: it is not listed, and not ended when the runtime
    /// shuts down; whoever completes it may do so afterwards.
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

    /// Returns true if any task that a host can see started, reported, began a retry wait or finished since the last call.
    ///
    /// When it returns false, no handle has changed and a tick may skip them all. It costs a few loads of two cache lines. A
    /// task that ends at this very moment may show on its handle already; the next call returns true then.
    ///
    /// Detached tasks, [quiet](crate::TaskBuilder::quiet) ones and those that the crate runs for itself do not count. A task that
    /// another task awaits may count.
    ///
    /// The call clears the flag: a tick that got `true` should look at everything, or remember that it has not. What it
    /// leaves unread (progress that was not drained to the end, a task that had ended before it was put into a
    /// [`TaskSet`](crate::TaskSet)) raises no second flag.
    #[inline]
    pub fn take_update(&self) -> bool {
        self.handle().shared.update.take()
    }

    /// Numbers of the runtime.
    pub fn metrics(&self) -> Metrics {
        self.handle().shared.metrics()
    }

    /// The clock that this runtime goes by.
    pub fn clock(&self) -> &Clock {
        self.handle().shared.driver.clock()
    }

    /// True once the runtime is shut down or being shut down.
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

/// A runtime in the background: a reactor thread for futures and a pool for closures that block.
///
/// It has the methods of its [`Handle`]. It is not `Clone`: what goes to other places is a clone of the
/// [`handle`](Self::handle), which keeps no runtime alive. Functions that need a runtime take either, as `&impl AsRef<Handle>`.
///
/// Threads: one, named `offtick-reactor`, from the start; pool threads `offtick-blocking-N` when there are closures to run.
/// An idle runtime wakes for nothing.
///
/// Dropping it shuts it down: every task that is not over ends as [`TaskError::RuntimeGone`]. The drop waits up to 200 ms
/// for a task that does not let go, then leaves its thread to end by itself; [`shutdown`](Self::shutdown) waits as long
/// as it is told and reports. On a reactor thread, its own or that of another runtime (in a future, in most hooks), a drop waits
/// for nothing: its threads end by themselves. Inside one of its own closures it does not wait for the pool.
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
    /// Starts a runtime with the default settings; [`Builder`] has the others.
    ///
    /// # Errors
    /// [`BuildError::Thread`] and [`BuildError::Poll`] where the system refuses.
    pub fn new() -> Result<Self, BuildError> {
        Builder::new().build()
    }

    pub(super) fn with_thread(handle: Handle, thread: JoinHandle<()>) -> Self {
        Self { handle, thread: Some(thread) }
    }

    /// What spawns on this runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends the runtime and waits for it, at most for `patience`.
    ///
    /// New work is refused from here on. Futures are dropped on the reactor thread, closures that wait never run, closures
    /// that run are told through their context. All of their tasks end as [`TaskError::RuntimeGone`]. The report says
    /// what did not stop in time. On the runtime's own reactor thread this waits for nothing; inside one of its own
    /// closures, not for the pool.
    pub fn shutdown(mut self, patience: Duration) -> ShutdownReport {
        self.end(patience)
    }

    fn end(&mut self, patience: Duration) -> ShutdownReport {
        let thread = self.thread.take();
        let shared = &self.handle.shared;
        shared.begin_closing();
        let deadline = Instant::now().checked_add(patience);
        // Closures that wait end here: a closure that runs may hold the thread they wait for as long as it likes.
        shared.drain_closures();
        let inside = shared.ending.is_own_thread();
        let reactor_stopped = !inside && shared.ending.wait(deadline);
        if reactor_stopped && let Some(thread) = thread {
            // It has said its last word: this waits for the thread to be gone, not for any task.
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
        // `shutdown` takes the thread out, and has waited as long as it was told.
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
