//! The part of a task cell that does not depend on the body's type.

use super::handles::{Over, Runnable};
use super::join_waker::JoinWaker;
use super::spawn_meta::SpawnMeta;
use super::state::{Audience, Kind, Outcome, State};
use crate::error::TaskError;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::task::{Follower, Priority, TaskId, TaskMeta};
use crate::util::catch::guarded;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::Waker;

/// The slot of a task that stands in no owner list.
const NO_SLOT: u32 = u32::MAX;

/// The slot of a task that ended without its owner list, which still names it. What is below these is a place.
const LEFT: u32 = u32::MAX - 1;

/// How many places an owner list may have.
pub(super) const SLOTS: usize = LEFT as usize;

static CANCELLED: TaskError = TaskError::Cancelled;
static RUNTIME_GONE: TaskError = TaskError::RuntimeGone;

/// The header: what handle, waker, queue and owner list point at.
pub(crate) struct Header {
    state: State,
    vtable: &'static VTable,
    /// Address of the next task of the inbox. Whoever holds the [`Runnable`] may touch it.
    pub(super) link: UnsafeCell<usize>,
    /// Full while JOIN_WAKER is set. Before the end the handle's while the bit is clear, nobody's while it is set;
    /// at the end it goes to whoever ended the task, if the bit was set.
    join_waker: UnsafeCell<JoinWaker>,
    id: TaskId,
    origin: SpawnMeta,
    /// Place in the owner list; written by the executor's thread, and by a runner that ends the task without it.
    slot: AtomicU32,
    polls: AtomicU32,
}

/// The functions that know the body's type.
pub(crate) struct VTable {
    pub(super) kind: Kind,
    /// The crate runs the task for itself.
    pub(super) internal: bool,
    pub(super) stage_offset: usize,
    pub(super) run: unsafe fn(NonNull<Header>, Outcome) -> PollOutcome,
    pub(super) fail: unsafe fn(NonNull<Header>, TaskError, Outcome) -> PollOutcome,
    pub(super) schedule: unsafe fn(NonNull<Header>, Runnable),
    pub(super) ended: unsafe fn(NonNull<Header>, Audience),
    pub(super) must_not_wait: unsafe fn(NonNull<Header>) -> bool,
    pub(super) begin_wait: unsafe fn(NonNull<Header>) -> bool,
    pub(super) end_wait: unsafe fn(NonNull<Header>),
    pub(super) moved: unsafe fn(NonNull<Header>),
    pub(super) raise_update: unsafe fn(NonNull<Header>),
    pub(super) follow: unsafe fn(NonNull<Header>) -> Follower,
    /// With `true`, an error was not read, and is reported.
    pub(super) drop_output: unsafe fn(NonNull<Header>, bool),
    /// Reports the error of a task that was ended from outside, and whose error was not read.
    pub(super) report_end: unsafe fn(NonNull<Header>),
    pub(super) dealloc: unsafe fn(NonNull<Header>),
}

/// What became of a task that was run.
#[derive(Debug)]
#[must_use]
pub(crate) enum PollOutcome {
    /// It sleeps until it is woken.
    Idle,
    /// It was woken meanwhile: queue it again.
    Again(Runnable),
    /// Its body is gone: take it off the owner list.
    Over(Over),
}

impl Header {
    #[inline(always)]
    pub(super) fn new(vtable: &'static VTable, id: TaskId, priority: Priority, origin: SpawnMeta) -> Self {
        Self {
            state: State::new(priority),
            vtable,
            link: UnsafeCell::new(0),
            join_waker: UnsafeCell::new(JoinWaker::NONE),
            id,
            origin,
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
        self.origin.location()
    }

    pub(super) fn details(&self) -> Option<&TaskMeta> {
        self.origin.details()
    }

    /// Who can see how the task goes on.
    pub(super) fn audience(&self) -> Audience {
        let audience = self.state.load().audience();
        self.details().map_or(audience, |details| details.audience_of(audience))
    }

    /// The error of an end from outside: one that leaves no output.
    pub(super) fn end_error(&self, outcome: Outcome) -> &TaskError {
        match outcome {
            Outcome::Gone => &RUNTIME_GONE,
            Outcome::TimedOut => self.details().and_then(TaskMeta::time_limit_error).unwrap_or(&CANCELLED),
            Outcome::Done | Outcome::Error | Outcome::Cancelled => &CANCELLED,
        }
    }

    /// The place in the owner list. For the executor's thread, which writes it; relaxed for that reason.
    pub(super) fn slot(&self) -> Option<u32> {
        let slot = self.slot.load(Ordering::Relaxed);
        (slot < LEFT).then_some(slot)
    }

    /// True before the task stood in an owner list.
    pub(super) fn is_new(&self) -> bool {
        self.slot.load(Ordering::Relaxed) == NO_SLOT
    }

    /// Notes the place in the owner list, `None` after it is off the list. For the executor's thread, while the task is
    /// active or the body's reference its own: a runner on another thread gets it by the way of a queue. Relaxed for that
    /// reason.
    pub(super) fn set_slot(&self, slot: Option<u32>) {
        self.slot.store(slot.unwrap_or(NO_SLOT), Ordering::Relaxed);
    }

    /// The runner that ended the task is done with it. True: the body's reference is to be given up. False: an owner list
    /// still names the task, and has the reference from now on.
    ///
    /// By pointer, here and below: a `&self` would promise a header that outlives the call, and the swap may give it to
    /// another thread, which frees it.
    ///
    /// # Safety
    /// The body's reference is there as the call begins.
    pub(super) unsafe fn leave(header: NonNull<Self>) -> bool {
        // SAFETY: by contract; not used after the swap.
        let slot = unsafe { &(*header.as_ptr()).slot };
        // Acquire, here and below: pairs with the release of `unlist`, after which the list uses the cell no more.
        slot.load(Ordering::Acquire) == NO_SLOT || slot.swap(LEFT, Ordering::AcqRel) == NO_SLOT
    }

    /// The owner list goes, and the task is still on it. True: the body's reference is to be given up.
    ///
    /// # Safety
    /// As for [`Header::leave`].
    pub(super) unsafe fn unlist(header: NonNull<Self>) -> bool {
        // SAFETY: by contract; not used after the swap.
        let slot = unsafe { &(*header.as_ptr()).slot };
        // AcqRel: pairs with `leave`. One of the two comes second.
        slot.swap(NO_SLOT, Ordering::AcqRel) == LEFT
    }

    /// Relaxed: the runner writes it; statistics elsewhere.
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
        self.join_waker.with_mut(|cell| unsafe { cell.replace(JoinWaker::NONE) }).into_waker()
    }

    /// True if the cell holds a waker that does what `other` does. For the handle, while JOIN_WAKER is clear.
    pub(super) fn has_join_waker_like(&self, other: &Waker) -> bool {
        // SAFETY: as in `take_join_waker`.
        self.join_waker.with(|cell| unsafe { (*cell).will_wake(other) })
    }

    /// For the one who frees the cell: the waker was taken out.
    pub(super) fn is_join_waker_gone(&self) -> bool {
        // SAFETY: nobody else is left.
        self.join_waker.with(|cell| unsafe { (*cell).is_none() })
    }

    /// Fills the cell, which is empty. For the handle, while JOIN_WAKER is clear.
    pub(super) fn put_join_waker(&self, waker: Waker) {
        let waker = JoinWaker::new(waker);
        self.join_waker.with_mut(|cell| {
            // SAFETY: as in `take_join_waker`.
            let cell = unsafe { &mut *cell };
            debug_assert!(cell.is_none(), "the one before it would be lost");
            *cell = waker;
        });
    }
}

/// What every task pays, beside its owner and its body: four words, and 24 bytes that are the same on every target.
#[cfg(not(loom))]
const _: () = assert!(size_of::<Header>() == 4 * size_of::<usize>() + 24);
