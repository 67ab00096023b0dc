//! The ready queue by hand: looking at it, and moving what stands in it. On the executor's thread.
//!
//! A task that is taken out of the queue stays with the executor, *aside*, under a key: whoever took it out may lose or
//! forget the key, and a shutdown still finds the task.

use super::core::Core;
use crate::task::Priority;
use crate::task::raw::{Runnable, TaskRef};
use crate::util::slab::Key;

impl Core {
    /// Number of ready tasks.
    pub(crate) fn ready_len(&self) -> usize {
        self.ready.borrow().len()
    }

    /// The level of the task that is being polled; outside of polls the usual one.
    pub(crate) fn running_level(&self) -> Priority {
        *self.ready.borrow_mut().picked()
    }

    /// The task that is being polled is queued at `position` after this poll, if it is woken by then.
    pub(crate) fn place_running(&self, position: isize) {
        self.position.set(position);
    }

    /// Returns the position of a task.
    pub(crate) fn position(&self, task: &TaskRef) -> Option<usize> {
        self.ready.borrow_mut().iter().position(|(_, other)| other.is(task))
    }

    /// Moves a task to `position` of what is left without it. False if it is not ready.
    pub(crate) fn reinsert(&self, task: &TaskRef, position: isize) -> bool {
        self.position(task).is_some_and(|from| self.reinsert_from(from as isize, position))
    }

    /// Moves the task at position `from`. False if there is none.
    pub(crate) fn reinsert_from(&self, from: isize, position: isize) -> bool {
        let mut ready = self.ready.borrow_mut();
        let Some((priority, task)) = ready.remove(from) else { return false };
        ready.insert(priority, position, task);
        true
    }

    /// Turns the queue.
    pub(crate) fn rotate(&self, by: isize) {
        self.ready.borrow_mut().rotate(by);
    }

    /// Takes the task at a position out and sets it aside.
    pub(crate) fn set_aside(&self, position: isize) -> Option<(Key, TaskRef)> {
        let (_, runnable) = self.ready.borrow_mut().remove(position)?;
        let task = runnable.task();
        Some((self.aside.borrow_mut().insert(runnable), task))
    }

    /// Queues a task that was set aside. Nothing happens if that was done before.
    pub(crate) fn put_back(&self, key: Key, position: isize) {
        let task = self.aside.borrow_mut().remove(key);
        if let Some(task) = task {
            self.ready.borrow_mut().insert(task.priority(), position, task);
        }
    }

    /// Queues all tasks that are set aside.
    pub(super) fn put_all_back(&self) {
        let mut aside = self.aside.borrow_mut();
        for index in 0..aside.end() {
            if let Some(task) = aside.remove_at(index) {
                self.ready.borrow_mut().push(task.priority(), task);
            }
        }
    }

    /// Moves a task to the end of its level if it stands in another one, having been given this one meanwhile.
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
