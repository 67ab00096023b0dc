//! The waker of a task's waiter, in one word.
//!
//! Usually the waiter is another task of this crate. Its waker is the address of its cell and a table that all tasks
//! share, so the address is enough. Any other waker moves to a box, which the lowest bit of the word marks.

use super::header::Header;
use super::waker;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::task::Waker;

/// The bit that marks the address of a box.
const BOXED: usize = 1;

const _: () = assert!(align_of::<Header>() > BOXED && align_of::<Waker>() > BOXED);

/// A waker, or none.
///
/// It has no destructor: the code that takes the waker out drops it, and the cell is empty when it is freed.
pub(super) struct JoinWaker(*mut ());

// SAFETY: it is a waker, and wakers are `Send`.
unsafe impl Send for JoinWaker {}

impl JoinWaker {
    pub(super) const NONE: Self = Self(ptr::null_mut());

    #[inline]
    pub(super) fn new(waker: Waker) -> Self {
        if waker::is_of_task(&waker) {
            // From now on the word owns the reference that the waker counts.
            return Self(ManuallyDrop::new(waker).data().cast_mut());
        }
        Self(Box::into_raw(Box::new(waker)).cast::<()>().map_addr(|address| address | BOXED))
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_null()
    }

    /// Returns the box, if it is one.
    fn boxed(&self) -> Option<*mut Waker> {
        (self.0.addr() & BOXED != 0).then(|| self.0.map_addr(|address| address & !BOXED).cast())
    }

    /// Returns true if waking `other` has the same effect.
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

    /// A foreign waker; the tests of the cell cover that of a task.
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
