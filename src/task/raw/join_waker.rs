//! The waker of whoever waits for a task, in one word.
//!
//! Mostly that is another task of this crate, whose waker is the address of its cell and a table that all of them share:
//! the address will do. A waker of any other kind moves to a box, and the lowest bit of the word says so.

use super::header::Header;
use super::waker;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::task::Waker;

/// Set in the address of a box.
const BOXED: usize = 1;

const _: () = assert!(align_of::<Header>() > BOXED && align_of::<Waker>() > BOXED);

/// A waker, or none. What it holds is dropped by whoever takes it out: it has no destructor of its own, and the cell is
/// empty by the time that it goes.
pub(super) struct JoinWaker(*mut ());

// SAFETY: it is a waker, and those may be sent.
unsafe impl Send for JoinWaker {}

impl JoinWaker {
    pub(super) const NONE: Self = Self(ptr::null_mut());

    #[inline]
    pub(super) fn new(waker: Waker) -> Self {
        if waker::is_of_task(&waker) {
            // The reference that it counts is the word's from now on.
            return Self(ManuallyDrop::new(waker).data().cast_mut());
        }
        Self(Box::into_raw(Box::new(waker)).cast::<()>().map_addr(|address| address | BOXED))
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_null()
    }

    /// The box, if it is one.
    fn boxed(&self) -> Option<*mut Waker> {
        (self.0.addr() & BOXED != 0).then(|| self.0.map_addr(|address| address & !BOXED).cast())
    }

    /// True if to wake `other` would be the same.
    pub(super) fn will_wake(&self, other: &Waker) -> bool {
        match self.boxed() {
            // SAFETY: from `Box::into_raw` in `new`, and not taken out yet.
            Some(boxed) => unsafe { &*boxed }.will_wake(other),
            None => !self.is_none() && waker::is_of_task(other) && ptr::eq(self.0, other.data()),
        }
    }

    /// Takes the waker out.
    #[inline]
    pub(super) fn into_waker(self) -> Option<Waker> {
        match self.boxed() {
            // SAFETY: from `Box::into_raw` in `new`, and taken out once.
            Some(boxed) => Some(*unsafe { Box::from_raw(boxed) }),
            // SAFETY: the cell of a waker, whose reference was kept in `new`.
            None => NonNull::new(self.0).map(|cell| unsafe { waker::from_header(cell.cast()) }),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::Arc;
    use std::task::Wake;

    struct NoopUnpark;

    impl Wake for NoopUnpark {
        fn wake(self: Arc<Self>) {}
    }

    /// That of a task is gone through with tasks, in the tests of the cell.
    #[test]
    fn a_foreign_waker_is_kept_in_a_box() {
        let count = Arc::new(NoopUnpark);
        let waker = Waker::from(Arc::clone(&count));
        let kept = JoinWaker::new(waker.clone());
        assert!(!kept.is_none() && kept.will_wake(&waker) && !kept.will_wake(Waker::noop()));
        assert_eq!(Arc::strong_count(&count), 3);
        assert!(kept.into_waker().is_some_and(|kept| kept.will_wake(&waker)));
        assert_eq!(Arc::strong_count(&count), 2);
        assert!(JoinWaker::NONE.is_none() && JoinWaker::NONE.into_waker().is_none());
        assert!(!JoinWaker::NONE.will_wake(&waker));
    }
}
