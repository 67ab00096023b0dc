//! The pool with a thread, as its users see it.

use super::builder::{Plan, WorkerThreadBuilder};
use super::error::ThreadError;
use super::life::{GRACE, Life, ThreadReport};
use super::state::{State, Turn};
use super::thread_bound::{self, ThreadBound};
use crate::error::{IntoBoxError, TaskError};
use crate::manage::error::PoolStopped;
use crate::manage::pool::PoolHandle;
use crate::park;
use crate::runtime::drives_any;
use crate::task::raw::{Convert, Fallible, LazyBody, Value, WithTaskError};
use crate::task::{Spec, Task};
use crate::time::timeout;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// A pool with its own thread and loop, and a value on that thread.
///
/// Use it for a device, a GPU context, or a library that must always be called from one thread.
///
/// Futures and closures share the thread. The value of the [set-up](WorkerThreadBuilder::set_up) stays there from
/// before the first task until after the last future was dropped, and is lent to them: closures get it as `&mut C`
/// ([`spawn_with`](Self::spawn_with)), futures as a [`ThreadBound`], between two waits. Neither the value nor the
/// futures need to be `Send`. Everything else is as in a [`TaskPool`](crate::TaskPool): size, queue limit, time limit,
/// priorities.
///
/// It is created idle, and may be started, stopped and started again, from any thread, blocking or awaiting. While it
/// is not running, tasks end immediately with [`PoolStopped`]. Dropping it cancels its tasks and ends the thread: it
/// waits for up to 200 ms, and not at all on the thread itself; [`stop`](Self::stop) lets the tasks finish.
///
/// # Example
/// ```
/// use offtick::{BoxError, WorkerThread};
/// use std::{cell::Cell, rc::Rc};
///
/// let camera = WorkerThread::builder("camera")
///     .set_up(|| Ok::<_, BoxError>(Rc::new(Cell::new(0)))) // Not `Send`, like many a driver's handle.
///     .tear_down(|device| println!("{} frames", device.get()))
///     .build()?;
/// camera.start_blocking()?;
/// // A task as any other: looked at on each tick, awaited, or waited for.
/// let mut frame = camera.spawn_with(|device| {
///     device.set(device.get() + 1);
///     device.get()
/// });
/// assert_eq!(frame.wait()?, 1);
/// let mut later = camera.spawn(|device| async move {
///     offtick::time::sleep(std::time::Duration::from_millis(1)).await;
///     device.with(|device| device.get())
/// });
/// assert_eq!(later.wait()??, 1);
/// assert!(camera.stop_blocking(None)?.is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WorkerThread<C = ()> {
    plan: Plan<C>,
    state: State,
}

impl WorkerThread {
    /// Returns the options of a pool whose thread has this name.
    pub fn builder(name: impl Into<String>) -> WorkerThreadBuilder {
        WorkerThreadBuilder::new(name.into())
    }
}

impl<C: 'static> WorkerThread<C> {
    pub(super) fn of(plan: Plan<C>) -> Self {
        Self { plan, state: State::default() }
    }

    /// Starts the thread and waits until its set-up has finished.
    ///
    /// Dropping the future abandons the start: then it waits for up to 200 ms for a running set-up, whose value is torn
    /// down.
    ///
    /// # Errors
    /// [`ThreadError::SetUp`] with the error or the panic of the set-up, [`ThreadError::Build`],
    /// [`ThreadError::AlreadyRunning`], [`ThreadError::Busy`]. No thread is left behind.
    pub async fn start(&self) -> Result<(), ThreadError> {
        let turn = self.state.start()?;
        let life = Life::begin(&self.plan)?.grow_up().await?;
        turn.run(life);
        Ok(())
    }

    /// Starts the thread and blocks this one until its set-up has finished.
    ///
    /// # Errors
    /// Those of `start`, and [`ThreadError::WouldDeadlock`] on a reactor thread.
    pub fn start_blocking(&self) -> Result<(), ThreadError> {
        if drives_any() {
            return Err(ThreadError::WouldDeadlock);
        }
        park::block_on(pin!(self.start()), None).unwrap_or(Err(ThreadError::WouldDeadlock))
    }

    /// Stops the thread: refuses new tasks, waits for the others, cancels the rest.
    ///
    /// It waits for `patience` on the clock of the runtime that polls this, or without limit. A pool that is not
    /// running is already stopped.
    ///
    /// After that the thread gets up to 200 ms for its tear-down, or unlimited time. If a task or the tear-down still
    /// blocks it, the report says so, and the thread ends when that returns; the pool may be started again meanwhile.
    /// Dropping the future cancels the tasks immediately, as dropping the pool does.
    ///
    /// # Errors
    /// [`ThreadError::WouldDeadlock`] on the pool's own thread and inside one of its closures on threads for blocking work,
    /// [`ThreadError::Busy`].
    pub async fn stop(&self, patience: Option<Duration>) -> Result<ThreadReport, ThreadError> {
        let Some((_turn, life)) = self.take_life()? else { return Ok(ThreadReport::of_nothing()) };
        match patience {
            None => life.drained().await,
            Some(patience) => drop(timeout(patience, life.drained()).await),
        }
        let (left, ended) = life.end();
        let word = match patience {
            None => Some(ended.heard().await),
            Some(_) => timeout(GRACE, ended.heard()).await.ok(),
        };
        Ok(life.bury(left, word, patience.map_or(Duration::MAX, |_| GRACE)))
    }

    /// Blocks this thread until the other one has stopped; see [`stop`](Self::stop).
    ///
    /// `patience` is real time.
    ///
    /// # Errors
    /// Those of `stop`, and [`ThreadError::WouldDeadlock`] on any reactor thread.
    pub fn stop_blocking(&self, patience: Option<Duration>) -> Result<ThreadReport, ThreadError> {
        if drives_any() {
            return Err(ThreadError::WouldDeadlock);
        }
        let Some((_turn, life)) = self.take_life()? else { return Ok(ThreadReport::of_nothing()) };
        let _in_time = park::block_on(pin!(life.drained()), patience);
        let (left, ended) = life.end();
        let word = park::block_on(pin!(ended.heard()), patience.map(|_| GRACE));
        Ok(life.bury(left, word, patience.map_or(Duration::MAX, |_| GRACE)))
    }

    /// Stops it and starts it again, with a new thread and a new value.
    ///
    /// # Errors
    /// Those of [`stop`](Self::stop) and [`start`](Self::start).
    pub async fn restart(&self, patience: Option<Duration>) -> Result<ThreadReport, ThreadError> {
        let report = self.stop(patience).await?;
        self.start().await?;
        Ok(report)
    }

    /// Stops the thread, starts it again, and blocks this one meanwhile.
    ///
    /// # Errors
    /// Those of `restart`, and [`ThreadError::WouldDeadlock`] on any reactor thread.
    pub fn restart_blocking(&self, patience: Option<Duration>) -> Result<ThreadReport, ThreadError> {
        let report = self.stop_blocking(patience)?;
        self.start_blocking()?;
        Ok(report)
    }

    fn take_life(&self) -> Result<Option<(Turn<'_>, Box<Life>)>, ThreadError> {
        // The pool's own thread, or one that runs a closure of the pool, would wait for its own end.
        if thread_bound::is_here(self.plan.id) || self.state.pool().is_some_and(|pool| pool.set.is_inside()) {
            return Err(ThreadError::WouldDeadlock);
        }
        let taken = self.state.stop()?;
        if let Some((_, life)) = &taken {
            life.pool().close();
        }
        Ok(taken)
    }

    /// Starts a future that returns a value; see [`Handle::spawn`](crate::Handle::spawn).
    ///
    /// The future is created on the thread.
    #[track_caller]
    pub fn spawn<M, F>(&self, make: M) -> Task<F::Output>
    where
        M: FnOnce(ThreadBound<C>) -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        self.begin::<M, F, Value>(make, Spec::plain())
    }

    /// Starts a future that returns a `Result`; see [`Handle::run`](crate::Handle::run).
    ///
    /// The future is created on the thread.
    #[track_caller]
    pub fn run<M, F, T, E>(&self, make: M) -> Task<T>
    where
        M: FnOnce(ThreadBound<C>) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
    {
        self.begin::<M, F, Fallible>(make, Spec::plain())
    }

    /// Calls a closure with the value, on the thread.
    #[track_caller]
    pub fn spawn_with<J, T>(&self, job: J) -> Task<T>
    where
        J: FnOnce(&mut C) -> T + Send + 'static,
        T: Send + 'static,
    {
        let make = move |value: ThreadBound<C>| async move { value.with(job).map_err(TaskError::from_error) };
        self.begin::<_, _, WithTaskError>(make, Spec::plain())
    }

    /// Calls a closure that returns a `Result` with the value.
    ///
    /// `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_with<J, T, E>(&self, job: J) -> Task<T>
    where
        J: FnOnce(&mut C) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
    {
        let make = move |value: ThreadBound<C>| async move {
            let done = value.with(job).map_err(TaskError::from_error)?;
            done.map_err(TaskError::from_error)
        };
        self.begin::<_, _, WithTaskError>(make, Spec::plain())
    }

    fn begin<M, F, V>(&self, make: M, spec: Spec<()>) -> Task<V::Output>
    where
        M: FnOnce(ThreadBound<C>) -> F + Send + 'static,
        F: Future + 'static,
        V: Convert<F::Output> + 'static,
        V::Output: Send + 'static,
    {
        let Some(pool) = self.state.pool() else {
            return Task::already_finished(Err(TaskError::from_error(PoolStopped)), spec);
        };
        let value = self.value();
        pool.set.start(LazyBody::<_, F, V>::new(move || make(value)), spec)
    }

    /// Calls a closure with the value, and blocks until it has returned.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on the pool's own thread and on any reactor thread, where the closure is not
    /// called; otherwise those of the task.
    pub fn call<J, T>(&self, job: J) -> Result<T, TaskError>
    where
        J: FnOnce(&mut C) -> T + Send + 'static,
        T: Send + 'static,
    {
        if drives_any() {
            return Err(TaskError::WouldDeadlock);
        }
        self.spawn_with(job).wait()
    }

    /// Runs a future on the thread and blocks until it is ready.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on the pool's own thread and on any reactor thread, where the future is not
    /// created; otherwise those of the task.
    ///
    /// # Example
    /// ```
    /// let pool = offtick::WorkerThread::builder("worker").build()?;
    /// pool.start_blocking()?;
    /// assert_eq!(pool.block_on(|_| async { 7 })?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn block_on<M, F>(&self, make: M) -> Result<F::Output, TaskError>
    where
        M: FnOnce(ThreadBound<C>) -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        if drives_any() {
            return Err(TaskError::WouldDeadlock);
        }
        self.spawn(make).wait()
    }

    /// Returns the value, for tasks of [`pool`](Self::pool) and its builder.
    pub fn value(&self) -> ThreadBound<C> {
        ThreadBound::new(self.plan.id)
    }

    /// Returns the pool of this run.
    ///
    /// Use it to resize or check it, for tasks of the builder, and for closures on threads for blocking work. It is of
    /// no use after a stop.
    ///
    /// # Errors
    /// [`PoolStopped`] while it is not running.
    pub fn pool(&self) -> Result<PoolHandle, PoolStopped> {
        self.state.pool().ok_or(PoolStopped)
    }

    /// Returns true between a start and a stop.
    pub fn is_running(&self) -> bool {
        self.state.pool().is_some()
    }

    /// Returns the name of the thread.
    pub fn name(&self) -> &str {
        &self.plan.name
    }
}

impl<C> Drop for WorkerThread<C> {
    fn drop(&mut self) {
        // No other code has it, so it is not being changed. A tear-down that is a closure runs as the thread ends.
        let Ok(Some((_turn, life))) = self.state.stop() else { return };
        if life.has_future() && !drives_any() {
            let (_left, ended) = life.end();
            let _in_time = park::block_on(pin!(ended.heard()), Some(GRACE));
        }
    }
}

impl<C> fmt::Debug for WorkerThread<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerThread")
            .field("name", &self.plan.name)
            .field("pool", &self.state.pool())
            .finish_non_exhaustive()
    }
}
