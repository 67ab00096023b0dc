//! A task that stands in a queue was given another level.
//!
//! The level is in the task's state word, and a task is queued by what the word says then. A task that was active
//! before the change may have been queued by the old level. On the executor's own thread it is moved at once. Any other
//! thread sends a *note*: a small task of the runtime's own, which comes by the inbox as every task does and does the same
//! there. Nothing is lost on the way:
//!
//! ```text
//! the task's way:  made active -> (inbox) -> its level is read, and it stands in that queue
//! the change:      level changed, seen to be active -> (inbox) -> note: stands in a wrong queue? moved
//! ```
//! Either the task's level is read after the note ran, and so is the new one, or the note finds the task in a queue and
//! moves it. A task that has run meanwhile is in no queue, and is queued by the new level next time.

use super::context;
use super::owner::{InternalTask, Reactor};
use super::shared::Shared;
use crate::sync::Arc;
use crate::task::raw::{FutureBody, TaskRef, Value};
use crate::task::{Priority, Spec, Task};
use std::panic::Location;

impl Shared {
    /// A future of this runtime that is queued, or may be so, has another level now.
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
        // Ahead of all that is not as urgent: it may be about something that is.
        let spec = Spec::of_level(Priority::UserBlocking, Location::caller());
        let (runnable, sent) = Task::make(FutureBody::<_, Value>::new(note), owner, spec);
        sent.detach();
        self.accept(runnable);
    }
}
