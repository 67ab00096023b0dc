//! The end of a pool, and waiting for it.

use super::{PoolHandle, TaskPool};
use crate::error::TaskError;
use crate::manage::TaskGroup;
use crate::manage::limited::{Condition, StopReport, Waiter};
use crate::sync::Arc;
use crate::util::methods::methods;
use std::future::Future;
use std::time::Duration;

methods! {
impl PoolHandle, TaskPool, TaskGroup {
    /// Refuses new tasks from here on; those inside, the waiting ones too, run to their end. It cannot be undone.
    pub fn close(&self) {
        self.members().close();
    }

    /// True once the pool takes no tasks: it was closed, stopped or dropped.
    pub fn is_closed(&self) -> bool {
        self.members().is_closed()
    }

    /// Ready once every member is over, and every closure of one has returned: also one that was cancelled or ran out of time.
    /// Dropping it changes nothing.
    ///
    /// A member must not await it: it would wait for itself.
    pub fn join(&self) -> impl Future<Output = ()> + Send + use<> {
        Waiter::new(self.members(), Condition::Idle)
    }

    /// Refuses new tasks from here on (from the call, not from the first poll) and waits as [`join`](Self::join) does: for
    /// `patience` on the clock of their runtime, or as long as it takes.
    ///
    /// What is left by then is in the report and goes on; [`cancel_all`](Self::cancel_all), or dropping the pool, cancels
    /// it. A member must not await it without a limit: it would wait for itself.
    pub fn stop(&self, patience: Option<Duration>) -> impl Future<Output = StopReport> + Send + use<> {
        self.close();
        let members = Arc::clone(self.members());
        let limit = patience.map(|patience| self.runtime().timeout(patience, self.join()));
        async move {
            match limit {
                None => Waiter::new(&members, Condition::Idle).await,
                Some(limit) => drop(limit.await),
            }
            members.report()
        }
    }

    /// As [`stop`](Self::stop), and blocks this thread, for `patience` of real time or as long as it takes.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the pool's own closures, if there are members; new
    /// tasks are refused all the same.
    pub fn stop_blocking(&self, patience: Option<Duration>) -> Result<StopReport, TaskError> {
        self.close();
        self.members().wait(patience).unwrap_or(Ok(()))?;
        Ok(self.members().report())
    }

    /// Blocks this thread until every member is over, and every closure of one has returned.
    ///
    /// A closure that was cancelled and never returns holds it for ever; [`wait_timeout`](Self::wait_timeout) gives up.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the pool's own closures.
    pub fn wait(&self) -> Result<(), TaskError> {
        self.members().wait(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// As [`wait`](Self::wait), at most for `timeout`. `None`: the time was up.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<(), TaskError>> {
        self.members().wait(Some(timeout))
    }
}
}
