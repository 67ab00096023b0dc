//! Submission of a member: with a permit, its task is created and queued [1].

use super::timed::Timed;
use super::{LimitedSet, Member};
use crate::error::TaskError;
use crate::manage::error::PoolStopped;
use crate::manage::limiter::{self, Refused};
use crate::runtime::{Prepared, Watch};
use crate::sync::Arc;
use crate::task::raw::{SpawnMeta, Work};
use crate::task::{CancelHandle, Spec, Task, TaskMeta};
use crate::util::slab::Key;
use std::time::Duration;

/// The right to submit one member.
#[must_use = "a permit that is not used is never given back"]
pub(in crate::manage) struct Permit {
    permit: limiter::Permit,
    key: Key,
}

/// The part of a set inside a member's cell.
///
/// It reports the start of the member's closure, its end, and that its body is gone.
pub(super) struct SlotGuard {
    set: Arc<LimitedSet>,
    key: Key,
}

impl Watch for SlotGuard {
    fn starts(&self) {
        self.set.begins(self.key);
    }

    fn moved(&self) -> bool {
        self.set.moved(self.key)
    }

    fn ended(&self) {
        self.set.ended(self.key);
    }

    fn closed(&self) {
        self.set.closed(self.key);
    }
}

impl LimitedSet {
    /// Reserves room for a member before its task is created.
    ///
    /// Only the `try_` methods pass a limit of the queue.
    pub(in crate::manage) fn permit(&self, queue_limit: Option<usize>) -> Result<Permit, Refused> {
        let mut inner = self.inner.lock();
        let permit = inner.limiter.permit(queue_limit)?;
        inner.pending += 1;
        Ok(Permit { permit, key: inner.members.insert(Member::default()) })
    }

    /// Submits a future, ignoring the limit of the queue.
    ///
    /// If the set is closed, the task has ended.
    pub(in crate::manage) fn start<B, P>(self: &Arc<Self>, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        match self.permit(None) {
            Ok(permit) => self.submit(permit, body, spec),
            Err(_) => self.handle.over(TaskError::from_error(PoolStopped), spec),
        }
    }

    /// Submits a closure; see [`start`](Self::start).
    pub(in crate::manage) fn start_blocking<B, P>(self: &Arc<Self>, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        match self.permit(None) {
            Ok(permit) => self.submit_blocking(permit, body, spec),
            Err(_) => self.handle.over(TaskError::from_error(PoolStopped), spec),
        }
    }

    pub(in crate::manage) fn submit<B, P>(
        self: &Arc<Self>,
        permit: Permit,
        body: B,
        spec: Spec<P>,
    ) -> Task<B::Output, P>
    where
        B: Work,
    {
        let guard = self.guard(&permit);
        let (task, prepared) = match self.time_limit(&spec) {
            Some(limit) => self.handle.prepare(Timed::new(body, self.handle.clone(), limit), spec, guard),
            None => self.handle.prepare(body, spec, guard),
        };
        self.enqueue(permit, task.cancel_handle(), prepared, None);
        task
    }

    pub(in crate::manage) fn submit_blocking<B, P>(
        self: &Arc<Self>,
        permit: Permit,
        body: B,
        mut spec: Spec<P>,
    ) -> Task<B::Output, P>
    where
        B: Work,
    {
        let limit = self.time_limit(&spec);
        if limit.is_some() && spec.origin.details().is_none() {
            // A task that is ended from outside finds the limit there, for its error.
            spec.origin = SpawnMeta::of(Arc::new(TaskMeta::new(spec.origin.location(), None, limit, None)));
        }
        let (task, prepared) = self.handle.prepare_blocking(body, spec, self.guard(&permit));
        self.enqueue(permit, task.cancel_handle(), prepared, limit);
        task
    }

    fn guard(self: &Arc<Self>, permit: &Permit) -> SlotGuard {
        SlotGuard { set: Arc::clone(self), key: permit.key }
    }

    fn time_limit<P>(&self, spec: &Spec<P>) -> Option<Duration> {
        spec.origin.details().map_or(self.rules.time_limit, |details| details.time_limit())
    }

    /// [1]
    fn enqueue(
        self: &Arc<Self>,
        Permit { permit, key }: Permit,
        control: CancelHandle,
        prepared: Prepared,
        time_limit: Option<Duration>,
    ) {
        let priority = control.priority();
        let mut inner = self.inner.lock();
        // Either the token's flag is seen here, or the link cancels the member with the others.
        let cancelled = inner.dropped || inner.link.as_ref().is_some_and(super::CancelLink::is_cancelled);
        let ticket = inner.limiter.push(permit, (key, prepared), priority);
        if let Some(member) = inner.members.get_mut(key) {
            *member = Member { control: Some(control.clone()), ticket: Some(ticket), time_limit, ..Member::default() };
        }
        drop(inner);
        if cancelled {
            control.cancel();
        } else {
            self.launch_ready();
        }
    }
}
