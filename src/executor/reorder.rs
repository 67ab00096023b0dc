//! Inspecting and reordering the ready queue, on the executor's thread.
//!
//! A task that is removed from the queue stays in the executor under a key. The code that removed it may lose the key,
//! and a shutdown still finds the task.

use super::core::Core;
use crate::task::Priority;
use crate::task::raw::{Runnable, TaskRef};
use crate::util::slab::Key;

impl Core {
    /// Returns the number of ready tasks.
    pub(crate) fn ready_len(&self) -> usize {
        self.ready.borrow().len()
    }

    /// Returns the level of the task being polled; outside of polls the default.
    pub(crate) fn running_level(&self) -> Priority {
        *self.ready.borrow_mut().picked()
    }

    /// Queues the running task at `position` after this poll, if it is woken by then.
    pub(crate) fn place_running(&self, position: isize) {
        self.position.set(position);
    }

    /// Returns the position of a task.
    pub(crate) fn position(&self, task: &TaskRef) -> Option<usize> {
        self.ready.borrow_mut().iter().position(|(_, other)| other.is(task))
    }

    /// Moves a task to `position`, counted without it. Returns false if it is not ready.
    pub(crate) fn reinsert(&self, task: &TaskRef, position: isize) -> bool {
        self.position(task).is_some_and(|from| self.reinsert_from(from as isize, position))
    }

    /// Moves the task at position `from`. Returns false if there is none.
    pub(crate) fn reinsert_from(&self, from: isize, position: isize) -> bool {
        let mut ready = self.ready.borrow_mut();
        let Some((priority, task)) = ready.remove(from) else { return false };
        ready.insert(priority, position, task);
        true
    }

    /// Rotates the queue.
    pub(crate) fn rotate(&self, by: isize) {
        self.ready.borrow_mut().rotate(by);
    }

    /// Removes the task at a position and keeps it under a key.
    pub(crate) fn take_out(&self, position: isize) -> Option<(Key, TaskRef)> {
        let (_, runnable) = self.ready.borrow_mut().remove(position)?;
        let task = runnable.task();
        Some((self.removed.borrow_mut().insert(runnable), task))
    }

    /// Queues a removed task again. Does nothing if that was already done.
    pub(crate) fn put_back(&self, key: Key, position: isize) {
        let task = self.removed.borrow_mut().remove(key);
        if let Some(task) = task {
            self.ready.borrow_mut().insert(task.priority(), position, task);
        }
    }

    /// Queues all removed tasks again.
    pub(super) fn put_all_back(&self) {
        let mut removed = self.removed.borrow_mut();
        for index in 0..removed.end() {
            if let Some(task) = removed.remove_at(index) {
                self.ready.borrow_mut().push(task.priority(), task);
            }
        }
    }

    /// Moves a task to the end of its level, if its priority changed while it was queued.
    pub(crate) fn sort_in(&self, task: &TaskRef) {
        let mut ready = self.ready.borrow_mut();
        let stands = ready.iter().position(|(priority, other)| other.is(task) && priority != other.priority());
        if let Some((_, task)) = stands.and_then(|at| ready.remove(at as isize)) {
            ready.push(task.priority(), task);
        }
    }

    /// Returns the ready tasks, the next to run first.
    pub(crate) fn runnable(&self) -> Vec<TaskRef> {
        self.ready.borrow_mut().iter().map(|(_, task)| Runnable::task(task)).collect()
    }

    /// Returns the tasks that wait to be woken.
    pub(crate) fn blocked(&self) -> Vec<TaskRef> {
        self.list().into_iter().map(|listed| listed.task).filter(TaskRef::is_idle).collect()
    }
}
