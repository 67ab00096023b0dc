//! The value of a set-up, and access to it.

use super::error::ThreadBoundError;
use crate::sync::plain::{AtomicU64, Ordering};
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// The value on a pool's thread, from set-up to tear-down.
struct Kept {
    pool: u64,
    /// `None` while it is lent.
    value: Option<Box<dyn Any>>,
}

/// Returns a unique number for a pool.
pub(super) fn next_pool() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Stores the value on this thread.
pub(super) fn keep<C: 'static>(pool: u64, value: C) {
    let before = KEPT.with(|kept| kept.borrow_mut().replace(Kept { pool, value: Some(Box::new(value)) }));
    // After the borrow: it may run user code.
    drop(before);
}

/// Removes the value from this thread.
pub(super) fn end<C: 'static>(pool: u64) -> Option<C> {
    let kept = KEPT.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.as_ref().is_some_and(|kept| kept.pool == pool) { kept.take() } else { None }
    });
    let value = kept.ok().flatten()?.value?;
    value.downcast().ok().map(|value| *value)
}

/// Returns true on the pool's thread, from set-up to tear-down.
pub(super) fn is_here(pool: u64) -> bool {
    KEPT.try_with(|kept| kept.borrow().as_ref().is_some_and(|kept| kept.pool == pool)).unwrap_or(false)
}

/// A reference to the value of a [`WorkerThread`](super::WorkerThread), for its tasks.
///
/// The value may be a device handle, a GPU context, or a connection that must stay on its thread.
///
/// It may be cloned and sent anywhere. The value stays on the pool's thread, and is lent there for one call. So a
/// future borrows it between two waits and never across one, and several tasks share it. After a restart it lends the
/// value of the newer set-up.
///
/// # Example
/// ```
/// use offtick::WorkerThread;
/// use std::rc::Rc;
/// let pool = WorkerThread::builder("canvas").set_up(|| Ok::<_, offtick::BoxError>(Rc::new(7))).build()?;
/// pool.start_blocking()?;
/// let canvas = pool.value();
/// // A task made by the builder: with a name, a limit, progress.
/// let mut task = pool.pool()?.task().name("draw").run(move |_cx| async move { canvas.with(|rc| **rc * 6) });
/// assert_eq!(task.wait()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ThreadBound<C> {
    pool: u64,
    value: PhantomData<fn() -> C>,
}

impl<C: 'static> ThreadBound<C> {
    pub(super) fn new(pool: u64) -> Self {
        Self { pool, value: PhantomData }
    }

    /// Calls `f` with the value.
    ///
    /// If `f` panics, the value stays as the panic left it, and is lent again.
    ///
    /// # Errors
    /// [`ThreadBoundError::WrongThread`] on any other thread, and outside of set-up and tear-down.
    /// [`ThreadBoundError::InUse`] inside of another call for the same value. Then `f` is not called.
    pub fn with<R>(&self, f: impl FnOnce(&mut C) -> R) -> Result<R, ThreadBoundError> {
        let mut loan = Loan::take(self.pool)?;
        let value = loan.0.as_mut().and_then(|value| value.downcast_mut()).ok_or(ThreadBoundError::WrongThread)?;
        Ok(f(value))
    }
}

/// A lent value, which returns when this is dropped.
struct Loan(Option<Box<dyn Any>>);

impl Loan {
    fn take(pool: u64) -> Result<Self, ThreadBoundError> {
        let taken = KEPT.try_with(|kept| match &mut *kept.borrow_mut() {
            Some(kept) if kept.pool == pool => kept.value.take().ok_or(ThreadBoundError::InUse),
            _ => Err(ThreadBoundError::WrongThread),
        });
        taken.unwrap_or(Err(ThreadBoundError::WrongThread)).map(|value| Self(Some(value)))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let value = self.0.take();
        let put_back = KEPT.try_with(|kept| {
            if let Some(kept) = &mut *kept.borrow_mut() {
                kept.value = value;
            }
        });
        // The value is there: the tear-down is at the bottom of this thread's stack, and so comes after every loan.
        debug_assert!(put_back.is_ok());
    }
}

impl<C> Clone for ThreadBound<C> {
    fn clone(&self) -> Self {
        Self { pool: self.pool, value: PhantomData }
    }
}

impl<C> fmt::Debug for ThreadBound<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadBound").field("here", &is_here(self.pool)).finish_non_exhaustive()
    }
}
