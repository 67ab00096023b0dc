//! What runs came to: those that an owner keeps hold of, three at most, however many there were.

use crate::task::{SharedTask, Status};

/// The run of the last start, and what the ones before it left.
///
/// A run is put here before it can be over, and a look asks the task itself. So whoever is told by the update flag that
/// something ended finds it here.
pub(super) struct History<T> {
    current: Option<SharedTask<T>>,
    /// The newest of those before `current` that came to their end.
    latest: Option<SharedTask<T>>,
    /// The newest of those with a value.
    latest_done: Option<SharedTask<T>>,
}

/// What a change put out; to be let go after the lock, since results are user data and a cancellation wakes foreign code.
#[must_use]
pub(super) struct Out<T> {
    running: Option<SharedTask<T>>,
    _replaced: [Option<SharedTask<T>>; 2],
}

impl<T> History<T> {
    pub(super) fn new() -> Self {
        Self { current: None, latest: None, latest_done: None }
    }

    /// Takes in a run that was just started.
    pub(super) fn begin(&mut self, task: SharedTask<T>) -> Out<T> {
        let out = self.forget();
        self.current = Some(task);
        out
    }

    /// Puts the current run out if it is under way, else aside.
    pub(super) fn forget(&mut self) -> Out<T> {
        let mut out = Out { running: None, _replaced: [None, None] };
        if let Some(task) = self.current.take() {
            if !task.is_done() {
                out.running = Some(task);
                return out;
            }
            if task.status() == Status::Done {
                out._replaced[0] = self.latest_done.replace(task.clone());
            }
            out._replaced[1] = self.latest.replace(task);
        }
        out
    }

    pub(super) fn current(&self) -> Option<SharedTask<T>> {
        self.current.clone()
    }

    pub(super) fn latest(&self) -> Option<SharedTask<T>> {
        self.current.as_ref().filter(|task| task.is_done()).or(self.latest.as_ref()).cloned()
    }

    pub(super) fn latest_done(&self) -> Option<SharedTask<T>> {
        let done = |task: &&SharedTask<T>| task.status() == Status::Done;
        self.current.as_ref().filter(done).or(self.latest_done.as_ref()).cloned()
    }
}

impl<T> Out<T> {
    /// Cancels what was under way. True if there was something.
    pub(super) fn let_go(self) -> bool {
        self.running.is_some_and(|task| task.cancel())
    }
}
