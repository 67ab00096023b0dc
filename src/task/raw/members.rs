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
        if used == self.places.capacity() {
            self.places.reserve_exact(if used < LARGE { used.max(4) } else { used / 16 });
        }
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
            if unsafe { task.as_ref() }.unlist() {
                // SAFETY: the runner left the body's reference to the list.
                unsafe { release_late(task) };
            }
        }
    }
}
