//! One task after another: `map` and `and_then`.

use super::Inherited;
use crate::error::{IntoBoxError, TaskError};
use crate::task::Task;
use crate::task::raw::{Body, Kind};
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<T: Send + 'static, P> Task<T, P> {
    /// Returns a task that applies `f` to the value of this one.
    ///
    /// The new task has the name, the progress, the attempts and the elapsed time of this one. It ends with the same
    /// error and status if this one fails. Cancelling or dropping it cancels this one.
    ///
    /// `f` runs on the reactor thread, or in the tick of a [`LocalRuntime`](crate::LocalRuntime), even for the task of
    /// a closure. It must not block: for longer work use [`and_then`](Self::and_then) with a `spawn_blocking`. For a
    /// [`promise`](crate::promise()) without a runtime, `f` runs on the thread that completes it.
    ///
    /// # Errors
    /// The new task ends with [`TaskError::Panicked`] if `f` panics, and with [`TaskError::RuntimeGone`] if the runtime
    /// shuts down before `f` has run.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut lines = rt.run_blocking(|| std::fs::read_to_string("Cargo.toml")).map(|text| text.lines().count());
    /// assert!(lines.wait()? > 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn map<U, F>(mut self, f: F) -> Task<U, P>
    where
        F: FnOnce(T) -> U + Send + 'static,
        U: Send + 'static,
        P: Send + 'static,
    {
        let inherited = Inherited::from_one(&mut self, Location::caller());
        inherited.start(Map { inner: Some(self), f: Some(f) })
    }

    /// Returns a task that continues with the task or future that `f` returns.
    ///
    /// `f` gets the value of this task. The future returns a `Result`.
    ///
    /// The new task is like that of [`map`](Self::map), and the second error keeps its kind as well. The progress is
    /// that of the first task. Cancelling the new task cancels the inner task that is running; a second task is
    /// cancelled when the reactor drops it.
    ///
    /// # Errors
    /// Those of either task, and those of [`map`](Self::map).
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let handle = rt.handle().clone();
    /// let mut sum = rt.spawn(async { vec![1, 2, 3] }).and_then(move |numbers| {
    ///     handle.spawn_blocking(move || numbers.iter().sum::<i32>()) // takes long: off the reactor
    /// });
    /// assert_eq!(sum.wait()?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn and_then<U, E, F, R>(mut self, f: F) -> Task<U, P>
    where
        F: FnOnce(T) -> R + Send + 'static,
        R: IntoFuture<Output = Result<U, E>>,
        R::IntoFuture: Send + 'static,
        E: IntoBoxError,
        U: Send + 'static,
        P: Send + 'static,
    {
        let inherited = Inherited::from_one(&mut self, Location::caller());
        inherited.start(AndThen::First { inner: self, f: Some(f) })
    }
}

struct Map<T, P, F> {
    inner: Option<Task<T, P>>,
    f: Option<F>,
}

/// It pins nothing.
impl<T, P, F> Unpin for Map<T, P, F> {}

impl<T, P, U, F: FnOnce(T) -> U> Body for Map<T, P, F> {
    type Output = U;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<U, TaskError>> {
        let inner = self.inner.as_mut().expect("not polled after its end");
        let result = ready!(Pin::new(inner).poll(cx));
        self.inner = None;
        let f = self.f.take().expect("not polled after its end");
        Poll::Ready(result.map(f))
    }
}

enum AndThen<T, P, F, R> {
    First { inner: Task<T, P>, f: Option<F> },
    Second(Pin<Box<R>>),
}

/// The pinned future is in a box.
impl<T, P, F, R> Unpin for AndThen<T, P, F, R> {}

impl<T, P, U, E, F, I, R> Body for AndThen<T, P, F, R>
where
    F: FnOnce(T) -> I,
    I: IntoFuture<Output = Result<U, E>, IntoFuture = R>,
    R: Future<Output = Result<U, E>>,
    E: IntoBoxError,
{
    type Output = U;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<U, TaskError>> {
        if let Self::First { inner, f } = &mut *self {
            let value = match ready!(Pin::new(inner).poll(cx)) {
                Ok(value) => value,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let f = f.take().expect("not polled after its end");
            *self = Self::Second(Box::pin(f(value).into_future()));
        }
        let Self::Second(second) = &mut *self else { unreachable!("the first has ended") };
        second.as_mut().poll(cx).map(|result| result.map_err(TaskError::from_error))
    }
}
