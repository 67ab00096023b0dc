//! The registry: tasks that outlive the code that started them, by identifier or alias.
//!
//! # Rules
//! - An entry keeps its task alive. It is removed by `remove`, or by a clean-up once its task has finished and more
//!   than `max_completed` others finished after it. Live tasks are never cleaned up.
//! - An alias names an entry and is removed with it: it never dangles, and keeps nothing alive.
//! - Ends arrive through a [`Finished`] queue, so that a submit knows the oldest finished tasks without a search. The
//!   notice of an end comes slightly after the task can be seen as finished. So the explicit calls (`cleanup`,
//!   `completed`) check the live entries as well, and miss none.
//! - Entries that leave the registry are dropped after unlocking: they may hold user data.

use super::WrongType;
use super::fifo::Fifo;
use super::stored::Stored;
use crate::error::IntoBoxError;
use crate::runtime::Handle;
use crate::sync::{Arc, Mutex};
use crate::task::raw::{ClosureBody, Fallible, FutureBody, Value, Work};
use crate::task::{CancelHandle, SharedTask, Spec, Status, Task, TaskId};
use crate::util::catch::drop_quietly;
use crate::util::finished::Finished;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;

/// The default number of finished tasks that a manager keeps.
const DEFAULT_MAX_COMPLETED: usize = 256;

/// The prefix of a global name.
const GLOBAL: &str = "global:";

/// A registry of tasks, by identifier and alias.
///
/// It keeps tasks alive and forgets the oldest finished ones.
///
/// Its own methods register a task before it can run. A task of [`insert`](Self::insert) may have begun.
///
/// Use it in programs whose code comes and goes while its tasks stay: an interface that is rebuilt on each event, a
/// debug panel, jobs that are started in one place and checked in another. Dropping the handle that a submit returns
/// cancels nothing. Clones share the registry. Dropping the last one drops its tasks, and cancels those without another
/// owner.
///
/// Results stay in the registry and are returned by reference, so they must be `Sync`.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let manager = offtick::TaskManager::new(&rt);
/// let id = manager.spawn_blocking(|| "report".to_owned()).id();
/// manager.register_global("report", id);
///
/// // Elsewhere, later:
/// let report = manager.get_global::<String>("report")?.expect("it was started");
/// assert_eq!(report.wait().expect("it cannot fail"), "report");
/// assert!(manager.get::<String>(id)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TaskManager {
    shared: Arc<Shared>,
}

struct Shared {
    handle: Handle,
    max_completed: usize,
    finished: Arc<Finished<TaskId>>,
    registry: Mutex<Registry>,
}

struct Registry {
    entries: HashMap<TaskId, Entry>,
    aliases: HashMap<Arc<str>, TaskId>,
    /// Finished entries, the oldest end first.
    completed: Fifo<TaskId>,
    /// A buffer for the queue of ends; empty between calls.
    noticed: VecDeque<TaskId>,
}

struct Entry {
    task: Stored,
    aliases: Vec<Arc<str>>,
    /// True if it is in `Registry::completed`.
    completed: bool,
}

impl TaskManager {
    /// Creates a manager on `handle` that keeps the newest 256 finished tasks.
    pub fn new(handle: &impl AsRef<Handle>) -> Self {
        Self::with_max_completed(handle, DEFAULT_MAX_COMPLETED)
    }

    /// Creates a manager that keeps the newest `max_completed` finished tasks.
    ///
    /// With 0 it keeps none of them beyond the next clean-up.
    pub fn with_max_completed(handle: &impl AsRef<Handle>, max_completed: usize) -> Self {
        let registry = Registry {
            entries: HashMap::new(),
            aliases: HashMap::new(),
            completed: Fifo::new(),
            noticed: VecDeque::new(),
        };
        let shared = Shared {
            handle: handle.as_ref().clone(),
            max_completed,
            finished: Arc::new(Finished::new()),
            registry: Mutex::new(registry),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the runtime of its tasks.
    ///
    /// Use it for the builder; [`insert`](Self::insert) registers the builder's tasks.
    pub fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    /// Starts a future that returns a value and registers it; see [`Handle::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> SharedTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + Sync + 'static,
    {
        self.start(FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result` and registers it; see [`Handle::run`].
    #[track_caller]
    pub fn run<F, T, E>(&self, future: F) -> SharedTask<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + Sync + 'static,
        E: IntoBoxError,
    {
        self.start(FutureBody::<F, Fallible>::new(future), Spec::plain())
    }

    /// Starts a closure that returns a value and registers it; see [`Handle::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> SharedTask<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + Sync + 'static,
    {
        self.start_blocking(ClosureBody::<F, Value>::new(closure), Spec::plain())
    }

    /// Starts a closure that returns a `Result` and registers it; see [`Handle::run_blocking`].
    #[track_caller]
    pub fn run_blocking<F, T, E>(&self, closure: F) -> SharedTask<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + Sync + 'static,
        E: IntoBoxError,
    {
        self.start_blocking(ClosureBody::<F, Fallible>::new(closure), Spec::plain())
    }

    /// Registers a future, then queues it.
    fn start<B>(&self, body: B, spec: Spec<()>) -> SharedTask<B::Output>
    where
        B: Work<Output: Sync>,
    {
        self.shared.handle.start_kept(body, spec, |task| self.insert(task))
    }

    /// Registers a closure, then queues it.
    fn start_blocking<B>(&self, body: B, spec: Spec<()>) -> SharedTask<B::Output>
    where
        B: Work<Output: Sync>,
    {
        self.shared.handle.start_blocking_kept(body, spec, |task| self.insert(task))
    }

    /// Registers an existing task, with or without progress.
    ///
    /// It is registered when this returns. Finished tasks above the limit are cleaned up first: O(1) amortised, for any
    /// number of registered tasks. Never waits for a task.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let manager = offtick::TaskManager::new(&rt);
    /// let task = manager.insert(rt.spawn(async { 5 }));
    /// assert_eq!(*task.wait().expect("it cannot fail"), 5);
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn insert<T, P>(&self, task: Task<T, P>) -> SharedTask<T, P>
    where
        T: Send + Sync + 'static,
        P: Send + 'static,
    {
        let task = task.share();
        let id = task.id();
        let entry = Entry { task: Stored::new(task.clone()), aliases: Vec::new(), completed: false };
        let mut registry = self.shared.registry.lock();
        registry.settle(&self.shared.finished);
        let excess = registry.trim(self.shared.max_completed);
        registry.entries.insert(id, entry);
        drop(registry);
        // After the registration, so that the notice finds the entry.
        let notice = self.shared.finished.notice(id);
        if !task.wake_at_end(notice) {
            self.shared.finished.push(id);
        }
        excess.into_iter().for_each(drop_quietly);
        task
    }

    /// Returns the registered task `id`, for tasks without progress.
    ///
    /// # Errors
    /// [`WrongType`] if its result is not a `T`, or if it reports progress.
    pub fn get<T: 'static>(&self, id: TaskId) -> Result<Option<SharedTask<T>>, WrongType> {
        self.get_with(id)
    }

    /// Returns the registered task `id`, with its progress type.
    ///
    /// # Errors
    /// [`WrongType`] if its result is not a `T`, or its progress not a `P`.
    pub fn get_with<T: 'static, P: 'static>(&self, id: TaskId) -> Result<Option<SharedTask<T, P>>, WrongType> {
        let registry = self.shared.registry.lock();
        registry.entries.get(&id).map(|entry| entry.task.get()).transpose()
    }

    /// Returns a cancel handle of the registered task `id`.
    pub fn cancel_handle(&self, id: TaskId) -> Option<CancelHandle> {
        self.shared.registry.lock().entries.get(&id).map(|entry| entry.task.cancel_handle().clone())
    }

    /// Names a registered task.
    ///
    /// An existing alias moves to it. Returns false, and changes nothing, if `id` is not registered.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let manager = offtick::TaskManager::new(&rt);
    /// let task = manager.spawn(async { 1 });
    /// assert!(manager.alias("latest", task.id()));
    /// assert!(manager.get_alias::<i32>("latest")?.is_some());
    /// manager.remove(task.id());
    /// assert!(manager.get_alias::<i32>("latest")?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn alias(&self, alias: &str, id: TaskId) -> bool {
        self.shared.registry.lock().alias(alias, id)
    }

    /// Removes an alias; the task stays. Returns false if there is no such alias.
    pub fn unalias(&self, alias: &str) -> bool {
        self.shared.registry.lock().unalias(alias).is_some()
    }

    /// Returns the identifier behind an alias.
    pub fn find(&self, alias: &str) -> Option<TaskId> {
        self.shared.registry.lock().aliases.get(alias).copied()
    }

    /// Returns the task behind an alias, for tasks without progress.
    ///
    /// # Errors
    /// [`WrongType`] if its result is not a `T`, or if it reports progress.
    pub fn get_alias<T: 'static>(&self, alias: &str) -> Result<Option<SharedTask<T>>, WrongType> {
        self.get_alias_with(alias)
    }

    /// Returns the task behind an alias, with its progress type.
    ///
    /// # Errors
    /// [`WrongType`] if its result is not a `T`, or its progress not a `P`.
    pub fn get_alias_with<T: 'static, P: 'static>(&self, alias: &str) -> Result<Option<SharedTask<T, P>>, WrongType> {
        let registry = self.shared.registry.lock();
        let entry = registry.aliases.get(alias).and_then(|id| registry.entries.get(id));
        entry.map(|entry| entry.task.get()).transpose()
    }

    /// Names a registered task `global:NAME`.
    ///
    /// By convention this [`alias`](Self::alias) is known in the whole program.
    pub fn register_global(&self, name: &str, id: TaskId) -> bool {
        self.alias(&format!("{GLOBAL}{name}"), id)
    }

    /// Returns the task behind `global:NAME`, for tasks without progress.
    ///
    /// # Errors
    /// [`WrongType`] if its result is not a `T`, or if it reports progress.
    pub fn get_global<T: 'static>(&self, name: &str) -> Result<Option<SharedTask<T>>, WrongType> {
        self.get_alias(&format!("{GLOBAL}{name}"))
    }

    /// Removes a task, live or not, with its aliases.
    ///
    /// Returns false if it is not registered.
    ///
    /// A live task without another owner is cancelled by that.
    pub fn remove(&self, id: TaskId) -> bool {
        let removed = self.shared.registry.lock().remove(id);
        removed.map(drop_quietly).is_some()
    }

    /// Cancels a task. Returns false if it has finished or is not registered.
    pub fn cancel(&self, id: TaskId) -> bool {
        self.cancel_handle(id).is_some_and(|control| control.cancel())
    }

    /// Cancels all unfinished tasks, the oldest first, and returns their number.
    pub fn cancel_all(&self) -> usize {
        self.controls().iter().filter(|control| control.cancel()).count()
    }

    fn controls(&self) -> Vec<CancelHandle> {
        let registry = self.shared.registry.lock();
        let mut controls: Vec<_> = registry.entries.values().map(|entry| entry.task.cancel_handle().clone()).collect();
        drop(registry);
        controls.sort_unstable_by_key(CancelHandle::id);
        controls
    }

    /// Returns the number of registered tasks, live and finished.
    pub fn len(&self) -> usize {
        self.shared.registry.lock().entries.len()
    }

    /// Returns true if no task is registered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of finished registered tasks. Checks all live ones.
    pub fn completed(&self) -> usize {
        let mut registry = self.shared.registry.lock();
        registry.settle_all(&self.shared.finished);
        registry.completed.len()
    }

    /// Returns the number of finished tasks that clean-ups keep.
    pub fn max_completed(&self) -> usize {
        self.shared.max_completed
    }

    /// Removes the oldest finished tasks above the limit.
    ///
    /// The order is that of their ends. Returns their number.
    ///
    /// Every submit does the same, but may miss the tasks that are just ending; this checks all live ones.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let manager = offtick::TaskManager::with_max_completed(&rt, 0);
    /// let task = manager.spawn(async { 1 });
    /// let _ = task.wait();
    /// assert_eq!(manager.cleanup(), 1);
    /// assert!(manager.is_empty());
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn cleanup(&self) -> usize {
        let mut registry = self.shared.registry.lock();
        registry.settle_all(&self.shared.finished);
        let excess = registry.trim(self.shared.max_completed);
        drop(registry);
        let count = excess.len();
        excess.into_iter().for_each(drop_quietly);
        count
    }

    /// Returns all registered tasks, sorted by identifier, for a debug panel.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let manager = offtick::TaskManager::new(&rt);
    /// let task = manager.spawn(std::future::pending::<()>());
    /// manager.register_global("sync", task.id());
    /// for row in manager.list() {
    ///     println!("{} {} {:?}", row.id(), row.status(), row.aliases().collect::<Vec<_>>());
    ///     row.cancel_handle().cancel();
    /// }
    /// assert!(task.wait().is_err_and(|error| error.is_cancelled()));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn list(&self) -> Vec<ManagedTask> {
        let registry = self.shared.registry.lock();
        let row =
            |entry: &Entry| ManagedTask { control: entry.task.cancel_handle().clone(), aliases: entry.aliases.clone() };
        let mut rows: Vec<_> = registry.entries.values().map(row).collect();
        drop(registry);
        rows.sort_unstable_by_key(ManagedTask::id);
        rows
    }
}

impl Registry {
    /// Takes the notices of ends.
    fn settle(&mut self, finished: &Finished<TaskId>) {
        finished.take(&mut self.noticed);
        self.complete_noticed();
    }

    /// Takes the notices of ends, and finds finished tasks whose notice has not arrived.
    fn settle_all(&mut self, finished: &Finished<TaskId>) {
        finished.take_all(&mut self.noticed);
        self.complete_noticed();
        let over = self.entries.values().filter(|entry| !entry.completed && entry.task.cancel_handle().is_done());
        self.noticed.extend(over.map(|entry| entry.task.cancel_handle().id()));
        self.noticed.make_contiguous().sort_unstable();
        self.complete_noticed();
    }

    fn complete_noticed(&mut self) {
        while let Some(id) = self.noticed.pop_front() {
            // Nothing happens if it was removed, or if it was found finished before its notice arrived.
            if let Some(entry) = self.entries.get_mut(&id)
                && !std::mem::replace(&mut entry.completed, true)
            {
                self.completed.push(id);
            }
        }
    }

    /// Removes the oldest finished entries above `max`.
    fn trim(&mut self, max: usize) -> Vec<Entry> {
        let mut excess = Vec::new();
        while self.completed.len() > max
            && let Some(id) = self.completed.pop(|id| self.entries.contains_key(id))
        {
            excess.extend(self.take(id));
        }
        excess
    }

    fn remove(&mut self, id: TaskId) -> Option<Entry> {
        let entry = self.take(id)?;
        if entry.completed {
            self.completed.leave(|id| self.entries.contains_key(id));
        }
        Some(entry)
    }

    /// Removes an entry and its aliases.
    fn take(&mut self, id: TaskId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        for alias in &entry.aliases {
            self.aliases.remove(alias);
        }
        Some(entry)
    }

    fn alias(&mut self, alias: &str, id: TaskId) -> bool {
        if !self.entries.contains_key(&id) {
            return false;
        }
        let alias = self.unalias(alias).unwrap_or_else(|| alias.into());
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.aliases.push(Arc::clone(&alias));
            self.aliases.insert(alias, id);
        }
        true
    }

    fn unalias(&mut self, alias: &str) -> Option<Arc<str>> {
        let (alias, id) = self.aliases.remove_entry(alias)?;
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.aliases.retain(|known| *known != alias);
        }
        Some(alias)
    }
}

impl fmt::Debug for TaskManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskManager")
            .field("len", &self.len())
            .field("max_completed", &self.shared.max_completed)
            .finish_non_exhaustive()
    }
}

/// A row of [`TaskManager::list`], which has an example.
#[derive(Clone, Debug)]
pub struct ManagedTask {
    control: CancelHandle,
    aliases: Vec<Arc<str>>,
}

impl ManagedTask {
    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.control.id()
    }

    /// Returns the name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.control.name()
    }

    /// Returns the current status (not that of the listing).
    pub fn status(&self) -> Status {
        self.control.status()
    }

    /// Returns the aliases at the moment of the listing, oldest first.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(|alias| &**alias)
    }

    /// Returns a cancel handle, for the panel.
    pub fn cancel_handle(&self) -> &CancelHandle {
        &self.control
    }
}
