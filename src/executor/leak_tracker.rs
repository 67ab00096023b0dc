//! A tracker of finished tasks that are still referenced, for the leak check of tests.
//!
//! The owner list removes a task with its body. Its cell remains while wakers, a handle and cancel handles share it.
//! The tracker keeps one more reference per cell, so it can report later which cells are still referenced.

use crate::task::raw::{Runnable, TaskRef};

/// The number of tasks noted before the first clean-up.
const FIRST: usize = 64;

/// Accepted tasks that may still be referenced.
pub(super) struct LeakTracker {
    seen: Vec<TaskRef>,
    /// The length at which unreferenced tasks are removed.
    ///
    /// It keeps the cost per task constant, and the length proportional to the referenced tasks.
    full: usize,
}

impl LeakTracker {
    pub(super) fn new() -> Self {
        Self { seen: Vec::new(), full: FIRST }
    }

    pub(super) fn note(&mut self, task: &Runnable) {
        self.seen.push(task.task());
    }

    /// Removes unreferenced tasks, when due. The caller drops them outside of any borrow.
    #[must_use]
    pub(super) fn retire(&mut self) -> Vec<TaskRef> {
        if self.seen.len() < self.full {
            return Vec::new();
        }
        let (retired, seen) = std::mem::take(&mut self.seen).into_iter().partition(TaskRef::is_last);
        self.seen = seen;
        self.full = FIRST.max(2 * self.seen.len());
        retired
    }

    /// Returns the finished tasks that have references besides their handle.
    pub(super) fn kept(&self) -> Vec<TaskRef> {
        self.seen.iter().filter(|task| task.is_closed() && task.other_references() > 1).cloned().collect()
    }
}
