//! What a closure and its owner share beyond the life of the task.

use crate::sync::Mutex;
use std::io;

/// Both ends know it: the member, and what stands beside the closure.
#[derive(Default)]
pub(super) struct Closure(Mutex<Seat>);

#[derive(Default)]
struct Seat {
    /// It was launched and holds a slot.
    holds: bool,
    /// Its task is over.
    over: bool,
    /// It returned, or was dropped.
    returned: bool,
    /// No thread could be started for it: instead of running it fails with this.
    refused: Option<io::Error>,
}

impl Seat {
    /// True once, when the closure holds a slot that it needs no more: the caller frees it.
    #[must_use]
    fn leaves(&mut self) -> bool {
        self.over && self.returned && std::mem::take(&mut self.holds)
    }
}

impl Closure {
    /// Notes that it takes a slot.
    pub(super) fn note_launched(&self) {
        self.0.lock().holds = true;
    }

    /// Notes that the task is over; true if that frees the slot.
    #[must_use]
    pub(super) fn note_over(&self) -> bool {
        let mut seat = self.0.lock();
        seat.over = true;
        seat.leaves()
    }

    /// Notes that the closure is gone; true if that frees the slot.
    #[must_use]
    pub(super) fn note_gone(&self) -> bool {
        let mut seat = self.0.lock();
        seat.returned = true;
        seat.leaves()
    }

    /// Notes why it cannot run.
    pub(super) fn refuse(&self, error: io::Error) {
        self.0.lock().refused = Some(error);
    }

    pub(super) fn refusal(&self) -> Option<io::Error> {
        self.0.lock().refused.take()
    }
}
