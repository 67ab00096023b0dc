//! Futures that run to their end without waiting.

use crate::runtime::nested_start;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

/// Runs a future to its end immediately, if it does not wait.
///
/// Use it for code that is async in form and often not in fact: a lookup that may hit a cache, a stream with buffered
/// data. It works on any thread, with or without a runtime.
///
/// # Errors
/// [`WouldBlock`] with the future, which has run up to the point where it waits, and can be awaited. Inside a task it
/// also waits where a task must let others run: after 32 operations in that poll that were ready immediately.
///
/// # Panics
/// The future's panic is passed on; the future is dropped.
///
/// # Example
/// ```
/// use offtick::eager;
/// async fn level(cached: Option<u32>) -> u32 {
///     match cached {
///         Some(level) => level,
///         None => std::future::pending().await, // from the disk, say
///     }
/// }
/// assert_eq!(eager::run_now(level(Some(3))).ok(), Some(3));
/// let rest = eager::run_now(level(None)).expect_err("nothing cached").into_inner();
/// let rt = offtick::Runtime::new()?;
/// let task = rt.spawn(rest);
/// # drop(task);
/// # Ok::<(), offtick::BuildError>(())
/// ```
pub fn run_now<F: Future>(future: F) -> Result<F::Output, WouldBlock<F>> {
    let mut future = Box::pin(future);
    // The code that continues it polls it again, so no wake is needed.
    let mut cx = Context::from_waker(Waker::noop());
    match nested_start(|| future.as_mut().poll(&mut cx)) {
        Some(Poll::Ready(output)) => Ok(output),
        Some(Poll::Pending) | None => Err(WouldBlock(future)),
    }
}

/// Runs a future to its end immediately, through up to `most` of its yields.
///
/// Unlike [`run_now`], it polls a future that only yields ([`yield_now`](crate::yield_now), or a wake of itself) again
/// immediately. Nothing else runs in its yields, so a future that waits for another task by yielding uses up all
/// `most`.
///
/// # Errors
/// [`WouldBlock`] with the future if it waits for something, and after `most` yields.
///
/// # Panics
/// The future's panic is passed on; the future is dropped.
///
/// # Example
/// ```
/// use offtick::{eager, yield_now};
/// let polite = async {
///     yield_now().await; // Others have nothing to do here.
///     7
/// };
/// assert_eq!(eager::run_through_yields(polite, 10).ok(), Some(7));
/// let endless = async {
///     loop {
///         yield_now().await;
///     }
/// };
/// assert!(eager::run_through_yields(endless, 10).is_err());
/// ```
pub fn run_through_yields<F: Future>(future: F, most: usize) -> Result<F::Output, WouldBlock<F>> {
    let yielded = Arc::new(Yielded(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&yielded));
    let mut cx = Context::from_waker(&waker);
    let mut future = Box::pin(future);
    for _poll in 0..=most {
        match nested_start(|| future.as_mut().poll(&mut cx)) {
            Some(Poll::Ready(output)) => return Ok(output),
            // A wake in its own poll, most likely by the future itself: it asks for another poll.
            Some(Poll::Pending) if yielded.0.swap(false, Ordering::Relaxed) => {}
            Some(Poll::Pending) | None => break,
        }
    }
    Err(WouldBlock(future))
}

/// A flag that a wake sets.
///
/// Relaxed: the polling thread reads it; the waker synchronises what the wake is for.
struct Yielded(AtomicBool);

impl Wake for Yielded {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A future that waits, or that the depth limit kept from starting.
#[derive(thiserror::Error)]
#[error("the future waits for something; await it, or spawn it")]
pub struct WouldBlock<F>(Pin<Box<F>>);

impl<F> WouldBlock<F> {
    /// Returns the future, where it waits.
    pub fn into_inner(self) -> Pin<Box<F>> {
        self.0
    }
}

impl<F> fmt::Debug for WouldBlock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WouldBlock(..)")
    }
}
