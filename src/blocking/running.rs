//! The closures that run right now: one slot per thread, so that they can be listed, and cancelled at shutdown. The slot
//! holds a per-thread update flag as well, as long as there is one.

use crate::instant::Instant;
use crate::sync::{Arc, Mutex, Weak};
use crate::task::TaskId;
use crate::task::raw::{Outcome, TaskRef};
use crate::util::update::{ThreadFlag, UpdateFlag};
use std::cell::RefCell;

/// A closure that runs.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) task: TaskRef,
    /// When it began, on the runtime's clock. Not yet in nanoseconds since its origin: that would double the cost of the read.
    pub(crate) since: Instant,
}

/// The closure that one thread runs.
#[derive(Debug, Default)]
struct Slot {
    running: Mutex<Option<Running>>,
}

/// The slot of this thread.
struct OwnSlot {
    slot: Arc<Slot>,
    _flag: Option<ThreadFlag>,
}

thread_local! {
    static SLOT: RefCell<Option<OwnSlot>> = const { RefCell::new(None) };
}

/// The slots of the threads of one runtime.
#[derive(Debug)]
pub(crate) struct RunningClosures {
    slots: Mutex<Vec<Weak<Slot>>>,
    /// The flag of which each thread gets a per-thread part.
    update: Arc<UpdateFlag>,
}

impl RunningClosures {
    pub(crate) fn new(update: Arc<UpdateFlag>) -> Self {
        Self { slots: Mutex::default(), update }
    }

    /// Notes in this thread's slot the closure that is about to run, as of `now`. A pool thread serves one runtime all its
    /// life.
    pub(crate) fn enter(&self, task: &TaskRef, now: Instant) {
        let running = Running { task: task.clone(), since: now };
        let before = SLOT.try_with(|own| {
            own.borrow_mut().get_or_insert_with(|| self.make_slot()).slot.running.lock().replace(running)
        });
        // After the borrow and the lock: it may be the last reference.
        drop(before);
    }

    fn make_slot(&self) -> OwnSlot {
        let slot = Arc::<Slot>::default();
        let mut slots = self.slots.lock();
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        OwnSlot { slot, _flag: ThreadFlag::claim(&self.update) }
    }

    /// The closures that run now, those included whose task has ended.
    pub(crate) fn running(&self) -> Vec<Running> {
        let slots: Vec<_> = self.slots.lock().iter().filter_map(Weak::upgrade).collect();
        slots
            .iter()
            .filter_map(|slot| slot.running.lock().clone())
            .filter(|running| !running.task.is_closed())
            .collect()
    }

    /// How many closures run on after the end of their task.
    pub(crate) fn left_running(&self) -> usize {
        let left = |running: &&Running| running.task.is_finished() && !running.task.is_internal();
        self.running().iter().filter(left).count()
    }

    /// Ends the tasks of the running closures as runtime gone and notifies their bodies.
    pub(crate) fn cancel_running(&self) {
        for running in self.running() {
            running.task.cancel(Outcome::Gone);
        }
    }
}

/// Runs `f`, which may run a closure, on a thread that is not the pool's: the slot it may have is for another closure.
pub(crate) fn outside<R>(f: impl FnOnce() -> R) -> R {
    let swap = |slot| SLOT.try_with(|own| own.replace(slot)).ok().flatten();
    let own = swap(None);
    let result = f();
    // Dropped here, after the borrow: a slot may hold a task.
    drop(swap(own));
    result
}

/// Clears this thread's slot: the closure that it ran sleeps until its next attempt, or the thread has found no other one.
///
/// Not called from closure to closure: the next one replaces the one before, whose task is closed.
pub(super) fn leave() {
    let before = SLOT.try_with(|own| own.borrow().as_ref().and_then(|own| own.slot.running.lock().take()));
    // After the borrow and the lock, as above.
    drop(before);
}

/// The task whose closure this thread runs.
pub(crate) fn inside() -> Option<TaskId> {
    let slot = SLOT.try_with(|own| own.borrow().as_ref().map(|own| Arc::clone(&own.slot))).ok().flatten()?;
    let running = slot.running.lock();
    running.as_ref().map(|running| &running.task).filter(|task| !task.is_closed()).map(TaskRef::id)
}
