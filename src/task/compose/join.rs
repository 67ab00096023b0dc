//! Several tasks at once: `join_all` and `race`.

use super::Inherited;
use super::inner_tasks::InnerTasks;
use crate::error::TaskError;
use crate::task::raw::{Body, Kind};
use crate::task::{Spec, Task};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Returns one task of many, whose value is the list of theirs, in order.
///
/// The first error ends it, with that error and status, and cancels the others. Cancelling or dropping it cancels all.
/// Its progress is that of all of them, and its name is that of the first that has one. It runs on the runtime of the
/// first task (see [`Task::map`]). It takes time proportional to the number of tasks. With no tasks it is done
/// immediately.
///
/// # Errors
/// The first error of any of the tasks; [`TaskError::RuntimeGone`] if the runtime shuts down first.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut squares = offtick::join_all((1..=4).map(|n| rt.spawn_blocking(move || n * n)));
/// assert_eq!(squares.wait()?, [1, 4, 9, 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn join_all<T, P>(tasks: impl IntoIterator<Item = Task<T, P>>) -> Task<Vec<T>, P>
where
    T: Send + 'static,
    P: Send + 'static,
{
    let mut tasks: Vec<_> = tasks.into_iter().collect();
    if tasks.is_empty() {
        return done(Ok(Vec::new()), Location::caller());
    }
    let inherited = Inherited::from_many(&mut tasks, Location::caller());
    let values = tasks.iter().map(|_| None).collect();
    inherited.start(JoinAll { left: tasks.len(), members: InnerTasks::new(tasks), values })
}

/// Returns one task of several, which ends like the first that ends.
///
/// The others are cancelled, and the task does not wait for them: a closure that ignores the cancellation keeps
/// running, and what it returns is dropped. Cancelling or dropping the task cancels all. Its progress is that of all of
/// them, and its name is that of the first that has one. It runs on the runtime of the first task (see [`Task::map`]).
/// With no tasks it fails.
///
/// # Errors
/// The error of the first task that ends, if it fails; [`TaskError::Cancelled`] if there are no tasks.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let never = rt.spawn(std::future::pending());
/// let mut first = offtick::race([never, rt.spawn(async { "mirror 2" })]);
/// assert_eq!(first.wait()?, "mirror 2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn race<T, P>(tasks: impl IntoIterator<Item = Task<T, P>>) -> Task<T, P>
where
    T: Send + 'static,
    P: Send + 'static,
{
    let mut tasks: Vec<_> = tasks.into_iter().collect();
    if tasks.is_empty() {
        return done(Err(TaskError::Cancelled), Location::caller());
    }
    let inherited = Inherited::from_many(&mut tasks, Location::caller());
    inherited.start(Race(Some(InnerTasks::new(tasks))))
}

fn done<T: 'static, P>(result: Result<T, TaskError>, location: &'static Location<'static>) -> Task<T, P> {
    Task::already_finished(result, Spec::at(location))
}

impl<T: Send + 'static, P: Send + 'static> Task<T, P> {
    /// Returns one task of two, which ends like the first that ends.
    ///
    /// [`race`] takes several.
    ///
    /// # Errors
    /// Those of [`race`].
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let mut first = rt.spawn(std::future::pending()).race(rt.spawn(async { 2 }));
    /// assert_eq!(first.wait()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn race(self, other: Self) -> Self {
        race([self, other])
    }
}

struct JoinAll<T, P> {
    members: InnerTasks<T, P>,
    values: Vec<Option<T>>,
    left: usize,
}

/// It pins nothing.
impl<T, P> Unpin for JoinAll<T, P> {}

impl<T, P> Body for JoinAll<T, P> {
    type Output = Vec<T>;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Vec<T>, TaskError>> {
        while self.left != 0 {
            let (place, result) = ready!(self.members.poll_next(cx));
            match result {
                Ok(value) => self.values[place] = Some(value),
                Err(error) => return Poll::Ready(Err(error)),
            }
            self.left -= 1;
        }
        Poll::Ready(Ok(self.values.drain(..).flatten().collect()))
    }
}

/// `None` once it has ended: then the losers are dropped.
struct Race<T, P>(Option<InnerTasks<T, P>>);

/// It pins nothing.
impl<T, P> Unpin for Race<T, P> {}

impl<T, P> Body for Race<T, P> {
    type Output = T;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        let members = self.0.as_mut().expect("not polled after its end");
        let (_, result) = ready!(members.poll_next(cx));
        self.0 = None;
        Poll::Ready(result)
    }
}
