//! Which tasks are over and still referred to: for the leak check of tests.
//!
//! The owner list lets a task go with its body. What is left of it then is a cell that wakers, a handle and controls
//! share; the census keeps one more reference to each, and so can say later which cells nobody has let go.

use crate::task::raw::{Runnable, TaskRef};

/// So many tasks are noted before the first look at which of them are gone.
const FIRST: usize = 64;

/// Tasks that were taken in and may not be forgotten by everybody.
pub(super) struct Census {
    seen: Vec<TaskRef>,
    /// At this length those are dropped that nobody else refers to: so the cost is even, and the length in proportion.
    full: usize,
}

impl Census {
    pub(super) fn new() -> Self {
        Self { seen: Vec::new(), full: FIRST }
    }

    pub(super) fn note(&mut self, task: &Runnable) {
        self.seen.push(task.task());
    }

    /// Takes out those that nobody else refers to, if it is time for that. To be dropped under no borrow.
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

    /// Those that are over, and to which more than their handle refers.
    pub(super) fn kept(&self) -> Vec<TaskRef> {
        self.seen.iter().filter(|task| task.is_closed() && task.other_references() > 1).cloned().collect()
    }
}
