//! The part of a task cell that does not depend on the body's type.

use super::handles::{Completed, Runnable};
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

/// The slot of a task that is in no owner list.
const NO_SLOT: u32 = u32::MAX;

/// The slot of a task that ended while an owner list still names it. Smaller numbers are indices.
const LEFT: u32 = u32::MAX - 1;

/// The largest number of slots of an owner list.
pub(super) const SLOTS: usize = LEFT as usize;

static CANCELLED: TaskError = TaskError::Cancelled;
static RUNTIME_GONE: TaskError = TaskError::RuntimeGone;

/// The header, to which handle, waker, queue and owner list point.
pub(crate) struct Header {
    state: State,
    vtable: &'static VTable,
    /// The address of the next task of the inbox. Only the holder of the [`Runnable`] may access it.
    pub(super) link: UnsafeCell<usize>,
    /// The waker of the task's waiter, full while JOIN_WAKER is set.
    ///
    /// Before the end it belongs to the handle while the bit is clear, and to nothing while it is set. At the end it
    /// goes to the transition that ended the task, if the bit was set.
    join_waker: UnsafeCell<JoinWaker>,
    id: TaskId,
    origin: SpawnMeta,
    /// The index in the owner list.
    ///
    /// Written by the executor's thread, and by a runner that ends the task without the list.
    slot: AtomicU32,
    polls: AtomicU32,
}

/// The functions that know the body's type.
pub(crate) struct VTable {
    pub(super) kind: Kind,
    /// True for an internal task of the crate.
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
    /// With `true`, an error is unread, and is reported.
    pub(super) drop_output: unsafe fn(NonNull<Header>, bool),
    /// Reports the unread error of a task that was ended from outside.
    pub(super) report_end: unsafe fn(NonNull<Header>),
    pub(super) dealloc: unsafe fn(NonNull<Header>),
}

/// The result of running a task.
#[derive(Debug)]
#[must_use]
pub(crate) enum PollOutcome {
    /// It sleeps until it is woken.
    Idle,
    /// It was woken meanwhile: queue it again.
    Again(Runnable),
    /// Its body is dropped: remove it from the owner list.
    Completed(Completed),
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

    /// Returns the party that can see the task.
    pub(super) fn audience(&self) -> Audience {
        let audience = self.state.load().audience();
        self.details().map_or(audience, |details| details.audience_of(audience))
    }

    /// Returns the error of an end from outside, which leaves no output.
    pub(super) fn end_error(&self, outcome: Outcome) -> &TaskError {
        match outcome {
            Outcome::Gone => &RUNTIME_GONE,
            Outcome::TimedOut => self.details().and_then(TaskMeta::time_limit_error).unwrap_or(&CANCELLED),
            Outcome::Done | Outcome::Error | Outcome::Cancelled => &CANCELLED,
        }
    }

    /// Returns the index in the owner list.
    ///
    /// For the executor's thread, which writes it; hence Relaxed.
    pub(super) fn slot(&self) -> Option<u32> {
        let slot = self.slot.load(Ordering::Relaxed);
        (slot < LEFT).then_some(slot)
    }

    /// Returns true before the task was in an owner list.
    pub(super) fn is_new(&self) -> bool {
        self.slot.load(Ordering::Relaxed) == NO_SLOT
    }

    /// Sets the index in the owner list, or `None` after removal.
    ///
    /// For the executor's thread, while the task is active or the body's reference belongs to that thread. A runner on
    /// another thread receives the value through a queue. Hence Relaxed.
    pub(super) fn set_slot(&self, slot: Option<u32>) {
        self.slot.store(slot.unwrap_or(NO_SLOT), Ordering::Relaxed);
    }

    /// Records that the runner that ended the task has finished with it.
    ///
    /// Returns true if the body's reference must be released. Returns false if an owner list still names the task: then
    /// the list has the reference.
    ///
    /// This function and `unlist` take a pointer: a `&self` would promise a header that outlives the call, but the swap
    /// may hand it to another thread, which frees it.
    ///
    /// # Safety
    /// The body's reference exists when the call begins.
    pub(super) unsafe fn leave(header: NonNull<Self>) -> bool {
        // SAFETY: by contract; not used after the swap.
        let slot = unsafe { &(*header.as_ptr()).slot };
        // Acquire, here and below, pairs with the release of `unlist`, after which the list no longer uses the cell.
        slot.load(Ordering::Acquire) == NO_SLOT || slot.swap(LEFT, Ordering::AcqRel) == NO_SLOT
    }

    /// Records that the owner list, which still names the task, is dropped.
    ///
    /// Returns true if the body's reference must be released.
    ///
    /// # Safety
    /// As for [`Header::leave`].
    pub(super) unsafe fn unlist(header: NonNull<Self>) -> bool {
        // SAFETY: by contract; not used after the swap.
        let slot = unsafe { &(*header.as_ptr()).slot };
        // AcqRel pairs with `leave`. One of the two comes second.
        slot.swap(NO_SLOT, Ordering::AcqRel) == LEFT
    }

    /// Returns the number of polls. Relaxed: the runner writes it, and others use it for statistics.
    pub(super) fn polls(&self) -> u32 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Counts a poll. Only the runner counts, so a load and a store suffice.
    pub(super) fn count_poll(&self) {
        self.polls.store(self.polls().wrapping_add(1), Ordering::Relaxed);
    }

    /// Takes the registered waker out and wakes it.
    ///
    /// For the thread whose transition took the waker cell.
    pub(super) fn wake_join(&self) {
        if let Some(waker) = self.take_join_waker() {
            guarded(|| waker.wake());
        }
    }

    /// Moves the waker out. For the owner of the cell.
    pub(super) fn take_join_waker(&self) -> Option<Waker> {
        // SAFETY: the state word gives the cell to one party at a time, and the caller is that party.
        self.join_waker.with_mut(|cell| unsafe { cell.replace(JoinWaker::NONE) }).into_waker()
    }

    /// Returns true if the cell holds a waker equivalent to `other`.
    ///
    /// For the handle, while JOIN_WAKER is clear.
    pub(super) fn has_join_waker_like(&self, other: &Waker) -> bool {
        // SAFETY: as in `take_join_waker`.
        self.join_waker.with(|cell| unsafe { (*cell).will_wake(other) })
    }

    /// Returns true if the waker was taken out. For the thread that frees the cell.
    pub(super) fn is_join_waker_gone(&self) -> bool {
        // SAFETY: no other reference is left.
        self.join_waker.with(|cell| unsafe { (*cell).is_none() })
    }

    /// Fills the empty cell. For the handle, while JOIN_WAKER is clear.
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

/// The size of the header: four words, and 24 bytes that are the same on every target.
#[cfg(not(loom))]
const _: () = assert!(size_of::<Header>() == 4 * size_of::<usize>() + 24);
