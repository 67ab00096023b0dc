//! How a member comes in: a place is made, the task is made with it, and it is queued [1].

use super::seat::Closure;
use super::state::{Door, Member, State};
use super::ties::{Membership, Seated, Slot, Tie};
use super::timed::Timed;
use super::{Members, Rules};
use crate::error::TaskError;
use crate::manage::error::PoolStopped;
use crate::runtime::Prepared;
use crate::sync::Arc;
use crate::task::raw::{SpawnMeta, Work};
use crate::task::{CancelHandle, Spec, Task, TaskMeta};
use crate::util::slab::Key;
use std::time::Duration;

/// Why there is no place.
#[derive(Debug)]
pub(in crate::manage) enum NoPlace {
    /// As many wait as may.
    Full,
    /// The owner takes nobody in.
    Closed,
}

/// A place that was made for a member, and is to be filled.
#[must_use = "a place that is not filled is never free again"]
pub(in crate::manage) struct Reserved(Key);

impl Members {
    /// Makes a place, so that the task knows it when it is made. The limit of the queue is for those who ask for it.
    pub(in crate::manage) fn reserve(&self, queue_limit: Option<usize>) -> Result<Reserved, NoPlace> {
        let mut state = self.state.lock();
        if state.door != Door::Open {
            return Err(NoPlace::Closed);
        }
        if state.is_full(queue_limit) {
            return Err(NoPlace::Full);
        }
        state.pending += 1;
        state.unlaunched += 1;
        Ok(Reserved(state.members.insert(Member::default())))
    }

    /// Takes in what is polled, whatever the limit of the queue. Where nobody is let in, the task is over.
    pub(in crate::manage) fn start<B, P>(self: &Arc<Self>, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        match self.reserve(None) {
            Ok(place) => self.fill(place, body, spec),
            Err(_) => self.handle.over(TaskError::from_error(PoolStopped), spec),
        }
    }

    /// Takes in what runs on the pool, whatever the limit of the queue. Where nobody is let in, the task is over.
    pub(in crate::manage) fn start_blocking<B, P>(self: &Arc<Self>, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work + Unpin,
    {
        match self.reserve(None) {
            Ok(place) => self.fill_blocking(place, body, spec),
            Err(_) => self.handle.over(TaskError::from_error(PoolStopped), spec),
        }
    }

    /// Puts what is polled into its place.
    pub(in crate::manage) fn fill<B, P>(self: &Arc<Self>, place: Reserved, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let watch = Membership { members: Arc::clone(self), key: place.0 };
        let (task, prepared) = match self.time_limit(&spec) {
            Some(limit) => self.handle.prepare(Timed::new(body, self.handle.clone(), limit), spec, watch),
            None => self.handle.prepare(body, spec, watch),
        };
        self.admit(place, task.cancel_handle(), prepared, None, None);
        task
    }

    /// Puts what runs on the pool into its place.
    pub(in crate::manage) fn fill_blocking<B, P>(
        self: &Arc<Self>,
        place: Reserved,
        body: B,
        mut spec: Spec<P>,
    ) -> Task<B::Output, P>
    where
        B: Work + Unpin,
    {
        let closure = Arc::new(Closure::default());
        let slot = Slot { members: Arc::clone(self), closure: Arc::clone(&closure) };
        let watch = Membership { members: Arc::clone(self), key: place.0 };
        let limit = self.time_limit(&spec);
        if limit.is_some() && spec.origin.details().is_none() {
            // Whoever ends it from outside finds the limit there, for the error.
            spec.origin = SpawnMeta::of(Arc::new(TaskMeta::new(spec.origin.location(), None, limit, None)));
        }
        let (task, prepared) = self.handle.prepare_blocking(Seated { body, slot }, spec, watch);
        self.admit(place, task.cancel_handle(), prepared, Some(closure), limit);
        task
    }

    fn time_limit<P>(&self, spec: &Spec<P>) -> Option<Duration> {
        let Rules { keeps_time, time_limit, .. } = self.rules;
        if !keeps_time {
            return None;
        }
        spec.origin.details().map_or(time_limit, |details| details.time_limit())
    }

    /// [1]
    fn admit(
        self: &Arc<Self>,
        Reserved(key): Reserved,
        control: CancelHandle,
        prepared: Prepared,
        closure: Option<Arc<Closure>>,
        time_limit: Option<Duration>,
    ) {
        let level = control.priority();
        let mut state = self.state.lock();
        // Either the token's flag is seen here, or the member is among those whom the tie cancels.
        let cancelled = state.door == Door::Dropped || state.tie.as_ref().is_some_and(Tie::is_cancelled);
        let late = cancelled.then(|| control.clone());
        let State { members, waiting, .. } = &mut *state;
        if let Some(member) = members.get_mut(key) {
            member.control = Some(control);
            member.prepared = Some(prepared);
            member.ticket = Some(waiting.push(key, level));
            member.closure = closure;
            member.time_limit = time_limit;
        }
        drop(state);
        match late {
            Some(control) => drop(control.cancel()),
            None => self.pump(),
        }
    }
}
