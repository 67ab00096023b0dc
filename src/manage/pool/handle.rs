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

/// A handle that starts tasks in a [`TaskPool`](super::TaskPool) or a [`TaskGroup`](crate::TaskGroup), and counts, limits and waits
/// for them. Cheap to clone, for members and other threads.
///
/// It keeps no member alive and no pool: once the pool is stopped or dropped, a task that is given to the handle is over at once,
/// failed with [`PoolStopped`](crate::PoolStopped), and the `try_` verbs return the job.
///
/// The verbs are those of [`Handle`], and start a task as soon as a slot is free. They never block.
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

    /// The members: for the methods that owners of a handle have as well.
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

    /// Starts a closure that returns a value; see [`Handle::spawn_blocking`]. It gets a thread no sooner than a slot.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.members().start_blocking(ClosureBody::<F, Value>::new(closure), Spec::plain())
    }

    /// Starts a closure that returns a `Result`; see [`Handle::run_blocking`]. It gets a thread no sooner than a slot.
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
    /// [`TrySpawnError::Full`] where it would have to wait and as many wait as may
    /// ([`queue_limit`](super::TaskPoolBuilder::queue_limit)), [`TrySpawnError::Stopped`], [`TrySpawnError::RuntimeGone`].
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
    /// Those of [`try_spawn`](Self::try_spawn). A closure that is taken in and finds no thread later fails with that.
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

    /// Ready once the `try_` verbs would take a job: a slot is free, or a place in the queue. Also ready once they never
    /// will again: then they return why. Dropping it changes nothing.
    ///
    /// It reserves nothing: of several waiters all are woken, and those that come too late get
    /// [`TrySpawnError::Full`] and wait again. For a source that feeds the pool and may be slowed down; to do
    /// the same with each item of an iterator, use [`map`](Self::map). A member that awaits it holds its own slot meanwhile.
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

    /// Starts the description of a task that has more than a body, as [`Handle::task`] does.
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

    /// A set whose tasks run in this pool, and which hands out the finished ones.
    pub fn set<K: Eq + Hash + Clone, T, P>(&self) -> PoolSet<K, T, P> {
        PoolSet::on(&PoolHandle::of(self.members()))
    }

    /// Starts a task for each item, a limited number at a time, and returns the values as they come: see [`PoolMap`].
    ///
    /// Nothing happens before the first look at the results. Items are taken, and `make` is called, on the thread that
    /// looks, a few ahead of what runs: an iterator without an end is fine.
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

    /// Starts a future that returns a `Result` for each item, like [`map`](Self::map): `Err` ends that one in `Status::Error`.
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

    /// As [`map`](Self::map), with a closure that may block: it is called on a thread for blocking work.
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

    /// As [`map_blocking`](Self::map_blocking), with a closure that returns a `Result`: `Err` ends that one in
    /// `Status::Error`.
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

    /// The runtime of its members.
    pub fn runtime(&self) -> &Handle {
        &self.members().handle
    }

    /// The most members that run at once. `None`: unlimited.
    pub fn size(&self) -> Option<usize> {
        self.members().limit().map(usize::from)
    }

    /// Changes how many members may run at once.
    ///
    /// When it grows, members that wait start at once, as many as slots are free. When it shrinks none is stopped; the next
    /// one starts when fewer run than the new size.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0, and nothing changes; [`resize_unlimited`](Self::resize_unlimited) removes the limit.
    pub fn resize(&self, size: usize) -> Result<(), InvalidSetting> {
        self.members().resize(Some(nonzero("size", size, "at least 1; `resize_unlimited` removes the limit")?));
        Ok(())
    }

    /// Lets any number of members run at once: all that wait start.
    pub fn resize_unlimited(&self) {
        self.members().resize(None);
    }

    /// The counts of its members. Costs the same however many there are.
    ///
    /// A task that ends is counted a moment after its own handle shows it; after a [`join`](Self::join) the numbers are final.
    pub fn progress(&self) -> GroupProgress {
        self.members().progress()
    }

    /// Number of members that wait for a slot.
    pub fn waiting(&self) -> usize {
        self.members().waiting()
    }

    /// True if every member is over, and every closure of one has returned.
    pub fn is_idle(&self) -> bool {
        self.members().is_idle()
    }

    /// Cancels every member that is not over, the waiting ones first, so that none of them starts. Returns how many there were.
    ///
    /// The pool can be used on, unless it is a group that is linked with a [token](crate::TaskGroup::with_token): that is cancelled
    /// as well.
    pub fn cancel_all(&self) -> usize {
        self.members().cancel_all()
    }
}
}

/// A permit for a job, else the job and the reason.
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
