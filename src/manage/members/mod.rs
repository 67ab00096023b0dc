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

mod join;
mod progress;
mod seat;
mod ties;
mod timed;
mod waiting;

use super::error::PoolStopped;
use crate::error::TaskError;
use crate::runtime::{Handle, Prepared, drives_any, inside};
use crate::sync::{Arc, Mutex};
use crate::task::raw::Work;
use crate::task::{Control, Details, Spec, Status, Task};
use crate::toolkit::CancelToken;
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use seat::Closure;
use std::future::pending;
use std::num::NonZeroUsize;
use std::task::Waker;
use std::time::Duration;
use ties::{Membership, Pump, Seated, Sentinel, Slot, Tie};
use timed::Timed;
use waiting::{Ticket, Waiting};

pub(super) use join::Join;
pub use progress::GroupProgress;

/// Members that one thread launches before it leaves the rest to the reactor.
const LAUNCHES: usize = 64;

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

struct State {
    /// The live ones.
    members: Slab<Member>,
    /// How many may run; `None`: any number.
    size: Option<NonZeroUsize>,
    /// Members that are not launched.
    waiting: Waiting,
    /// The same, with those that are just being made.
    unlaunched: usize,
    /// Slots taken by launched members.
    used: usize,
    /// A thread is in the pump.
    pumping: bool,
    /// Live members that have not begun.
    pending: usize,
    done: usize,
    failed: usize,
    cancelled: usize,
    joiners: Slab<Waker>,
    sentinel: Option<Task<()>>,
    door: Door,
    tie: Option<Tie>,
}

/// Who may come in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    /// Nobody.
    Closed,
    /// Nobody, and whoever is in the doorway is cancelled.
    Dropped,
}

/// Why there is no place.
#[derive(Debug)]
pub(super) enum NoPlace {
    /// As many wait as may.
    Full,
    /// The owner takes nobody in.
    Closed,
}

/// A place that was made for a member, and is to be filled.
#[must_use = "a place that is not filled is never free again"]
pub(super) struct Reserved(Key);

struct Member {
    /// `None` for the moment between reserving the place and making the task.
    control: Option<Control>,
    /// Full while it waits.
    prepared: Option<Prepared>,
    /// While it waits.
    ticket: Option<Ticket>,
    /// Of closures: the other end of what the closure holds.
    closure: Option<Arc<Closure>>,
    /// Of closures: for how long they may run.
    time_limit: Option<Duration>,
    /// Of closures that run: what ends them at that limit.
    watchdog: Option<Task<()>>,
    begun: bool,
}

impl State {
    fn has_room(&self) -> bool {
        self.size.is_none_or(|size| self.used < size.get())
    }

    /// True if one more would have to wait, and there are as many waiting as may.
    fn is_full(&self, queue_limit: Option<usize>) -> bool {
        let (Some(size), Some(limit)) = (self.size, queue_limit) else { return false };
        let free = size.get().saturating_sub(self.used);
        self.unlaunched >= limit.saturating_add(free)
    }
}

impl Members {
    /// Nobody.
    pub(super) fn new(handle: &Handle, size: Option<NonZeroUsize>, rules: Rules) -> Arc<Self> {
        let state = State {
            members: Slab::new(),
            size,
            waiting: Waiting::new(),
            unlaunched: 0,
            used: 0,
            pumping: false,
            pending: 0,
            done: 0,
            failed: 0,
            cancelled: 0,
            joiners: Slab::new(),
            sentinel: None,
            door: Door::Open,
            tie: None,
        };
        Arc::new(Self { handle: handle.clone(), rules, state: Mutex::new(state) })
    }

    /// Makes a place, so that the task knows it when it is made. The limit of the queue is for those who ask for it.
    pub(super) fn reserve(&self, queue_limit: Option<usize>) -> Result<Reserved, NoPlace> {
        let mut state = self.state.lock();
        if state.door != Door::Open {
            return Err(NoPlace::Closed);
        }
        if state.is_full(queue_limit) {
            return Err(NoPlace::Full);
        }
        state.pending += 1;
        state.unlaunched += 1;
        Ok(Reserved(state.members.insert(Member {
            control: None,
            prepared: None,
            ticket: None,
            closure: None,
            time_limit: None,
            watchdog: None,
            begun: false,
        })))
    }

    /// Takes in what is polled, whatever the limit of the queue. Where nobody is let in, the task is over.
    pub(super) fn start<B, P>(self: &Arc<Self>, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        match self.reserve(None) {
            Ok(place) => self.fill(place, body, spec),
            Err(_) => self.handle.over(TaskError::from_error(PoolStopped), spec),
        }
    }

    /// Takes in what runs on the pool, whatever the limit of the queue. Where nobody is let in, the task is over.
    pub(super) fn start_blocking<B, P>(self: &Arc<Self>, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work + Unpin,
    {
        match self.reserve(None) {
            Ok(place) => self.fill_blocking(place, body, spec),
            Err(_) => self.handle.over(TaskError::from_error(PoolStopped), spec),
        }
    }

    /// Puts what is polled into its place.
    pub(super) fn fill<B, P>(self: &Arc<Self>, place: Reserved, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let watch = Membership { members: Arc::clone(self), key: place.0 };
        let (task, prepared) = match self.time_limit(&spec) {
            Some(limit) => self.handle.prepare(Timed::new(body, self.handle.clone(), limit), spec, watch),
            None => self.handle.prepare(body, spec, watch),
        };
        self.admit(place, task.control(), prepared, None, None);
        task
    }

    /// Puts what runs on the pool into its place.
    pub(super) fn fill_blocking<B, P>(
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
        if limit.is_some() && spec.details.is_none() {
            // Whoever ends it from outside finds the limit there, for the error.
            spec.details = Some(Arc::new(Details::new(None, limit, None)));
        }
        let (task, prepared) = self.handle.prepare_blocking(Seated { body, slot }, spec, watch);
        self.admit(place, task.control(), prepared, Some(closure), limit);
        task
    }

    fn time_limit<P>(&self, spec: &Spec<P>) -> Option<Duration> {
        let Rules { keeps_time, time_limit, .. } = self.rules;
        if !keeps_time {
            return None;
        }
        spec.details.as_ref().map_or(time_limit, |details| details.time_limit())
    }

    /// [1]
    fn admit(
        self: &Arc<Self>,
        Reserved(key): Reserved,
        control: Control,
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

    /// [2] Launches what may be launched.
    fn pump(self: &Arc<Self>) {
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
        let watchdog = self.handle.spawn_unseen(async move {
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
        match member.control.as_ref().map(Control::status) {
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
        for joiner in joiners {
            guarded(|| joiner.wake());
        }
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
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().door != Door::Open
    }

    /// The owner goes: lets nobody in, and cancels all.
    pub(super) fn dropped(&self) {
        self.state.lock().door = Door::Dropped;
        self.cancel_all();
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
    pub(super) fn alive(&self) -> Vec<Control> {
        let state = self.state.lock();
        let controls = state.members.iter().filter_map(|(_, member)| member.control.as_ref());
        controls.filter(|control| !control.is_done()).cloned().collect()
    }

    pub(super) fn must_not_wait(&self) -> bool {
        let state = self.state.lock();
        // Reactor threads are asked for apart: a member that is just being made has no control to ask.
        let mut controls = state.members.iter().filter_map(|(_, member)| member.control.as_ref());
        !state.members.is_empty() && (drives_any() || controls.any(Control::must_not_wait))
    }

    /// True in the closure of a member.
    pub(super) fn is_inside(&self) -> bool {
        let Some(own) = inside() else { return false };
        let state = self.state.lock();
        state.members.iter().any(|(_, member)| member.control.as_ref().is_some_and(|control| control.id() == own))
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

/// True for the ticket that a member goes by.
fn holds(members: &Slab<Member>, ticket: &Ticket) -> bool {
    members.get(ticket.key).is_some_and(|member| member.ticket == Some(*ticket))
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
        not_launched.fail(|error| closure.refuse(error));
    }
}
