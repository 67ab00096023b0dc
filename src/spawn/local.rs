//! The methods of a builder on a runtime without a thread.
//!
//! Its futures and their results need not be `Send`.

use super::builder::TaskBuilder;
use super::cx::TaskContext;
use crate::error::IntoBoxError;
use crate::retry::RetryPolicy;
use crate::runtime::{LocalHandle, LocalRuntime};
use crate::task::Task;
use crate::task::raw::{Convert, Fallible, Value};
use crate::util::methods::methods;
use std::future::Future;
use std::panic::Location;

methods! {
impl LocalHandle, LocalRuntime {
    /// Starts the description of a task with options, on this thread.
    ///
    /// The closure that creates its future, the future and its result stay on this thread and need not be `Send`.
    ///
    /// # Example
    /// ```
    /// use std::rc::Rc;
    /// let rt = offtick::LocalRuntime::new()?;
    /// let map = Rc::new("cave".to_owned());
    /// let task = rt.task().name("path").progress::<u32>(8).spawn({
    ///     let map = Rc::clone(&map);
    ///     move |mut cx| async move {
    ///         cx.report(50);
    ///         map
    ///     }
    /// });
    /// rt.run_until_stalled()?;
    /// assert_eq!(task.latest(), Some(50));
    /// assert!(matches!(task.result(), Some(Ok(found)) if Rc::ptr_eq(found, &map)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn task(&self) -> TaskBuilder<(), LocalHandle> {
        TaskBuilder::new(self.local_handle().clone())
    }
}
}

impl<P> TaskBuilder<P, LocalHandle> {
    /// Starts a future that returns a value.
    #[track_caller]
    pub fn spawn<M, F>(self, make: M) -> Task<F::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + 'static,
        F: Future + 'static,
        P: Send + 'static,
    {
        self.start_bound::<M, F, Value>(make, Location::caller())
    }

    /// Starts a future that returns a `Result`. `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run<M, F, T, E>(self, make: M) -> Task<T, P>
    where
        M: FnOnce(TaskContext<P>) -> F + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: IntoBoxError + 'static,
        P: Send + 'static,
    {
        self.start_bound::<M, F, Fallible>(make, Location::caller())
    }

    /// Spawns a future whose first part runs immediately; see [`LocalHandle::spawn_eager`].
    ///
    /// # Example
    /// ```
    /// let rt = offtick::LocalRuntime::new()?;
    /// let task = rt.task().name("request").spawn_eager(|cx| async move { std::rc::Rc::new(cx.id()) });
    /// assert!(task.is_done());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn_eager<M, F>(self, make: M) -> Task<F::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + 'static,
        F: Future + 'static,
        P: Send + 'static,
    {
        self.start_eager_bound::<M, F, Value>(make, Location::caller())
    }

    /// Starts a future that returns a `Result`; see [`spawn_eager`](Self::spawn_eager).
    ///
    /// `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_eager<M, F, T, E>(self, make: M) -> Task<T, P>
    where
        M: FnOnce(TaskContext<P>) -> F + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: IntoBoxError + 'static,
        P: Send + 'static,
    {
        self.start_eager_bound::<M, F, Fallible>(make, Location::caller())
    }

    fn start_eager_bound<M, F, C>(self, make: M, location: &'static Location<'static>) -> Task<C::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + 'static,
        F: Future + 'static,
        C: Convert<F::Output> + 'static,
        C::Output: 'static,
        P: Send + 'static,
    {
        let mut opened = match self.open(location, None) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        let body = opened.lazily::<M, F, C>(make);
        opened.start_eager_bound(body)
    }

    fn start_bound<M, F, C>(self, make: M, location: &'static Location<'static>) -> Task<C::Output, P>
    where
        M: FnOnce(TaskContext<P>) -> F + 'static,
        F: Future + 'static,
        C: Convert<F::Output> + 'static,
        C::Output: 'static,
        P: Send + 'static,
    {
        let mut opened = match self.open(location, None) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        let body = opened.lazily::<M, F, C>(make);
        opened.start_bound(body)
    }
}

impl<P, E> TaskBuilder<P, LocalHandle, RetryPolicy<E>> {
    /// Starts a future that returns a `Result`, created again for each attempt.
    ///
    /// See [`retry`](Self::retry). The future of an attempt is dropped before the next one is created. Each gets its
    /// own context.
    #[track_caller]
    pub fn run<M, F, T>(self, make: M) -> Task<T, P>
    where
        M: FnMut(TaskContext<P>) -> F + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: IntoBoxError + 'static,
        P: Send + 'static,
    {
        let location = Location::caller();
        let mut opened = match self.open_valid(location) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        let body = opened.attempts(make);
        opened.start_bound(body)
    }
}
