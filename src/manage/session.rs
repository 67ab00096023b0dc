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

/// The named tasks of one interface session: one tab, one window, one connected user.
///
/// For interfaces that run the same code on each redraw: [`get_or_run`](Self::get_or_run) starts a task the first time
/// and gives the same one from then on, finished or not, until it is removed or replaced. Dropping the session cancels
/// all its tasks, also those with other holders.
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
    /// One slot each.
    serial: BTreeMap<Box<str>, TaskPool>,
}

impl Session {
    /// A session whose tasks run on `handle`.
    pub fn new(handle: &impl AsRef<Handle>) -> Self {
        Self { handle: handle.as_ref().clone(), manager: None, tasks: BTreeMap::new(), serial: BTreeMap::new() }
    }

    /// A session whose tasks are registered with a manager as well: they show in its listing.
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

    /// Where its tasks run: for the builder, whose tasks are taken in by [`replace`](Self::replace) and
    /// [`get_or_start`](Self::get_or_start).
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The task called `name`; if there is none, starts the future that `start` makes.
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

    /// The task called `name`; if there is none, starts the fallible future that `start` makes.
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

    /// The task called `name`; if there is none, starts `closure` on a pool thread.
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

    /// The task called `name`; if there is none, starts the fallible `closure` on a pool thread.
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

    /// The task called `name`; if there is none, takes in the one that `start` makes: for tasks with progress.
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

    /// Makes `task` the one called `name` and cancels the older one: the latest wins.
    ///
    /// It does not wait for the older one. A future is dropped soon after; a closure that ignores its cancellation runs on beside
    /// `task`. Tasks of one name that must not overlap are started through [`serial`](Self::serial).
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

    /// A handle whose tasks run one after the other: for tasks of one name that must not overlap, such as saving a file.
    ///
    /// A task that is started through it waits until the closure of the one before has returned, whether that was cancelled,
    /// replaced or ran out of time. The handle is the same for each call with the same name; [`clear`](Self::clear) and the drop of
    /// the session close it and cancel its tasks.
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

    /// The task called `name`, if there is one: for tasks without progress.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`, or if it reports progress.
    pub fn get<T: 'static>(&self, name: &str) -> Result<Option<SharedTask<T>>, WrongType> {
        self.get_with(name)
    }

    /// The task called `name`, if there is one, with its progress type.
    ///
    /// # Errors
    /// [`WrongType`] if its result is no `T`, or its progress no `P`.
    pub fn get_with<T: 'static, P: 'static>(&self, name: &str) -> Result<Option<SharedTask<T, P>>, WrongType> {
        self.tasks.get(name).map(Stored::get).transpose()
    }

    /// The handle without types of the task called `name`.
    pub fn cancel_handle(&self, name: &str) -> Option<&CancelHandle> {
        self.tasks.get(name).map(Stored::cancel_handle)
    }

    /// Cancels the task called `name` and forgets it, so that the next `get_or_*` starts anew. False if there is none.
    pub fn remove(&mut self, name: &str) -> bool {
        self.tasks.remove(name).map(dismiss).is_some()
    }

    /// Cancels all tasks, in the order of their names, and forgets them and the handles of [`serial`](Self::serial).
    pub fn clear(&mut self) {
        std::mem::take(&mut self.tasks).into_values().for_each(dismiss);
        self.serial.clear();
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tasks.keys().map(|name| &**name)
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// True if there is no task.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

/// Cancels a task, also one with other holders.
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
