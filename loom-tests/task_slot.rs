//! The slot of a limited task (`src/manage/limited`, `src/scheduler/core.rs`): released once, and not before its closure has returned.
//!
//! A closure that is cancelled ends on the thread that cancels, and is closed by the thread that runs it. The owner is notified of both
//! ([`Schedule::on_ended`], [`Schedule::on_closed`]), in either order, and the second call releases the slot.
//!
//! - Red if `TaskRef::is_left_running` is asked ahead of the lock: both calls may leave the release to the other.
//! - Red if `State::load` is relaxed: the release may come ahead of what the closure did.
//! - Red if `finish` calls `on_closed` ahead of [6]: `on_ended` may still find the closure running, and nobody releases.

use super::explore;
use super::place::Place;
use crate::error::TaskError;
use crate::sync::{Arc, Mutex};
use crate::task::raw::{Audience, ClosureBody, Outcome, Runnable, SpawnMeta, TaskRef, Value, new};
use crate::task::{Schedule, TaskId};
use loom::thread;
use std::panic::Location;

/// A limit of one, and the task that holds its slot.
struct Limit {
    slot: Mutex<Slot>,
    /// What the holder of the slot may touch.
    device: Place,
}

#[derive(Default)]
struct Slot {
    task: Option<TaskRef>,
    left_running: bool,
    released: usize,
}

struct Owner(Arc<Limit>);

impl Owner {
    fn release(&self, mut slot: crate::sync::MutexGuard<'_, Slot>) {
        slot.released += 1;
        let task = slot.task.take();
        drop(slot);
        // The next holder begins.
        self.0.device.write(|| ());
        drop(task);
    }
}

impl Schedule for Owner {
    fn schedule(&self, task: Runnable) {
        drop(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }

    fn on_ended(&self, _: &TaskRef, _: Audience) {
        let mut slot = self.0.slot.lock();
        if slot.task.as_ref().is_some_and(TaskRef::is_left_running) {
            slot.left_running = true;
        } else if slot.task.is_some() {
            self.release(slot);
        }
    }

    fn on_closed(&self) {
        let slot = self.0.slot.lock();
        if slot.left_running {
            self.release(slot);
        }
    }
}

fn limited() -> (Arc<Limit>, Runnable, TaskRef) {
    let limit = Arc::new(Limit { slot: Mutex::new(Slot::default()), device: Place::new() });
    let inside = Arc::clone(&limit);
    let body = ClosureBody::<_, Value>::new(move || inside.device.write(|| ()));
    let (runnable, join) = new(body, Owner(Arc::clone(&limit)), SpawnMeta::at(Location::caller()));
    let task = runnable.task();
    join.detach();
    limit.slot.lock().task = Some(task.clone());
    (limit, runnable, task)
}

#[test]
fn a_slot_is_released_once_and_after_the_closure() {
    explore(None, 20, || {
        let (limit, runnable, task) = limited();
        let canceller = thread::spawn(move || task.cancel(Outcome::Cancelled));
        drop(runnable.run(Outcome::Cancelled));
        canceller.join().expect("nothing in there panics");
        let slot = limit.slot.lock();
        assert_eq!((slot.released, slot.task.is_some()), (1, false));
    });
}

#[test]
fn a_task_that_fails_to_start_releases_its_slot_once() {
    explore(None, 10, || {
        let (limit, runnable, task) = limited();
        let canceller = thread::spawn(move || task.cancel(Outcome::TimedOut));
        runnable.fail(TaskError::WouldDeadlock);
        canceller.join().expect("nothing in there panics");
        assert_eq!(limit.slot.lock().released, 1);
    });
}
