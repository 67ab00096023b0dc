//! What the callers' side and the engine share, under one lock.
//!
//! # Why no wake-up is lost
//! The engine leaves its waker under the lock at which it looks for orders, and callers that give one (a write, room in
//! the buffer, close, reconnect) change the data and take that waker under the lock. Likewise the other way round: a
//! caller looks and leaves its waker under one hold of the lock, the engine changes and takes wakers under one. So
//! whoever comes second finds the change or the waker of the other.
//!
//! # Rules
//! - No connection is touched, nothing is woken, and no waker, error or message is dropped under the lock.
//! - `Closed` is the last state: nothing replaces it.
//! - Whoever sets `Closed` refuses the writes that wait and wakes everyone under the same hold. A message that the engine
//!   has in its hands is settled by the engine.

use super::error::{ReadError, Unsent, UnsentReason};
use super::outbox::{Message, Outbox};
use super::state::{CloseReason, State};
use super::waiters::{Waiters, wake};
use crate::net::inbox::Inbox;
use crate::sync::Mutex;
use crate::util::slab::Key;
use std::task::{Context, Poll, Waker};

pub(super) struct Shared {
    core: Mutex<Core>,
}

struct Core {
    state: State,
    inbox: Inbox,
    outbox: Outbox,
    readers: Waiters,
    /// Those who wait for a state.
    watchers: Waiters,
    engine: Option<Waker>,
    /// The engine found no room, and reads again when it is woken.
    stalled: bool,
    /// Asked for, until the engine looks. One that comes while the connection is being lost ends the wait that follows;
    /// one that comes at the end of a wait finds the next try under way, which takes no notice of it.
    renew: bool,
}

/// What the engine finds.
pub(super) enum Order {
    Go,
    /// The connection, or the wait for one, is to be given up.
    Renew,
    Close,
}

/// What the engine finds, and is to do.
pub(super) struct Look {
    pub(super) order: Order,
    /// How many bytes may be received.
    pub(super) room: usize,
    /// The next to be written.
    pub(super) message: Option<Message>,
}

impl Core {
    fn is_closed_on_purpose(&self) -> bool {
        matches!(self.state, State::Closed(CloseReason::Requested))
    }

    fn closed(&self) -> Option<CloseReason> {
        match &self.state {
            State::Closed(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// The engine, if it waits for room and there is enough to be worth its while, or somebody waits for more.
    fn unstall(&mut self, hungry: bool) -> Option<Waker> {
        let room = self.inbox.room();
        if !self.stalled || room == 0 || !(hungry || room >= self.inbox.limit() / 2) {
            return None;
        }
        self.stalled = false;
        self.engine.take()
    }
}

impl Shared {
    pub(super) fn new(read_limit: usize, write_queue: usize) -> Self {
        Self {
            core: Mutex::new(Core {
                state: State::Connecting { attempt: 1 },
                inbox: Inbox::new(read_limit),
                outbox: Outbox::new(write_queue),
                readers: Waiters::default(),
                watchers: Waiters::default(),
                engine: None,
                stalled: false,
                renew: false,
            }),
        }
    }

    pub(super) fn state(&self) -> State {
        self.core.lock().state.clone()
    }

    pub(super) fn unread(&self) -> usize {
        self.core.lock().inbox.len()
    }

    pub(super) fn waiting_writes(&self) -> usize {
        self.core.lock().outbox.len()
    }

    /// Changes the state, unless it is the last one already; then false.
    pub(super) fn set_state(&self, state: State) -> bool {
        let mut woken = Vec::new();
        let mut core = self.core.lock();
        if core.state.is_closed() {
            drop(core);
            return false;
        }
        if let State::Closed(reason) = &state {
            let reason = UnsentReason::Closed(reason.clone());
            core.outbox.refuse_all(&reason, &mut woken);
            core.readers.take_all(&mut woken);
            woken.extend(core.engine.take());
        }
        core.watchers.take_all(&mut woken);
        let old = std::mem::replace(&mut core.state, state);
        drop(core);
        drop(old);
        wake(woken);
        true
    }

    /// Has the connection, or the wait for one, given up.
    pub(super) fn renew(&self) {
        let mut core = self.core.lock();
        if !matches!(core.state, State::Connected | State::Lost { .. }) {
            return;
        }
        core.renew = true;
        let engine = core.engine.take();
        drop(core);
        wake(engine);
    }

    /// The engine's look: leaves its waker, and takes a message if it has none.
    pub(super) fn look(&self, cx: &Context<'_>, wants_message: bool) -> Look {
        let waker = cx.waker().clone();
        let mut core = self.core.lock();
        let old = core.engine.replace(waker);
        let renew = std::mem::take(&mut core.renew);
        let order = match core.state {
            State::Closed(_) => Order::Close,
            _ if renew => Order::Renew,
            _ => Order::Go,
        };
        let room = core.inbox.room();
        core.stalled = room == 0;
        let message = if wants_message && matches!(order, Order::Go) { core.outbox.take() } else { None };
        drop(core);
        drop(old);
        Look { order, room, message }
    }

    pub(super) fn receive(&self, bytes: &[u8]) {
        let mut woken = Vec::new();
        let mut core = self.core.lock();
        core.inbox.append(bytes);
        core.readers.take_all(&mut woken);
        drop(core);
        wake(woken);
    }

    pub(super) fn take_partial(&self, delimiter: u8) -> Vec<u8> {
        self.core.lock().inbox.take_partial(delimiter)
    }

    /// A read: `take` says what it takes, if it is there. A reader that waits passes its place and context.
    pub(super) fn read<T>(
        &self,
        take: &mut impl FnMut(&mut Inbox) -> Result<Option<T>, ReadError>,
        waits: Option<(&mut Option<Key>, &Context<'_>)>,
    ) -> Result<Option<T>, ReadError> {
        let waits = waits.map(|(place, cx)| (place, cx.waker().clone()));
        let mut core = self.core.lock();
        // What was received before an end by itself can still be read; on purpose is on purpose.
        let taken = if core.is_closed_on_purpose() { Ok(None) } else { take(&mut core.inbox) };
        let mut spare = None;
        let outcome = match (taken, core.closed()) {
            (Ok(None), Some(reason)) => Err(reason.into()),
            (Ok(None), None) => {
                spare = waits.and_then(|(place, waker)| core.readers.place(place, waker));
                Ok(None)
            }
            (taken, _) => taken,
        };
        let engine = core.unstall(matches!(outcome, Ok(None)));
        drop(core);
        drop(spare);
        wake(engine);
        outcome
    }

    pub(super) fn leave_readers(&self, place: Option<Key>) {
        let left = self.core.lock().readers.leave(place);
        drop(left);
    }

    /// Waits for a state of which `is` has something to say; `Closed` must be among them.
    pub(super) fn poll_state<T>(
        &self,
        is: impl Fn(&State) -> Option<T>,
        place: &mut Option<Key>,
        cx: &Context<'_>,
    ) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut core = self.core.lock();
        if let Some(found) = is(&core.state) {
            drop(core);
            return Poll::Ready(found);
        }
        let old = core.watchers.place(place, waker);
        drop(core);
        drop(old);
        Poll::Pending
    }

    pub(super) fn leave_watchers(&self, place: Option<Key>) {
        let left = self.core.lock().watchers.leave(place);
        drop(left);
    }

    /// A new write gets in line.
    pub(super) fn push(&self, bytes: Vec<u8>, again: bool, cx: &Context<'_>) -> Result<u64, Unsent> {
        let waker = cx.waker().clone();
        let mut core = self.core.lock();
        if let Some(reason) = core.closed() {
            drop(core);
            return Err(Unsent::new(bytes, 0, UnsentReason::Closed(reason)));
        }
        let pushed = core.outbox.push(bytes, again, waker);
        let engine = if pushed.is_ok() { core.engine.take() } else { None };
        drop(core);
        wake(engine);
        pushed.map_err(|(unsent, _waker)| unsent)
    }

    pub(super) fn poll_write(&self, number: u64, cx: &Context<'_>) -> Poll<Result<(), Unsent>> {
        let waker = cx.waker().clone();
        let (result, old) = self.core.lock().outbox.poll(number, waker);
        drop(old);
        result.map_or(Poll::Pending, Poll::Ready)
    }

    /// A write's future goes.
    pub(super) fn leave_writers(&self, number: u64) {
        let left = self.core.lock().outbox.leave(number);
        drop(left);
    }

    /// The engine is done with a message.
    pub(super) fn settle(&self, number: u64, result: Result<(), Unsent>) {
        let settled = self.core.lock().outbox.settle(number, result);
        wake(settled.ok());
    }

    /// The connection was lost in the middle of a message that is to be sent again. It comes back if it cannot be.
    pub(super) fn put_back(&self, message: Message) -> Result<(), Message> {
        let mut core = self.core.lock();
        // Nobody would take it out again.
        if core.state.is_closed() {
            return Err(message);
        }
        core.outbox.put_back(message)
    }
}
