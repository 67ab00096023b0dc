//! Updates of a task that another task awaits, or is about to: decides whether a host sees them.
//!
//! A task awaits another one as its last user: it takes the result and drops the handle, and a host sees what it makes of
//! that. It may also give up the wait and leave the handle where a host looks. Which of the two it is shows once the waiting
//! task has run: then the handle is gone, or it is awaited again, or it is the host's. So a *note* is queued behind it, a
//! small task of the runtime's own at the lowest level:
//!
//! ```text
//! the step:   the waiting task is woken -> (inbox) -> it runs
//! the note:                 then queued -> (inbox) -> whose is the handle now? the host's: raise the flag
//! ```
//! A note that the end of the runtime drops looks on its way out: nothing is lost.

use super::owner::{InternalTask, Reactor};
use super::shared::Shared;
use crate::sync::Arc;
use crate::task::raw::{Audience, FutureBody, TaskRef, Value};
use crate::task::{Priority, Spec, Task};
use std::panic::Location;

/// Raises the update flag if a host turns out to have the handle.
struct Look {
    shared: Arc<Shared>,
    task: TaskRef,
}

impl Drop for Look {
    fn drop(&mut self) {
        if self.task.audience() == Audience::Host {
            self.shared.updated();
        }
    }
}

/// Raises the update flag for a step of `task` if a host has its handle after whoever awaits it has run.
#[cold]
#[inline(never)]
pub(super) fn look_again(shared: &Arc<Shared>, task: &TaskRef) {
    let look = Look { shared: Arc::clone(shared), task: task.clone() };
    if shared.is_foreign_to_host() {
        // Nothing runs before the host ticks, so it is woken now.
        return drop(look);
    }
    let owner = InternalTask(Reactor::new(shared));
    let spec = Spec::of_level(Priority::Background, Location::caller());
    let (runnable, note) = Task::make(FutureBody::<_, Value>::new(async move { drop(look) }), owner, spec);
    note.detach();
    shared.accept(runnable);
}
