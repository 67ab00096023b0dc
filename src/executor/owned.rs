//! The owner list: what keeps every live task reachable until its body is gone.

use crate::task::raw::{Runnable, TaskRef};
use crate::util::slab::Slab;

/// A task and when it was accepted, in the clock of the executor's driver.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) task: TaskRef,
    pub(crate) since: u64,
}

/// All tasks of one executor whose bodies are alive.
pub(crate) struct Owned {
    tasks: Slab<Listed>,
}

impl Owned {
    pub(crate) fn new() -> Self {
        Self { tasks: Slab::new() }
    }

    /// Takes a new task in and notes its place in its cell.
    pub(crate) fn accept(&mut self, task: &Runnable, since: u64) {
        debug_assert!(task.is_new(), "accepted once");
        let key = self.tasks.insert(Listed { task: task.task(), since });
        task.set_slot(key.index());
    }

    /// Lets a task go whose body is gone.
    pub(crate) fn release(&mut self, slot: u32) -> Option<TaskRef> {
        self.tasks.remove_at(slot).map(|listed| listed.task)
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Up to `slots` places from `start` on; `None` behind the last.
    pub(crate) fn page(&self, start: u32, slots: u32) -> Option<Vec<Listed>> {
        (start < self.tasks.end()).then(|| self.tasks.page(start, slots).map(|(_, listed)| listed.clone()).collect())
    }
}
