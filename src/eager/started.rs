//! A future that was started, and continues where it is awaited.

use crate::runtime::nested_start;
use crate::util::catch::{catch, drop_quietly};
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Polls a future once, immediately.
///
/// The rest runs where the [`Started`] is awaited; dropping that drops the future. The first await polls the future
/// again, so it need not have been woken meanwhile. It works on any thread, with or without a runtime.
///
/// A panic of the first part is kept. It continues where the value is taken, by `await` or
/// [`into_output`](Started::into_output).
///
/// # Example
/// ```
/// use offtick::eager;
/// let rt = offtick::Runtime::new()?;
/// let log = std::sync::Mutex::new(vec!["a"]);
/// let mut task = rt.spawn(async move {
///     let request = eager::start(async {
///         log.lock().unwrap().push("sent"); // before anything is awaited
///         offtick::yield_now().await;
///         log.lock().unwrap().push("answered");
///     });
///     log.lock().unwrap().push("b");
///     request.await;
///     log.into_inner().unwrap()
/// });
/// assert_eq!(task.wait()?, ["a", "sent", "b", "answered"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn start<F: Future>(future: F) -> Started<F> {
    let mut future = Box::pin(future);
    // Polled again before a wake is needed, so the waker may do nothing.
    let mut cx = Context::from_waker(Waker::noop());
    let polled = nested_start(|| catch(|| future.as_mut().poll(&mut cx)));
    match polled {
        None | Some(Ok(Poll::Pending)) => Started(Stage::Blocked(future)),
        Some(Ok(Poll::Ready(output))) => Started(Stage::Finished(output)),
        Some(Err(payload)) => {
            // It must not be polled again, and the first panic is the one to report.
            drop_quietly(future);
            Started(Stage::Panicked(payload))
        }
    }
}

/// A future after its first part, from [`start`]. It is a future of the rest.
#[must_use = "dropping it drops the future with all that it has begun"]
pub struct Started<F: Future>(Stage<F>);

enum Stage<F: Future> {
    Blocked(Pin<Box<F>>),
    Finished(F::Output),
    Panicked(Box<dyn Any + Send>),
    Taken,
}

/// The future is on the heap; the value is moved out and never pinned.
impl<F: Future> Unpin for Started<F> {}

impl<F: Future> Started<F> {
    /// Returns true if the future waits for something.
    ///
    /// False if it has finished, with a value or a panic.
    pub fn is_blocked(&self) -> bool {
        matches!(self.0, Stage::Blocked(_))
    }

    /// Returns the value, if the first part was all.
    ///
    /// Otherwise `await` the future, or pass it to [`spawn`](crate::Handle::spawn).
    ///
    /// # Errors
    /// The started future, if it waits for something, or if its value was taken by polling it.
    ///
    /// # Panics
    /// With the panic of the first part, if there was one.
    ///
    /// # Example
    /// ```
    /// use offtick::eager;
    /// assert_eq!(eager::start(async { 7 }).into_output().ok(), Some(7));
    /// let waits = eager::start(std::future::pending::<u8>());
    /// assert!(waits.is_blocked());
    /// assert!(waits.into_output().is_err());
    /// ```
    pub fn into_output(self) -> Result<F::Output, Self> {
        match self.0 {
            Stage::Finished(output) => Ok(output),
            Stage::Panicked(payload) => resume_unwind(payload),
            stage => Err(Self(stage)),
        }
    }
}

/// Continues after the first part. It is in no queue: it is polled where it is awaited.
impl<F: Future> Future for Started<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if let Stage::Blocked(future) = &mut self.0 {
            return future.as_mut().poll(cx);
        }
        match std::mem::replace(&mut self.0, Stage::Taken) {
            Stage::Finished(output) => Poll::Ready(output),
            Stage::Panicked(payload) => resume_unwind(payload),
            Stage::Blocked(_) | Stage::Taken => panic!("a started future was polled after it gave its value"),
        }
    }
}

impl<F: Future> fmt::Debug for Started<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("blocked", &self.is_blocked()).finish_non_exhaustive()
    }
}
