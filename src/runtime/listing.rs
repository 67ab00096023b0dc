//! A list of tasks that any thread may read without waiting.
//!
//! The owner list lives on the reactor thread, so that keeping it costs no lock. Other threads read a *published* copy, and
//! each read requests the next one, which the reactor publishes between two turns:
//!
//! ```text
//! reader:   takes what is published -> WANTED set; unparks the reactor if it was clear
//! reactor:  once a turn: word != 0?  WANTED: cleared -> the list is made -> published, PUBLISHED set
//! ```
//! WANTED is cleared before the list is created: a request in between sets it again and gets its own list.
//!
//! # The lease
//! A published list holds references, and so the memory of tasks that end meanwhile. The reactor drops it one second
//! after its creation. If it is parked, it wakes once for that.

use super::context::{self, Local};
use super::shared::Shared;
use crate::blocking::Running;
use crate::instant::Instant;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Mutex};
use crate::task::TaskInfo;
use crate::task::raw::{Listed, TaskRef};
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

/// How long a published list is kept.
const LEASE: Duration = Duration::from_secs(1);

/// Set while a list is requested.
const WANTED: u8 = 1;

/// Set while a list is published.
const PUBLISHED: u8 = 2;

/// A value that one thread publishes on request.
#[derive(Debug)]
pub(crate) struct Listing<T> {
    word: AtomicU8,
    published: Mutex<Option<Arc<T>>>,
}

impl<T> Listing<T> {
    pub(crate) fn new() -> Self {
        Self { word: AtomicU8::new(0), published: Mutex::new(None) }
    }

    /// Returns the last published list.
    pub(crate) fn latest(&self) -> Option<Arc<T>> {
        self.published.lock().clone()
    }

    /// Requests a new list. Returns true if the publisher may have to be unparked.
    ///
    /// Release: the publisher that takes the request sees what the caller did before.
    #[must_use]
    pub(crate) fn request(&self) -> bool {
        self.word.fetch_or(WANTED, Ordering::Release) & WANTED == 0
    }

    /// Returns true if there is neither a request nor a list to drop.
    ///
    /// Relaxed: a requester unparks afterwards, and the park handshake orders the check of the next turn.
    #[inline(always)]
    pub(crate) fn is_quiet(&self) -> bool {
        self.word.load(Ordering::Relaxed) == 0
    }

    /// Returns true if there is a request. Relaxed, as above.
    pub(crate) fn is_wanted(&self) -> bool {
        self.word.load(Ordering::Relaxed) & WANTED != 0
    }

    /// Takes the request, if there is one. Acquire pairs with `request`.
    #[must_use]
    pub(crate) fn take_request(&self) -> bool {
        self.word.fetch_and(!WANTED, Ordering::Acquire) & WANTED != 0
    }

    /// Publishes a list.
    ///
    /// Relaxed: the lock orders the list, and only the publisher reads PUBLISHED.
    pub(crate) fn publish(&self, list: T) {
        let before = self.published.lock().replace(Arc::new(list));
        self.word.fetch_or(PUBLISHED, Ordering::Relaxed);
        // After the lock, here and below: it may hold the last references to tasks.
        drop(before);
    }

    /// Drops the list.
    pub(crate) fn clear(&self) {
        let before = self.published.lock().take();
        self.word.fetch_and(!PUBLISHED, Ordering::Relaxed);
        drop(before);
    }
}

/// The futures of a runtime at one time.
pub(crate) struct Published {
    futures: Vec<Listed>,
    at: Instant,
    /// The number of futures that the runtime had accepted by then.
    accepted: u64,
}

/// The tasks of a runtime, sorted by identifier: live futures and running closures.
///
/// It dereferences to a slice of [`TaskInfo`]. [`Handle::tasks`](crate::Handle::tasks) returns it, and documents its
/// content and age.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let _import = rt.task().name("import").spawn(|_cx| std::future::pending::<()>());
/// // A debug panel calls this in every frame.
/// let frame = || {
///     let tasks = rt.tasks();
///     for task in &tasks {
///         println!("{} {:?} {}", task.id(), task.name(), task.status());
///     }
///     tasks.is_complete()
/// };
/// while !frame() {}
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone)]
pub struct TaskList {
    tasks: Vec<TaskInfo>,
    age: Option<Duration>,
    complete: bool,
}

impl TaskList {
    /// Returns the time since the reactor listed its futures.
    ///
    /// Returns `None` if it has not done so: then the list has only closures. It is zero for an exact list, and grows
    /// while a task blocks the reactor.
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns true if no future is missing.
    ///
    /// The runtime has accepted none since the reactor listed them. It counts every spawn that happened before the
    /// call.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl Deref for TaskList {
    type Target = [TaskInfo];

    fn deref(&self) -> &[TaskInfo] {
        &self.tasks
    }
}

impl IntoIterator for TaskList {
    type Item = TaskInfo;
    type IntoIter = std::vec::IntoIter<TaskInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.tasks.into_iter()
    }
}

impl<'a> IntoIterator for &'a TaskList {
    type Item = &'a TaskInfo;
    type IntoIter = std::slice::Iter<'a, TaskInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.tasks.iter()
    }
}

impl fmt::Debug for TaskList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, age, complete } = self;
        f.debug_struct("TaskList").field("tasks", tasks).field("age", age).field("complete", complete).finish()
    }
}

impl Shared {
    /// Lists the tasks that a host can see; never waits.
    pub(crate) fn list(&self) -> TaskList {
        let own = context::with_local(|local| std::ptr::eq(Arc::as_ptr(&local.shared), self).then(|| local.list()));
        if let Some(futures) = own.flatten() {
            return self.with_closures(&futures, Some(Duration::ZERO), true);
        }
        if self.ending.is_told() {
            return self.with_closures(&[], Some(Duration::ZERO), true);
        }
        let published = self.listing.latest();
        self.request_list();
        let Some(published) = published else { return self.with_closures(&[], None, false) };
        let complete = self.counters.intake.settled(&self.inbox) == Some(published.accepted);
        self.with_closures(&published.futures, Some(published.at.elapsed()), complete)
    }

    fn with_closures(&self, futures: &[Listed], age: Option<Duration>, complete: bool) -> TaskList {
        TaskList { tasks: self.describe(futures, |task| !task.is_internal()), age, complete }
    }

    /// Describes live futures of `futures` and running closures that are `shown`.
    pub(crate) fn describe(&self, futures: &[Listed], shown: impl Fn(&TaskRef) -> bool) -> Vec<TaskInfo> {
        let clock = self.driver.clock();
        let now = clock.nanos();
        let describe = |task: &TaskRef, since, left_running| {
            let age = Duration::from_nanos(now.saturating_sub(since));
            TaskInfo::of(task).listed(age, left_running)
        };
        let alive = |task: &TaskRef| !task.is_closed() && shown(task);
        let futures = futures.iter().filter(|listed| alive(&listed.task));
        let mut tasks: Vec<_> = futures.map(|listed| describe(&listed.task, listed.since, false)).collect();
        let running = self.closures.running().into_iter().filter(|running| alive(&running.task));
        tasks.extend(running.map(|Running { task, since }| describe(&task, clock.nanos_of(since), task.is_finished())));
        tasks.sort_by_key(TaskInfo::id);
        tasks
    }

    fn request_list(&self) {
        let first = self.listing.request();
        // The thread that ticks sees the request in its next tick. Others may not rely on its request: they unpark.
        if !self.is_owner_thread() && (first || self.is_ticked()) {
            self.unparker.unpark();
        }
    }
}

impl Local {
    /// Returns the live futures, including those in the inbox.
    pub(crate) fn list(&self) -> Vec<Listed> {
        self.core.drain(&self.shared.inbox);
        self.core.list()
    }

    /// Publishes a requested list, or drops one that is a second old.
    ///
    /// Called once per turn.
    #[inline(always)]
    pub(crate) fn serve_listing(&self) {
        if !self.shared.listing.is_quiet() {
            self.serve_listing_slow();
        }
    }

    #[cold]
    fn serve_listing_slow(&self) {
        let listing = &self.shared.listing;
        if listing.take_request() {
            let futures = self.list();
            let (at, accepted) = (Instant::now(), self.shared.counters.intake.accepted());
            self.listed_at.set(Some(at));
            listing.publish(Published { futures, at, accepted });
        } else if self.listed_at.get().is_some_and(|at| at.elapsed() >= LEASE) {
            self.drop_listing();
        }
    }

    /// Drops the published list.
    pub(crate) fn drop_listing(&self) {
        self.listed_at.set(None);
        self.shared.listing.clear();
    }

    /// Limits a park of `timeout`, so that a published list is dropped in time.
    pub(crate) fn limit_park(&self, timeout: Option<Duration>) -> Option<Duration> {
        let Some(at) = self.listed_at.get() else { return timeout };
        let left = LEASE.saturating_sub(at.elapsed());
        Some(timeout.map_or(left, |timeout| timeout.min(left)))
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").field("futures", &self.futures.len()).field("at", &self.at).finish_non_exhaustive()
    }
}
