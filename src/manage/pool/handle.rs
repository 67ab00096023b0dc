//! What takes tasks into a pool.

use super::builder::{self, Settings};
use super::map::PoolMap;
use super::set::PoolSet;
use crate::error::{BoxError, TrySpawnError};
use crate::manage::members::{GroupProgress, Members, NoPlace, Reserved, Room};
use crate::runtime::Handle;
use crate::spawn::{FuturePlace, Place, TaskBuilder};
use crate::sync::Arc;
use crate::task::raw::{ClosureBody, Fallible, FutureBody, Value, Work};
use crate::task::{Spec, Task};
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

/// What takes tasks into a [`TaskPool`](super::TaskPool): a cheap clone of it goes wherever tasks are started, into members too.
///
/// It keeps no member alive and no pool: once the pool is stopped or dropped, whatever is given to the handle is over at once,
/// failed with [`PoolStopped`](crate::PoolStopped), and the `try_` verbs give it back.
///
/// The verbs are those of [`Handle`], and start a task as soon as there is room. They never block.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 4);
/// let handle = pool.handle().clone();
/// // A page that finds more pages. It must not wait for them inside of the pool if they could fill it.
/// let mut page = pool.spawn(async move { handle.spawn(async { "linked page" }) });
/// assert_eq!(page.wait()?.wait()?, "linked page");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PoolHandle {
    pub(in crate::manage) members: Arc<Members>,
}

impl PoolHandle {
    pub(super) fn new(handle: &Handle, settings: Settings) -> Self {
        Self { members: Members::new(handle, builder::size(settings.size), settings.rules()) }
    }

    pub(super) fn owner_dropped(&self) {
        self.members.dropped();
    }

    /// Starts a future that returns a value; see [`Handle::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.members.start(FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result`; see [`Handle::run`].
    #[track_caller]
    pub fn run<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        self.members.start(FutureBody::<F, Fallible>::new(future), Spec::plain())
    }

    /// Starts a closure that returns a value; see [`Handle::spawn_blocking`]. It gets a thread no sooner than a slot.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.members.start_blocking(ClosureBody::<F, Value>::new(closure), Spec::plain())
    }

    /// Starts a closure that returns a `Result`; see [`Handle::run_blocking`]. It gets a thread no sooner than a slot.
    #[track_caller]
    pub fn run_blocking<F, T, E>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        self.members.start_blocking(ClosureBody::<F, Fallible>::new(closure), Spec::plain())
    }

    /// As [`spawn`](Self::spawn), but a future that is not taken in comes back.
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
        let (place, future) = self.reserve(future)?;
        Ok(self.members.fill(place, FutureBody::<F, Value>::new(future), spec))
    }

    /// As [`run`](Self::run), but a future that is not taken in comes back.
    ///
    /// # Errors
    /// Those of [`try_spawn`](Self::try_spawn).
    #[track_caller]
    pub fn try_run<F, T, E>(&self, future: F) -> Result<Task<T>, TrySpawnError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        let spec = Spec::plain();
        let (place, future) = self.reserve(future)?;
        Ok(self.members.fill(place, FutureBody::<F, Fallible>::new(future), spec))
    }

    /// As [`spawn_blocking`](Self::spawn_blocking), but a closure that is not taken in comes back.
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
        let (place, closure) = self.reserve(closure)?;
        Ok(self.members.fill_blocking(place, ClosureBody::<F, Value>::new(closure), spec))
    }

    /// As [`run_blocking`](Self::run_blocking), but a closure that is not taken in comes back.
    ///
    /// # Errors
    /// Those of [`try_spawn_blocking`](Self::try_spawn_blocking).
    #[track_caller]
    pub fn try_run_blocking<F, T, E>(&self, closure: F) -> Result<Task<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        let spec = Spec::plain();
        let (place, closure) = self.reserve(closure)?;
        Ok(self.members.fill_blocking(place, ClosureBody::<F, Fallible>::new(closure), spec))
    }

    /// Ready once the `try_` verbs would take a job in: there is a slot, or a place in the queue. Ready as well once they never
    /// will again: then they say why. Dropping it changes nothing.
    ///
    /// It keeps no place: of several who wait all are woken, and those who come too late get
    /// [`TrySpawnError::Full`] and wait again. For one who feeds the pool from a source that may be slowed down; to do
    /// the same with each item of an iterator, take [`map`](Self::map). A member that awaits it holds its own slot meanwhile.
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
    ///             feed.room().await;
    ///         }
    ///     }
    ///     Ok(())
    /// });
    /// feeding.wait()?;
    /// pool.wait()?;
    /// assert_eq!(pool.progress().done, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn room(&self) -> impl Future<Output = ()> + Send + use<> {
        Room::new(&self.members)
    }

    fn reserve<F>(&self, job: F) -> Result<(Reserved, F), TrySpawnError<F>> {
        if self.members.handle.is_closed() {
            return Err(TrySpawnError::RuntimeGone(job));
        }
        match self.members.reserve(self.members.rules.queue_limit) {
            Ok(place) => Ok((place, job)),
            Err(NoPlace::Full) => Err(TrySpawnError::Full(job)),
            Err(NoPlace::Closed) => Err(TrySpawnError::Stopped(job)),
        }
    }

    /// Starts the description of a task that has more than a body, as [`Handle::task`] does.
    ///
    /// Its [`priority`](TaskBuilder::priority) says before whom it gets a slot, and may be changed while it waits
    /// ([`Task::set_priority`]). Its [`timeout`](TaskBuilder::timeout) counts while it runs.
    ///
    /// # Example
    /// ```
    /// use offtick::{Priority, TaskPool};
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let pool = TaskPool::new(&rt, 1);
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
    pub fn task(&self) -> TaskBuilder<(), Self> {
        TaskBuilder::new(self.clone())
    }

    /// A set whose tasks run in this pool, and which gives out the ones that finished.
    pub fn set<K: Eq + Hash + Clone, T, P>(&self) -> PoolSet<K, T, P> {
        PoolSet::on(self)
    }

    /// Does something with each item, so many at a time, and gives out the values as they come: see [`PoolMap`].
    ///
    /// Nothing happens before the first look at the results. Items are taken, and `make` is called, on the thread that
    /// looks, a few ahead of what runs: an iterator without an end is fine.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let pool = offtick::TaskPool::new(&rt, 4);
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
        PoolMap::new(self, items.into_iter(), move |pool, item| pool.spawn(make(item)))
    }

    /// As [`map`](Self::map), with futures that return a `Result`: `Err` ends that one in `Status::Error`.
    pub fn try_map<I, M, F, T, E>(&self, items: I, mut make: M) -> PoolMap<T>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        M: FnMut(I::Item) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        PoolMap::new(self, items.into_iter(), move |pool, item| pool.run(make(item)))
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
        PoolMap::new(self, items.into_iter(), move |pool, item| {
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
        E: Into<BoxError> + 'static,
    {
        let work = Arc::new(work);
        PoolMap::new(self, items.into_iter(), move |pool, item| {
            let work = Arc::clone(&work);
            pool.run_blocking(move || work(item))
        })
    }

    /// Where its members run.
    pub fn runtime(&self) -> &Handle {
        &self.members.handle
    }

    /// How many members may run at once; 0: any number.
    pub fn size(&self) -> usize {
        self.members.size().map_or(0, usize::from)
    }

    /// Changes how many members may run at once; 0: any number.
    ///
    /// When it grows, those that wait start at once, as many as there is room for. When it shrinks none is stopped; the next
    /// one starts when fewer run than the new size.
    pub fn resize(&self, size: usize) {
        self.members.resize(builder::size(size));
    }

    /// How far it is. Costs the same however many members there are.
    ///
    /// A task that ends is counted a moment after its own handle says so; after a [`join`](Self::join) the numbers are final.
    pub fn progress(&self) -> GroupProgress {
        self.members.progress()
    }

    /// How many members wait for a slot.
    pub fn waiting(&self) -> usize {
        self.members.waiting()
    }

    /// True if no member is left.
    pub fn is_idle(&self) -> bool {
        self.members.is_idle()
    }

    /// Cancels every member that is not over, the waiting ones first, so that none of them starts, and says how many. The pool
    /// can be used on.
    pub fn cancel_all(&self) -> usize {
        self.members.cancel_all()
    }

    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("size", &self.size())
            .field("closed", &self.is_closed())
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

impl Place for PoolHandle {
    const WAITS: bool = true;
    const KEEPS_TIME: bool = true;

    fn handle(&self) -> &Handle {
        &self.members.handle
    }

    fn time_limit(&self, asked: Option<Duration>) -> Option<Duration> {
        asked.or(self.members.rules.time_limit)
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work + Unpin,
    {
        self.members.start_blocking(body, spec)
    }
}

impl FuturePlace for PoolHandle {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.members.start(body, spec)
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("PoolHandle", f)
    }
}
