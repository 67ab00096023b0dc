//! The builder of tasks.

use super::cx::{ReporterSlot, TaskContext};
use super::limited::Limited;
use super::target::{FutureTarget, SpawnTarget};
use crate::error::{BoxError, IntoBoxError, InvalidSetting, TaskError};
use crate::instant::Instant;
use crate::progress::{Capacity, ProgressObserver, Reader, channel};
use crate::retry::{AttemptError, Pace, RetryObserver, RetryPolicy};
use crate::runtime::{Handle, LocalHandle, Runtime, Shared};
use crate::sync::Arc;
use crate::task::raw::{Body, ClosureBody, Convert, Fallible, LazyBody, Outcome, Value, WithTaskError, Work};
use crate::task::{EndHook, Priority, RetryState, Spec, Stopwatch, Task, TaskInfo, TaskMeta};
use crate::time::driver::Driver;
use crate::time::{ChildClock, Sleep};
use crate::util::bounds::MaybeSend;
use crate::util::methods::methods;
use crate::util::update::UpdateFlag;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

/// The options of one task.
///
/// [`Handle::task`] and [`PoolHandle::task`](crate::PoolHandle::task) create it. `P` is the type of the progress. `S`
/// is the place where the task starts: immediately on a runtime, or when a group or a pool has room for it. `R` is the
/// [`RetryPolicy`] of a task that [retries](Self::retry).
///
/// It has the methods of [`Handle`], whose bodies get a [`TaskContext`]. A body that creates a future does so on the
/// reactor thread, so that future need not be `Send`: it may use `Rc` and `RefCell`.
///
/// # Example
/// ```
/// use std::time::{Duration, Instant};
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt
///     .task()
///     .name("import")
///     .timeout(Duration::from_secs(30))
///     .progress::<&str>(64)
///     .run(|mut cx| async move {
///         let rows = std::rc::Rc::new(vec![1, 2, 3]);
///         cx.report("parsed");
///         cx.send("stored").await?;
///         Ok::<_, offtick::BoxError>(rows.len())
///     });
/// assert_eq!(task.wait()?, 3);
/// assert_eq!(task.latest(), Some("stored"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a task starts with one of the verbs: `spawn`, `run`, `spawn_blocking`, `run_blocking`"]
pub struct TaskBuilder<P = (), S = Handle, R = ()> {
    pub(super) target: S,
    name: Option<Box<str>>,
    limit: Option<Duration>,
    clock: Option<ChildClock>,
    priority: Priority,
    capacity: Option<usize>,
    on_end: Option<EndHook>,
    quiet: bool,
    pub(super) retry: R,
    progress: PhantomData<fn() -> P>,
}

methods! {
impl Handle, Runtime {
    /// Starts the description of a task with options.
    pub fn task(&self) -> TaskBuilder {
        TaskBuilder::new(self.handle().clone())
    }
}
}

impl<S: SpawnTarget> TaskBuilder<(), S> {
    pub(crate) fn new(target: S) -> Self {
        Self {
            target,
            name: None,
            limit: None,
            clock: None,
            priority: Priority::default(),
            capacity: None,
            on_end: None,
            quiet: false,
            retry: (),
            progress: PhantomData,
        }
    }
}

impl<P, S: SpawnTarget, R> TaskBuilder<P, S, R> {
    /// Sets a name for listings and hooks.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// Sets the time limit of the whole task.
    ///
    /// It counts from the submission (in a group or a pool: from the start). Then the task ends with
    /// [`TaskError::TimedOut`].
    ///
    /// A future is dropped at the limit. A closure finds out through its context, and what it still returns is dropped.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets a clock for this task alone: a paused world beside a running menu.
    ///
    /// The time limit of the task, its retries, and every [`sleep`](crate::time::sleep),
    /// [`timeout`](crate::time::timeout), [`interval`](crate::time::interval()) and
    /// [`next_tick`](crate::time::next_tick) of its future use it. Timers of a [`Handle`] (`rt.sleep(..)`), and the
    /// tasks that this one starts, use the clock of the runtime.
    ///
    /// The clock must be a child of the runtime's clock. Otherwise the task ends immediately with an [`InvalidSetting`]
    /// inside [`TaskError::Failed`], and its body is dropped. [`ChildClock`] has an example.
    pub fn clock(mut self, clock: &ChildClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Sets the priority; [`Task::set_priority`] changes it later.
    ///
    /// Default [`Priority::UserVisible`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets a hook that is called once, soon after the end of the task.
    ///
    /// It is called [where hooks run](crate::Builder::on_update), never inside the call that ended the task. A panic in
    /// it is caught and dropped.
    pub fn on_end(mut self, hook: impl FnOnce(&TaskInfo) + MaybeSend + 'static) -> Self {
        self.on_end = Some(EndHook::new(hook));
        self
    }

    /// Keeps this task from raising the update flag.
    ///
    /// It raises none when it starts, reports, waits for its next attempt or ends.
    ///
    /// Use it for background work that no frame shows. A detached task is always quiet, and so is a task that another
    /// task awaits. Its handle, its hooks and its errors work as usual.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut flush = rt.task().quiet().spawn_blocking(|_cx| "flushed");
    /// assert_eq!(flush.wait()?, "flushed");
    /// assert!(!rt.take_update());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quiet(self) -> Self {
        self.quiet_if(true)
    }

    pub(crate) fn quiet_if(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Lets the task report values of type `Q`, of which up to `capacity` stay unread.
    ///
    /// With a capacity of 0, or one too large to allocate, the task ends immediately with an [`InvalidSetting`] inside
    /// [`TaskError::Failed`]; its body is dropped.
    pub fn progress<Q>(self, capacity: usize) -> TaskBuilder<Q, S, R> {
        TaskBuilder {
            target: self.target,
            name: self.name,
            limit: self.limit,
            clock: self.clock,
            priority: self.priority,
            capacity: Some(capacity),
            on_end: self.on_end,
            quiet: self.quiet,
            retry: self.retry,
            progress: PhantomData,
        }
    }

    /// Retries the body when it fails, as `policy` says.
    ///
    /// The methods are then `run` and `run_blocking`, and their bodies are closures that can be called again.
    ///
    /// The task is `Running` from its first attempt to the end. [`Task::attempt`] counts the attempts,
    /// [`Task::next_attempt_at`] shows a wait, and all attempts report to one progress ring. A wait holds no thread,
    /// and a [`cancel`](Task::cancel) in it takes effect immediately. [`timeout`](Self::timeout) limits the whole task,
    /// [`attempt_timeout`](TaskBuilder::attempt_timeout) one attempt. A panic is not retried: it ends the task.
    ///
    /// Once no further attempt is made, the task fails with [`TaskError::retry_error`]. With an invalid policy the task
    /// ends immediately with an [`InvalidSetting`] inside [`TaskError::Failed`]; its body is dropped.
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt
    ///     .task()
    ///     .name("import")
    ///     .retry(RetryPolicy::exponential(Duration::from_millis(1)).max_attempts(5).jitter(0.2))
    ///     .attempt_timeout(Duration::from_secs(5))
    ///     .timeout(Duration::from_secs(30))
    ///     .progress::<u32>(16)
    ///     .run(move |mut cx| async move {
    ///         cx.report(cx.attempt());
    ///         if cx.attempt() < 3 { Err("refused") } else { Ok("imported") }
    ///     });
    /// assert_eq!(task.wait()?, "imported");
    /// assert_eq!(task.progress().collect::<Vec<_>>(), [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry<E>(self, policy: RetryPolicy<E>) -> TaskBuilder<P, S, RetryPolicy<E>> {
        TaskBuilder {
            target: self.target,
            name: self.name,
            limit: self.limit,
            clock: self.clock,
            priority: self.priority,
            capacity: self.capacity,
            on_end: self.on_end,
            quiet: self.quiet,
            retry: policy,
            progress: PhantomData,
        }
    }

    /// Builds the parts of every task; `attempts` are those of a task that retries.
    pub(super) fn open(
        self,
        location: &'static Location<'static>,
        attempts: Option<u32>,
    ) -> Result<Opened<P, S, R>, Refusal>
    where
        P: Send + 'static,
    {
        let Self { target, name, limit, clock, priority, capacity, on_end, quiet, retry, .. } = self;
        if let Err(error) = target.check() {
            return Err(Refusal {
                handle: None,
                error,
                details: Arc::new(TaskMeta::new(location, name, None, on_end)),
            });
        }
        let limit = target.time_limit(limit);
        let root = target.handle().driver();
        let timers = clock.as_ref().map(|clock| root.of_child(clock));
        let driver = timers.as_ref().map_or(&root, |own| own.as_ref().unwrap_or(&root));
        let stopwatch = Stopwatch::new(driver.clock().source());
        let details = TaskMeta::new(location, name, limit, on_end).prioritised(priority).quiet(quiet).timed(stopwatch);
        let details = details.due_at(target.due());
        let details = Arc::new(match attempts {
            Some(attempts) => details.retrying(Arc::new(RetryState::new(attempts))),
            None => details,
        });
        if let (Some(clock), Some(None)) = (&clock, &timers) {
            let allowed = "a clock that runs by the clock of the runtime";
            let error = InvalidSetting::new("clock", format_args!("{clock:?}"), allowed);
            return Err(Refusal { handle: Some(target.handle().clone()), error: error.into(), details });
        }
        let limit = limit.filter(|_| !S::KEEPS_TIME).map(|limit| (Sleep::on(Arc::clone(driver), limit), limit));
        let timers = timers.flatten();
        let Some(capacity) = capacity else {
            return Ok(Opened {
                target,
                retry,
                details,
                limit,
                timers,
                reporter_slot: ReporterSlot::None,
                reader: None,
            });
        };
        let host = TaskObserver { shared: Arc::clone(target.handle().shared()), details: Arc::clone(&details) };
        match Capacity::new(capacity).and_then(|capacity| channel(capacity, Some(Arc::new(host)))) {
            Ok((reporter, reader)) => {
                // A sender that waits for room is to hear of a cancellation; the task is not even queued yet.
                let _not_yet = details.wake_on_cancel(reader.cancel_waker());
                Ok(Opened {
                    target,
                    retry,
                    details,
                    limit,
                    timers,
                    reporter_slot: ReporterSlot::Own(reporter),
                    reader: Some(reader),
                })
            }
            Err(_) => {
                let allowed = "at least 1 and small enough for its values to fit in memory";
                let error = InvalidSetting::new("progress", capacity, allowed);
                Err(Refusal { handle: Some(target.handle().clone()), error: error.into(), details })
            }
        }
    }
}

impl<P, S: FutureTarget> TaskBuilder<P, S> {
    /// Starts a future that returns a value.
    #[track_caller]
    pub fn spawn<M, F>(self, make: M) -> Task<F::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
        P: Send + 'static,
    {
        self.start::<M, F, Value>(make, Location::caller())
    }

    /// Starts a future that returns a `Result`. `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run<M, F, T, E>(self, make: M) -> Task<T, P>
    where
        M: FnOnce(TaskContext<P>) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
        P: Send + 'static,
    {
        self.start::<M, F, Fallible>(make, Location::caller())
    }

    fn start<M, F, C>(self, make: M, location: &'static Location<'static>) -> Task<C::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + Send + 'static,
        F: Future + 'static,
        C: Convert<F::Output> + 'static,
        C::Output: Send + 'static,
        P: Send + 'static,
    {
        let mut opened = match self.open(location, None) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        let body = opened.lazily::<M, F, C>(make);
        opened.start(body)
    }
}

impl<P, S: SpawnTarget> TaskBuilder<P, S> {
    /// Starts a closure that returns a value, on a pool thread.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, closure: F) -> Task<T, P>
    where
        F: FnOnce(&mut TaskContext<P>) -> T + Send + 'static,
        T: Send + 'static,
        P: Send + 'static,
    {
        self.start_blocking::<F, T, Value>(closure, Location::caller())
    }

    /// Starts a closure that returns a `Result`, on a pool thread.
    ///
    /// `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_blocking<F, T, E>(self, closure: F) -> Task<T, P>
    where
        F: FnOnce(&mut TaskContext<P>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
        P: Send + 'static,
    {
        self.start_blocking::<F, Result<T, E>, Fallible>(closure, Location::caller())
    }

    fn start_blocking<F, R, C>(self, closure: F, location: &'static Location<'static>) -> Task<C::Output, P>
    where
        F: FnOnce(&mut TaskContext<P>) -> R + Send + 'static,
        C: Convert<R> + 'static,
        C::Output: Send + 'static,
        P: Send + 'static,
    {
        let mut opened = match self.open(location, None) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        let mut cx = opened.context();
        opened.start_blocking(ClosureBody::<_, C>::new(move || closure(&mut cx)))
    }
}

/// A task about to start.
pub(super) struct Opened<P, S, R> {
    pub(super) target: S,
    pub(super) retry: R,
    pub(super) details: Arc<TaskMeta>,
    pub(super) reporter_slot: ReporterSlot<P>,
    limit: Option<(Sleep, Duration)>,
    /// The timers of the task's own clock.
    pub(super) timers: Option<Arc<Driver>>,
    reader: Option<Reader<P>>,
}

impl<P: Send + 'static, S: SpawnTarget, R> Opened<P, S, R> {
    /// Returns the context of the only body.
    pub(super) fn context(&mut self) -> TaskContext<P> {
        let reporter_slot = std::mem::replace(&mut self.reporter_slot, ReporterSlot::None);
        TaskContext::new(self.target.handle().clone(), Arc::clone(&self.details), reporter_slot)
    }

    /// Returns the body of a future that the polling thread creates.
    pub(super) fn lazily<M, F, C>(&mut self, make: M) -> impl Body<Output = C::Output> + 'static + use<P, S, R, M, F, C>
    where
        M: FnOnce(TaskContext<P>) -> F + 'static,
        F: Future + 'static,
        C: Convert<F::Output> + 'static,
    {
        let (cx, limit, timers) = (self.context(), self.inner_limit(), self.timers.clone());
        LazyBody::<_, _, WithTaskError>::new(move || Limited::<F, C>::new(|| make(cx), limit, timers))
    }

    /// Returns the time source of the retries.
    pub(super) fn pace(&self) -> Pace {
        let handle = self.target.handle();
        match &self.timers {
            Some(own) => Pace::by(Arc::clone(own), handle),
            None => Pace::of(handle),
        }
    }

    /// Returns the limit for a future that checks the time itself.
    pub(super) fn inner_limit(&mut self) -> Option<(Sleep, Duration)> {
        self.limit.take()
    }

    pub(super) fn observer(&self) -> TaskObserver {
        TaskObserver { shared: Arc::clone(self.target.handle().shared()), details: Arc::clone(&self.details) }
    }

    /// Starts the task immediately, if possible; see `start`.
    pub(super) fn start_nested<B>(self, body: B) -> Task<B::Output, P>
    where
        B: Work,
    {
        let spec = Spec::detailed(Arc::clone(&self.details), self.reader);
        let task = self.target.handle().start_nested(body, spec);
        watch(self.target.handle(), self.limit, &task, &self.details);
        task
    }

    pub(super) fn start_blocking<B>(self, body: B) -> Task<B::Output, P>
    where
        B: Work,
    {
        let spec = Spec::detailed(Arc::clone(&self.details), self.reader);
        let task = self.target.start_blocking(body, spec);
        watch(self.target.handle(), self.limit, &task, &self.details);
        task
    }
}

impl<P: Send + 'static, S: FutureTarget, R> Opened<P, S, R> {
    pub(super) fn start<B>(self, body: B) -> Task<B::Output, P>
    where
        B: Work,
    {
        let spec = Spec::detailed(Arc::clone(&self.details), self.reader);
        let task = self.target.start(body, spec);
        watch(self.target.handle(), self.limit, &task, &self.details);
        task
    }
}

impl<P: Send + 'static, R> Opened<P, LocalHandle, R> {
    /// Starts a body that stays on this thread.
    pub(super) fn start_bound<B>(self, body: B) -> Task<B::Output, P>
    where
        B: Body + 'static,
    {
        let (target, spec) = self.bound();
        target.start_bound(body, spec)
    }

    /// Starts a body that stays on this thread, immediately.
    pub(super) fn start_eager_bound<B>(self, body: B) -> Task<B::Output, P>
    where
        B: Body + 'static,
    {
        let (target, spec) = self.bound();
        target.start_eager_bound(body, spec)
    }

    fn bound(self) -> (LocalHandle, Spec<P>) {
        (self.target, Spec::detailed(self.details, self.reader))
    }
}

/// Ends a task at its limit, from outside of it.
fn watch<T, P>(handle: &Handle, limit: Option<(Sleep, Duration)>, task: &Task<T, P>, details: &TaskMeta) {
    let Some((sleep, _)) = limit else { return };
    let watched = task.task_ref().clone();
    let watchdog = handle.spawn_internal(async move {
        sleep.await;
        watched.cancel(Outcome::TimedOut);
    });
    details.watch(watchdog, task.task_ref());
}

/// An option is not valid: the task ends before it begins.
pub(super) struct Refusal {
    /// The runtime that would have run it, if there is one.
    pub(super) handle: Option<Handle>,
    pub(super) error: BoxError,
    pub(super) details: Arc<TaskMeta>,
}

impl Refusal {
    pub(super) fn task<T: 'static, P>(self) -> Task<T, P> {
        let (error, spec) = (TaskError::from_error(self.error), Spec::detailed(self.details, None));
        match self.handle {
            Some(handle) => handle.over(error, spec),
            None => Task::already_finished(Err(error), spec),
        }
    }
}

/// An observer of a task's progress and retries, for its runtime.
pub(super) struct TaskObserver {
    shared: Arc<Shared>,
    pub(super) details: Arc<TaskMeta>,
}

impl ProgressObserver for TaskObserver {
    fn reported(&self) {
        if !self.details.is_hidden() {
            self.shared.updated();
        }
    }

    fn silent_update(&self) -> Option<Arc<UpdateFlag>> {
        if self.details.is_quiet() { None } else { self.shared.silent_update() }
    }

    fn is_cancelled(&self) -> bool {
        self.details.should_stop()
    }

    fn must_not_wait(&self) -> bool {
        self.shared.is_owner_thread()
    }
}

impl<E: IntoBoxError> RetryObserver<E> for TaskObserver {
    fn begins(&self, attempt: u32) {
        self.details.begin_attempt(attempt);
        if attempt > 1 {
            self.reported();
        }
    }

    fn waits(&self, until: Option<Instant>, error: AttemptError<E>) {
        self.details.wait_until(until, TaskError::of_attempt(error));
        self.reported();
    }
}

impl<P, S, R> fmt::Debug for TaskBuilder<P, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.name)
            .field("timeout", &self.limit)
            .field("progress", &self.capacity)
            .finish_non_exhaustive()
    }
}
