//! The owner list, which keeps every live task reachable until its body is dropped.
//!
//! The list counts no references. It names a task as long as the body's reference exists. The runner that ended the
//! task releases that reference ([`Completed`]), but not before the task is off the list. A runner that does not know
//! the list leaves the reference to the list. If the list is dropped first, it leaves the reference to the runner. The
//! later of the two releases it.
//!
//! It is a vector with holes: a task keeps its index, which its cell stores, and free entries are reused. A large
//! vector grows by a sixteenth at a time instead of doubling, so that little of it is unused: an entry is copied about
//! sixteen times on the way up, once per growth of the peak number of tasks.

use super::handles::{Completed, Runnable, TaskRef, release_late};
use super::header::{Header, SLOTS};
use crate::util::grow::make_room;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// The number of entries from which the list grows by a sixteenth instead of doubling.
const LARGE: usize = 256;

/// A task and its acceptance time, on the clock of the executor's driver.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) task: TaskRef,
    pub(crate) since: u64,
}

/// An entry: a task and its acceptance time, or the next free entry.
struct Entry {
    task: Option<NonNull<Header>>,
    since: u64,
}

/// All tasks of one executor with live bodies. It stays on the executor's thread.
pub(crate) struct OwnedTasks {
    entries: Vec<Entry>,
    /// The head of the list of free entries; not an index at its end.
    ///
    /// The last freed entry is reused first, because it is in the cache.
    free: u64,
    len: usize,
}

impl OwnedTasks {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), free: u64::MAX, len: 0 }
    }

    /// Adds a new task and stores its index in its cell.
    ///
    /// A task that is already in a list is left unchanged.
    pub(crate) fn accept(&mut self, task: &Runnable, since: u64) {
        debug_assert!(task.is_new(), "accepted once");
        if !task.is_new() {
            return;
        }
        let entry = Entry { task: NonNull::new(task.as_raw()), since };
        let at = match self.entries.get_mut(self.free as usize) {
            Some(free) => {
                let at = self.free as u32;
                self.free = std::mem::replace(free, entry).since;
                at
            }
            None => self.push(entry),
        };
        self.len += 1;
        task.header().set_slot(Some(at));
    }

    #[cold]
    fn push(&mut self, entry: Entry) -> u32 {
        let used = self.entries.len();
        assert!(used < SLOTS, "an executor holds less than 2^32 tasks");
        make_room(&mut self.entries, LARGE, 16);
        self.entries.push(entry);
        used as u32
    }

    /// Removes a task whose body is dropped.
    ///
    /// Dropping `completed` may free it, which happens outside of any borrow of this list.
    pub(crate) fn release(&mut self, completed: &Completed) {
        let Some(at) = completed.header().slot() else { return };
        // False in the list of another executor.
        if let Some(entry) = self.entries.get_mut(at as usize)
            && entry.task == Some(completed.as_raw())
        {
            *entry = Entry { task: None, since: self.free };
            self.free = at.into();
            self.len -= 1;
            completed.header().set_slot(None);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns up to `slots` entries from `start` on; `None` after the last.
    pub(crate) fn page(&self, start: u32, slots: u32) -> Option<Vec<Listed>> {
        let entries = self.entries.get(start as usize..).filter(|entries| !entries.is_empty())?;
        let listed = |entry: &Entry| {
            // SAFETY: on the list, so the body's reference is there; a clone counts for itself.
            let task = unsafe { TaskRef::borrowed(entry.task?) };
            Some(Listed { task: ManuallyDrop::into_inner(task.clone()), since: entry.since })
        };
        Some(entries.iter().take(slots as usize).filter_map(listed).collect())
    }
}

impl Drop for OwnedTasks {
    fn drop(&mut self) {
        for task in self.entries.iter().filter_map(|entry| entry.task) {
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

    /// An owner. The count is the number of cells.
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

    fn end(runnable: Runnable) -> Completed {
        runnable.task().cancel(Outcome::Cancelled);
        match runnable.run(Outcome::Cancelled) {
            PollOutcome::Completed(completed) => completed,
            other => unreachable!("it was cancelled, and is {other:?}"),
        }
    }

    #[test]
    fn a_place_is_used_again_and_is_left_by_its_own_task_only() {
        let cells = Arc::default();
        let (mut members, mut others) = (OwnedTasks::new(), OwnedTasks::new());
        let [first, second, third, stranger] = [(); 4].map(|()| task(&cells));
        members.accept(&first, 10);
        members.accept(&second, 11);
        others.accept(&stranger, 12);
        let completed = end(stranger);
        members.release(&completed);
        assert_eq!((members.len(), others.len()), (2, 1), "a entry of the same number, in another list");
        others.release(&completed);
        drop(completed);
        let completed = end(first);
        members.release(&completed);
        members.release(&completed);
        drop(completed);
        assert_eq!((members.len(), others.len(), Arc::strong_count(&cells)), (1, 0, 3));
        members.accept(&third, 13);
        let listed =
            |start| members.page(start, 8).map(|page| page.iter().map(|listed| listed.since).collect::<Vec<_>>());
        assert_eq!((listed(0), listed(1), listed(2)), (Some(vec![13, 11]), Some(vec![11]), None));
        for completed in [second, third].map(end) {
            members.release(&completed);
        }
        assert_eq!((members.len(), Arc::strong_count(&cells)), (0, 1));
    }

    #[test]
    fn of_list_and_runner_the_second_frees_the_cell() {
        let cells = Arc::default();
        for list_goes_first in [false, true] {
            let mut members = OwnedTasks::new();
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
