//! The handle: what a program keeps of a task and looks at on each tick.

use super::raw::{self, Body, JoinRef, Outcome, Runnable, TaskRef, Work};
use super::retry_state::Waiting;
use super::{CancelHandle, Priority, Schedule, SharedTask, Spec, Status, TaskId, View};
use crate::error::TaskError;
use crate::park;
use crate::progress::{Drain, OnLeftover, Reader};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A task that runs in the background, and its result of type `T` and progress of type `P`.
///
/// Look at it on each tick: [`result`](Self::result) is `None` until the task is over, and costs one load. None of the
/// looking calls waits, makes a system call or allocates. [`cancel`](Self::cancel), and a [`progress`](Self::progress)
/// that makes room for a sender that waits, may have to wake the reactor, which is one system call if it sleeps.
///
/// A task can also be awaited from another one, or waited for by a thread that may ([`wait`](Self::wait)).
///
/// **Dropping the handle cancels the task**; [`detach`](Self::detach) lets it run on.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.spawn_blocking(|| (1..=10).product::<u64>());
/// loop {
///     // One tick of a game loop, a GUI, a dashboard ...
///     match task.result() {
///         None => std::thread::yield_now(),
///         Some(Ok(product)) => break assert_eq!(*product, 3_628_800),
///         Some(Err(error)) => panic!("{error}"),
///     }
/// }
/// let product = task.take().expect("the task is over")?;
/// # assert_eq!(product, 3_628_800);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a task cancels it; keep it, or `detach` it"]
pub struct Task<T, P = ()> {
    join: JoinRef<T>,
    progress: Option<Reader<P>>,
}

/// The output is in a cell of its own on the heap.
impl<T, P> Unpin for Task<T, P> {}

impl<T, P> Task<T, P> {
    pub(crate) fn new(join: JoinRef<T>, progress: Option<Reader<P>>) -> Self {
        Self { join, progress }
    }

    /// A task of `owner`, and the right to run it, which is to be queued.
    pub(crate) fn make<B, S>(body: B, owner: S, spec: Spec<P>) -> (Runnable, Self)
    where
        B: Work<Output = T>,
        S: Schedule,
    {
        let (runnable, join) = raw::new(body, owner, spec.origin);
        (runnable, Self::new(join, spec.progress))
    }

    /// As `make`, for a body that stays on this thread, which is the one that runs the owner's tasks.
    pub(crate) fn make_bound<B, S>(body: B, owner: S, spec: Spec<P>) -> (Runnable, Self)
    where
        B: Body<Output = T> + 'static,
        S: Schedule,
    {
        let (runnable, join) = raw::new_bound(body, owner, spec.origin);
        (runnable, Self::new(join, spec.progress))
    }

    /// The task's identity.
    pub fn id(&self) -> TaskId {
        self.join.task().id()
    }

    /// The name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.join.task().name()
    }

    /// Where the task stands. Terminal states never change.
    #[inline]
    pub fn status(&self) -> Status {
        self.join.task().status()
    }

    /// True once the task is over: done, failed or cancelled.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.join.is_over()
    }

    /// The same as [`is_done`](Self::is_done), under the name that the standard library uses.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.is_done()
    }

    /// The result by reference: `None` until the task is over.
    ///
    /// # Errors
    /// Whatever ended the task without a value; [`TaskError::Taken`] after a [`take`](Self::take).
    #[inline]
    pub fn result(&self) -> Option<Result<&T, &TaskError>> {
        self.join.result()
    }

    /// Moves the result out, once: `None` until the task has finished, and again after the result was taken.
    ///
    /// A host can call it on each frame and gets the result in one of them.
    ///
    /// # Errors
    /// Whatever ended the task without a value.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut load = rt.spawn(async { "level 1".to_owned() });
    /// let mut level = None;
    /// for _frame in 0..3 {
    ///     if let Some(loaded) = load.take() {
    ///         level = Some(loaded?);
    ///     }
    /// # while !load.is_done() { std::thread::yield_now() }
    /// }
    /// # if level.is_none() { level = Some(load.take().expect("finished")?) }
    /// assert_eq!(level.as_deref(), Some("level 1"));
    /// assert!(load.take().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take(&mut self) -> Option<Result<T, TaskError>> {
        self.join.take()
    }

    /// The result, with the value to be changed in place: `None` until the task has finished.
    ///
    /// # Errors
    /// Those of [`result`](Self::result).
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut names = rt.spawn_blocking(|| vec!["b", "a"]);
    /// # while !names.is_done() { std::thread::yield_now() }
    /// if let Some(Ok(names)) = names.result_mut() {
    ///     names.sort();
    /// }
    /// assert!(matches!(names.result(), Some(Ok(names)) if names[..] == ["a", "b"]));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn result_mut(&mut self) -> Option<Result<&mut T, &TaskError>> {
        self.join.result_mut()
    }

    /// The error, if the task is over without a value.
    pub fn error(&self) -> Option<&TaskError> {
        self.result()?.err()
    }

    /// The state of the task, in one enum: what a frame of a GUI shows of it. [`View`] has an example.
    ///
    /// A few loads; for a task that waits for its next attempt also a lock, which is held for a few moves only.
    pub fn view(&self) -> View<'_, T> {
        // One look decides. A task that is seen unfinished may end meanwhile: that is for the next view.
        match self.status() {
            Status::Pending => View::Pending,
            Status::Running => match self.join.task().waiting() {
                None => View::Running,
                Some(Waiting { attempt, next_at, last_error }) => View::Waiting { attempt, next_at, last_error },
            },
            Status::Done | Status::Error | Status::Cancelled => self.result().map_or(View::Idle, View::of_result),
        }
    }

    /// Cancels the task. False if it was over already, and then nothing changes.
    ///
    /// A task that has not started ends here and now; its body never runs. A future that runs is dropped by its own
    /// thread at its next suspension point, and is `Cancelled` from then on. A closure that runs is told through its
    /// context; its task is `Cancelled` at once, and what it still returns is dropped.
    pub fn cancel(&self) -> bool {
        self.join.task().cancel(Outcome::Cancelled)
    }

    /// The level that the task is queued in.
    pub fn priority(&self) -> Priority {
        self.join.task().priority()
    }

    /// Gives the task another level, from any thread; a task that is over is left as it is.
    ///
    /// It holds from the next time that the task is queued. If it waits in the ready queue right now it goes to the end of
    /// its new level: here and now on the executor's own thread, as soon as that gets to know of it from another one.
    /// The move looks for the task, in time by the length of the queue.
    /// [`Priority`] says what the levels mean. A closure that waits for a pool thread keeps its place in the queue.
    ///
    /// # Example
    /// ```
    /// use offtick::Priority;
    /// let rt = offtick::Runtime::new()?;
    /// let task = rt.spawn(std::future::pending::<()>());
    /// assert_eq!(task.priority(), Priority::UserVisible);
    /// task.set_priority(Priority::Background);
    /// assert_eq!(task.priority(), Priority::Background);
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn set_priority(&self, priority: Priority) {
        self.join.task().set_priority(priority);
    }

    /// Moves out the progress that was not read yet, oldest first. Nothing, if the task reports none.
    ///
    /// The tail stays readable after the end: whoever sees the task done finds all of it here.
    #[inline]
    pub fn progress(&self) -> Drain<'_, P> {
        match &self.progress {
            Some(reader) => reader.drain().on_leftover(self.join.task()),
            None => Drain::empty(),
        }
    }

    /// Moves out the progress that was not read yet and keeps only the newest value.
    pub fn latest(&self) -> Option<P> {
        self.progress.as_ref()?.latest()
    }

    /// A copy of the newest progress value, which is not consumed. `None` if there is nothing to read.
    ///
    /// For a host that draws the newest value on each frame and reads nothing else: the ring stays full then, and a report
    /// makes room for itself by the oldest value ([`progress_dropped`](Self::progress_dropped) counts). Later peeks never
    /// give an older value. Of a finished task it is the last one. `None` as well while a [`Drain`] of this task is alive
    /// elsewhere.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.task().progress::<u8>(8).spawn_blocking(|cx| (1..=50).for_each(|percent| cx.report(percent)));
    /// task.wait()?;
    /// assert_eq!((task.peek(), task.peek()), (Some(50), Some(50)));
    /// assert_eq!(task.latest(), Some(50));
    /// assert_eq!(task.peek(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek(&self) -> Option<P>
    where
        P: Clone,
    {
        self.peek_with(P::clone)
    }

    /// As [`peek`](Self::peek), but shows the value to `look` instead of copying it.
    ///
    /// The task reports on meanwhile; keep `look` short, since other reads of this task's progress find nothing.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.task().progress::<String>(8).spawn_blocking(|cx| cx.report("linking".to_owned()));
    /// task.wait()?;
    /// assert_eq!(task.peek_with(|step| step.len()), Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek_with<R>(&self, look: impl FnOnce(&P) -> R) -> Option<R> {
        self.progress.as_ref()?.peek(look)
    }

    /// How many progress values wait to be read.
    pub fn progress_len(&self) -> usize {
        self.progress.as_ref().map_or(0, Reader::len)
    }

    /// True if progress waits to be read: two loads.
    #[inline]
    pub fn has_progress(&self) -> bool {
        self.progress.as_ref().is_some_and(|reader| !reader.is_empty())
    }

    /// How many progress values were dropped unread because the ring was full.
    pub fn progress_dropped(&self) -> u64 {
        self.progress.as_ref().map_or(0, Reader::dropped)
    }

    /// Blocks this thread until the task is over and moves the result out.
    ///
    /// # Errors
    /// Those of [`take`](Self::take); [`TaskError::Taken`] if the result was taken before; [`TaskError::WouldDeadlock`],
    /// which leaves the task as it is, on a reactor thread, on the thread of the task's own
    /// [`LocalRuntime`](crate::LocalRuntime), inside the task's own closure, and in a closure that waits for another when all
    /// pool threads that the limit allows would wait for closures that are not finished. Closures of one priority that wait
    /// for earlier ones never meet that.
    pub fn wait(&mut self) -> Result<T, TaskError> {
        self.wait_at_most(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// Blocks this thread until the task is over, at most for `timeout`. `None`: it is not over.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<T, TaskError>> {
        self.wait_at_most(Some(timeout))
    }

    fn wait_at_most(&mut self, timeout: Option<Duration>) -> Option<Result<T, TaskError>> {
        if !self.is_done() {
            let task = self.join.task().clone();
            let over = pin!(std::future::poll_fn(|cx| self.join.poll_over(cx)));
            let Some(waited) = task.block(|| park::block_on(over, timeout)) else {
                return Some(Err(TaskError::WouldDeadlock));
            };
            waited?;
        }
        Some(self.take().unwrap_or(Err(TaskError::Taken)))
    }

    /// Gives up the handle and lets the task run on. Its value is dropped when it ends; its error goes to the runtime's
    /// [`on_unhandled_error`](crate::Builder::on_unhandled_error) hook, unless it was read before.
    pub fn detach(self) {
        self.join.detach();
    }

    /// Makes a handle that can be cloned and hands out references only.
    pub fn share(self) -> SharedTask<T, P> {
        SharedTask::new(self)
    }

    /// A handle without the result: look, cancel, nothing else. It can be cloned and keeps nothing running.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle::new(self.join.task().clone())
    }

    /// The reader, for a task that is composed of this one.
    pub(super) fn take_progress(&mut self) -> Option<Reader<P>> {
        self.progress.take()
    }

    pub(crate) fn task_ref(&self) -> &TaskRef {
        self.join.task()
    }

    /// Ready once the task is over.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.join.poll_over(cx)
    }

    /// Drops the waker of an earlier poll.
    #[cfg(feature = "toolkit")]
    pub(crate) fn drop_waker(&mut self) {
        self.join.drop_waker();
    }
}

impl OnLeftover for TaskRef {
    fn left_over(&self) {
        self.raise_update();
    }
}

/// Awaiting a task gives its result. Dropping the future before that cancels the task, as dropping the handle does;
/// await `&mut task` to keep it.
impl<T, P> Future for Task<T, P> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.join.poll_over(cx));
        Poll::Ready(self.join.take().unwrap_or(Err(TaskError::Taken)))
    }
}

impl<T, P> fmt::Debug for Task<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id().get())
            .field("name", &self.name())
            .field("status", &self.status())
            .finish()
    }
}
