//! The members of a group, and the pump that launches them; the rules stand in [`super`].

use super::ties::{Pump, Sentinel, Tie};
use crate::manage::fifo::Fifo;
use crate::runtime::{Handle, Prepared, drives_any};
use crate::sync::{Arc, Mutex};
use crate::task::{Control, Status, Task};
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use std::future::pending;
use std::io;
use std::num::NonZeroUsize;
use std::task::Waker;

/// Members that one thread launches before it leaves the rest to the reactor.
const LAUNCHES: usize = 64;

pub(super) struct Group {
    pub(super) handle: Handle,
    pub(super) limit: Option<NonZeroUsize>,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    /// The live ones.
    pub(super) members: Slab<Member>,
    /// Members that are not launched.
    waiting: Fifo<Key>,
    /// Slots taken by launched members.
    used: usize,
    /// A thread is in the pump.
    pub(super) pumping: bool,
    /// Live members that have not begun.
    pub(super) pending: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) cancelled: usize,
    pub(super) joiners: Slab<Waker>,
    sentinel: Option<Task<()>>,
    pub(super) tie: Option<Tie>,
}

pub(super) struct Member {
    /// `None` for the moment between reserving the place and making the task.
    control: Option<Control>,
    /// Full while it waits.
    prepared: Option<Prepared>,
    /// Of closures: the other end of what the closure holds.
    closure: Option<Arc<Closure>>,
    begun: bool,
}

/// What a closure and its group share beyond the life of the task.
#[derive(Default)]
pub(super) struct Closure(Mutex<Seat>);

#[derive(Default)]
struct Seat {
    /// It was launched and holds a slot.
    holds: bool,
    /// Its task is over.
    over: bool,
    /// It returned, or was dropped.
    returned: bool,
    /// No thread could be started for it: instead of running it fails with this.
    refused: Option<io::Error>,
}

impl Seat {
    /// True once, when the closure holds a slot that it needs no more: the caller frees it.
    #[must_use]
    fn leaves(&mut self) -> bool {
        self.over && self.returned && std::mem::take(&mut self.holds)
    }
}

impl Group {
    /// An empty group.
    pub(super) fn new(handle: &Handle, limit: Option<NonZeroUsize>) -> Self {
        let state = State {
            members: Slab::new(),
            waiting: Fifo::new(),
            used: 0,
            pumping: false,
            pending: 0,
            done: 0,
            failed: 0,
            cancelled: 0,
            joiners: Slab::new(),
            sentinel: None,
            tie: None,
        };
        Self { handle: handle.clone(), limit, state: Mutex::new(state) }
    }

    /// Makes a place, so that the task knows it when it is made.
    pub(super) fn reserve(&self) -> Key {
        let mut state = self.state.lock();
        state.pending += 1;
        state.members.insert(Member { control: None, prepared: None, closure: None, begun: false })
    }

    /// [1]
    pub(super) fn admit(
        self: &Arc<Self>,
        key: Key,
        control: Control,
        prepared: Prepared,
        closure: Option<Arc<Closure>>,
    ) {
        let mut state = self.state.lock();
        if let Some(member) = state.members.get_mut(key) {
            member.control = Some(control.clone());
            member.prepared = Some(prepared);
            member.closure = closure;
            state.waiting.push(key);
        }
        // Either the flag is seen here, or the member is among those whom the tie cancels.
        let cancelled = state.tie.as_ref().is_some_and(Tie::is_cancelled);
        drop(state);
        if cancelled {
            control.cancel();
        }
        self.pump();
    }

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
            self.handle.spawn_unseen(Pump(Some(Arc::clone(self)))).detach();
        }
    }

    /// Launches some of what may be launched, for whoever set `pumping`. True: there is no more, and the pump is free.
    pub(super) fn pump_some(self: &Arc<Self>) -> bool {
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
            _ => {}
        }
        true
    }

    /// Takes the next member to launch out of the queue, if it may be.
    fn next(&self, state: &mut State) -> Option<(Prepared, Option<Arc<Closure>>)> {
        let room = self.limit.is_none_or(|limit| state.used < limit.get());
        if !room && !self.handle.is_closed() {
            return None;
        }
        let State { waiting, members, .. } = state;
        let key = waiting.pop(|key| members.get(*key).is_some())?;
        let member = members.get_mut(key)?;
        let prepared = member.prepared.take()?;
        let closure = member.closure.clone();
        match &closure {
            Some(closure) => closure.0.lock().holds = true,
            // The reactor gets to it at once; a closure says by itself that it begins.
            None => {
                member.begun = true;
                state.pending -= 1;
            }
        }
        state.used += 1;
        Some((prepared, closure))
    }

    /// A closure begins.
    pub(super) fn begins(&self, key: Key) {
        let mut state = self.state.lock();
        if let Some(member) = state.members.get_mut(key)
            && !std::mem::replace(&mut member.begun, true)
        {
            state.pending -= 1;
        }
    }

    /// [3] [4] A member is over.
    pub(super) fn ended(self: &Arc<Self>, key: Key) {
        let mut state = self.state.lock();
        let Some(member) = state.members.remove(key) else { return };
        match member.control.as_ref().map(Control::status) {
            Some(Status::Done) => state.done += 1,
            Some(Status::Error) => state.failed += 1,
            _ => state.cancelled += 1,
        }
        if !member.begun {
            state.pending -= 1;
        }
        if member.prepared.is_some() {
            let State { waiting, members, .. } = &mut *state;
            waiting.leave(|key| members.get(*key).is_some());
        } else if member.closure.as_ref().is_none_or(|closure| closure.note_over()) {
            state.used -= 1;
        }
        let joiners = if state.members.is_empty() { take_all(&mut state.joiners) } else { Vec::new() };
        drop(state);
        let Member { control, prepared, closure, .. } = member;
        if let Some(prepared) = prepared {
            launch(prepared, closure.as_deref());
        }
        drop(control);
        self.pump();
        for joiner in joiners {
            guarded(|| joiner.wake());
        }
    }

    /// A closure returned, or was dropped, after its task was over.
    pub(super) fn free_slot(self: &Arc<Self>) {
        self.state.lock().used -= 1;
        self.pump();
    }

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

    pub(super) fn must_not_wait(&self) -> bool {
        let state = self.state.lock();
        // Reactor threads are asked for apart: a member that is just being made has no control to ask.
        let mut controls = state.members.iter().filter_map(|(_, member)| member.control.as_ref());
        !state.members.is_empty() && (drives_any() || controls.any(Control::must_not_wait))
    }

    fn post_sentinel(self: &Arc<Self>) {
        let sentinel = Sentinel(Arc::downgrade(self));
        let task = self.handle.spawn_unseen(async move {
            let _sentinel = sentinel;
            pending::<()>().await;
        });
        let before = self.state.lock().sentinel.replace(task);
        drop(before);
    }
}

/// Empties a slab in place: a key that somebody still has finds nothing then, also among those who come later.
fn take_all<T>(slab: &mut Slab<T>) -> Vec<T> {
    (0..slab.end()).filter_map(|index| slab.remove_at(index)).collect()
}

/// Launches a member; where no thread can be started for it, it fails with that error.
fn launch(prepared: Prepared, closure: Option<&Closure>) {
    if let Err(not_launched) = prepared.launch()
        && let Some(closure) = closure
    {
        not_launched.fail(|error| closure.0.lock().refused = Some(error));
    }
}

impl Closure {
    /// Notes that the task is over; true if that frees the slot.
    fn note_over(&self) -> bool {
        let mut seat = self.0.lock();
        seat.over = true;
        seat.leaves()
    }

    /// Notes that the closure is gone; true if that frees the slot.
    pub(super) fn note_gone(&self) -> bool {
        let mut seat = self.0.lock();
        seat.returned = true;
        seat.leaves()
    }

    pub(super) fn refusal(&self) -> Option<io::Error> {
        self.0.lock().refused.take()
    }
}
