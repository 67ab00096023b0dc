//! The closures that run right now: one slot per thread, so that they can be listed, and cancelled at shutdown. The slot
//! holds a lane of the update flag as well, as long as there is one.

use crate::sync::{Arc, Mutex, Weak};
use crate::task::TaskId;
use crate::task::raw::{Listed, Outcome, TaskRef};
use crate::util::update::{Lane, UpdateFlag};
use std::cell::RefCell;

/// The closure that one thread runs.
#[derive(Debug, Default)]
struct Slot {
    /// The task, and the time of its start.
    task: Mutex<Option<Listed>>,
}

/// The slot of this thread.
struct OwnSlot {
    slot: Arc<Slot>,
    _lane: Option<Lane>,
}

thread_local! {
    static SLOT: RefCell<Option<OwnSlot>> = const { RefCell::new(None) };
}

/// The slots of the threads of one runtime.
#[derive(Debug)]
pub(crate) struct RunningClosures {
    slots: Mutex<Vec<Weak<Slot>>>,
    /// The flag of which each thread gets a lane.
    update: Arc<UpdateFlag>,
}

impl RunningClosures {
    pub(crate) fn new(update: Arc<UpdateFlag>) -> Self {
        Self { slots: Mutex::default(), update }
    }

    /// Notes in this thread's slot the closure that is about to run, as of `now`. A pool thread serves one runtime all its
    /// life.
    pub(crate) fn enter(&self, task: &TaskRef, now: u64) {
        let listed = Listed { task: task.clone(), since: now };
        let before = SLOT
            .try_with(|own| own.borrow_mut().get_or_insert_with(|| self.make_slot()).slot.task.lock().replace(listed));
        // After the borrow and the lock: it may be the last reference.
        drop(before);
    }

    fn make_slot(&self) -> OwnSlot {
        let slot = Arc::<Slot>::default();
        let mut slots = self.slots.lock();
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        OwnSlot { slot, _lane: Lane::claim(&self.update) }
    }

    /// The closures that run now, those included whose task has ended.
    pub(crate) fn running(&self) -> Vec<Listed> {
        let slots: Vec<_> = self.slots.lock().iter().filter_map(Weak::upgrade).collect();
        slots.iter().filter_map(|slot| slot.task.lock().clone()).filter(|listed| !listed.task.is_closed()).collect()
    }

    /// How many closures run on after the end of their task.
    pub(crate) fn left_running(&self) -> usize {
        let left = |listed: &&Listed| listed.task.is_over() && !listed.task.is_internal();
        self.running().iter().filter(left).count()
    }

    /// Ends the tasks of the running closures as runtime gone and notifies their bodies.
    pub(crate) fn cancel_running(&self) {
        for listed in self.running() {
            listed.task.cancel(Outcome::Gone);
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

/// The closure that this thread ran has returned, or sleeps until its next attempt.
pub(super) fn leave() {
    let before = SLOT.try_with(|own| own.borrow().as_ref().and_then(|own| own.slot.task.lock().take()));
    // After the borrow and the lock, as above.
    drop(before);
}

/// The task whose closure this thread runs.
pub(crate) fn inside() -> Option<TaskId> {
    let slot = SLOT.try_with(|own| own.borrow().as_ref().map(|own| Arc::clone(&own.slot))).ok().flatten()?;
    let task = slot.task.lock();
    task.as_ref().map(|listed| &listed.task).filter(|task| !task.is_closed()).map(TaskRef::id)
}
