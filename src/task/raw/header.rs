//! The part of a task cell that does not depend on the body's type.

use super::handles::Runnable;
use super::state::{Kind, Outcome, State};
use crate::sync::Arc;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::task::{Details, Priority, TaskId};
use crate::util::catch::guarded;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::Waker;

/// The slot of a task that stands in no owner list.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// The header: what handle, waker, queue and owner list point at.
pub(crate) struct Header {
    state: State,
    vtable: &'static VTable,
    /// Address of the next task of the inbox. Whoever holds the [`Runnable`] may touch it.
    pub(super) link: UnsafeCell<usize>,
    /// Full while JOIN_WAKER is set. Before the end the handle's while the bit is clear, nobody's while it is set;
    /// at the end it goes to whoever ended the task, if the bit was set.
    join_waker: UnsafeCell<Option<Waker>>,
    id: TaskId,
    location: &'static Location<'static>,
    details: Option<Arc<Details>>,
    /// Place in the owner list; written by the executor's thread only.
    slot: AtomicU32,
    polls: AtomicU32,
}

/// The functions that know the body's type.
pub(crate) struct VTable {
    pub(super) kind: Kind,
    pub(super) stage_offset: usize,
    pub(super) run: unsafe fn(NonNull<Header>, Outcome) -> Ran,
    pub(super) schedule: unsafe fn(NonNull<Header>, Runnable),
    pub(super) ended: unsafe fn(NonNull<Header>),
    pub(super) must_not_wait: unsafe fn(NonNull<Header>) -> bool,
    pub(super) moved: unsafe fn(NonNull<Header>),
    /// With `true`, an error is told as unhandled.
    pub(super) drop_output: unsafe fn(NonNull<Header>, bool),
    pub(super) dealloc: unsafe fn(NonNull<Header>),
}

/// What became of a task that was run.
#[derive(Debug)]
#[must_use]
pub(crate) enum Ran {
    /// It sleeps until it is woken.
    Idle,
    /// It was woken meanwhile: queue it again.
    Again(Runnable),
    /// Its body is gone: take it off the owner list.
    Over {
        /// Its place there, or [`NO_SLOT`]. A whole word, as the task above is: so the two come back in registers.
        slot: usize,
    },
}

impl Header {
    pub(super) fn new(
        vtable: &'static VTable,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
    ) -> Self {
        let (id, priority) = match &details {
            Some(details) => (details.id(), details.priority()),
            None => (TaskId::next(), Priority::default()),
        };
        Self {
            state: State::new(priority),
            vtable,
            link: UnsafeCell::new(0),
            join_waker: UnsafeCell::new(None),
            id,
            location,
            details,
            slot: AtomicU32::new(NO_SLOT),
            polls: AtomicU32::new(0),
        }
    }

    #[inline(always)]
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn vtable(&self) -> &'static VTable {
        self.vtable
    }

    pub(super) fn id(&self) -> TaskId {
        self.id
    }

    pub(super) fn location(&self) -> &'static Location<'static> {
        self.location
    }

    pub(super) fn details(&self) -> Option<&Arc<Details>> {
        self.details.as_ref()
    }

    /// Relaxed, here and below: written and read by the executor's thread; statistics elsewhere.
    pub(super) fn slot(&self) -> u32 {
        self.slot.load(Ordering::Relaxed)
    }

    pub(super) fn set_slot(&self, slot: u32) {
        self.slot.store(slot, Ordering::Relaxed);
    }

    pub(super) fn polls(&self) -> u32 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Only the runner counts, so a load and a store do.
    pub(super) fn count_poll(&self) {
        self.polls.store(self.polls().wrapping_add(1), Ordering::Relaxed);
    }

    /// Takes the registered waker out and wakes it. For whoever a transition gave the waker cell to.
    pub(super) fn wake_join(&self) {
        if let Some(waker) = self.take_join_waker() {
            guarded(|| waker.wake());
        }
    }

    /// Moves the waker out. For whoever the cell belongs to.
    pub(super) fn take_join_waker(&self) -> Option<Waker> {
        // SAFETY: the state word gives the cell to one party at a time, and the callers are that party.
        self.join_waker.with_mut(|cell| unsafe { (*cell).take() })
    }

    /// Fills the cell. For the handle, while JOIN_WAKER is clear.
    pub(super) fn put_join_waker(&self, waker: Waker) {
        // SAFETY: as in `take_join_waker`; the cell is empty, so nothing is dropped by the assignment.
        self.join_waker.with_mut(|cell| unsafe { *cell = Some(waker) });
    }
}
