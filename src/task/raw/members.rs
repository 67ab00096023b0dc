//! The owner list: what keeps every live task reachable until its body is gone.
//!
//! It counts no reference of its own: it names a task as long as the body's reference is there, which is given up by
//! whoever ended the task ([`Over`]), and not before the task is off the list. A runner that does not know of the list
//! leaves the reference to the list, or the list, if it goes first, to the runner: whoever comes second gives it up.
//!
//! A vector with holes: a task keeps its place, which stands in its cell, and a free place is used again. Once large the
//! vector grows by a sixteenth at a time rather than by doubling, so that little of it is spare: a place is copied some
//! sixteen times on the way up, once for as many tasks as there ever were at a time.

use super::handles::{Over, Runnable, TaskRef, release_late};
use super::header::{Header, SLOTS};
use crate::util::grow::make_room;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// Number of places from which on the list grows by a sixteenth instead of doubling.
const LARGE: usize = 256;

/// A task and when it was accepted, in the clock of the executor's driver.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) task: TaskRef,
    pub(crate) since: u64,
}

/// A place: a task and when it was accepted; or nothing, and the next free place.
struct Place {
    task: Option<NonNull<Header>>,
    since: u64,
}

/// All tasks of one executor whose bodies are alive. It stays on the executor's thread.
pub(crate) struct Members {
    places: Vec<Place>,
    /// Head of the list of free places, no index where that ends; the last freed one is used first, for it is in the cache.
    free: u64,
    len: usize,
}

impl Members {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new(), free: u64::MAX, len: 0 }
    }

    /// Takes a new task in and notes its place in its cell. One that stands in a list already is left where it is.
    pub(crate) fn accept(&mut self, task: &Runnable, since: u64) {
        debug_assert!(task.is_new(), "accepted once");
        if !task.is_new() {
            return;
        }
        let place = Place { task: NonNull::new(task.as_raw()), since };
        let at = match self.places.get_mut(self.free as usize) {
            Some(free) => {
                let at = self.free as u32;
                self.free = std::mem::replace(free, place).since;
                at
            }
            None => self.push(place),
        };
        self.len += 1;
        task.header().set_slot(Some(at));
    }

    #[cold]
    fn push(&mut self, place: Place) -> u32 {
        let used = self.places.len();
        assert!(used < SLOTS, "an executor holds less than 2^32 tasks");
        make_room(&mut self.places, LARGE, 16);
        self.places.push(place);
        used as u32
    }

    /// Lets a task go whose body is gone. It is freed, if it is, when `over` is dropped: under no borrow of this list.
    pub(crate) fn release(&mut self, over: &Over) {
        let Some(at) = over.header().slot() else { return };
        // Not so in the list of another executor.
        if let Some(place) = self.places.get_mut(at as usize)
            && place.task == Some(over.as_raw())
        {
            *place = Place { task: None, since: self.free };
            self.free = at.into();
            self.len -= 1;
            over.header().set_slot(None);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Up to `slots` places from `start` on; `None` behind the last.
    pub(crate) fn page(&self, start: u32, slots: u32) -> Option<Vec<Listed>> {
        let places = self.places.get(start as usize..).filter(|places| !places.is_empty())?;
        let listed = |place: &Place| {
            // SAFETY: on the list, so the body's reference is there; a clone counts for itself.
            let task = unsafe { TaskRef::borrowed(place.task?) };
            Some(Listed { task: ManuallyDrop::into_inner(task.clone()), since: place.since })
        };
        Some(places.iter().take(slots as usize).filter_map(listed).collect())
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for task in self.places.iter().filter_map(|place| place.task) {
            // SAFETY: on the list, so the body's reference is there.
            if unsafe { Header::unlist(task) } {
                // SAFETY: the runner left the body's reference to the list.
                unsafe { release_late(task) };
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::Arc;
    use crate::task::raw::{FutureBody, Outcome, PollOutcome, SpawnMeta, Value, new};
    use crate::task::{Schedule, TaskId};
    use std::future::pending;
    use std::panic::Location;

    /// An owner; the count says how many cells there are.
    struct NoopSchedule(#[allow(dead_code, reason = "it goes with the cell")] Arc<()>);

    impl Schedule for NoopSchedule {
        fn schedule(&self, task: Runnable) {
            drop(task);
        }

        fn must_not_wait(&self, _: TaskId) -> bool {
            false
        }
    }

    fn task(cells: &Arc<()>) -> Runnable {
        let body = FutureBody::<_, Value>::new(pending::<()>());
        let (runnable, join) = new(body, NoopSchedule(Arc::clone(cells)), SpawnMeta::at(Location::caller()));
        join.detach();
        runnable
    }

    fn end(runnable: Runnable) -> Over {
        runnable.task().cancel(Outcome::Cancelled);
        match runnable.run(Outcome::Cancelled) {
            PollOutcome::Over(over) => over,
            other => unreachable!("it was cancelled, and is {other:?}"),
        }
    }

    #[test]
    fn a_place_is_used_again_and_is_left_by_its_own_task_only() {
        let cells = Arc::default();
        let (mut members, mut others) = (Members::new(), Members::new());
        let [first, second, third, stranger] = [(); 4].map(|()| task(&cells));
        members.accept(&first, 10);
        members.accept(&second, 11);
        others.accept(&stranger, 12);
        let over = end(stranger);
        members.release(&over);
        assert_eq!((members.len(), others.len()), (2, 1), "a place of the same number, in another list");
        others.release(&over);
        drop(over);
        let over = end(first);
        members.release(&over);
        members.release(&over);
        drop(over);
        assert_eq!((members.len(), others.len(), Arc::strong_count(&cells)), (1, 0, 3));
        members.accept(&third, 13);
        let listed =
            |start| members.page(start, 8).map(|page| page.iter().map(|listed| listed.since).collect::<Vec<_>>());
        assert_eq!((listed(0), listed(1), listed(2)), (Some(vec![13, 11]), Some(vec![11]), None));
        for over in [second, third].map(end) {
            members.release(&over);
        }
        assert_eq!((members.len(), Arc::strong_count(&cells)), (0, 1));
    }

    #[test]
    fn of_list_and_runner_the_second_frees_the_cell() {
        let cells = Arc::default();
        for list_goes_first in [false, true] {
            let mut members = Members::new();
            let runnable = task(&cells);
            members.accept(&runnable, 0);
            if list_goes_first {
                drop(members);
                drop(runnable);
            } else {
                drop(runnable);
                let listed = members.page(0, 1).expect("it was not taken off");
                assert!(listed[0].task.is_closed());
                drop(listed);
                assert_eq!(Arc::strong_count(&cells), 2, "the list names it still");
                drop(members);
            }
            assert_eq!(Arc::strong_count(&cells), 1);
        }
    }
}
