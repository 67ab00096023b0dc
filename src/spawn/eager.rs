//! The eager methods of the builder.

use super::builder::TaskBuilder;
use super::cx::TaskContext;
use crate::error::IntoBoxError;
use crate::runtime::Handle;
use crate::task::Task;
use crate::task::raw::{Convert, Fallible, Value};
use std::future::Future;
use std::panic::Location;

impl<P: Send + 'static> TaskBuilder<P, Handle> {
    /// Spawns a future whose first part runs immediately, inside a task of the same runtime.
    ///
    /// The first part ends where the future waits.
    ///
    /// On any other thread it is [`spawn`](Self::spawn): the future need not be `Send`, and so begins where it stays.
    /// [`Handle::spawn_eager`] begins on any thread.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let handle = rt.handle().clone();
    /// let mut task = rt.spawn(async move {
    ///     let eager = handle.task().name("request").spawn_eager(|cx| async move { cx.id() });
    ///     eager.is_done()
    /// });
    /// assert!(task.wait()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn_eager<M, F>(self, make: M) -> Task<F::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        self.start_eager::<M, F, Value>(make, Location::caller())
    }

    /// Starts a future that returns a `Result`; see [`spawn_eager`](Self::spawn_eager).
    ///
    /// `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_eager<M, F, T, E>(self, make: M) -> Task<T, P>
    where
        M: FnOnce(TaskContext<P>) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
    {
        self.start_eager::<M, F, Fallible>(make, Location::caller())
    }

    fn start_eager<M, F, C>(self, make: M, location: &'static Location<'static>) -> Task<C::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + Send + 'static,
        F: Future + 'static,
        C: Convert<F::Output> + 'static,
        C::Output: Send + 'static,
    {
        let mut opened = match self.open(location, None) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        let body = opened.lazily::<M, F, C>(make);
        opened.start_nested(body)
    }
}
