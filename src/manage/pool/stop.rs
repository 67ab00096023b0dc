//! The end of a pool, and who waits for it.

use super::PoolHandle;
use crate::error::TaskError;
use crate::manage::members::Join;
use crate::task::CancelHandle;
use std::future::Future;
use std::time::Duration;

/// What had not ended when the time to stop was up.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 1);
/// let _stuck = pool.task().name("stuck").spawn(|_cx| std::future::pending::<()>());
/// let report = pool.stop_blocking(Some(Duration::from_millis(1)))?;
/// assert!(!report.is_clean());
/// assert_eq!(report.left[0].name(), Some("stuck"));
/// report.left[0].cancel();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct StopReport {
    /// The members that are not over, in no particular order: waiting ones and running ones. Nothing was done to them.
    pub left: Vec<CancelHandle>,
}

impl StopReport {
    /// True if nothing is left.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty()
    }
}

impl PoolHandle {
    /// Refuses new tasks from here on; those that are inside, the waiting ones too, come to their end. It cannot be undone.
    pub fn close(&self) {
        self.members.close();
    }

    /// True once the pool takes no tasks in: it was closed, stopped or dropped.
    pub fn is_closed(&self) -> bool {
        self.members.is_closed()
    }

    /// Ready once every member it was given is over. Dropping it changes nothing.
    ///
    /// A member must not await it: it would wait for itself.
    pub fn join(&self) -> impl Future<Output = ()> + Send + use<> {
        Join::new(&self.members)
    }

    /// Refuses new tasks from here on (from the call, not from the first poll) and gives those inside time to come to their
    /// end: `patience` on the clock of their runtime, or as long as it takes.
    ///
    /// What is not over by then is in the report and goes on; [`cancel_all`](Self::cancel_all), or dropping the pool, cancels
    /// it. A member must not await it without a limit: it would wait for itself.
    pub fn stop(&self, patience: Option<Duration>) -> impl Future<Output = StopReport> + Send + use<> {
        self.close();
        let pool = self.clone();
        let limit = patience.map(|patience| self.runtime().timeout(patience, self.join()));
        async move {
            match limit {
                None => pool.join().await,
                Some(limit) => drop(limit.await),
            }
            pool.left()
        }
    }

    /// As [`stop`](Self::stop), and blocks this thread, for `patience` of real time or as long as it takes.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the pool's own closures, if there are members; new
    /// tasks are refused all the same.
    pub fn stop_blocking(&self, patience: Option<Duration>) -> Result<StopReport, TaskError> {
        self.close();
        self.members.wait(patience).unwrap_or(Ok(()))?;
        Ok(self.left())
    }

    /// Blocks this thread until every member it was given is over.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the pool's own closures.
    pub fn wait(&self) -> Result<(), TaskError> {
        self.members.wait(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// Blocks this thread until every member is over, at most for `timeout`. `None`: some are not.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<(), TaskError>> {
        self.members.wait(Some(timeout))
    }

    pub(in crate::manage) fn left(&self) -> StopReport {
        StopReport { left: self.members.alive() }
    }
}
