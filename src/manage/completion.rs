//! A queue of task results, filled by the threads that end the tasks.
//!
//! # How a task goes through
//! ```text
//! any thread:     add      [1] put the task into `pending`, register the notice         (under the lock of `pending`)
//! ending thread:  notice   [2] take the task out of `pending`                           (under the same lock)
//!                          [3] move its value out, drop the task                        (no lock)
//!                          [4] push key and value on `finished`
//! host:           drain    [5] take what `finished` holds                               (one load, if nothing ended)
//! ```
//! The registration finds a task that ends during [1] finished, or the task's notice waits for the lock and finds it.
//! The end raises the update flag of its runtime after [4].
//!
//! An error stays with its task until the host takes it: if the queue is dropped, the task reports it.

use crate::error::TaskError;
use crate::runtime::Handle;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::task::Task;
use crate::util::catch::drop_quietly;
use crate::util::finished::Finished;
use crate::util::slab::{Key, Slab};
use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::task::{Context, Wake, Waker};

/// A queue of results of many tasks, freed where they end.
///
/// Use it in a tick that takes in thousands of small results. Any thread adds tasks through a shared reference. The
/// thread that ends a task moves its value into the queue and frees the rest. So the tick accesses no memory of the
/// task, looks up no key and frees nothing: a value costs it a few nanoseconds. [`drain`](Self::drain) costs one load
/// while nothing has finished.
///
/// In return, the queue shows no task before its end. Use a [`TaskSet`](crate::TaskSet) if the program checks tasks by
/// key, for example their progress.
///
/// Dropping the queue cancels the tasks inside.
///
/// # Example
/// ```
/// use offtick::{Budget, CompletionQueue, Runtime};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let rt = Runtime::new()?;
/// let sizes = Arc::new(CompletionQueue::new(&rt));
/// // A task that starts tasks, as it comes by them.
/// let (theirs, handle) = (Arc::clone(&sizes), rt.handle().clone());
/// let mut walk = rt.spawn_blocking(move || {
///     for name in ["a", "bb", "ccc"] {
///         theirs.add(name, handle.spawn_blocking(move || name.len()));
///     }
/// });
/// let mut total = 0;
/// while !walk.is_done() || !sizes.is_empty() {
///     // One tick: at most a quarter of a millisecond of what is new.
///     for (_name, size) in Budget::time(Duration::from_micros(250)).take_from(sizes.drain()) {
///         total += size?;
///     }
///     std::thread::yield_now();
/// }
/// assert_eq!(total, 6);
/// # walk.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CompletionQueue<K, T> {
    shared: Arc<Completions<K, T>>,
    /// Results taken from `finished` and not yet returned.
    ///
    /// Only `try_lock`: a nested drain returns nothing.
    ready: Mutex<VecDeque<Completed<K, T>>>,
    /// The runtime whose update flag is raised when results are left.
    handle: Handle,
}

/// The part of the queue that its tasks refer to.
pub(crate) struct Completions<K, T> {
    pending: Mutex<Slab<(K, Task<T>)>>,
    finished: Finished<Completed<K, T>>,
    /// The number of tasks added and not yet returned.
    inside: AtomicUsize,
}

/// The outcome of one task.
pub(crate) enum Completed<K, T> {
    Value(K, T),
    /// An error, still inside its task.
    Error(K, Task<T>),
}

impl<K: Send + 'static, T: Send + 'static> CompletionQueue<K, T> {
    /// Creates an empty queue for tasks of `handle`'s runtime.
    ///
    /// Tasks of other runtimes can be added, too. A drain that is not finished raises the update flag of this runtime.
    pub fn new(handle: &impl AsRef<Handle>) -> Self {
        Self {
            shared: Arc::new(Completions::new()),
            ready: Mutex::new(VecDeque::new()),
            handle: handle.as_ref().clone(),
        }
    }

    /// Adds a task under your own key, which is returned with its result.
    ///
    /// Keys need not be unique.
    ///
    /// Any thread may call it. It waits at most for another thread that is adding or ending a task.
    pub fn add(&self, key: K, task: Task<T>) {
        self.shared.add(key, task);
    }

    /// Takes out the results that are there, in the order of the ends.
    ///
    /// Never waits: of two threads that drain at the same time, one gets the results and the other nothing. Results
    /// that are not taken come first the next time and keep the update flag of the runtime raised;
    /// [`Budget::take_from`](crate::Budget::take_from) limits how much one tick takes. Results that arrive meanwhile
    /// are left for the next drain.
    ///
    /// # Errors
    /// Each task's own.
    #[inline]
    pub fn drain(&self) -> DrainCompleted<'_, K, T> {
        let mut ready = self.ready.try_lock();
        if let Some(ready) = &mut ready {
            self.shared.take(ready);
        }
        DrainCompleted { queue: self, ready, taken: 0 }
    }
}

impl<K, T> CompletionQueue<K, T> {
    /// Returns the number of tasks: pending, running, and finished but not drained.
    pub fn len(&self) -> usize {
        // Relaxed: a count.
        self.shared.inside.load(Ordering::Relaxed)
    }

    /// Returns true if there is no task inside.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Send + 'static, T: Send + 'static> Completions<K, T> {
    /// [1] Adds a task.
    pub(crate) fn add(self: &Arc<Self>, key: K, mut task: Task<T>) {
        task.drop_waker();
        // Relaxed: a count. It is raised before the task can end, so that it never falls below zero.
        self.inside.fetch_add(1, Ordering::Relaxed);
        let mut pending = self.pending.lock();
        let slot = pending.insert((key, task));
        let notice = Waker::from(Arc::new(Notice { shared: Arc::clone(self), slot }));
        let over = pending
            .get_mut(slot)
            .is_some_and(|(_, task)| task.poll_finished(&mut Context::from_waker(&notice)).is_ready());
        drop(pending);
        if over {
            self.complete(slot);
        }
    }
}

impl<K, T> Completions<K, T> {
    pub(crate) fn new() -> Self {
        Self { pending: Mutex::new(Slab::new()), finished: Finished::new(), inside: AtomicUsize::new(0) }
    }

    /// [5] Moves what has finished to the end of `into`.
    #[inline]
    pub(crate) fn take(&self, into: &mut VecDeque<Completed<K, T>>) {
        self.finished.take(into);
    }

    /// [2] [3] [4] Delivers the result of a finished task.
    fn complete(&self, slot: Key) {
        let Some((key, mut task)) = self.pending.lock().remove(slot) else { return };
        let completed = if matches!(task.result(), Some(Ok(_)))
            && let Some(Ok(value)) = task.take()
        {
            drop_quietly(task);
            Completed::Value(key, value)
        } else {
            Completed::Error(key, task)
        };
        self.finished.push(completed);
    }
}

impl<K, T> Drop for CompletionQueue<K, T> {
    fn drop(&mut self) {
        // Outside of the lock: dropping a task may run user code.
        let pending = std::mem::take(&mut *self.shared.pending.lock());
        drop(pending);
    }
}

impl<K, T> fmt::Debug for CompletionQueue<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionQueue").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The waker of one task inside.
struct Notice<K, T> {
    shared: Arc<Completions<K, T>>,
    slot: Key,
}

impl<K: Send + 'static, T: Send + 'static> Wake for Notice<K, T> {
    fn wake(self: Arc<Self>) {
        self.shared.complete(self.slot);
    }
}

/// The results of one drain of a [`CompletionQueue`], each with its key.
///
/// Drop it after the loop over it: while it exists, other drains of the queue yield nothing.
#[must_use = "a drain that is not iterated leaves the results where they are"]
pub struct DrainCompleted<'a, K, T> {
    queue: &'a CompletionQueue<K, T>,
    ready: Option<MutexGuard<'a, VecDeque<Completed<K, T>>>>,
    taken: usize,
}

impl<K, T> Iterator for DrainCompleted<'_, K, T> {
    type Item = (K, Result<T, TaskError>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.ready.as_mut()?.pop_front()?;
        self.taken += 1;
        Some(match next {
            Completed::Value(key, value) => (key, Ok(value)),
            Completed::Error(key, mut task) => (key, task.take().unwrap_or(Err(TaskError::Taken))),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.ready.as_ref().map_or(0, |ready| ready.len());
        (left, Some(left))
    }
}

impl<K, T> ExactSizeIterator for DrainCompleted<'_, K, T> {}

impl<K, T> FusedIterator for DrainCompleted<'_, K, T> {}

impl<K, T> Drop for DrainCompleted<'_, K, T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken != 0 {
            // Relaxed: a count.
            self.queue.shared.inside.fetch_sub(self.taken, Ordering::Relaxed);
        }
        let left = self.len() != 0;
        // First of all: a host that sees the flag then finds the results.
        self.ready = None;
        if left {
            self.queue.handle.shared().updated();
        }
    }
}

impl<K, T> fmt::Debug for DrainCompleted<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DrainCompleted").field("left", &self.len()).finish()
    }
}
