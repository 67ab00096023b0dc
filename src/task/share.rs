//! A task behind several handles.

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

/// A [`Task`] that several owners look at; made by [`Task::share`].
///
/// The result stays in the task and is handed out by reference. Progress is drained by whoever comes first. Dropping the
/// last clone cancels the task; [`detach`](Self::detach) lets it run on.
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

/// Everyone who waits for the end: the one join waker of the task wakes them all.
///
/// A waiter looks at the task and registers under the lock. The end comes before the wake that takes the list under the
/// lock. So either the waiter sees the end, or its waker is in the list that is taken. A waiter that gives up takes its
/// waker along: a program may wait for a little while again and again.
struct Waiters(Mutex<Slab<Waker>>);

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        // Nobody registers after the end, so the keys of those who wait find nothing in the new list.
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
        // Registered once, here: from now on only the end of the task touches it.
        let _over = task.poll_over(&mut Context::from_waker(&waker));
        Self { inner: Arc::new(Inner { task, waiters }) }
    }

    /// The task's identity.
    pub fn id(&self) -> TaskId {
        self.inner.task.id()
    }

    /// The name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.inner.task.name()
    }

    /// Where the task stands.
    pub fn status(&self) -> Status {
        self.inner.task.status()
    }

    /// True once the task is over.
    pub fn is_done(&self) -> bool {
        self.inner.task.is_done()
    }

    /// The same as [`is_done`](Self::is_done), under the name that the standard library uses.
    pub fn is_finished(&self) -> bool {
        self.is_done()
    }

    /// The result by reference: `None` until the task is over.
    ///
    /// # Errors
    /// Whatever ended the task without a value.
    pub fn result(&self) -> Option<Result<&T, &TaskError>> {
        self.inner.task.result()
    }

    /// The error, if the task is over without a value.
    pub fn error(&self) -> Option<&TaskError> {
        self.inner.task.error()
    }

    /// The state of the task, in one enum; see [`Task::view`].
    pub fn view(&self) -> View<'_, T> {
        self.inner.task.view()
    }

    /// Cancels the task, for all who share it; see [`Task::cancel`].
    pub fn cancel(&self) -> bool {
        self.inner.task.cancel()
    }

    /// The level that the task is queued in.
    pub fn priority(&self) -> Priority {
        self.inner.task.priority()
    }

    /// Gives the task another level, for all who share it; see [`Task::set_priority`].
    pub fn set_priority(&self, priority: Priority) {
        self.inner.task.set_priority(priority);
    }

    pub(super) fn task_ref(&self) -> &TaskRef {
        self.inner.task.task_ref()
    }

    /// Moves out the progress that nobody has read yet, oldest first. Nothing while another clone drains.
    pub fn progress(&self) -> Drain<'_, P> {
        self.inner.task.progress()
    }

    /// Moves out the unread progress and keeps only the newest value.
    pub fn latest(&self) -> Option<P> {
        self.inner.task.latest()
    }

    /// A copy of the newest progress value, which is not consumed; see [`Task::peek`].
    pub fn peek(&self) -> Option<P>
    where
        P: Clone,
    {
        self.inner.task.peek()
    }

    /// Shows the newest progress value to `look`; see [`Task::peek_with`].
    pub fn peek_with<R>(&self, look: impl FnOnce(&P) -> R) -> Option<R> {
        self.inner.task.peek_with(look)
    }

    /// How many progress values were dropped unread because the ring was full.
    pub fn progress_dropped(&self) -> u64 {
        self.inner.task.progress_dropped()
    }

    /// A handle without the result.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.inner.task.cancel_handle()
    }

    /// Blocks this thread until the task is over.
    ///
    /// # Errors
    /// Those of [`result`](Self::result); [`TaskError::WouldDeadlock`] where [`Task::wait`] returns it.
    pub fn wait(&self) -> Result<&T, &TaskError> {
        self.wait_at_most(None).unwrap_or(Err(&TaskError::WouldDeadlock))
    }

    /// Blocks this thread until the task is over, at most for `timeout`. `None`: it is not over.
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

    /// Ready once the task is over; then look at [`result`](Self::result). Dropping it changes nothing.
    pub fn finished(&self) -> impl Future<Output = ()> + '_ {
        Over::new(self)
    }

    /// Has `waker` woken at the end, for good. False: the task is over, and the waker is not used.
    #[must_use]
    pub(crate) fn wake_at_end(&self, waker: Waker) -> bool {
        let mut waiting = self.inner.waiters.0.lock();
        // Under the lock, as in `Over`: either the end is seen here, or the waker is in the list that it takes.
        if self.is_done() {
            drop(waiting);
            return false;
        }
        waiting.insert(waker);
        true
    }

    /// Lets the task run on when the last clone is gone. Gives the handle back if there are other clones.
    ///
    /// # Errors
    /// The handle itself, while others exist: the task is theirs as well.
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

/// `(&task).await` is the result, by reference.
impl<'a, T, P> IntoFuture for &'a SharedTask<T, P> {
    type Output = Result<&'a T, &'a TaskError>;
    type IntoFuture = SharedResult<'a, T, P>;

    fn into_future(self) -> Self::IntoFuture {
        SharedResult(Over::new(self))
    }
}

/// The result of a [`SharedTask`] that is awaited. Dropping it changes nothing.
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
pub struct SharedResult<'a, T, P>(Over<T, P, &'a SharedTask<T, P>>);

impl<'a, T, P> Future for SharedResult<'a, T, P> {
    type Output = Result<&'a T, &'a TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(self.0.shared.result().expect("it is over"))
    }
}

/// `task.await` is the result as well: the value stays in the task, and this clone of the handle with it.
impl<T, P> IntoFuture for SharedTask<T, P> {
    type Output = Result<SharedValue<T, P>, TaskError>;
    type IntoFuture = IntoSharedResult<T, P>;

    fn into_future(self) -> Self::IntoFuture {
        IntoSharedResult(Over::new(self))
    }
}

/// The result of a [`SharedTask`] that is awaited by value. Dropping it drops that clone of the handle.
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
pub struct IntoSharedResult<T, P>(Over<T, P, SharedTask<T, P>>);

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

/// The value of a [`SharedTask`], which is done: it dereferences to it.
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

struct Over<T, P, S: Borrow<SharedTask<T, P>>> {
    shared: S,
    /// The place of our waker in the list.
    place: Option<Key>,
    task: PhantomData<fn() -> (T, P)>,
}

impl<T, P, S: Borrow<SharedTask<T, P>>> Over<T, P, S> {
    fn new(shared: S) -> Self {
        Self { shared, place: None, task: PhantomData }
    }
}

/// Nothing in it is pinned.
impl<T, P, S: Borrow<SharedTask<T, P>>> Unpin for Over<T, P, S> {}

impl<T, P, S: Borrow<SharedTask<T, P>>> fmt::Debug for Over<T, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.borrow().fmt(f)
    }
}

impl<T, P, S: Borrow<SharedTask<T, P>>> Future for Over<T, P, S> {
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
        // Unlocked first: the drop of a waker is foreign code.
        drop(waiters);
        drop(old);
        Poll::Pending
    }
}

impl<T, P, S: Borrow<SharedTask<T, P>>> Drop for Over<T, P, S> {
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
