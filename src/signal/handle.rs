//! The handle of a [`Shutdown`](super::Shutdown), for the rest of the program.

use super::exit_report::Cause;
use super::request::Request;
use super::shutdown::Shutdown;
use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::TaskInfo;
use crate::util::methods::methods;
use crate::util::slab::Key;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A handle to a [`Shutdown`]: reports whether the program is to stop, and can ask for it.
///
/// A cheap clone goes wherever that matters. (The token for the tasks of a screen or a request is `CancelToken`, in `toolkit`.)
///
/// Made by [`Shutdown::handle`](super::Shutdown::handle). It works from any thread and any executor. It may outlive its `Shutdown`;
/// then signals do not reach it any more, [`trigger`](Self::trigger) still does.
///
/// # Example
/// ```
/// let shutdown = offtick::signal::Shutdown::new()?;
/// let rt = shutdown.attach(offtick::Builder::new()).build()?;
/// let handle = shutdown.handle();
/// let worker = rt.spawn(async move {
///     let cause = handle.wait().await;
///     format!("{cause}: saved")
/// });
/// shutdown.trigger();
/// # let mut worker = worker;
/// assert_eq!(worker.wait()?, "the program: saved");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ShutdownHandle(pub(super) Arc<Request>);

impl ShutdownHandle {
    fn request(&self) -> &Arc<Request> {
        &self.0
    }
}

methods! {
impl ShutdownHandle, Shutdown {
    /// True once the program is to stop: one load, for every tick.
    #[inline]
    pub fn requested(&self) -> bool {
        self.request().latch.is_raised()
    }

    /// Why the program is to stop. `None` until then.
    pub fn cause(&self) -> Option<Cause> {
        self.request().cause()
    }

    /// Asks the program to stop, as a first signal does: whoever waits is woken, stop functions begin, and the next signal
    /// ends the process. False if it was asked before.
    pub fn trigger(&self) -> bool {
        self.request().by_program()
    }

    /// Waits until the program is to stop. Cancel safe; any number of tasks may wait.
    ///
    /// Not tied to a runtime. On a thread of its own, give it to [`block_on`](crate::block_on).
    pub fn wait(&self) -> Wait<'_> {
        Wait { request: self.request(), place: None }
    }

    /// Tells of a task that failed and that nobody looks at: the first one asks the program to stop, later ones are counted.
    /// Cancelled tasks and those whose runtime is gone have not failed.
    ///
    /// For hooks of runtimes that were not [attached](super::Shutdown::attach).
    pub fn report(&self, task: &TaskInfo, error: &TaskError) {
        self.request().by_failure(task, error);
    }
}
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHandle").field("cause", &self.cause()).finish_non_exhaustive()
    }
}

/// A future that is ready once the program is to stop; made by [`ShutdownHandle::wait`].
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait<'a> {
    request: &'a Request,
    place: Option<Key>,
}

impl Future for Wait<'_> {
    type Output = Cause;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Cause> {
        let Self { request, place } = self.get_mut();
        ready!(request.latch.poll_raised(cx, place));
        // Written before the flag was raised.
        Poll::Ready(request.cause().unwrap_or(Cause::Program))
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.request.latch.leave(&mut self.place);
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("cause", &self.request.cause()).finish()
    }
}
