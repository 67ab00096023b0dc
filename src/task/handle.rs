//! The handle that a program keeps of a task and polls on each tick.

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

/// A background task with a result `T` and progress `P`.
///
/// Poll it on each tick: [`result`](Self::result) is `None` until the task has finished, and costs one load. No polling
/// method waits, makes a system call or allocates. Two methods may have to wake the reactor, which is one system call
/// if it sleeps: [`cancel`](Self::cancel), and a [`progress`](Self::progress) that makes room for a waiting sender.
///
/// Another task can await it, and a thread that may block can [`wait`](Self::wait) for it.
///
/// **Dropping the handle cancels the task**; [`detach`](Self::detach) lets it run.
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
/// let product = task.take().expect("the task has finished")?;
/// # assert_eq!(product, 3_628_800);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a task cancels it; keep it, or `detach` it"]
pub struct Task<T, P = ()> {
    join: JoinRef<T>,
    progress: Option<Reader<P>>,
}

/// The output lies in its own cell on the heap.
impl<T, P> Unpin for Task<T, P> {}

impl<T, P> Task<T, P> {
    pub(crate) fn new(join: JoinRef<T>, progress: Option<Reader<P>>) -> Self {
        Self { join, progress }
    }

    /// Creates a task of `owner`, and the right to run it, which the caller queues.
    pub(crate) fn make<B, S>(body: B, owner: S, spec: Spec<P>) -> (Runnable, Self)
    where
        B: Work<Output = T>,
        S: Schedule,
    {
        let (runnable, join) = raw::new(body, owner, spec.origin);
        (runnable, Self::new(join, spec.progress))
    }

    /// Creates a task whose body stays on this thread.
    ///
    /// This thread must be the one that runs the owner's tasks.
    pub(crate) fn make_bound<B, S>(body: B, owner: S, spec: Spec<P>) -> (Runnable, Self)
    where
        B: Body<Output = T> + 'static,
        S: Schedule,
    {
        let (runnable, join) = raw::new_bound(body, owner, spec.origin);
        (runnable, Self::new(join, spec.progress))
    }

    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.join.task().id()
    }

    /// Returns the name given to the builder.
    pub fn name(&self) -> Option<&str> {
        self.join.task().name()
    }

    /// Returns the current status. A terminal status never changes.
    #[inline]
    pub fn status(&self) -> Status {
        self.join.task().status()
    }

    /// Returns true once the task is done, failed or cancelled.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.join.is_finished()
    }

    /// Returns the same as [`is_done`](Self::is_done); the standard library uses this name.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.is_done()
    }

    /// Returns the result by reference, or `None` until the task has finished.
    ///
    /// # Errors
    /// The error that ended the task; [`TaskError::Taken`] after a [`take`](Self::take).
    #[inline]
    pub fn result(&self) -> Option<Result<&T, &TaskError>> {
        self.join.result()
    }

    /// Moves the result out, once.
    ///
    /// `None` until the task has finished, and again after the result was taken.
    ///
    /// A host can call it on each frame, and gets the result in exactly one of them.
    ///
    /// # Errors
    /// The error that ended the task.
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

    /// Returns the result with a mutable value, or `None` until the task has finished.
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

    /// Returns the error of a task that ended with one.
    pub fn error(&self) -> Option<&TaskError> {
        self.result()?.err()
    }

    /// Returns the state of the task in one enum, for a frame of a GUI.
    ///
    /// [`View`] has an example.
    ///
    /// It costs a few loads. For a task that waits for its next attempt it also takes a lock, which is held briefly.
    pub fn view(&self) -> View<'_, T> {
        // The status decides. A task that is seen unfinished may finish meanwhile: the next view shows that.
        match self.status() {
            Status::Pending => View::Pending,
            Status::Running => match self.join.task().waiting() {
                None => View::Running,
                Some(Waiting { attempt, next_at, last_error }) => View::Waiting { attempt, next_at, last_error },
            },
            Status::Done | Status::Error | Status::Cancelled => self.result().map_or(View::Idle, View::of_result),
        }
    }

    /// Cancels the task. Returns false, and changes nothing, if it had finished.
    ///
    /// A task that has not started ends immediately, and its body never runs. A running future is dropped by its own
    /// thread at its next suspension point, and is `Cancelled` from then on. A running closure finds out through its
    /// context: its task is `Cancelled` immediately, and a value that it still returns is dropped.
    pub fn cancel(&self) -> bool {
        self.join.task().cancel(Outcome::Cancelled)
    }

    /// Returns the priority of the task.
    pub fn priority(&self) -> Priority {
        self.join.task().priority()
    }

    /// Changes the priority, from any thread; a finished task stays unchanged.
    ///
    /// The priority applies from the next time that the task is queued. A task that is in the ready queue now moves to
    /// the end of its new level. The executor's own thread moves it immediately; a change from another thread takes
    /// effect once the executor receives it. The move searches the queue, which takes time proportional to its length.
    /// [`Priority`] defines the levels. A closure that waits for a pool thread keeps its position.
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

    /// Drains the unread progress, oldest first. Empty if the task reports none.
    ///
    /// The progress stays readable after the task has finished. If the task is done, this returns the rest of its
    /// progress.
    #[inline]
    pub fn progress(&self) -> Drain<'_, P> {
        match &self.progress {
            Some(reader) => reader.drain().on_leftover(self.join.task()),
            None => Drain::empty(),
        }
    }

    /// Drains the unread progress and returns the newest value.
    pub fn latest(&self) -> Option<P> {
        self.progress.as_ref()?.latest()
    }

    /// Returns a copy of the newest progress value, without consuming it.
    ///
    /// `None` if there is nothing to read.
    ///
    /// Use it in a host that draws the newest value on each frame and reads nothing else. The ring then stays full, and
    /// a report drops the oldest value ([`progress_dropped`](Self::progress_dropped) counts them). A later peek never
    /// returns an older value. For a finished task it returns the last one. It also returns `None` while another thread
    /// holds a [`Drain`] of this task.
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

    /// Calls `look` with the newest progress value; see [`peek`](Self::peek).
    ///
    /// The task can report meanwhile. Keep `look` short: until it returns, other reads of this task's progress find
    /// nothing.
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

    /// Returns the number of unread progress values.
    pub fn progress_len(&self) -> usize {
        self.progress.as_ref().map_or(0, Reader::len)
    }

    /// Returns true if there is unread progress. Costs two loads.
    #[inline]
    pub fn has_progress(&self) -> bool {
        self.progress.as_ref().is_some_and(|reader| !reader.is_empty())
    }

    /// Returns the number of unread values dropped because the ring was full.
    pub fn progress_dropped(&self) -> u64 {
        self.progress.as_ref().map_or(0, Reader::dropped)
    }

    /// Blocks this thread until the task has finished, and moves the result out.
    ///
    /// # Errors
    /// Those of [`take`](Self::take). [`TaskError::Taken`] if the result was already taken.
    /// [`TaskError::WouldDeadlock`], which leaves the task unchanged:
    /// - on a reactor thread, and on the thread of the task's own [`LocalRuntime`](crate::LocalRuntime);
    /// - inside the task's own closure;
    /// - in a closure, if then every pool thread that the limit allows would wait for an unfinished closure. Closures
    ///   of one priority that wait for earlier ones never get this error.
    pub fn wait(&mut self) -> Result<T, TaskError> {
        self.wait_at_most(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// Blocks this thread until the task has finished, at most for `timeout`.
    ///
    /// Returns `None` if it has not finished.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<T, TaskError>> {
        self.wait_at_most(Some(timeout))
    }

    fn wait_at_most(&mut self, timeout: Option<Duration>) -> Option<Result<T, TaskError>> {
        if !self.is_done() {
            let task = self.join.task().clone();
            let finished = pin!(std::future::poll_fn(|cx| self.join.poll_finished(cx)));
            let Some(waited) = task.block(|| park::block_on(finished, timeout)) else {
                return Some(Err(TaskError::WouldDeadlock));
            };
            waited?;
        }
        Some(self.take().unwrap_or(Err(TaskError::Taken)))
    }

    /// Drops the handle and lets the task run.
    ///
    /// Its value is dropped when it finishes. An unread error goes to the runtime's
    /// [`on_unhandled_error`](crate::Builder::on_unhandled_error) hook.
    pub fn detach(self) {
        self.join.detach();
    }

    /// Converts into a handle that can be cloned and returns references only.
    pub fn share(self) -> SharedTask<T, P> {
        SharedTask::new(self)
    }

    /// Returns a handle without the result, to check and cancel the task.
    ///
    /// It can be cloned, and keeps nothing running.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle::new(self.join.task().clone())
    }

    /// Returns the reader, for a task that is composed of this one.
    pub(super) fn take_progress(&mut self) -> Option<Reader<P>> {
        self.progress.take()
    }

    pub(crate) fn task_ref(&self) -> &TaskRef {
        self.join.task()
    }

    /// Is ready once the task has finished.
    pub(crate) fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.join.poll_finished(cx)
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

/// A task is a future of its result.
///
/// Dropping the future before it is ready cancels the task, as dropping the handle does. Await `&mut task` to keep it.
impl<T, P> Future for Task<T, P> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.join.poll_finished(cx));
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
