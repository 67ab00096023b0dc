//! The handle that spawns on a runtime without a thread, from its own thread.

use super::LocalRuntime;
use crate::error::IntoBoxError;
use crate::runtime::context::{self, Local, PolledFor};
use crate::runtime::shared::Shared;
use crate::runtime::{Handle, TaskList};
use crate::sync::Arc;
use crate::task::raw::{Body, Fallible, FutureBody, Value};
use crate::task::{Spec, Task};
use crate::util::methods::methods;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::rc::Rc;

/// A handle that spawns on a [`LocalRuntime`](crate::LocalRuntime), on its own thread.
///
/// Futures and results need not be `Send`.
///
/// Cloning it is cheap, for tasks that start tasks. It is not `Send`; the [`Handle`] to which it dereferences is. It
/// may outlive its runtime: tasks that are spawned then end immediately with
/// [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone).
///
/// # Example
/// ```
/// use offtick::{Budget, LocalRuntime};
/// use std::rc::Rc;
/// let rt = LocalRuntime::new()?;
/// let spawner = rt.local_handle().clone();
/// let name = rt.run(async move {
///     let shared = Rc::new("level 1".to_owned());
///     spawner.spawn(async move { shared }).await
/// });
/// rt.tick(Budget::unlimited())?;
/// assert!(matches!(name.result(), Some(Ok(name)) if **name == "level 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// From another thread only `Send` futures can be spawned:
/// ```compile_fail,E0277
/// let rt = offtick::LocalRuntime::new().unwrap();
/// let shared = std::rc::Rc::new(1);
/// rt.handle().spawn(async move { *shared }); // `Handle`, not `LocalHandle`
/// ```
/// and a result that is not `Send` keeps its task on this thread:
/// ```compile_fail,E0277
/// let rt = offtick::LocalRuntime::new().unwrap();
/// let task = rt.spawn(async { std::rc::Rc::new(1) });
/// std::thread::spawn(move || drop(task));
/// ```
#[derive(Clone)]
pub struct LocalHandle {
    local: Rc<Local>,
    handle: Handle,
}

impl LocalHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let handle = Handle::new(Arc::clone(&shared));
        Self { local: Rc::new(Local::new(shared)), handle }
    }

    /// Returns the handle of the [`LocalRuntime`](crate::LocalRuntime) whose task this thread polls.
    ///
    /// Use it in scripts that start scripts, without passing a handle along. It is `None` outside of its tasks, and in
    /// the tasks of a [`Runtime`](crate::Runtime).
    ///
    /// # Example
    /// ```
    /// use offtick::{LocalHandle, LocalRuntime};
    /// use std::rc::Rc;
    /// let rt = LocalRuntime::new()?;
    /// let task = rt.spawn(async {
    ///     let name = Rc::new("not Send");
    ///     LocalHandle::current()?.spawn(async move { name.len() }).await.ok()
    /// });
    /// rt.run_until_stalled()?;
    /// assert!(matches!(task.result(), Some(Ok(Some(8)))));
    /// assert!(LocalHandle::current().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn current() -> Option<Self> {
        match context::polled_for() {
            PolledFor::Driven(local) if local.shared.frames.is_some() => {
                let handle = Handle::new(Arc::clone(&local.shared));
                Some(Self { local, handle })
            }
            _ => None,
        }
    }

    /// Returns itself, for methods that the runtime has as well.
    pub(crate) fn local_handle(&self) -> &Self {
        self
    }

    pub(crate) fn local(&self) -> &Rc<Local> {
        &self.local
    }

    /// Queues a future that stays on this thread.
    pub(crate) fn start_bound<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Body + 'static,
    {
        self.local.start_bound(body, spec)
    }
}

methods! {
impl LocalHandle, LocalRuntime {
    /// Starts a future on this thread; the next tick polls it, or the running one.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
    {
        self.local_handle().start_bound(FutureBody::<F, Value>::new(future), Spec::plain())
    }

    /// Starts a future that returns a `Result`. `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: IntoBoxError,
    {
        self.local_handle().start_bound(FutureBody::<F, Fallible>::new(future), Spec::plain())
    }

    /// Returns the tasks of the runtime, exact and complete.
    ///
    /// It is like [`Handle::tasks`], but this thread lists them: in a task of the runtime and between two ticks.
    pub fn tasks(&self) -> TaskList {
        let _entered = context::enter(Rc::clone(self.local_handle().local()));
        self.handle().tasks()
    }
}
}

impl AsRef<Handle> for LocalHandle {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

impl Deref for LocalHandle {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl fmt::Debug for LocalHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalHandle").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
