//! A task with several handles.

use super::raw::TaskRef;
use super::{CancelHandle, Priority, Status, Task, TaskId, View};
use crate::error::TaskError;
use crate::park;
use crate::progress::Drain;
use crate::sync::{Arc, Mutex};
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

/// A [`Task`] with several owners, created by [`Task::share`].
///
/// The result stays in the task and is returned by reference. The first owner that drains the progress gets it.
/// Dropping the last clone cancels the task; [`detach`](Self::detach) lets it run.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let task = rt.spawn(async { "ready" }).share();
/// let other = task.clone();
/// assert_eq!(task.wait().ok(), Some(&"ready"));
/// assert!(other.is_done());
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[must_use = "dropping the last clone cancels the task: keep it, `detach` it, or assign it to `_` if a manager keeps it"]
pub struct SharedTask<T, P = ()> {
    inner: Arc<Inner<T, P>>,
}

struct Inner<T, P> {
    task: Task<T, P>,
    waiters: Arc<Waiters>,
}

/// The wakers of all waiters: the one join waker of the task wakes them.
///
/// A waiter checks the task and registers under the lock. The end of the task comes before the wake, which takes the
/// list under the lock. So either the waiter sees the end, or its waker is in the list that is taken. A waiter that
/// stops waiting removes its waker: a program may wait briefly again and again.
struct Waiters(Mutex<Slab<Waker>>);

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        // No waiter registers after the end, so the keys of the waiters find nothing in the new list.
        let mut waiting = std::mem::take(&mut *self.0.lock());
        for index in 0..waiting.end() {
            if let Some(waker) = waiting.remove_at(index) {
                guarded(|| waker.wake());
            }
        }
    }
}

impl<T, P> SharedTask<T, P> {
    pub(super) fn new(mut task: Task<T, P>) -> Self {
        let waiters = Arc::new(Waiters(Mutex::new(Slab::new())));
        let waker = Waker::from(Arc::clone(&waiters));
        // Registered here, once: from now on only the end of the task uses it.
        let _over = task.poll_finished(&mut Context::from_waker(&waker));
        Self { inner: Arc::new(Inner { task, waiters }) }
    }

    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.inner.task.id()
    }

    /// Returns the name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.inner.task.name()
    }

    /// Returns the current status.
    pub fn status(&self) -> Status {
        self.inner.task.status()
    }

    /// Returns true once the task has finished.
    pub fn is_done(&self) -> bool {
        self.inner.task.is_done()
    }

    /// Returns the same as [`is_done`](Self::is_done); the standard library uses this name.
    pub fn is_finished(&self) -> bool {
        self.is_done()
    }

    /// Returns the result by reference, or `None` until the task has finished.
    ///
    /// # Errors
    /// The error that ended the task.
    pub fn result(&self) -> Option<Result<&T, &TaskError>> {
        self.inner.task.result()
    }

    /// Returns the error of a task that ended with one.
    pub fn error(&self) -> Option<&TaskError> {
        self.inner.task.error()
    }

    /// Returns the state of the task in one enum; see [`Task::view`].
    pub fn view(&self) -> View<'_, T> {
        self.inner.task.view()
    }

    /// Cancels the task for all owners; see [`Task::cancel`].
    pub fn cancel(&self) -> bool {
        self.inner.task.cancel()
    }

    /// Returns the priority of the task.
    pub fn priority(&self) -> Priority {
        self.inner.task.priority()
    }

    /// Changes the priority for all owners; see [`Task::set_priority`].
    pub fn set_priority(&self, priority: Priority) {
        self.inner.task.set_priority(priority);
    }

    pub(super) fn task_ref(&self) -> &TaskRef {
        self.inner.task.task_ref()
    }

    /// Drains the unread progress, oldest first. Yields nothing while another clone drains.
    pub fn progress(&self) -> Drain<'_, P> {
        self.inner.task.progress()
    }

    /// Drains the unread progress and returns the newest value.
    pub fn latest(&self) -> Option<P> {
        self.inner.task.latest()
    }

    /// Returns a copy of the newest progress value, without consuming it; see [`Task::peek`].
    pub fn peek(&self) -> Option<P>
    where
        P: Clone,
    {
        self.inner.task.peek()
    }

    /// Calls `look` with the newest progress value; see [`Task::peek_with`].
    pub fn peek_with<R>(&self, look: impl FnOnce(&P) -> R) -> Option<R> {
        self.inner.task.peek_with(look)
    }

    /// Returns the number of unread values dropped because the ring was full.
    pub fn progress_dropped(&self) -> u64 {
        self.inner.task.progress_dropped()
    }

    /// Returns a handle without the result.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.inner.task.cancel_handle()
    }

    /// Blocks this thread until the task has finished.
    ///
    /// # Errors
    /// Those of [`result`](Self::result); [`TaskError::WouldDeadlock`] in the same cases as [`Task::wait`].
    pub fn wait(&self) -> Result<&T, &TaskError> {
        self.wait_at_most(None).unwrap_or(Err(&TaskError::WouldDeadlock))
    }

    /// Blocks this thread until the task has finished, at most for `timeout`.
    ///
    /// Returns `None` if it has not finished.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<&T, &TaskError>> {
        self.wait_at_most(Some(timeout))
    }

    fn wait_at_most(&self, timeout: Option<Duration>) -> Option<Result<&T, &TaskError>> {
        if !self.is_done() {
            let waited = self.inner.task.task_ref().block(|| park::block_on(pin!(self.finished()), timeout));
            let Some(waited) = waited else { return Some(Err(&TaskError::WouldDeadlock)) };
            waited?;
        }
        self.result()
    }

    /// Waits until the task has finished; [`result`](Self::result) then has the result.
    ///
    /// Dropping the future changes nothing.
    pub fn finished(&self) -> impl Future<Output = ()> + '_ {
        WaitFinished::new(self)
    }

    /// Registers `waker` to be woken at the end, permanently.
    ///
    /// Returns false if the task has finished; then the waker is not used.
    #[must_use]
    pub(crate) fn wake_at_end(&self, waker: Waker) -> bool {
        let mut waiting = self.inner.waiters.0.lock();
        // Under the lock, as in `WaitFinished`: either the end is seen here, or the waker is in the list that it takes.
        if self.is_done() {
            drop(waiting);
            return false;
        }
        waiting.insert(waker);
        true
    }

    /// Lets the task run after the last clone is dropped.
    ///
    /// # Errors
    /// Returns the handle if other clones exist: they own the task too.
    pub fn detach(self) -> Result<(), Self> {
        match Arc::try_unwrap(self.inner) {
            Ok(inner) => {
                inner.task.detach();
                Ok(())
            }
            Err(inner) => Err(Self { inner }),
        }
    }
}

/// Awaiting `&task` returns the result by reference.
impl<'a, T, P> IntoFuture for &'a SharedTask<T, P> {
    type Output = Result<&'a T, &'a TaskError>;
    type IntoFuture = SharedResult<'a, T, P>;

    fn into_future(self) -> Self::IntoFuture {
        SharedResult(WaitFinished::new(self))
    }
}

/// A future of the result of a [`SharedTask`], by reference.
///
/// Dropping it changes nothing.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let level = rt.spawn(async { vec![1, 2, 3] }).share();
/// let theirs = level.clone();
/// let mut sum = rt.spawn(async move { (&theirs).await.map_or(0, |level| level.iter().sum::<i32>()) });
/// assert_eq!(sum.wait()?, 6);
/// assert_eq!(level.wait().map(Vec::len).ok(), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it does nothing until it is awaited"]
#[derive(Debug)]
pub struct SharedResult<'a, T, P>(WaitFinished<T, P, &'a SharedTask<T, P>>);

impl<'a, T, P> Future for SharedResult<'a, T, P> {
    type Output = Result<&'a T, &'a TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(self.0.shared.result().expect("the task has finished"))
    }
}

/// Awaiting `task` returns the result as well.
///
/// The value stays in the task, which the result keeps with this clone of the handle.
impl<T, P> IntoFuture for SharedTask<T, P> {
    type Output = Result<SharedValue<T, P>, TaskError>;
    type IntoFuture = IntoSharedResult<T, P>;

    fn into_future(self) -> Self::IntoFuture {
        IntoSharedResult(WaitFinished::new(self))
    }
}

/// A future of the result of a [`SharedTask`], by value.
///
/// Dropping it drops that clone of the handle.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let level = rt.spawn(async { vec![1, 2, 3] }).share();
/// let theirs = level.clone();
/// let mut sum = rt.run(async move {
///     let level = theirs.await?;
///     offtick::Ok(level.iter().sum::<i32>())
/// });
/// assert_eq!(sum.wait()?, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it does nothing until it is awaited"]
#[derive(Debug)]
pub struct IntoSharedResult<T, P>(WaitFinished<T, P, SharedTask<T, P>>);

impl<T, P> Future for IntoSharedResult<T, P> {
    type Output = Result<SharedValue<T, P>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(Pin::new(&mut self.0).poll(cx));
        let shared = &self.0.shared;
        Poll::Ready(match shared.result().expect("it has finished") {
            Ok(_) => Ok(SharedValue(shared.clone())),
            Err(error) => Err(error.clone()),
        })
    }
}

/// The value of a finished [`SharedTask`], to which it dereferences.
pub struct SharedValue<T, P = ()>(SharedTask<T, P>);

impl<T, P> Deref for SharedValue<T, P> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.result().and_then(Result::ok).expect("a shared value stays where it is")
    }
}

impl<T: fmt::Debug, P> fmt::Debug for SharedValue<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

struct WaitFinished<T, P, S: Borrow<SharedTask<T, P>>> {
    shared: S,
    /// The key of our waker in the list.
    place: Option<Key>,
    task: PhantomData<fn() -> (T, P)>,
}

impl<T, P, S: Borrow<SharedTask<T, P>>> WaitFinished<T, P, S> {
    fn new(shared: S) -> Self {
        Self { shared, place: None, task: PhantomData }
    }
}

/// It pins nothing.
impl<T, P, S: Borrow<SharedTask<T, P>>> Unpin for WaitFinished<T, P, S> {}

impl<T, P, S: Borrow<SharedTask<T, P>>> fmt::Debug for WaitFinished<T, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.borrow().fmt(f)
    }
}

impl<T, P, S: Borrow<SharedTask<T, P>>> Future for WaitFinished<T, P, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { shared, place, .. } = self.get_mut();
        let inner = &*(*shared).borrow().inner;
        if inner.task.is_done() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let mut waiters = inner.waiters.0.lock();
        if inner.task.is_done() {
            drop(waiters);
            return Poll::Ready(());
        }
        let old = match place.and_then(|place| waiters.get_mut(place)) {
            Some(registered) => Some(std::mem::replace(registered, waker)),
            None => {
                *place = Some(waiters.insert(waker));
                None
            }
        };
        // Unlocked first: dropping a waker is foreign code.
        drop(waiters);
        drop(old);
        Poll::Pending
    }
}

impl<T, P, S: Borrow<SharedTask<T, P>>> Drop for WaitFinished<T, P, S> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.shared.borrow().inner.waiters.0.lock().remove(place);
            drop(waker);
        }
    }
}

impl<T, P> Clone for SharedTask<T, P> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T, P> fmt::Debug for SharedTask<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.task.fmt(f)
    }
}
