//! Which closures run right now: one seat per pool thread, so that they can be listed, and cancelled at shutdown. With the
//! seat goes a lane of the update flag, as long as there is one.

use super::update::LANES;
use crate::sync::plain::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, Weak};
use crate::task::TaskId;
use crate::task::raw::{Outcome, TaskRef};
use std::cell::RefCell;

/// The place of one pool thread.
#[derive(Debug)]
struct Seat {
    /// What it runs.
    task: Mutex<Option<TaskRef>>,
    /// Whose thread it is.
    closures: u64,
    lane: Option<usize>,
    lanes: Lanes,
}

/// The lanes that nobody has.
type Lanes = Arc<Mutex<Vec<usize>>>;

impl Drop for Seat {
    fn drop(&mut self) {
        self.lanes.lock().extend(self.lane);
    }
}

/// The lane of the reactor thread; the others are for the pool.
pub(crate) const REACTOR_LANE: usize = 0;

thread_local! {
    static SEAT: RefCell<Option<Arc<Seat>>> = const { RefCell::new(None) };
}

/// The seats of one pool.
#[derive(Debug)]
pub(crate) struct Closures {
    /// Unlike any other's: an address may be used again.
    id: u64,
    seats: Mutex<Vec<Weak<Seat>>>,
    lanes: Lanes,
}

impl Default for Closures {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let lanes = (REACTOR_LANE + 1..LANES).rev().collect();
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), seats: Mutex::default(), lanes: Arc::new(Mutex::new(lanes)) }
    }
}

impl Closures {
    /// Notes on this thread's seat what it is about to run. A pool thread serves one pool all its life.
    pub(crate) fn note(&self, task: &TaskRef) {
        let before =
            SEAT.try_with(|own| own.borrow_mut().get_or_insert_with(|| self.seat()).task.lock().replace(task.clone()));
        // After the borrow and the lock: it may be the last reference.
        drop(before);
    }

    fn seat(&self) -> Arc<Seat> {
        let lanes = Arc::clone(&self.lanes);
        let lane = lanes.lock().pop();
        let seat = Arc::new(Seat { task: Mutex::default(), closures: self.id, lane, lanes });
        let mut seats = self.seats.lock();
        seats.retain(|seat| seat.strong_count() > 0);
        seats.push(Arc::downgrade(&seat));
        seat
    }

    /// The closures that run now.
    pub(crate) fn running(&self) -> Vec<TaskRef> {
        let seats: Vec<_> = self.seats.lock().iter().filter_map(Weak::upgrade).collect();
        seats.iter().filter_map(|seat| seat.task.lock().clone()).filter(|task| !task.is_closed()).collect()
    }

    /// The lane of the update flag that is this thread's alone, if it is a thread of this pool and has one.
    pub(crate) fn own_lane(&self) -> Option<usize> {
        let lane = |seat: &Arc<Seat>| if seat.closures == self.id { seat.lane } else { None };
        SEAT.try_with(|own| own.borrow().as_ref().and_then(lane)).ok().flatten()
    }

    /// Ends the running ones as runtime gone and tells their bodies.
    pub(crate) fn cancel_running(&self) {
        for task in self.running() {
            task.cancel(Outcome::Gone);
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
    let before = SEAT.try_with(|own| own.borrow().as_ref().and_then(|seat| seat.task.lock().take()));
    // After the borrow and the lock, as above.
    drop(before);
}

/// The task whose closure this thread is inside of.
pub(crate) fn inside() -> Option<TaskId> {
    let seat = SEAT.try_with(|own| own.borrow().clone()).ok().flatten()?;
    let task = seat.task.lock();
    task.as_ref().filter(|task| !task.is_closed()).map(TaskRef::id)
}
