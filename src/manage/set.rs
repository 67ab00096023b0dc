//! Tasks under keys, returned as they end.

use super::keyed::Keyed;
use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::{Status, Task};
use crate::util::finished::Finished;
use crate::util::slab::Key;
use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::hash::Hash;
use std::task::{Context, Poll, Waker};

/// The number of keys of removed members that are not worth a sweep.
const FEW: usize = 16;

/// Tasks under your own keys; finished ones are returned once, in order.
///
/// Use it in a program with many pending tasks that wants to check only finished ones:
/// [`drain_finished`](Self::drain_finished) costs one load when nothing finished, for any number of pending tasks, and
/// otherwise takes time proportional to the finished ones. It neither waits nor makes a system call.
///
/// A key whose `Hash` or `Eq` panics leaves the set as it was before the call; the drains call neither.
///
/// The set owns the tasks: dropping it cancels them. A task that was detached or shared cannot be inserted; tasks that
/// other parts of the program check belong in a [`TaskManager`](super::TaskManager) or a
/// [`TaskGroup`](super::TaskGroup).
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut loads = offtick::TaskSet::new();
/// for tile in 0..4_u32 {
///     loads.insert(tile, rt.spawn_blocking(move || tile * 10));
/// }
/// let mut map = std::collections::BTreeMap::new();
/// while !loads.is_empty() {
///     // One tick.
///     for (tile, pixels) in loads.drain_finished() {
///         map.insert(tile, pixels?);
///     }
///     std::thread::yield_now();
/// }
/// assert_eq!(map[&3], 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskSet<K, T, P = ()> {
    members: Keyed<K, Task<T, P>>,
    finished: Arc<Finished<Key>>,
    /// Taken from `finished`, and not returned yet; may name members that were removed meanwhile.
    ready: VecDeque<Key>,
}

impl<K, T, P> TaskSet<K, T, P> {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self { members: Keyed::new(), finished: Arc::new(Finished::new()), ready: VecDeque::new() }
    }

    /// Returns the number of tasks: pending, running, and finished but not drained.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns true if there is no task inside.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns all keys with their tasks, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Task<T, P>)> {
        self.members.iter()
    }

    /// Returns all keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// Cancels every unfinished task and returns their number.
    ///
    /// They stay inside and are returned by the next drains as cancelled.
    pub fn cancel_all(&self) -> usize {
        self.iter().filter(|(_, task)| task.cancel()).count()
    }

    /// Cancels the tasks that have not begun.
    pub(super) fn cancel_waiting(&self) -> usize {
        self.iter().filter(|(_, task)| task.status() == Status::Pending && task.cancel()).count()
    }
}

impl<K: Eq + Hash, T, P> TaskSet<K, T, P> {
    /// Inserts a task and returns the previous one with that key, if any.
    ///
    /// The returned task is out of the set, and its end will not be reported.
    pub fn insert(&mut self, key: K, task: Task<T, P>) -> Option<Task<T, P>> {
        let (slot, before) = self.members.insert(key, task);
        let notice = self.finished.notice(slot);
        if let Some(task) = self.members.get_mut(slot)
            && task.poll_finished(&mut Context::from_waker(&notice)).is_ready()
        {
            self.finished.push(slot);
        }
        let (_key, task) = before?;
        Some(self.let_go(task))
    }

    /// Removes a task, finished or not; its end will not be reported.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<Task<T, P>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let slot = self.members.find(key)?;
        let (_key, task) = self.members.remove(slot)?;
        Some(self.let_go(task))
    }

    /// Drops the set's waker; the next code that awaits the task registers its own.
    fn let_go(&mut self, mut task: Task<T, P>) -> Task<T, P> {
        if task.poll_finished(&mut Context::from_waker(Waker::noop())).is_ready() {
            self.sweep();
        }
        task
    }

    /// Removes the keys of members that were removed after they ended, once they are the majority.
    ///
    /// O(1) amortised, so that a set emptied only by `remove` does not grow.
    fn sweep(&mut self) {
        self.finished.take(&mut self.ready);
        if self.ready.len() > 2 * self.members.len() + FEW {
            let Self { members, ready, .. } = self;
            ready.retain(|slot| members.get(*slot).is_some());
        }
    }

    /// Returns the task under a key, to check or cancel it.
    ///
    /// It may have ended slightly before [`drain_finished`](Self::drain_finished) returns it, never more than a tick
    /// before.
    pub fn get<Q>(&self, key: &Q) -> Option<&Task<T, P>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.members.get(self.members.find(key)?)
    }

    /// Returns true if there is a task under the key.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.members.find(key).is_some()
    }

    /// Takes out the tasks that finished since the last call, in order.
    ///
    /// Tasks that are not taken from the iterator come first the next time, and keep the update flag of their runtime
    /// raised: [`Budget::take_from`](crate::Budget::take_from) limits how much one tick takes. It does not wait for a
    /// thread that is just ending a task: that task comes with the next call.
    ///
    /// # Errors
    /// Each task's own; never [`TaskError::Taken`], since the set only lends its tasks by reference.
    #[inline]
    pub fn drain_finished(&mut self) -> impl Iterator<Item = (K, Result<T, TaskError>)> {
        self.drain_finished_tasks().map(|(key, task)| (key, result_of(task)))
    }

    /// Takes out whole finished tasks; see [`drain_finished`](Self::drain_finished).
    ///
    /// The rest of their progress stays readable.
    #[inline]
    pub fn drain_finished_tasks(&mut self) -> impl Iterator<Item = (K, Task<T, P>)> {
        self.finished.take(&mut self.ready);
        Drained { set: self }
    }

    /// Removes one finished task. A caller that leaves others calls [`keep_update`](Self::keep_update) afterwards.
    #[inline]
    pub(super) fn pop_finished(&mut self) -> Option<(K, Result<T, TaskError>)> {
        self.pop_finished_task().map(|(key, task)| (key, result_of(task)))
    }

    /// Removes one whole finished task; see [`pop_finished`](Self::pop_finished).
    #[inline]
    pub(super) fn pop_finished_task(&mut self) -> Option<(K, Task<T, P>)> {
        self.finished.take(&mut self.ready);
        self.pop_ready()
    }

    /// Raises the update flag if finished tasks are left inside.
    #[inline]
    pub(super) fn keep_update(&mut self) {
        self.finished.take(&mut self.ready);
        if !self.ready.is_empty() {
            self.keep_update_slow();
        }
    }

    #[cold]
    fn keep_update_slow(&mut self) {
        while let Some(slot) = self.ready.front() {
            if let Some(member) = self.members.get(*slot) {
                return member.task_ref().raise_update();
            }
            self.ready.pop_front();
        }
    }

    /// Waits for the next task to finish and takes it out; `None` if the set is empty.
    ///
    /// Cancel safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// The task's own.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut pages = offtick::TaskSet::new();
    /// pages.insert("a", rt.spawn(async { 1 }));
    /// pages.insert("b", rt.spawn(async { 2 }));
    /// let mut sum = rt.spawn(async move {
    ///     let mut sum = 0;
    ///     while let Some((_page, size)) = pages.next().await {
    ///         sum += size?;
    ///     }
    ///     Ok::<_, offtick::TaskError>(sum)
    /// });
    /// assert_eq!(sum.wait()??, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn next(&mut self) -> Option<(K, Result<T, TaskError>)> {
        let (key, task) = self.next_task().await?;
        Some((key, result_of(task)))
    }

    /// Waits like [`next`](Self::next), and returns the whole task.
    pub(super) async fn next_task(&mut self) -> Option<(K, Task<T, P>)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<(K, Task<T, P>)>> {
        loop {
            if let Some(next) = self.pop_ready() {
                return Poll::Ready(Some(next));
            }
            if self.is_empty() {
                return Poll::Ready(None);
            }
            if !self.finished.take_or_register(&mut self.ready, cx.waker()) {
                return Poll::Pending;
            }
        }
    }

    #[inline]
    fn pop_ready(&mut self) -> Option<(K, Task<T, P>)> {
        loop {
            let slot = self.ready.pop_front()?;
            // Nothing happens if the member was removed or replaced after it ended.
            if let Some(member) = self.members.remove(slot) {
                return Some(member);
            }
        }
    }
}

/// An iterator over the finished tasks of a set.
struct Drained<'a, K: Eq + Hash, T, P> {
    set: &'a mut TaskSet<K, T, P>,
}

impl<K: Eq + Hash, T, P> Iterator for Drained<'_, K, T, P> {
    type Item = (K, Task<T, P>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.set.pop_ready()
    }
}

impl<K: Eq + Hash, T, P> Drop for Drained<'_, K, T, P> {
    #[inline]
    fn drop(&mut self) {
        self.set.keep_update();
    }
}

pub(super) fn result_of<T, P>(mut task: Task<T, P>) -> Result<T, TaskError> {
    task.take().unwrap_or(Err(TaskError::Taken))
}

impl<K, T, P> Default for TaskSet<K, T, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, T, P> fmt::Debug for TaskSet<K, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::task::Spec;

    #[test]
    fn a_set_that_is_never_drained_does_not_grow() {
        let mut set: TaskSet<_, _> = TaskSet::new();
        let over = |n: u32| Task::already_finished(Ok(n), Spec::plain());
        set.insert(u32::MAX, over(0));
        for n in 0..1000 {
            set.insert(n, over(n));
            assert!(set.remove(&n).is_some());
            assert!(set.ready.len() <= 2 + FEW);
        }
        assert_eq!(set.drain_finished().map(|(key, _)| key).collect::<Vec<_>>(), [u32::MAX]);
    }
}
