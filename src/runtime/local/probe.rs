//! What only tests ask of a runtime.

use super::LocalRuntime;
use super::budget::TickError;
use crate::task::TaskInfo;

/// What a runtime still holds on to.
pub(crate) struct Remains {
    /// Futures, and closures that run.
    pub(crate) tasks: Vec<TaskInfo>,
    /// Tasks that are over, and that wakers or controls refer to.
    pub(crate) kept: Vec<TaskInfo>,
    pub(crate) timers: usize,
    pub(crate) tick_waits: usize,
    pub(crate) sockets: usize,
    pub(crate) closures: usize,
}

impl LocalRuntime {
    /// From now on [`remains`](Self::remains) knows of tasks that are over as well.
    pub(crate) fn count_references(&self) {
        self.pump.local.core.count_references();
    }

    pub(crate) fn remains(&self) -> Remains {
        let (local, metrics) = (&self.pump.local, self.metrics());
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

    /// Moves the manual clock on to the next deadline. False if there is none, or the clock runs by itself.
    pub(crate) fn skip_ahead(&self) -> bool {
        let driver = &self.pump.local.shared.driver;
        let (next, manual) = (driver.next_deadline(), driver.clock().as_manual());
        next.zip(manual).map(|(next, manual)| manual.reach(next)).is_some()
    }

    /// Runs up to `most` of the closures that are held, in the order of their submission, and says how many.
    ///
    /// # Errors
    /// [`TickError::Nested`] inside a task of this runtime.
    pub(crate) fn run_closures(&self, most: usize) -> Result<usize, TickError> {
        self.pump.refuse_nested()?;
        let _turn = self.pump.begin();
        Ok((0..most).take_while(|_| self.pump.local.run_closure()).count())
    }
}
