//! Tasks under keys, a limited number at a time, returned as they finish.

use super::{PoolHandle, TaskPool};
use crate::error::InvalidSetting;
use crate::error::{IntoBoxError, TaskError};
use crate::manage::set::TaskSet;
use crate::runtime::Handle;
use crate::task::Task;
use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::Hash;

/// A [`TaskPool`] and a [`TaskSet`] in one: tasks under your own keys.
///
/// A limited number runs at a time, and the set returns them as they finish.
///
/// It has its own pool ([`new`](Self::new)), or one that several share ([`PoolHandle::set`]). It owns only the tasks
/// that it started: dropping it cancels them, the waiting ones first, and leaves a shared pool running. A tick over a
/// set in which nothing finished costs one load, for any number of tasks.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut tiles = offtick::PoolSet::new(&rt, 2)?;
/// for tile in 0..8_u32 {
///     tiles.spawn_blocking(tile, move || tile * 10);
/// }
/// tiles.remove(&7); // scrolled out of view: never starts, or is cancelled
/// let mut map = std::collections::BTreeMap::new();
/// while !tiles.is_empty() {
///     // One tick.
///     for (tile, pixels) in tiles.drain_finished() {
///         map.insert(tile, pixels?);
///     }
///     std::thread::yield_now();
/// }
/// assert_eq!((map.len(), map[&3]), (7, 30));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PoolSet<K, T, P = ()> {
    tasks: TaskSet<K, T, P>,
    pool: PoolHandle,
    /// Dropped after the tasks, which are cancelled first.
    _own: Option<TaskPool>,
}

impl<K: Eq + Hash + Clone, T, P> PoolSet<K, T, P> {
    /// Creates an empty set with its own pool of at most `size` concurrent tasks.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0; [`unlimited`](Self::unlimited) creates a set without a limit.
    pub fn new(handle: &impl AsRef<Handle>, size: usize) -> Result<Self, InvalidSetting> {
        Ok(Self::owning(TaskPool::new(handle, size)?))
    }

    /// Creates an empty set with its own pool, without a limit.
    pub fn unlimited(handle: &impl AsRef<Handle>) -> Self {
        Self::owning(TaskPool::unlimited(handle))
    }

    fn owning(own: TaskPool) -> Self {
        Self { tasks: TaskSet::new(), pool: own.handle().clone(), _own: Some(own) }
    }

    pub(super) fn on(pool: &PoolHandle) -> Self {
        Self { tasks: TaskSet::new(), pool: pool.clone(), _own: None }
    }

    /// Inserts a task and returns the previous one with that key, if any.
    ///
    /// Create it by [`task`](PoolHandle::task) of the set's pool, for a name, a priority, progress or a retry. The
    /// returned task is out of the set, and its end will not be reported.
    ///
    /// # Example
    /// ```
    /// use offtick::{PoolSet, Priority};
    /// let rt = offtick::Runtime::new()?;
    /// let mut imports = PoolSet::new(&rt, 1)?;
    /// let urgent = imports.pool().task().priority(Priority::UserBlocking).progress::<u8>(8);
    /// imports.insert("map", urgent.spawn(|mut cx| async move { cx.report(50) }));
    /// assert_eq!(imports.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert(&mut self, key: K, task: Task<T, P>) -> Option<Task<T, P>> {
        self.tasks.insert(key, task)
    }

    /// Removes a task, finished or not; its end will not be reported.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<Task<T, P>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.tasks.remove(key)
    }

    /// Returns the task under a key, to check or cancel it.
    pub fn get<Q>(&self, key: &Q) -> Option<&Task<T, P>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.tasks.get(key)
    }

    /// Returns true if there is a task under the key.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.tasks.contains_key(key)
    }

    /// Takes out the tasks that finished since the last call; see [`TaskSet::drain_finished`].
    ///
    /// # Errors
    /// Each task's own.
    #[inline]
    pub fn drain_finished(&mut self) -> impl Iterator<Item = (K, Result<T, TaskError>)> {
        self.tasks.drain_finished()
    }

    /// Takes out whole finished tasks; see [`drain_finished`](Self::drain_finished).
    #[inline]
    pub fn drain_finished_tasks(&mut self) -> impl Iterator<Item = (K, Task<T, P>)> {
        self.tasks.drain_finished_tasks()
    }

    /// Waits for the next task to finish and takes it out; `None` if the set is empty.
    ///
    /// Cancel safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// The task's own.
    pub async fn next(&mut self) -> Option<(K, Result<T, TaskError>)> {
        self.tasks.next().await
    }
}

impl<K: Eq + Hash + Clone, T: Send + 'static> PoolSet<K, T> {
    /// Starts a future that returns a value, as soon as a slot is free.
    ///
    /// Returns the previous task with that key, if any.
    #[track_caller]
    pub fn spawn<F>(&mut self, key: K, future: F) -> Option<Task<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let task = self.pool.spawn(future);
        self.insert(key, task)
    }

    /// Starts a future that returns a `Result`, as soon as a slot is free.
    ///
    /// Returns the previous task with that key, if any.
    #[track_caller]
    pub fn run<F, E>(&mut self, key: K, future: F) -> Option<Task<T>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        E: IntoBoxError,
    {
        let task = self.pool.run(future);
        self.insert(key, task)
    }

    /// Starts a closure that returns a value, as soon as a slot is free.
    ///
    /// Returns the previous task with that key, if any.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, key: K, closure: F) -> Option<Task<T>>
    where
        F: FnOnce() -> T + Send + 'static,
    {
        let task = self.pool.spawn_blocking(closure);
        self.insert(key, task)
    }

    /// Starts a closure that returns a `Result`, as soon as a slot is free.
    ///
    /// Returns the previous task with that key, if any.
    #[track_caller]
    pub fn run_blocking<F, E>(&mut self, key: K, closure: F) -> Option<Task<T>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        E: IntoBoxError,
    {
        let task = self.pool.run_blocking(closure);
        self.insert(key, task)
    }
}

impl<K, T, P> PoolSet<K, T, P> {
    /// Returns the pool of its tasks, to resize it, check it, or build tasks.
    pub fn pool(&self) -> &PoolHandle {
        &self.pool
    }

    /// Returns the number of tasks: waiting, running, and finished but not drained.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns true if there is no task inside.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Returns all keys with their tasks, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Task<T, P>)> {
        self.tasks.iter()
    }

    /// Returns all keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.tasks.keys()
    }

    /// Cancels every unfinished task of the set and returns their number.
    ///
    /// The waiting ones come first, so that none of them starts.
    ///
    /// They stay inside and are returned by the next drains as cancelled.
    pub fn cancel_all(&self) -> usize {
        self.tasks.cancel_waiting() + self.tasks.cancel_all()
    }
}

impl<K, T, P> Drop for PoolSet<K, T, P> {
    fn drop(&mut self) {
        self.cancel_all();
    }
}

impl<K: fmt::Debug, T, P> fmt::Debug for PoolSet<K, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tasks.fmt(f)
    }
}
