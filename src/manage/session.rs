//! The named tasks of one session.

use super::WrongType;
use super::manager::TaskManager;
use super::pool::{PoolHandle, Settings, TaskPool};
use super::stored::Stored;
use crate::error::IntoBoxError;
use crate::runtime::Handle;
use crate::task::{CancelHandle, SharedTask, Task};
use crate::util::catch::drop_quietly;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

/// The named tasks of one interface session: a tab, a window, a connected user.
///
/// Use it in interfaces that run the same code on each redraw. [`get_or_run`](Self::get_or_run) starts a task the first
/// time and returns the same one from then on, finished or not, until it is removed or replaced. Dropping the session
/// cancels all its tasks, even those with other owners.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut session = offtick::Session::new(&rt);
/// for _redraw in 0..3 {
///     let load = session.get_or_run("load", || async { Ok::<_, std::io::Error>(vec![1, 2, 3]) })?;
///     match load.result() {
///         None => println!("loading"),
///         Some(Ok(rows)) => println!("{} rows", rows.len()),
///         Some(Err(error)) => println!("{error}"),
///     }
/// }
/// assert_eq!(session.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session {
    handle: Handle,
    manager: Option<TaskManager>,
    tasks: BTreeMap<Box<str>, Stored>,
    /// The pools of [`serial`](Session::serial), with one slot each.
    serial: BTreeMap<Box<str>, TaskPool>,
}

impl Session {
    /// Creates a session whose tasks run on `handle`.
    pub fn new(handle: &impl AsRef<Handle>) -> Self {
        Self { handle: handle.as_ref().clone(), manager: None, tasks: BTreeMap::new(), serial: BTreeMap::new() }
    }

    /// Creates a session whose tasks a manager lists as well.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let manager = offtick::TaskManager::new(&rt);
    /// let mut session = offtick::Session::managed(&manager);
    /// let task = session.get_or_spawn("answer", || async { 42 })?;
    /// assert_eq!(manager.list()[0].id(), task.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn managed(manager: &TaskManager) -> Self {
        let mut session = Self::new(manager.handle());
        session.manager = Some(manager.clone());
        session
    }

    /// Returns the runtime of its tasks.
    ///
    /// Use it for the builder; [`replace`](Self::replace) and [`get_or_start`](Self::get_or_start) accept the builder's
    /// tasks.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns the task called `name`, or starts the future that `start` returns.
    ///
    /// # Errors
    /// [`WrongType`] if there is one of another type; then nothing is started.
    #[track_caller]
    pub fn get_or_spawn<F>(&mut self, name: &str, start: impl FnOnce() -> F) -> Result<SharedTask<F::Output>, WrongType>
    where
        F: Future + Send + 'static,
        F::Output: Send + Sync + 'static,
    {
        if let Some(task) = self.get(name)? {
            return Ok(task);
        }
        let task = self.handle.spawn(start());
        Ok(self.keep(name, task))
    }

    /// Returns the task called `name`, or starts the fallible future that `start` returns.
    ///
    /// # Errors
    /// [`WrongType`] if there is one of another type; then nothing is started.
    #[track_caller]
    pub fn get_or_run<F, T, E>(&mut self, name: &str, start: impl FnOnce() -> F) -> Result<SharedTask<T>, WrongType>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + Sync + 'static,
        E: IntoBoxError,
    {
        if let Some(task) = self.get(name)? {
            return Ok(task);
        }
        let task = self.handle.run(start());
        Ok(self.keep(name, task))
    }

    /// Returns the task called `name`, or starts `closure` on a pool thread.
    ///
    /// # Errors
    /// [`WrongType`] if there is one of another type; then nothing is started.
    #[track_caller]
    pub fn get_or_spawn_blocking<F, T>(&mut self, name: &str, closure: F) -> Result<SharedTask<T>, WrongType>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + Sync + 'static,
    {
        if let Some(task) = self.get(name)? {
            return Ok(task);
        }
        let task = self.handle.spawn_blocking(closure);
        Ok(self.keep(name, task))
    }

    /// Returns the task called `name`, or starts the fallible `closure` on a pool thread.
    ///
    /// # Errors
    /// [`WrongType`] if there is one of another type; then nothing is started.
    #[track_caller]
    pub fn get_or_run_blocking<F, T, E>(&mut self, name: &str, closure: F) -> Result<SharedTask<T>, WrongType>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + Sync + 'static,
        E: IntoBoxError,
    {
        if let Some(task) = self.get(name)? {
            return Ok(task);
        }
        let task = self.handle.run_blocking(closure);
        Ok(self.keep(name, task))
    }

    /// Returns the task called `name`, or adds the one that `start` returns.
    ///
    /// Use it for tasks with progress.
    ///
    /// # Errors
    /// [`WrongType`] if there is one of another type; then nothing is started.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut session = offtick::Session::new(&rt);
    /// let task = session.get_or_start("count", |rt| rt.spawn_blocking(|| 3))?;
    /// assert_eq!(task.wait().ok(), Some(&3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or_start<T, P>(
        &mut self,
        name: &str,
        start: impl FnOnce(&Handle) -> Task<T, P>,
    ) -> Result<SharedTask<T, P>, WrongType>
    where
        T: Send + Sync + 'static,
        P: Send + 'static,
    {
        if let Some(task) = self.get_with(name)? {
            return Ok(task);
        }
        let task = start(&self.handle);
        Ok(self.keep(name, task))
    }

    /// Makes `task` the one called `name` and cancels the previous one.
    ///
    /// It does not wait for the previous task. A future is dropped soon after; a closure that ignores its cancellation
    /// keeps running beside `task`. Start tasks of one name that must not overlap through [`serial`](Self::serial).
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut session = offtick::Session::new(&rt);
    /// let first = session.replace("search", rt.spawn(std::future::pending::<u32>()));
    /// let second = session.replace("search", rt.spawn(async { 7_u32 }));
    /// assert!(first.wait().is_err_and(|error| error.is_cancelled()));
    /// assert_eq!(second.wait().ok(), Some(&7));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn replace<T, P>(&mut self, name: &str, task: Task<T, P>) -> SharedTask<T, P>
    where
        T: Send + Sync + 'static,
        P: Send + 'static,
    {
        self.remove(name);
        self.keep(name, task)
    }

    /// Returns a handle whose tasks run one after the other.
    ///
    /// Use it for tasks of one name that must not overlap, such as saving a file.
    ///
    /// Such a task waits until the closure of the previous one has returned, even if that was cancelled, replaced or
    /// timed out. Each call with the same name returns the same handle; [`clear`](Self::clear) and dropping the session
    /// close it and cancel its tasks.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut session = offtick::Session::new(&rt);
    /// let saves = session.serial("save");
    /// let first = session.replace("save", saves.spawn_blocking(|| { /* writes the file */ }));
    /// // Cancels the first, and starts once its closure has returned.
    /// let second = session.replace("save", saves.spawn_blocking(|| 2));
    /// assert_eq!(second.wait().ok(), Some(&2));
    /// # let _first = first;
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn serial(&mut self, name: &str) -> PoolHandle {
        if let Some(pool) = self.serial.get(name) {
            return pool.handle().clone();
        }
        let pool = TaskPool::with_settings(&self.handle, Settings { size: Some(1), ..Settings::default() });
        self.serial.entry(name.into()).or_insert(pool).handle().clone()
    }

    fn keep<T, P>(&mut self, name: &str, task: Task<T, P>) -> SharedTask<T, P>
    where
        T: Send + Sync + 'static,
        P: Send + 'static,
    {
        let task = match &self.manager {
            Some(manager) => manager.insert(task),
            None => task.share(),
        };
        self.tasks.insert(name.into(), Stored::new(task.clone()));
        task
    }

    /// Returns the task called `name`, for tasks without progress.
    ///
    /// # Errors
    /// [`WrongType`] if its result is not a `T`, or if it reports progress.
    pub fn get<T: 'static>(&self, name: &str) -> Result<Option<SharedTask<T>>, WrongType> {
        self.get_with(name)
    }

    /// Returns the task called `name`, with its progress type.
    ///
    /// # Errors
    /// [`WrongType`] if its result is not a `T`, or its progress not a `P`.
    pub fn get_with<T: 'static, P: 'static>(&self, name: &str) -> Result<Option<SharedTask<T, P>>, WrongType> {
        self.tasks.get(name).map(Stored::get).transpose()
    }

    /// Returns a cancel handle of the task called `name`.
    pub fn cancel_handle(&self, name: &str) -> Option<&CancelHandle> {
        self.tasks.get(name).map(Stored::cancel_handle)
    }

    /// Cancels and removes the task called `name`.
    ///
    /// The next `get_or_*` starts a new one. Returns false if there is none.
    pub fn remove(&mut self, name: &str) -> bool {
        self.tasks.remove(name).map(dismiss).is_some()
    }

    /// Cancels and removes all tasks, in the order of their names.
    ///
    /// Also removes the handles of [`serial`](Self::serial).
    pub fn clear(&mut self) {
        std::mem::take(&mut self.tasks).into_values().for_each(dismiss);
        self.serial.clear();
    }

    /// Returns the names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tasks.keys().map(|name| &**name)
    }

    /// Returns the number of tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns true if there is no task.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

/// Cancels a task, even one with other owners.
fn dismiss(task: Stored) {
    task.cancel_handle().cancel();
    drop_quietly(task);
}

impl Drop for Session {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.tasks).finish()
    }
}
