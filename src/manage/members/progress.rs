//! The numbers of an owner.

use super::Members;

/// How far a group or a pool is: how many of the tasks it was ever given are where.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let group = offtick::TaskGroup::new(&rt);
/// group.spawn(async {}).detach();
/// group.wait()?;
/// let progress = group.progress();
/// assert_eq!((progress.total, progress.finished()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupProgress {
    /// All tasks it was ever given; the sum of the other numbers.
    pub total: usize,
    /// Not begun: they wait for their turn, or (closures) for a thread of the pool.
    pub pending: usize,
    /// Launched futures and begun closures that are not over.
    pub running: usize,
    /// Ended with a value.
    pub done: usize,
    /// Ended with an error or a panic.
    pub failed: usize,
    /// Cancelled, or their runtime went away.
    pub cancelled: usize,
}

impl GroupProgress {
    /// All that are over, in whatever way.
    pub fn finished(&self) -> usize {
        self.done + self.failed + self.cancelled
    }
}

impl Members {
    /// Costs the same however many there are.
    pub(in crate::manage) fn progress(&self) -> GroupProgress {
        let state = self.state.lock();
        let (alive, pending) = (state.members.len(), state.pending);
        let (done, failed, cancelled) = (state.done, state.failed, state.cancelled);
        let total = alive + done + failed + cancelled;
        GroupProgress { total, pending, running: alive - pending, done, failed, cancelled }
    }
}
