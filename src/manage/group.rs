//! Groups: the tasks of one screen, cancelled and joined together.

use super::limited::LimitedSet;
use super::pool::{PoolHandle, Settings, nonzero};
use crate::error::InvalidSetting;
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::toolkit::CancelToken;
use std::fmt;

/// Tasks that are cancelled, joined and limited together.
///
/// Use it for the tasks of a screen, a request or a level. Each call returns the [`Task`](crate::Task) to the caller,
/// who reads its result and may cancel it by dropping it. A detached task still belongs to the group. **Dropping the
/// group cancels all.** The group forgets a task when its work has ended, so it may live as long as the program.
///
/// It has the methods of its [`PoolHandle`], which start, count and wait for tasks: a group is a
/// [`TaskPool`](crate::TaskPool) that can be [linked with a token](Self::with_token).
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
///
/// It is not `Clone`, its handle is:
/// ```compile_fail,E0599
/// let rt = offtick::Runtime::new().unwrap();
/// let other = offtick::TaskGroup::new(&rt).clone();
/// ```
#[must_use = "dropping a group cancels its tasks; keep it as long as they are wanted"]
pub struct TaskGroup {
    handle: PoolHandle,
}

impl TaskGroup {
    /// Creates an empty group whose tasks run on `handle`, without a limit.
    pub fn new(handle: &impl AsRef<Handle>) -> Self {
        Self { handle: PoolHandle::new(handle.as_ref(), Settings::default()) }
    }

    /// Creates an empty group of which at most `limit` tasks run at once.
    ///
    /// The others wait, by [`Priority`](crate::Priority) and then in the order of their submission. A cancelled closure
    /// counts until it returns.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0.
    pub fn with_limit(handle: &impl AsRef<Handle>, limit: usize) -> Result<Self, InvalidSetting> {
        let settings = Settings {
            size: Some(nonzero("limit", limit, "at least 1; `TaskGroup::new` sets no limit")?.get()),
            ..Settings::default()
        };
        Ok(Self { handle: PoolHandle::new(handle.as_ref(), settings) })
    }

    /// Links the group with `token`.
    ///
    /// Cancelling the token cancels every task of the group, and later tasks before they begin.
    /// [`cancel_all`](PoolHandle::cancel_all) and dropping the group cancel the token.
    ///
    /// To keep the group from cancelling the token, pass a [`child`](CancelToken::child). A second token replaces the
    /// first.
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
    #[must_use = "it returns the same group; dropping that cancels it"]
    pub fn with_token(self, token: &CancelToken) -> Self {
        self.handle.set.link(token);
        self
    }

    /// Returns the token that the group is linked with.
    pub fn token(&self) -> Option<CancelToken> {
        self.handle.set.token()
    }

    /// Returns a handle that starts tasks of the group, for members and other threads.
    pub fn handle(&self) -> &PoolHandle {
        &self.handle
    }

    pub(in crate::manage) fn members(&self) -> &Arc<LimitedSet> {
        self.handle.members()
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        self.handle.set.owner_dropped();
        if let Some(token) = self.handle.set.unlink() {
            token.cancel_with_owner();
        }
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.debug("TaskGroup", f)
    }
}
