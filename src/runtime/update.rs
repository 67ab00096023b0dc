//! The update flag: has anything finished or reported since the host last looked?

use super::hooks::Hooks;
use crate::sync::atomic::{AtomicBool, Ordering};

/// One flag a runtime. It goes up when a task ends or reports; the host takes it down.
///
/// ```text
/// task:  publish result (release)      raise: swap(true)      was down -> call the hook
/// host:  take: swap(false)             was up -> look at the tasks (acquire)
/// ```
/// Both sides swap, so the two orders are the only ones: either the host's look comes after the publication and sees
/// it, or the raise comes after the take and puts the flag up again. A raise that skipped the swap because it read
/// `true` could have read it before the host took it, and the update would be lost.
#[derive(Debug)]
pub(crate) struct UpdateFlag(AtomicBool);

impl UpdateFlag {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Puts the flag up; true if it was down.
    ///
    /// AcqRel: the release half publishes the task's end to the host's `take`.
    #[must_use]
    pub(crate) fn raise(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Takes the flag down; true if it was up. One load when it is down.
    pub(crate) fn take(&self) -> bool {
        // Relaxed: a raise that this load misses is seen on the next tick.
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::AcqRel)
    }

    /// Puts the flag up and tells the host if it was down.
    pub(crate) fn raise_and_tell(&self, hooks: &Hooks) {
        if self.raise() {
            hooks.updated();
        }
    }
}
