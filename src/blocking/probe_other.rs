//! Systems that do not tell whether a thread computes or waits.

/// Knows nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe;

impl Probe {
    pub(super) fn of_this_thread() -> Self {
        Self
    }

    pub(super) fn computes(self) -> Option<bool> {
        None
    }
}
