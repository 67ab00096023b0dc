//! The tasks of one screen: cancelled together, joined together, and no more of them at once than the limit says.
//!
//! # How a member lives
//! ```text
//!  start       [1]            [2]                        [3]
//! -------> waiting -------> launched --------------------------> over, forgotten
//!             |                                           ^
//!             +---- cancelled while it waits [4] ---------+
//! ```
//! - [1] A member is a real task from the first moment (its status is `Pending`); only it is not queued yet. What waits
//!   stands in a queue, first in, first out.
//! - [2] Whenever a slot is free, the *pump* launches the next. One thread pumps at a time; the others leave it to that
//!   one, so ends that come about inside of a launch do not nest. After a number of launches it leaves the rest to a
//!   future on the reactor: a host's tick must not be held up by other threads that free slots.
//! - [3] A task that is over is counted and forgotten: the group holds only what lives. It frees its slot then if it
//!   is a future; a closure that was cancelled while it ran keeps the slot until it really returns. So a limit of two
//!   decoders means two, however many were cancelled on the way. A task that retries keeps its slot while it waits.
//! - [4] A member that is cancelled while it waits leaves the queue and is launched past the limit, which only drops
//!   its body where such bodies are dropped.
//!
//! # Shutdown of the runtime
//! Once the runtime is closing the limit no longer holds: every member is launched, which ends it as runtime gone. An
//! end of a launched member tells of the closing, since all of them end then. If every slot is held by a closure that was
//! cancelled and has not returned, there is no such member; then a future of the group's own, which does nothing but
//! be dropped at shutdown, tells it (the *sentinel*).
//!
//! # The lock
//! One lock guards the state. Launching, dropping, cancelling and waking are done outside of it. What a member holds of
//! its group (the watch in its cell, the slot in its closure) and the group of its members is a cycle on purpose: it
//! ends with the member.

mod members;
mod ties;

use super::ZeroLimit;
use crate::error::{BoxError, TaskError};
use crate::park;
use crate::runtime::Handle;
use crate::spawn::{FuturePlace, Place, TaskBuilder};
use crate::sync::Arc;
use crate::task::raw::{ClosureBody, Fallible, FutureBody, Value, Work};
use crate::task::{Spec, Task};
use crate::toolkit::CancelToken;
use crate::util::slab::Key;
use members::{Closure, Group};
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use ties::{Membership, Seated, Slot, Tie};

/// Tasks that belong together: cancelled together, joined together, limited in how many run at once.
///
/// For the tasks of a screen, a request, a level. Each call gives the [`Task`] to the caller, who looks at its result and
/// may cancel it by dropping it; a task that was detached runs on, but still belongs to the group. **Dropping the group
/// cancels all.** The group forgets a task when it is over, so it may live as long as the program.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let screen = offtick::TaskGroup::with_limit(&rt, 2)?;
/// let thumbnails: Vec<_> = (0..8_u32).map(|n| screen.spawn_blocking(move || n * n)).collect();
/// screen.wait()?;
/// assert_eq!(screen.progress().done, 8);
/// assert!(thumbnails.iter().all(|task| task.is_done()));
/// drop(screen); // Would cancel what still runs.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskGroup {
    group: Arc<Group>,
}

/// How far a group is: how many of the tasks it was ever given are where.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let group = offtick::TaskGroup::new(&rt);
/// group.spawn(async {}).detach();
/// group.wait()?;
/// let progress = group.progress();
/// assert_eq!((progress.total, progress.finished()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupProgress {
    /// All tasks ever given to the group; the sum of the other numbers.
    pub total: usize,
    /// Not begun: they wait for their turn in the group, or (closures) for a thread of the pool.
    pub pending: usize,
    /// Launched futures and begun closures that are not over.
    pub running: usize,
    /// Ended with a value.
    pub done: usize,
    /// Ended with an error or a panic.
    pub failed: usize,
    /// Cancelled, or their runtime went away.
    pub cancelled: usize,
}

impl GroupProgress {
    /// All that are over, in whatever way.
    pub fn finished(&self) -> usize {
        self.done + self.failed + self.cancelled
    }
}

impl TaskGroup {
    /// An empty group whose tasks run on `handle`, without a limit.
    pub fn new(handle: &Handle) -> Self {
        Self::build(handle, None)
    }

    /// An empty group of which at most `limit` tasks run at once.
    ///
    /// The others wait in the order in which they came, and start as running ones end, in whatever way. A closure that
    /// was cancelled counts until it returns.
    ///
    /// # Errors
    /// [`ZeroLimit`] for 0.
    pub fn with_limit(handle: &Handle, limit: usize) -> Result<Self, ZeroLimit> {
        let limit = NonZeroUsize::new(limit).ok_or(ZeroLimit)?;
        Ok(Self::build(handle, Some(limit)))
    }

    fn build(handle: &Handle, limit: Option<NonZeroUsize>) -> Self {
        Self { group: Arc::new(Group::new(handle, limit)) }
    }

    /// Makes the group and `token` one: whoever cancels the token cancels every task of the group, and tasks that come
    /// later are cancelled before they begin; [`cancel_all`](Self::cancel_all) and the drop of the group cancel the token.
    ///
    /// To leave the token untouched by the group, give it a [`child`](CancelToken::child). A second token takes the place of
    /// the first.
    ///
    /// # Example
    /// ```
    /// use offtick::{TaskGroup, toolkit::CancelToken};
    /// let rt = offtick::Runtime::new()?;
    /// let program = CancelToken::new();
    /// let screen = TaskGroup::new(&rt).with_token(&program.child());
    /// let mut load = screen.spawn(std::future::pending::<()>());
    /// program.cancel();
    /// assert!(load.wait().is_err_and(|error| error.is_cancelled()));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    #[must_use = "it gives the same group back; dropping that cancels it"]
    pub fn with_token(self, token: &CancelToken) -> Self {
        let before = self.group.state.lock().tie.take();
        drop(before);
        let tie = Tie::new(&self.group, token);
        self.group.state.lock().tie = Some(tie);
        // A token that was cancelled in between had no tie to see for those who came in between.
        if token.is_cancelled() {
            self.group.cancel_all();
        }
        self
    }

    /// The token that the group is one with.
    pub fn token(&self) -> Option<CancelToken> {
        self.group.state.lock().tie.as_ref().map(Tie::token)
    }

    /// Starts a future that returns a value, as soon as there is room; see [`Handle::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        FuturePlace::start(&self, FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result`, as soon as there is room; see [`Handle::run`].
    #[track_caller]
    pub fn run<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        FuturePlace::start(&self, FutureBody::<F, Fallible>::new(future), Spec::plain())
    }

    /// Starts a closure that returns a value, as soon as there is room; see [`Handle::spawn_blocking`]. It is given to
    /// the pool no sooner than that.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Place::start_blocking(&self, ClosureBody::<F, Value>::new(closure), Spec::plain())
    }

    /// Starts a closure that returns a `Result`, as soon as there is room; see [`Handle::run_blocking`]. It is given to
    /// the pool no sooner than that.
    #[track_caller]
    pub fn run_blocking<F, T, E>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        Place::start_blocking(&self, ClosureBody::<F, Fallible>::new(closure), Spec::plain())
    }

    /// Starts the description of a task that has more than a body, as [`Handle::task`] does; it begins as soon as there
    /// is room. Its time limit counts from its submission, so the wait for room is part of it.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let group = offtick::TaskGroup::with_limit(&rt, 1)?;
    /// let mut task = group.task().name("load").progress::<u8>(4).spawn_blocking(|cx| {
    ///     cx.report(100);
    ///     "loaded"
    /// });
    /// assert_eq!(task.wait()?, "loaded");
    /// assert_eq!((task.name(), task.latest()), (Some("load"), Some(100)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn task(&self) -> TaskBuilder<(), &Self> {
        TaskBuilder::new(self)
    }

    /// Where its tasks run.
    pub fn handle(&self) -> &Handle {
        &self.group.handle
    }

    /// How far it is. Costs the same however many tasks there are.
    ///
    /// A task that ends is counted a moment after its own handle says so; after a [`join`](Self::join) the numbers are
    /// final.
    pub fn progress(&self) -> GroupProgress {
        let state = self.group.state.lock();
        let (alive, pending) = (state.members.len(), state.pending);
        let (done, failed, cancelled) = (state.done, state.failed, state.cancelled);
        let total = alive + done + failed + cancelled;
        GroupProgress { total, pending, running: alive - pending, done, failed, cancelled }
    }

    /// True if every task it was given is over.
    pub fn is_idle(&self) -> bool {
        self.group.state.lock().members.is_empty()
    }

    /// Cancels every task that is not over, the waiting ones first, and says how many. The group can be used on, unless it
    /// is [one with a token](Self::with_token), which is cancelled as well.
    pub fn cancel_all(&self) -> usize {
        let cancelled = self.group.cancel_all();
        if let Some(token) = self.token() {
            token.cancel();
        }
        cancelled
    }

    /// Ready once every task it was given is over. Dropping it changes nothing.
    ///
    /// A task of the group must not await it: it would wait for itself.
    pub fn join(&self) -> impl Future<Output = ()> + Send + '_ {
        Join { group: &self.group, place: None }
    }

    /// Blocks this thread until every task it was given is over.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the group's own closures.
    pub fn wait(&self) -> Result<(), TaskError> {
        self.wait_at_most(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// Blocks this thread until every task is over, at most for `timeout`. `None`: some are not.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<(), TaskError>> {
        self.wait_at_most(Some(timeout))
    }

    fn wait_at_most(&self, timeout: Option<Duration>) -> Option<Result<(), TaskError>> {
        if self.group.must_not_wait() {
            return Some(Err(TaskError::WouldDeadlock));
        }
        park::block_on(pin!(self.join()), timeout).map(Ok)
    }
}

/// Waits for the end of all members. One that gives up takes its waker along: a program may wait for a little while
/// again and again.
struct Join<'a> {
    group: &'a Group,
    /// Where our waker stands among the joiners. Stale once they were taken to be woken.
    place: Option<Key>,
}

impl Future for Join<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Declared before the guard, so dropped after it: whichever waker is left over dies outside the lock.
        let mut waker = cx.waker().clone();
        let mut state = self.group.state.lock();
        if state.members.is_empty() {
            return Poll::Ready(());
        }
        match self.place.and_then(|place| state.joiners.get_mut(place)) {
            Some(known) => std::mem::swap(known, &mut waker),
            None => self.place = Some(state.joiners.insert(waker)),
        }
        Poll::Pending
    }
}

impl Drop for Join<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.group.state.lock().joiners.remove(place);
            drop(waker);
        }
    }
}

impl Place for &TaskGroup {
    const WAITS: bool = true;

    fn handle(&self) -> &Handle {
        TaskGroup::handle(self)
    }

    fn start_blocking<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work + Unpin,
    {
        let group = &self.group;
        let key = group.reserve();
        let seat = Arc::new(Closure::default());
        let slot = Slot { group: Arc::clone(group), closure: Arc::clone(&seat) };
        let watch = Membership { group: Arc::clone(group), key };
        let (task, prepared) = group.handle.prepare_blocking(Seated { body, slot }, spec, watch);
        group.admit(key, task.control(), prepared, Some(seat));
        task
    }
}

impl FuturePlace for &TaskGroup {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let group = &self.group;
        let key = group.reserve();
        let watch = Membership { group: Arc::clone(group), key };
        let (task, prepared) = group.handle.prepare(body, spec, watch);
        group.admit(key, task.control(), prepared, None);
        task
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        self.group.cancel_all();
        let tie = self.group.state.lock().tie.take();
        if let Some(tie) = tie {
            tie.token().cancel_with_owner();
        }
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("limit", &self.group.limit)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
