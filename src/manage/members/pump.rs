//! The pump: launches those who wait whenever there is room, and everyone once the runtime is closing.
//!
//! One thread pumps at a time (`pumping`), and gives it up under the lock under which it found nothing to launch. So
//! whoever frees a slot meanwhile either is seen by it, or finds the pump free.

use super::Members;
use super::join::wake_all;
use super::seat::Closure;
use super::state::{State, holds};
use crate::runtime::Prepared;
use crate::sync::{Arc, Weak};
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Members that one thread launches before it leaves the rest to the reactor.
const LAUNCHES: usize = 64;

impl Members {
    /// [2] Launches what may be launched.
    pub(super) fn pump(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.pumping {
            return;
        }
        state.pumping = true;
        drop(state);
        if !self.pump_some() {
            // This thread may be a host's tick, and others may free slots as fast as it fills them: the reactor goes on.
            self.handle.spawn_internal(Pump(Some(Arc::clone(self)))).detach();
        }
    }

    /// Launches some of what may be launched, for whoever set `pumping`. True: there is no more, and the pump is free.
    fn pump_some(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        let mut launched = 0;
        while let Some((prepared, closure)) = self.next(&mut state) {
            drop(state);
            launch(prepared, closure.as_deref());
            launched += 1;
            // A launch on a runtime that is closing only ends the member, and there is no reactor to go on.
            if launched == LAUNCHES && !self.handle.is_closed() {
                return false;
            }
            state = self.state.lock();
        }
        state.pumping = false;
        let hopeful = self.take_hopeful(&mut state);
        let stuck = !state.waiting.is_empty() && state.waiting.len() == state.members.len();
        match (stuck, state.sentinel.is_some()) {
            (true, false) => {
                drop(state);
                self.post_sentinel();
            }
            (false, true) => {
                let sentinel = state.sentinel.take();
                drop(state);
                drop(sentinel);
            }
            _ => drop(state),
        }
        wake_all(hopeful);
        true
    }

    /// Takes the next member to launch out of the queue, if it may be.
    fn next(&self, state: &mut State) -> Option<(Prepared, Option<Arc<Closure>>)> {
        if !state.has_room() && !self.handle.is_closed() {
            return None;
        }
        let State { waiting, members, .. } = state;
        let key = waiting.pop(|ticket| holds(members, ticket))?;
        let member = members.get_mut(key)?;
        let prepared = member.prepared.take()?;
        member.ticket = None;
        let closure = member.closure.clone();
        match &closure {
            Some(closure) => closure.note_launched(),
            // The reactor gets to it at once; a closure says by itself that it begins.
            None => {
                member.begun = true;
                state.pending -= 1;
            }
        }
        state.unlaunched -= 1;
        state.used += 1;
        Some((prepared, closure))
    }

    fn post_sentinel(self: &Arc<Self>) {
        let sentinel = Sentinel(Arc::downgrade(self));
        let task = self.handle.spawn_internal(async move {
            let _sentinel = sentinel;
            pending::<()>().await;
        });
        let before = self.state.lock().sentinel.replace(task);
        drop(before);
    }
}

/// Launches a member; where no thread can be started for it, it fails with that error.
pub(super) fn launch(prepared: Prepared, closure: Option<&Closure>) {
    if let Err(not_launched) = prepared.launch()
        && let Some(closure) = closure
    {
        not_launched.fail(|error| closure.refuse(error));
    }
}

/// The pump, taken over by the reactor: launches a few at each poll.
struct Pump(Option<Arc<Members>>);

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.as_ref().is_none_or(Members::pump_some) {
            self.0 = None;
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // Shut down before the end: then every launch is quick, and this thread does the rest.
        if let Some(members) = self.0.take() {
            members.state.lock().pumping = false;
            members.pump();
        }
    }
}

/// Tells the members that their runtime is shut down.
struct Sentinel(Weak<Members>);

impl Drop for Sentinel {
    fn drop(&mut self) {
        if let Some(members) = self.0.upgrade() {
            members.pump();
        }
    }
}
