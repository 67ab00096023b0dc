//! Updates of an awaited task: decides whether a host can see them.
//!
//! A task usually awaits another one as its last user: it takes the result and drops the handle, and a host sees its
//! own result. It may also stop waiting and leave the handle where a host checks it. Which of the two it is shows once
//! the waiting task has run: then the handle is dropped, awaited again, or the host's. So a *note* is queued behind the
//! waiting task, a small internal task of the lowest priority:
//!
//! ```text
//! the step:   the waiting task is woken -> (inbox) -> it runs
//! the note:                 then queued -> (inbox) -> whose is the handle now? the host's: raise the flag
//! ```
//! A note that the end of the runtime drops makes its check when it is dropped: nothing is lost.

use super::owner::{InternalTask, Reactor};
use super::shared::Shared;
use crate::sync::Arc;
use crate::task::raw::{Audience, FutureBody, TaskRef, Value};
use crate::task::{Priority, Spec, Task};
use std::panic::Location;

/// A check that raises the update flag if a host has the handle.
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

/// Raises the update flag for a step of `task` if a host has its handle.
///
/// It checks after the task that awaits it has run.
#[cold]
#[inline(never)]
pub(super) fn look_again(shared: &Arc<Shared>, task: &TaskRef) {
    let look = Look { shared: Arc::clone(shared), task: task.clone() };
    if shared.is_foreign_to_host() {
        // Nothing runs before the host ticks, so the host is woken now.
        return drop(look);
    }
    let owner = InternalTask(Reactor::new(shared));
    let spec = Spec::of_level(Priority::Background, Location::caller());
    let (runnable, note) = Task::make(FutureBody::<_, Value>::new(async move { drop(look) }), owner, spec);
    note.detach();
    shared.accept(runnable);
}
