//! A future that is to be through without a wait.

use crate::runtime::nested_start;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Runs a future to its end, here and now, if that takes no wait.
///
/// For code that is async in form and often not in fact: a lookup that may hit a cache, a stream with data at hand. On any
/// thread, with or without a runtime.
///
/// # Errors
/// [`WouldBlock`] with the future, which has run up to where it waits, and can be awaited. Inside a task it waits as well
/// where a task would have to let others run: after 32 operations of that poll that were ready at once.
///
/// # Panics
/// With the future's own panic; the future is dropped.
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
    // Whoever goes on with it polls it again: no wake is relied on.
    let mut cx = Context::from_waker(Waker::noop());
    match nested_start(|| future.as_mut().poll(&mut cx)) {
        Some(Poll::Ready(output)) => Ok(output),
        Some(Poll::Pending) | None => Err(WouldBlock(future)),
    }
}

/// A future that was to be run without a wait, and waits; or that was not started at the depth limit.
#[derive(thiserror::Error)]
#[error("the future waits for something; await it, or spawn it")]
pub struct WouldBlock<F>(Pin<Box<F>>);

impl<F> WouldBlock<F> {
    /// The future, where it stands.
    pub fn into_inner(self) -> Pin<Box<F>> {
        self.0
    }
}

impl<F> fmt::Debug for WouldBlock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WouldBlock(..)")
    }
}
