//! Running a future on the calling thread.

use super::context;
use crate::error::TaskError;
use crate::park;
use std::future::Future;
use std::pin::pin;

/// Runs a future on the calling thread, which sleeps while the future waits.
///
/// Use it at the end of `main`, in tests, and in closures on a pool thread. Timers inside it belong to the default
/// runtime unless a [`Handle`](crate::Handle) created them.
///
/// # Errors
/// [`TaskError::WouldDeadlock`] on a reactor thread, which must not wait; the future is dropped. On
/// wasm32-unknown-unknown no thread may block: there it is the error as soon as the future waits.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let task = rt.spawn(async { 3 });
/// assert_eq!(offtick::block_on(task)??, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn block_on<F: Future>(future: F) -> Result<F::Output, TaskError> {
    if context::drives_any() {
        return Err(TaskError::WouldDeadlock);
    }
    park::block_on(pin!(future), None).ok_or(TaskError::WouldDeadlock)
}
