//! What the lock guards: who is a member, who waits, and the counts.

use super::seat::Closure;
use super::ties::Tie;
use super::waiting::{Ticket, Waiting};
use crate::runtime::Prepared;
use crate::sync::Arc;
use crate::task::{CancelHandle, Task};
use crate::util::slab::Slab;
use std::num::NonZeroUsize;
use std::task::Waker;
use std::time::Duration;

pub(super) struct State {
    /// The live ones.
    pub(super) members: Slab<Member>,
    /// How many may run; `None`: any number.
    pub(super) size: Option<NonZeroUsize>,
    /// Members that are not launched.
    pub(super) waiting: Waiting,
    /// The same, with those that are just being made.
    pub(super) unlaunched: usize,
    /// Slots taken by launched members.
    pub(super) used: usize,
    /// A thread is in the pump.
    pub(super) pumping: bool,
    /// Live members that have not begun.
    pub(super) pending: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) cancelled: usize,
    pub(super) joiners: Slab<Waker>,
    /// Whoever waits until there is room.
    pub(super) hopeful: Slab<Waker>,
    pub(super) sentinel: Option<Task<()>>,
    pub(super) door: Door,
    pub(super) tie: Option<Tie>,
}

/// Who may come in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    /// Nobody.
    Closed,
    /// Nobody, and whoever is in the doorway is cancelled.
    Dropped,
}

#[derive(Default)]
pub(super) struct Member {
    /// `None` for the moment between reserving the place and making the task.
    pub(super) control: Option<CancelHandle>,
    /// Full while it waits.
    pub(super) prepared: Option<Prepared>,
    /// While it waits.
    pub(super) ticket: Option<Ticket>,
    /// Of closures: the other end of what the closure holds.
    pub(super) closure: Option<Arc<Closure>>,
    /// Of closures: for how long they may run.
    pub(super) time_limit: Option<Duration>,
    /// Of closures that run: what ends them at that limit.
    pub(super) watchdog: Option<Task<()>>,
    pub(super) begun: bool,
}

impl State {
    /// Of nobody.
    pub(super) fn new(size: Option<NonZeroUsize>) -> Self {
        Self {
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
            hopeful: Slab::new(),
            sentinel: None,
            door: Door::Open,
            tie: None,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.size.is_none_or(|size| self.used < size.get())
    }

    /// True if one more would have to wait, and there are as many waiting as may.
    pub(super) fn is_full(&self, queue_limit: Option<usize>) -> bool {
        let (Some(size), Some(limit)) = (self.size, queue_limit) else { return false };
        let free = size.get().saturating_sub(self.used);
        self.unlaunched >= limit.saturating_add(free)
    }
}

/// True for the ticket that a member goes by.
pub(super) fn holds(members: &Slab<Member>, ticket: &Ticket) -> bool {
    members.get(ticket.key).is_some_and(|member| member.ticket == Some(*ticket))
}
