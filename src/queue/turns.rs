//! Futures with which a task yields.

use super::END;
use super::error::{NoExecutor, NotReady, SwitchError};
use crate::runtime;
use crate::task::AnyTask;
use crate::task::raw::TaskRef;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Yields to all ready tasks.
///
/// The task goes to the end of its level. Timers, sockets and wakes from other threads get their turn as well, after a
/// limited number of polls. It works on any executor, including those of other crates.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut sum = rt.spawn(async {
///     let mut sum = 0_u64;
///     for block in 0..10 {
///         sum += (block * 1000..(block + 1) * 1000).sum::<u64>();
///         offtick::yield_now().await; // others have waited long enough
///     }
///     sum
/// });
/// assert_eq!(sum.wait()?, 49_995_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow(yield_at(END))
}

/// Yields to the next `position` ready tasks.
///
/// Negative positions count from the end: at -1 the task runs before the last one. At [`END`] it is [`yield_now`]. The
/// module defines [positions](super#positions) with several priorities, and their limits. The position is resolved when
/// the poll of the task ends. If the task yields in several ways in one poll (`join`), the last one counts. On an
/// executor of another crate this is [`yield_now`].
///
/// # Example
/// ```
/// use offtick::queue::yield_at;
/// use std::sync::{Arc, Mutex};
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&log);
/// rt.spawn(async move {
///     let others: Vec<_> = (0..3)
///         .map(|n| {
///             let log = Arc::clone(&log);
///             handle.spawn(async move { log.lock().unwrap().push(n) })
///         })
///         .collect();
///     yield_at(1).await;
///     log.lock().unwrap().push(100);
///     for other in others {
///         other.await.expect("it logs");
///     }
/// })
/// .wait()?;
/// assert_eq!(*seen.lock().unwrap(), [0, 100, 1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn yield_at(position: isize) -> YieldAt {
    YieldAt { position, yielded: false }
}

/// Yields to a given task, which runs next.
///
/// The task must be ready. The caller goes behind all ready tasks, or to the position of
/// [`resume_at`](SwitchTo::resume_at): at 1 it runs directly after the target. Across levels the target is the next *of
/// its level*.
///
/// # Errors
/// [`SwitchError::NotReady`] and [`SwitchError::NoExecutor`]; then the caller continues without yielding.
///
/// # Example
/// See the [module](super).
pub fn switch_to<'a>(task: &'a impl AnyTask) -> SwitchTo<'a> {
    SwitchTo { target: task.task_ref(), position: END, switched: false }
}

/// A future of [`yield_now`].
#[derive(Debug)]
#[must_use = "a yield does nothing until it is awaited"]
pub struct YieldNow(YieldAt);

/// A future of [`yield_at`].
#[derive(Debug)]
#[must_use = "a yield does nothing until it is awaited"]
pub struct YieldAt {
    position: isize,
    yielded: bool,
}

/// A future of [`switch_to`].
#[derive(Debug)]
#[must_use = "a switch does nothing until it is awaited"]
pub struct SwitchTo<'a> {
    target: &'a TaskRef,
    position: isize,
    switched: bool,
}

impl SwitchTo<'_> {
    /// Sets the caller's position after the target was put first. Default [`END`].
    pub fn resume_at(mut self, position: isize) -> Self {
        self.position = position;
        self
    }
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl Future for YieldAt {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        if let Some(local) = runtime::current() {
            local.core.place_running(self.position);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Future for SwitchTo<'_> {
    type Output = Result<(), SwitchError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.switched {
            return Poll::Ready(Ok(()));
        }
        let Some(local) = runtime::current() else {
            return Poll::Ready(Err(NoExecutor(()).into()));
        };
        local.core.drain(&local.shared.inbox);
        if !local.core.reinsert(self.target, 0) {
            return Poll::Ready(Err(NotReady.into()));
        }
        self.switched = true;
        local.core.place_running(self.position);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
