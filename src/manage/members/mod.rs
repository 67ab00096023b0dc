//! Many tasks of one owner, of which so many may run at once: what groups and pools rest on.
//!
//! # How a member lives
//! ```text
//!  start       [1]            [2]                        [3]
//! -------> waiting -------> launched --------------------------> over, forgotten
//!             |                                           ^
//!             +---- cancelled while it waits [4] ---------+
//! ```
//! - [1] A member is a real task from the first moment (its status is `Pending`); only it is not queued yet. What waits
//!   stands in a queue of three levels (see `waiting`), each first in, first out.
//! - [2] Whenever a slot is free, the *pump* launches the next. One thread pumps at a time; the others leave it to that
//!   one, so ends that come about inside of a launch do not nest. After a number of launches it leaves the rest to a
//!   future on the reactor: a host's tick must not be held up by other threads that free slots.
//! - [3] A task that is over is counted and forgotten: only what lives is held. It frees its slot then if it
//!   is a future; a closure that was cancelled while it ran keeps the slot until it really returns. So a limit of two
//!   decoders means two, however many were cancelled on the way. A task that retries keeps its slot while it waits.
//! - [4] A member that is cancelled while it waits leaves the queue and is launched past the limit, which only drops
//!   its body where such bodies are dropped.
//!
//! # Shutdown of the runtime
//! Once the runtime is closing the limit no longer holds: every member is launched, which ends it as runtime gone. An
//! end of a launched member tells of the closing, since all of them end then. If every slot is held by a closure that was
//! cancelled and has not returned, there is no such member; then a future of their owner's, which does nothing but
//! be dropped at shutdown, tells it (the *sentinel*).
//!
//! # Time
//! A limit on the time that a member runs begins with it: at the first poll of a future, which looks at the time by itself
//! (`timed`), and on the pool thread that takes a closure up, which starts a watchdog. The watchdog goes with the member.
//!
//! # The lock
//! One lock guards the state. Launching, dropping, cancelling and waking are done outside of it. What a member holds of
//! its owner (the watch in its cell, the slot in its closure) and the owner of its members is a cycle on purpose: it
//! ends with the member.

mod entry;
mod join;
mod progress;
mod pump;
mod room;
mod seat;
mod state;
mod ties;
mod timed;
mod waiting;

use crate::runtime::Handle;
use crate::sync::{Arc, Mutex};
use crate::task::{CancelHandle, Status};
use crate::toolkit::CancelToken;
use crate::util::slab::Key;
use join::{take_all, wake_all};
use pump::launch;
use state::{Door, Member, State, holds};
use std::num::NonZeroUsize;
use std::time::Duration;
use ties::Tie;

pub(super) use entry::{NoPlace, Reserved};
pub(super) use join::Join;
pub use progress::GroupProgress;
pub(super) use room::Room;

/// What never changes of an owner.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// The most members that wait, for those who ask; `None`: any number.
    pub(super) queue_limit: Option<usize>,
    /// How long a member may run that says nothing of its own.
    pub(super) time_limit: Option<Duration>,
    /// Time limits of members are kept here and count while they run.
    pub(super) keeps_time: bool,
}

pub(super) struct Members {
    pub(super) handle: Handle,
    pub(super) rules: Rules,
    state: Mutex<State>,
}

impl Members {
    /// Nobody.
    pub(super) fn new(handle: &Handle, size: Option<NonZeroUsize>, rules: Rules) -> Arc<Self> {
        Arc::new(Self { handle: handle.clone(), rules, state: Mutex::new(State::new(size)) })
    }

    /// A closure begins.
    fn begins(&self, key: Key) {
        let mut state = self.state.lock();
        let Some(member) = state.members.get_mut(key) else { return };
        if std::mem::replace(&mut member.begun, true) {
            return;
        }
        let limited = member.time_limit.zip(member.control.clone());
        state.pending -= 1;
        drop(state);
        let Some((limit, control)) = limited else { return };
        let sleep = self.handle.sleep(limit);
        let watchdog = self.handle.spawn_internal(async move {
            sleep.await;
            control.time_out();
        });
        let mut state = self.state.lock();
        // A member that is over meanwhile has no use for it: then it is dropped here, outside of the lock.
        let unused = match state.members.get_mut(key) {
            Some(member) => member.watchdog.replace(watchdog),
            None => Some(watchdog),
        };
        drop(state);
        drop(unused);
    }

    /// A member has another level. False: it is launched, and this is for its executor.
    fn moved(&self, key: Key) -> bool {
        let mut state = self.state.lock();
        let State { waiting, members, .. } = &mut *state;
        let Some(member) = members.get_mut(key) else { return false };
        let (Some(before), Some(control)) = (member.ticket, &member.control) else { return false };
        let level = control.priority();
        if level != before.level {
            member.ticket = Some(waiting.push(key, level));
            waiting.leave(before.level, |ticket| holds(members, ticket));
        }
        true
    }

    /// [3] [4] A member is over.
    fn ended(self: &Arc<Self>, key: Key) {
        let mut state = self.state.lock();
        let Some(member) = state.members.remove(key) else { return };
        match member.control.as_ref().map(CancelHandle::status) {
            Some(Status::Done) => state.done += 1,
            Some(Status::Error) => state.failed += 1,
            _ => state.cancelled += 1,
        }
        if !member.begun {
            state.pending -= 1;
        }
        if let Some(ticket) = member.ticket {
            let State { waiting, members, .. } = &mut *state;
            waiting.leave(ticket.level, |ticket| holds(members, ticket));
            state.unlaunched -= 1;
        } else if member.closure.as_ref().is_none_or(|closure| closure.note_over()) {
            state.used -= 1;
        }
        let joiners = if state.members.is_empty() { take_all(&mut state.joiners) } else { Vec::new() };
        drop(state);
        let Member { control, prepared, closure, watchdog, .. } = member;
        if let Some(prepared) = prepared {
            launch(prepared, closure.as_deref());
        }
        drop((control, watchdog));
        self.pump();
        wake_all(joiners);
    }

    /// A closure returned, or was dropped, after its task was over.
    fn free_slot(self: &Arc<Self>) {
        self.state.lock().used -= 1;
        self.pump();
    }

    pub(super) fn size(&self) -> Option<NonZeroUsize> {
        self.state.lock().size
    }

    pub(super) fn resize(self: &Arc<Self>, size: Option<NonZeroUsize>) {
        self.state.lock().size = size;
        self.pump();
    }

    /// Makes the members and a token one; a second token takes the place of the first.
    pub(super) fn tie(self: &Arc<Self>, token: &CancelToken) {
        let before = self.state.lock().tie.take();
        drop(before);
        let tie = Tie::new(self, token);
        // Of two at the same time, one is dropped here: outside of the lock, since a token has a reason of the user's.
        let before = self.state.lock().tie.replace(tie);
        drop(before);
        // A token that was cancelled in between had no tie to see for those who came in between.
        if token.is_cancelled() {
            self.cancel_all();
        }
    }

    pub(super) fn token(&self) -> Option<CancelToken> {
        self.state.lock().tie.as_ref().map(Tie::token)
    }

    /// The token that they were one with.
    pub(super) fn untie(&self) -> Option<CancelToken> {
        let tie = self.state.lock().tie.take();
        tie.map(|tie| tie.token())
    }

    pub(super) fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().members.is_empty()
    }

    /// Lets nobody in from here on.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if state.door == Door::Open {
            state.door = Door::Closed;
        }
        let hopeful = self.take_hopeful(&mut state);
        drop(state);
        wake_all(hopeful);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().door != Door::Open
    }

    /// The owner goes: lets nobody in, and cancels all.
    pub(super) fn dropped(&self) {
        let mut state = self.state.lock();
        state.door = Door::Dropped;
        let hopeful = self.take_hopeful(&mut state);
        drop(state);
        self.cancel_all();
        wake_all(hopeful);
    }

    /// Cancels all and says how many were not over.
    pub(super) fn cancel_all(&self) -> usize {
        let state = self.state.lock();
        let (mut waiting, mut launched) = (Vec::new(), Vec::new());
        for (_, member) in state.members.iter() {
            let list = if member.prepared.is_some() { &mut waiting } else { &mut launched };
            list.extend(member.control.clone());
        }
        drop(state);
        // The waiting ones first: so that none of them is started by the end of another.
        waiting.iter().chain(&launched).filter(|control| control.cancel()).count()
    }

    /// Those that are not over. One that is over may stand here for a moment longer, and is left out.
    pub(super) fn alive(&self) -> Vec<CancelHandle> {
        let state = self.state.lock();
        let controls = state.members.iter().filter_map(|(_, member)| member.control.as_ref());
        controls.filter(|control| !control.is_done()).cloned().collect()
    }
}
