//! Which closures run right now: one seat per pool thread, so that they can be listed, and cancelled at shutdown. With the
//! seat goes a lane of the update flag, as long as there is one.

use crate::sync::{Arc, Mutex, Weak};
use crate::task::TaskId;
use crate::task::raw::{Listed, Outcome, TaskRef};
use crate::util::update::{Lane, UpdateFlag};
use std::cell::RefCell;

/// The place of one pool thread.
#[derive(Debug, Default)]
struct Seat {
    /// What it runs, and since when.
    task: Mutex<Option<Listed>>,
}

/// A thread on its seat.
struct Seated {
    seat: Arc<Seat>,
    _lane: Option<Lane>,
}

thread_local! {
    static SEAT: RefCell<Option<Seated>> = const { RefCell::new(None) };
}

/// The seats of one pool.
#[derive(Debug)]
pub(crate) struct Closures {
    seats: Mutex<Vec<Weak<Seat>>>,
    /// Of which each thread that sits down gets a lane.
    update: Arc<UpdateFlag>,
}

impl Closures {
    pub(crate) fn new(update: Arc<UpdateFlag>) -> Self {
        Self { seats: Mutex::default(), update }
    }

    /// Notes on this thread's seat what it is about to run, as of `now`. A pool thread serves one pool all its life.
    pub(crate) fn note(&self, task: &TaskRef, now: u64) {
        let listed = Listed { task: task.clone(), since: now };
        let before = SEAT
            .try_with(|own| own.borrow_mut().get_or_insert_with(|| self.sit_down()).seat.task.lock().replace(listed));
        // After the borrow and the lock: it may be the last reference.
        drop(before);
    }

    fn sit_down(&self) -> Seated {
        let seat = Arc::<Seat>::default();
        let mut seats = self.seats.lock();
        seats.retain(|seat| seat.strong_count() > 0);
        seats.push(Arc::downgrade(&seat));
        Seated { seat, _lane: Lane::claim(&self.update) }
    }

    /// The closures that run now.
    pub(crate) fn running(&self) -> Vec<Listed> {
        let seats: Vec<_> = self.seats.lock().iter().filter_map(Weak::upgrade).collect();
        seats.iter().filter_map(|seat| seat.task.lock().clone()).filter(|listed| !listed.task.is_closed()).collect()
    }

    /// Ends the running ones as runtime gone and tells their bodies.
    pub(crate) fn cancel_running(&self) {
        for listed in self.running() {
            listed.task.cancel(Outcome::Gone);
        }
    }
}

/// Runs `f`, which may run a closure, on a thread whose seat is not for it: the thread of whoever submitted it.
pub(crate) fn away_from_seat<R>(f: impl FnOnce() -> R) -> R {
    let swap = |seat| SEAT.try_with(|own| own.replace(seat)).ok().flatten();
    let own = swap(None);
    let result = f();
    // Dropped here, after the borrow: a seat holds on to its last task.
    drop(swap(own));
    result
}

/// Leaves this thread's seat: the closure it ran is over, or sleeps until its next try.
pub(crate) fn rise() {
    let before = SEAT.try_with(|own| own.borrow().as_ref().and_then(|own| own.seat.task.lock().take()));
    // After the borrow and the lock, as above.
    drop(before);
}

/// The task whose closure this thread is inside of.
pub(crate) fn inside() -> Option<TaskId> {
    let seat = SEAT.try_with(|own| own.borrow().as_ref().map(|own| Arc::clone(&own.seat))).ok().flatten()?;
    let task = seat.task.lock();
    task.as_ref().map(|listed| &listed.task).filter(|task| !task.is_closed()).map(TaskRef::id)
}
