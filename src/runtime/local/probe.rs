//! Methods of a runtime that only tests use.

use super::LocalRuntime;
use super::budget::TickError;
use crate::task::TaskInfo;

/// The tasks that a runtime still holds.
pub(crate) struct Remains {
    /// Futures, and running closures.
    pub(crate) tasks: Vec<TaskInfo>,
    /// Finished tasks that wakers or cancel handles reference.
    pub(crate) kept: Vec<TaskInfo>,
    pub(crate) timers: usize,
    pub(crate) tick_waits: usize,
    pub(crate) sockets: usize,
    pub(crate) closures: usize,
}

impl LocalRuntime {
    /// Makes [`remains`](Self::remains) include finished tasks from now on.
    pub(crate) fn count_references(&self) {
        self.ticker.local.core.count_references();
    }

    pub(crate) fn remains(&self) -> Remains {
        let (local, metrics) = (&self.ticker.local, self.metrics());
        local.take_in(local.shared.driver.clock().nanos());
        Remains {
            tasks: local.shared.describe(&local.list(), |_| true).into_iter().map(TaskInfo::apart).collect(),
            kept: local.core.kept().iter().map(|task| TaskInfo::of(task).apart()).collect(),
            timers: local.shared.driver.len(),
            tick_waits: local.shared.frames.as_ref().map_or(0, |frames| frames.len()),
            sockets: metrics.sockets as usize,
            closures: metrics.blocking_queued as usize,
        }
    }

    /// Moves the manual clock to the next deadline.
    ///
    /// Returns false if there is none, or the clock is not manual.
    pub(crate) fn skip_ahead(&self) -> bool {
        let driver = &self.ticker.local.shared.driver;
        let (next, manual) = (driver.next_deadline(), driver.clock().as_manual());
        next.zip(manual).map(|(next, manual)| manual.reach(next)).is_some()
    }

    /// Runs up to `most` of the held closures, in order, and returns their number.
    ///
    /// # Errors
    /// [`TickError::Nested`] inside a task of this runtime.
    pub(crate) fn run_closures(&self, most: usize) -> Result<usize, TickError> {
        self.ticker.refuse_nested()?;
        let _turn = self.ticker.begin();
        Ok((0..most).take_while(|_| self.ticker.local.run_closure()).count())
    }
}
