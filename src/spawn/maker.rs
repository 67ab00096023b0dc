//! A closure that creates the futures of repeated runs.

use super::cx::TaskContext;
use crate::sync::Mutex;
use crate::util::catch::catch;
use std::panic::resume_unwind;

/// A creator of the futures of all runs.
///
/// They are created on the reactor thread, one after the other, so the closure may keep state from run to run. The lock
/// is for the compiler, and never held while the closure runs.
pub(crate) struct Maker<M>(Mutex<Option<M>>);

impl<M> Maker<M> {
    pub(crate) fn new(make: M) -> Self {
        Self(Mutex::new(Some(make)))
    }

    pub(crate) fn make<F>(&self, cx: TaskContext) -> F
    where
        M: FnMut(TaskContext) -> F,
    {
        let taken = self.0.lock().take();
        let mut make = taken.expect("one reactor thread makes one future at a time");
        // A closure that panics is called again for the next run.
        let made = catch(|| make(cx));
        *self.0.lock() = Some(make);
        made.unwrap_or_else(|payload| resume_unwind(payload))
    }
}
