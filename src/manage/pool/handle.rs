//! The handle that starts tasks in a pool.

use super::builder::Settings;
use super::map::PoolMap;
use super::set::PoolSet;
use super::{TaskPool, nonzero};
use crate::error::InvalidSetting;
use crate::error::{IntoBoxError, TrySpawnError};
use crate::manage::TaskGroup;
use crate::manage::limited::{Condition, GroupProgress, LimitedSet, Permit, Waiter};
use crate::manage::limiter::Refused;
use crate::runtime::Handle;
use crate::spawn::{Futures, Target, TaskBuilder};
use crate::sync::Arc;
use crate::task::raw::{ClosureBody, Fallible, FutureBody, Value, Work};
use crate::task::{Spec, Task};
use crate::util::methods::methods;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

/// A handle that starts tasks in a pool or group, and waits for them.
///
/// It belongs to a [`TaskPool`](super::TaskPool) or a [`TaskGroup`](crate::TaskGroup), and also counts and limits the
/// tasks. Cloning it is cheap, for members and other threads.
///
/// It keeps no member and no pool alive. Once the pool is stopped or dropped, a task that is started through the handle
/// ends immediately with [`PoolStopped`](crate::PoolStopped), and the `try_` methods return the job.
///
/// It has the methods of [`Handle`], which start a task as soon as a slot is free. They never block.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 4)?;
/// let handle = pool.handle().clone();
/// // A page that finds more pages. It must not wait for them inside of the pool if they could fill it.
/// let mut page = pool.spawn(async move { handle.spawn(async { "linked page" }) });
/// assert_eq!(page.wait()?.wait()?, "linked page");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PoolHandle {
    pub(in crate::manage) set: Arc<LimitedSet>,
}

impl PoolHandle {
    pub(in crate::manage) fn new(handle: &Handle, settings: Settings) -> Self {
        Self { set: LimitedSet::new(handle, settings.limit(), settings.rules()) }
    }

    pub(in crate::manage) fn of(set: &Arc<LimitedSet>) -> Self {
        Self { set: Arc::clone(set) }
    }

    /// Returns the members, for methods that owners of a handle have as well.
    pub(in crate::manage) fn members(&self) -> &Arc<LimitedSet> {
        &self.set
    }

    pub(in crate::manage) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("size", &self.size())
            .field("closed", &self.is_closed())
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

methods! {
impl PoolHandle, TaskPool, TaskGroup {
    /// Starts a future that returns a value; see [`Handle::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.members().start(FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result`; see [`Handle::run`].
    #[track_caller]
    pub fn run<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        self.members().start(FutureBody::<F, Fallible>::new(future), Spec::plain())
    }

    /// Starts a closure that returns a value; see [`Handle::spawn_blocking`].
    ///
    /// It takes a slot first, then a thread.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.members().start_blocking(ClosureBody::<F, Value>::new(closure), Spec::plain())
    }

    /// Starts a closure that returns a `Result`; see [`Handle::run_blocking`].
    ///
    /// It takes a slot first, then a thread.
    #[track_caller]
    pub fn run_blocking<F, T, E>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        self.members().start_blocking(ClosureBody::<F, Fallible>::new(closure), Spec::plain())
    }

    /// Starts a future that returns a value, or returns it if it is refused.
    ///
    /// # Errors
    /// [`TrySpawnError::Full`] if no slot is free and the queue is full
    /// ([`queue_limit`](super::TaskPoolBuilder::queue_limit)), [`TrySpawnError::Stopped`],
    /// [`TrySpawnError::RuntimeGone`].
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<Task<F::Output>, TrySpawnError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let spec = Spec::plain();
        let (permit, future) = admit(self.members(), future)?;
        Ok(self.members().submit(permit, FutureBody::<F, Value>::new(future), spec))
    }

    /// Starts a future that returns a `Result`, or returns it if it is refused.
    ///
    /// # Errors
    /// Those of [`try_spawn`](Self::try_spawn).
    #[track_caller]
    pub fn try_run<F, T, E>(&self, future: F) -> Result<Task<T>, TrySpawnError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        let spec = Spec::plain();
        let (permit, future) = admit(self.members(), future)?;
        Ok(self.members().submit(permit, FutureBody::<F, Fallible>::new(future), spec))
    }

    /// Starts a closure that returns a value, or returns it if it is refused.
    ///
    /// # Errors
    /// Those of [`try_spawn`](Self::try_spawn). An accepted closure that finds no thread later fails with that error.
    #[track_caller]
    pub fn try_spawn_blocking<F, T>(&self, closure: F) -> Result<Task<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let spec = Spec::plain();
        let (permit, closure) = admit(self.members(), closure)?;
        Ok(self.members().submit_blocking(permit, ClosureBody::<F, Value>::new(closure), spec))
    }

    /// Starts a closure that returns a `Result`, or returns it if refused.
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
        let spec = Spec::plain();
        let (permit, closure) = admit(self.members(), closure)?;
        Ok(self.members().submit_blocking(permit, ClosureBody::<F, Fallible>::new(closure), spec))
    }

    /// Waits until the `try_` methods would accept a job.
    ///
    /// Then a slot is free, or a place in the queue. It is also ready once they never will accept one: then they return
    /// the reason. Dropping the future changes nothing.
    ///
    /// It reserves nothing: all waiters are woken, and late ones get [`TrySpawnError::Full`] and wait again. Use it for
    /// a source that feeds the pool and may be slowed down; for the items of an iterator, use [`map`](Self::map). A
    /// member that awaits it holds its own slot meanwhile.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let pool = offtick::TaskPool::builder().size(2).queue_limit(2).build(&rt)?;
    /// let feed = pool.handle().clone();
    /// let mut feeding = rt.run(async move {
    ///     for page in 0..100 {
    ///         let mut job = async move { page };
    ///         while let Err(refused) = feed.try_spawn(job).map(offtick::Task::detach) {
    ///             if !refused.is_full() {
    ///                 return Err("the pool was stopped");
    ///             }
    ///             job = refused.into_inner();
    ///             feed.capacity().await;
    ///         }
    ///     }
    ///     Ok(())
    /// });
    /// feeding.wait()?;
    /// pool.wait()?;
    /// assert_eq!(pool.progress().done, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn capacity(&self) -> impl Future<Output = ()> + Send + use<> {
        Waiter::new(self.members(), Condition::Capacity)
    }

    /// Starts the description of a task of the pool; see [`Handle::task`].
    ///
    /// Its [`priority`](TaskBuilder::priority) determines its position in the queue, and may be changed while it waits
    /// ([`Task::set_priority`]). Its [`timeout`](TaskBuilder::timeout) counts while it runs, not while it waits.
    ///
    /// # Example
    /// ```
    /// use offtick::{Priority, TaskPool};
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let pool = TaskPool::new(&rt, 1)?;
    /// let mut task = pool
    ///     .task()
    ///     .name("visible tile")
    ///     .priority(Priority::UserBlocking)
    ///     .timeout(Duration::from_secs(10))
    ///     .progress::<u8>(4)
    ///     .spawn_blocking(|cx| {
    ///         cx.report(100);
    ///         "pixels"
    ///     });
    /// assert_eq!(task.wait()?, "pixels");
    /// assert_eq!(task.latest(), Some(100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn task(&self) -> TaskBuilder<(), PoolHandle> {
        TaskBuilder::new(PoolHandle::of(self.members()))
    }

    /// Creates a set whose tasks run in this pool, and which returns the finished ones.
    pub fn set<K: Eq + Hash + Clone, T, P>(&self) -> PoolSet<K, T, P> {
        PoolSet::on(&PoolHandle::of(self.members()))
    }

    /// Starts a task per item, a limited number at a time; see [`PoolMap`].
    ///
    /// It returns the values as they come.
    ///
    /// Nothing starts before the first check of the results. The checking thread takes the items and calls `make`,
    /// slightly ahead of the running tasks: an infinite iterator is fine.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let pool = offtick::TaskPool::new(&rt, 4)?;
    /// let mut pages = pool.map(["a", "bb", "ccc"], |page| async move { page.len() });
    /// let sum = offtick::block_on(async {
    ///     let mut sum = 0;
    ///     while let Some((_index, size)) = pages.next().await {
    ///         sum += size?;
    ///     }
    ///     Ok::<_, offtick::TaskError>(sum)
    /// })??;
    /// assert_eq!(sum, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<I, M, F>(&self, items: I, mut make: M) -> PoolMap<F::Output>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        M: FnMut(I::Item) -> F + Send + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        PoolMap::new(&PoolHandle::of(self.members()), items.into_iter(), move |pool, item| pool.spawn(make(item)))
    }

    /// Starts a fallible future per item; see [`map`](Self::map).
    ///
    /// `Err` ends that task in `Status::Error`.
    pub fn try_map<I, M, F, T, E>(&self, items: I, mut make: M) -> PoolMap<T>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        M: FnMut(I::Item) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
    {
        PoolMap::new(&PoolHandle::of(self.members()), items.into_iter(), move |pool, item| pool.run(make(item)))
    }

    /// Starts a closure per item, on a thread for blocking work; see [`map`](Self::map).
    pub fn map_blocking<I, M, T>(&self, items: I, work: M) -> PoolMap<T>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Send + 'static,
        M: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        let work = Arc::new(work);
        PoolMap::new(&PoolHandle::of(self.members()), items.into_iter(), move |pool, item| {
            let work = Arc::clone(&work);
            pool.spawn_blocking(move || work(item))
        })
    }

    /// Starts a fallible closure per item; see [`map_blocking`](Self::map_blocking).
    ///
    /// `Err` ends that task in `Status::Error`.
    pub fn try_map_blocking<I, M, T, E>(&self, items: I, work: M) -> PoolMap<T>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Send + 'static,
        M: Fn(I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
    {
        let work = Arc::new(work);
        PoolMap::new(&PoolHandle::of(self.members()), items.into_iter(), move |pool, item| {
            let work = Arc::clone(&work);
            pool.run_blocking(move || work(item))
        })
    }

    /// Returns the runtime of its members.
    pub fn runtime(&self) -> &Handle {
        &self.members().handle
    }

    /// Returns the largest number of concurrent members; `None`: unlimited.
    pub fn size(&self) -> Option<usize> {
        self.members().limit().map(usize::from)
    }

    /// Changes the largest number of concurrent members.
    ///
    /// When it grows, waiting members start immediately, as many as slots are free. When it shrinks, none is stopped;
    /// the next one starts when fewer run than the new size.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0, and nothing changes; [`resize_unlimited`](Self::resize_unlimited) removes the limit.
    pub fn resize(&self, size: usize) -> Result<(), InvalidSetting> {
        self.members().resize(Some(nonzero("size", size, "at least 1; `resize_unlimited` removes the limit")?));
        Ok(())
    }

    /// Removes the limit of concurrent members: all waiting ones start.
    pub fn resize_unlimited(&self) {
        self.members().resize(None);
    }

    /// Returns the counts of its members, at the same cost for any number.
    ///
    /// A task that ends is counted slightly after its own handle shows it; after a [`join`](Self::join) the numbers are
    /// final.
    pub fn progress(&self) -> GroupProgress {
        self.members().progress()
    }

    /// Returns the number of members that wait for a slot.
    pub fn waiting(&self) -> usize {
        self.members().waiting()
    }

    /// Returns true if every member has ended, and every closure has returned.
    pub fn is_idle(&self) -> bool {
        self.members().is_idle()
    }

    /// Cancels every unfinished member and returns their number.
    ///
    /// The waiting ones come first, so that none of them starts.
    ///
    /// The pool remains usable, unless it is a group that is linked with a [token](crate::TaskGroup::with_token): that
    /// is cancelled as well.
    pub fn cancel_all(&self) -> usize {
        self.members().cancel_all()
    }
}
}

/// Returns a permit for a job, else the job and the reason.
fn admit<F>(set: &LimitedSet, job: F) -> Result<(Permit, F), TrySpawnError<F>> {
    if set.handle.is_closed() {
        return Err(TrySpawnError::RuntimeGone(job));
    }
    match set.permit(set.rules.queue_limit) {
        Ok(permit) => Ok((permit, job)),
        Err(Refused::Full) => Err(TrySpawnError::Full(job)),
        Err(Refused::Closed) => Err(TrySpawnError::Stopped(job)),
    }
}

impl Target for PoolHandle {
    const KEEPS_TIME: bool = true;

    fn handle(&self) -> &Handle {
        &self.set.handle
    }

    fn time_limit(&self, asked: Option<Duration>) -> Option<Duration> {
        asked.or(self.set.rules.time_limit)
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.set.start_blocking(body, spec)
    }
}

impl Futures for PoolHandle {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.set.start(body, spec)
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("PoolHandle", f)
    }
}
