//! The tasks of one screen: cancelled together, joined together, and no more of them at once than the limit says.
//!
//! A front of `members`, where the rules stand.

use super::ZeroLimit;
use super::members::{GroupProgress, Join, Members, Rules};
use crate::error::{BoxError, TaskError};
use crate::runtime::Handle;
use crate::spawn::{FuturePlace, Place, TaskBuilder};
use crate::sync::Arc;
use crate::task::raw::{ClosureBody, Fallible, FutureBody, Value, Work};
use crate::task::{Spec, Task};
use crate::toolkit::CancelToken;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::time::Duration;

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
#[must_use = "dropping a group cancels its tasks; keep it as long as they are wanted"]
pub struct TaskGroup {
    members: Arc<Members>,
}

impl TaskGroup {
    /// An empty group whose tasks run on `handle`, without a limit.
    pub fn new(handle: &Handle) -> Self {
        Self::build(handle, None)
    }

    /// An empty group of which at most `limit` tasks run at once.
    ///
    /// The others wait in the order of their [`Priority`](crate::Priority) and of their coming, and start as running ones end, in whatever way. A closure that
    /// was cancelled counts until it returns.
    ///
    /// # Errors
    /// [`ZeroLimit`] for 0.
    pub fn with_limit(handle: &Handle, limit: usize) -> Result<Self, ZeroLimit> {
        let limit = NonZeroUsize::new(limit).ok_or(ZeroLimit)?;
        Ok(Self::build(handle, Some(limit)))
    }

    fn build(handle: &Handle, limit: Option<NonZeroUsize>) -> Self {
        Self { members: Members::new(handle, limit, Rules::default()) }
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
        self.members.tie(token);
        self
    }

    /// The token that the group is one with.
    pub fn token(&self) -> Option<CancelToken> {
        self.members.token()
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
        &self.members.handle
    }

    /// How far it is. Costs the same however many tasks there are.
    ///
    /// A task that ends is counted a moment after its own handle says so; after a [`join`](Self::join) the numbers are
    /// final.
    pub fn progress(&self) -> GroupProgress {
        self.members.progress()
    }

    /// True if every task it was given is over.
    pub fn is_idle(&self) -> bool {
        self.members.is_idle()
    }

    /// Cancels every task that is not over, the waiting ones first, and says how many. The group can be used on, unless it
    /// is [one with a token](Self::with_token), which is cancelled as well.
    pub fn cancel_all(&self) -> usize {
        let cancelled = self.members.cancel_all();
        if let Some(token) = self.token() {
            token.cancel();
        }
        cancelled
    }

    /// Ready once every task it was given is over. Dropping it changes nothing.
    ///
    /// A task of the group must not await it: it would wait for itself.
    pub fn join(&self) -> impl Future<Output = ()> + Send + '_ {
        Join::new(&self.members)
    }

    /// Blocks this thread until every task it was given is over.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the group's own closures.
    pub fn wait(&self) -> Result<(), TaskError> {
        self.members.wait(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// Blocks this thread until every task is over, at most for `timeout`. `None`: some are not.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<(), TaskError>> {
        self.members.wait(Some(timeout))
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
        self.members.start_blocking(body, spec)
    }
}

impl FuturePlace for &TaskGroup {
    fn start<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        self.members.start(body, spec)
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        self.members.dropped();
        if let Some(token) = self.members.untie() {
            token.cancel_with_owner();
        }
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("limit", &self.members.size())
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
