//! Cancels something when a scope is left.

use super::CancelToken;
use crate::manage::TaskGroup;
use crate::task::{CancelHandle, SharedTask, Task};
use std::fmt;

/// What can be cancelled: for [`cancel_on_drop`], which has an example.
pub trait Cancel {
    /// Cancels it; nothing happens if it is over already.
    fn cancel_now(&self);
}

impl Cancel for CancelToken {
    fn cancel_now(&self) {
        self.cancel_with_owner();
    }
}

impl Cancel for CancelHandle {
    fn cancel_now(&self) {
        self.cancel();
    }
}

impl<T, P> Cancel for Task<T, P> {
    fn cancel_now(&self) {
        self.cancel();
    }
}

impl<T, P> Cancel for SharedTask<T, P> {
    fn cancel_now(&self) {
        self.cancel();
    }
}

impl Cancel for TaskGroup {
    fn cancel_now(&self) {
        self.cancel_all();
    }
}

impl<C: Cancel + ?Sized> Cancel for &C {
    fn cancel_now(&self) {
        (**self).cancel_now();
    }
}

/// Cancels `what` when the guard is dropped, however the scope is left: by `?`, by a panic, by the drop of a future.
///
/// A [`Task`] does so by itself. This is for what outlives its handles: a [`CancelToken`], a task that others share or a
/// manager keeps, a [`CancelHandle`].
///
/// # Example
/// ```
/// use offtick::toolkit::{CancelReason, CancelToken, cancel_on_drop};
/// let token = CancelToken::new();
/// {
///     let _screen = cancel_on_drop(token.clone());
/// }
/// assert!(matches!(token.reason(), Some(CancelReason::OwnerGone)));
///
/// let rt = offtick::Runtime::new()?;
/// let task = rt.spawn(std::future::pending::<()>()).share();
/// drop(cancel_on_drop(task.clone()));
/// assert!(task.wait().is_err());
/// # Ok::<(), offtick::BuildError>(())
/// ```
pub fn cancel_on_drop<C: Cancel>(what: C) -> CancelOnDrop<C> {
    CancelOnDrop(Some(what))
}

/// A guard that cancels what it holds; made by [`cancel_on_drop`].
#[must_use = "dropped at once, it cancels at once"]
pub struct CancelOnDrop<C: Cancel>(Option<C>);

impl<C: Cancel> CancelOnDrop<C> {
    /// Returns what the guard cancels.
    pub fn get_ref(&self) -> &C {
        self.0.as_ref().expect("only this and the drop take it out")
    }

    /// Ends the guard without a cancellation.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::{CancelToken, cancel_on_drop};
    /// let guard = cancel_on_drop(CancelToken::new());
    /// let token = guard.disarm();
    /// assert!(!token.is_cancelled());
    /// ```
    pub fn disarm(mut self) -> C {
        self.0.take().expect("only this and the drop take it out")
    }
}

impl<C: Cancel> Drop for CancelOnDrop<C> {
    fn drop(&mut self) {
        if let Some(what) = &self.0 {
            what.cancel_now();
        }
    }
}

impl<C: Cancel + fmt::Debug> fmt::Debug for CancelOnDrop<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelOnDrop").field(&self.0).finish()
    }
}
