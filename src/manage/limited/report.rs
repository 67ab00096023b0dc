//! The content of a set: counts, and the members by state.

use super::LimitedSet;
use crate::task::CancelHandle;

/// Counts of the tasks of a group or a pool, by state.
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
    /// All its tasks: the sum of the other numbers, without `left_running`.
    pub total: usize,
    /// Tasks that have not begun: they wait for a slot, or (closures) for a pool thread.
    pub pending: usize,
    /// Launched futures and running closures whose tasks have not ended.
    pub running: usize,
    /// Closures still running after their task was cancelled or timed out.
    ///
    /// They hold their slots until they return; their tasks count as `cancelled` or `failed`.
    pub left_running: usize,
    /// Tasks that ended with a value.
    pub done: usize,
    /// Tasks that ended with an error, a panic, or at their time limit.
    pub failed: usize,
    /// Tasks that were cancelled, by the program or by the end of their runtime.
    pub cancelled: usize,
}

impl GroupProgress {
    /// Returns the number of all tasks that have ended.
    pub fn finished(&self) -> usize {
        self.done + self.failed + self.cancelled
    }
}

/// The members of a pool that were left when the time to stop was up.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 1)?;
/// let _stuck = pool.task().name("stuck").spawn(|_cx| std::future::pending::<()>());
/// let _behind = pool.spawn(async {});
/// let report = pool.stop_blocking(Some(Duration::from_millis(1)))?;
/// assert!(!report.is_clean());
/// assert_eq!((report.running[0].name(), report.waiting.len()), (Some("stuck"), 1));
/// pool.cancel_all();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StopReport {
    /// Members that wait for a slot, in no particular order.
    pub waiting: Vec<CancelHandle>,
    /// Members that are launched and have not ended, in no particular order.
    pub running: Vec<CancelHandle>,
    /// Members whose closures are still running although their tasks have ended.
    ///
    /// They were cancelled or timed out.
    pub left_running: Vec<CancelHandle>,
}

impl StopReport {
    /// Returns true if nothing is left.
    pub fn is_clean(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty() && self.left_running.is_empty()
    }
}

impl LimitedSet {
    /// Returns the counts, at the same cost for any number of members.
    pub(in crate::manage) fn progress(&self) -> GroupProgress {
        let inner = self.inner.lock();
        let (left_running, pending) = (inner.limiter.left_running(), inner.pending);
        let alive = inner.members.len() - left_running;
        let (done, failed, cancelled) = (inner.done, inner.failed, inner.cancelled);
        let total = alive + done + failed + cancelled;
        GroupProgress { total, pending, running: alive - pending, left_running, done, failed, cancelled }
    }

    pub(in crate::manage) fn waiting(&self) -> usize {
        self.inner.lock().limiter.waiting()
    }

    pub(in crate::manage) fn is_idle(&self) -> bool {
        self.inner.lock().members.is_empty()
    }

    /// Returns all members by state. It may omit one that is just ending.
    pub(in crate::manage) fn report(&self) -> StopReport {
        let inner = self.inner.lock();
        let mut report = StopReport::default();
        for (_, member) in inner.members.iter() {
            let Some(control) = &member.control else { continue };
            let list = match member {
                _ if control.is_left_running() => &mut report.left_running,
                _ if control.is_done() => continue,
                member if member.ticket.is_some() => &mut report.waiting,
                _ => &mut report.running,
            };
            list.push(control.clone());
        }
        report
    }
}
