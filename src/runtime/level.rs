//! Changes of the priority of a queued task.
//!
//! The priority is in the task's state word, and a task is queued by the word's value at that time. An active task may
//! have been queued by its old priority. The executor's own thread moves it immediately. Any other thread sends a
//! *note*: a small internal task, which arrives in the inbox like any task and moves the other one. Nothing is lost on
//! the way:
//!
//! ```text
//! the task's way:  made active -> (inbox) -> its level is read, and it stands in that queue
//! the change:      level changed, seen to be active -> (inbox) -> note: stands in a wrong queue? moved
//! ```
//! Either the task's priority is read after the note ran, and is the new one, or the note finds the task in a queue and
//! moves it. A task that has run meanwhile is in no queue, and is queued with the new priority next time.

use super::context;
use super::owner::{InternalTask, Reactor};
use super::shared::Shared;
use crate::sync::Arc;
use crate::task::raw::{FutureBody, TaskRef, Value};
use crate::task::{Priority, Spec, Task};
use std::panic::Location;

impl Shared {
    /// Moves an active future of this runtime to the queue of its new priority.
    pub(super) fn moved(self: &Arc<Self>, task: &TaskRef) {
        let here = context::with_local(|local| {
            let own = Arc::ptr_eq(&local.shared, self);
            if own {
                local.core.sort_in(task);
            }
            own
        });
        if here == Some(true) {
            return;
        }
        let task = task.clone();
        let note = async move {
            context::with_local(|local| local.core.sort_in(&task));
        };
        let owner = InternalTask(Reactor::new(self));
        // Before all less urgent tasks: it may be about one that is urgent.
        let spec = Spec::of_level(Priority::UserBlocking, Location::caller());
        let (runnable, sent) = Task::make(FutureBody::<_, Value>::new(note), owner, spec);
        sent.detach();
        self.accept(runnable);
    }
}
