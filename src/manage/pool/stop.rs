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
    /// Refuses new tasks from now on. It cannot be undone.
    ///
    /// The members, including the waiting ones, run to their end.
    pub fn close(&self) {
        self.members().close();
    }

    /// Returns true once the pool was closed, stopped or dropped.
    pub fn is_closed(&self) -> bool {
        self.members().is_closed()
    }

    /// Waits until every member has ended and every closure has returned.
    ///
    /// That includes closures that were cancelled or timed out. Dropping the future changes nothing.
    ///
    /// A member must not await it: it would wait for itself.
    pub fn join(&self) -> impl Future<Output = ()> + Send + use<> {
        Waiter::new(self.members(), Condition::Idle)
    }

    /// Refuses new tasks from this call on, and waits like [`join`](Self::join).
    ///
    /// It waits for `patience` on the clock of the members' runtime, or without limit.
    ///
    /// The report has the remaining members, which continue; [`cancel_all`](Self::cancel_all), or dropping the pool,
    /// cancels them. A member must not await it without a limit: it would wait for itself.
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

    /// Blocks this thread like [`stop`](Self::stop) waits.
    ///
    /// It waits for `patience` of real time, or without limit.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the pool's own closures, if there are
    /// members; new tasks are still refused.
    pub fn stop_blocking(&self, patience: Option<Duration>) -> Result<StopReport, TaskError> {
        self.close();
        self.members().wait(patience).unwrap_or(Ok(()))?;
        Ok(self.members().report())
    }

    /// Blocks this thread until every member has ended and every closure has returned.
    ///
    /// A cancelled closure that never returns blocks it for ever; use [`wait_timeout`](Self::wait_timeout) then.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the pool's own closures.
    pub fn wait(&self) -> Result<(), TaskError> {
        self.members().wait(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// Blocks this thread like [`wait`](Self::wait), at most for `timeout`.
    ///
    /// Returns `None` if the time was up.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<(), TaskError>> {
        self.members().wait(Some(timeout))
    }
}
}
