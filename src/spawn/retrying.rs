//! Tasks that retry: the methods of a builder with a policy.
//!
//! Also the body of a closure that sleeps between its attempts.
//!
//! A future's attempts are one future, which the reactor polls like any other. A closure's attempts are runs of one
//! body on the pool: it returns `Pending` to wait, the timer wakes the task, and that queues it again. No thread waits
//! meanwhile. In every other respect the task is a closure's: cancelled immediately, `Pending` until a thread takes it,
//! and in its slot of a group from the first attempt to the end.

use super::builder::{Opened, Refusal, TaskBuilder, TaskObserver};
use super::cx::{ReporterSlot, TaskContext};
use super::limited::Limited;
use super::target::{FutureTarget, SpawnTarget};
use crate::error::{IntoBoxError, RetryError, TaskError};
use crate::instant::Instant;
use crate::retry::{Attempts, Next, Pace, RetryObserver, RetryPolicy, Run, judge};
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::task::Task;
use crate::task::raw::{Body, Convert, Kind, LazyBody, WithTaskError};
use crate::time::Sleep;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

impl<P, S: FutureTarget, E> TaskBuilder<P, S, RetryPolicy<E>> {
    /// Starts a future that returns a `Result`, created again for each attempt.
    ///
    /// See [`retry`](Self::retry). The future of an attempt is dropped before the next one is created. Each gets its
    /// own context.
    #[track_caller]
    pub fn run<M, F, T>(self, make: M) -> Task<T, P>
    where
        M: FnMut(TaskContext<P>) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
        P: Send + 'static,
    {
        let location = Location::caller();
        let mut opened = match self.open_valid(location) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        let body = opened.attempts(make);
        opened.start(body)
    }
}

impl<P, S: SpawnTarget, E> TaskBuilder<P, S, RetryPolicy<E>> {
    /// Sets the time limit of each attempt: [`RetryPolicy::attempt_timeout`] of the policy.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.retry = self.retry.attempt_timeout(limit);
        self
    }

    /// Starts a closure that returns a `Result`, called again for each attempt.
    ///
    /// See [`retry`](Self::retry). It releases its pool thread while it waits; the next attempt may run on another one.
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let policy = RetryPolicy::fixed(Duration::from_millis(1)).max_attempts(4);
    /// let mut disks = vec!["C:", "B:", "A:"];
    /// let mut task = rt.task().retry(policy).run_blocking(move |_cx| match disks.pop() {
    ///     Some("C:") => Ok("found"),
    ///     Some(_) => Err("no medium"),
    ///     None => Err("no disk"),
    /// });
    /// assert_eq!(task.wait()?, "found");
    /// assert_eq!(task.attempt(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn run_blocking<F, T>(self, closure: F) -> Task<T, P>
    where
        F: FnMut(&mut TaskContext<P>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError + 'static,
        P: Send + 'static,
    {
        let location = Location::caller();
        let mut opened = match self.open_valid(location) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.task(),
        };
        // Its values belong to all attempts: no attempt takes the reporter away from the next.
        let _in_place = opened.reporter_slot.share();
        let handle = opened.target.handle().clone();
        let pace = opened.pace();
        let body = Tries {
            run: Run::new(opened.retry.clone(), &pace),
            cx: opened.context(),
            pace,
            observer: opened.observer(),
            handle,
            closure,
            start: None,
            sleep: None,
        };
        opened.start_blocking(body)
    }

    pub(super) fn open_valid(
        self,
        location: &'static Location<'static>,
    ) -> Result<Opened<P, S, RetryPolicy<E>>, Refusal>
    where
        P: Send + 'static,
    {
        let attempts = self.retry.attempt_limit();
        let opened = self.open(location, Some(attempts))?;
        match opened.retry.check() {
            Ok(()) => Ok(opened),
            Err(error) => {
                let handle = Some(opened.target.handle().clone());
                Err(Refusal { handle, error: error.into(), details: opened.details })
            }
        }
    }
}

impl<P: Send + 'static, S: SpawnTarget, E> Opened<P, S, RetryPolicy<E>> {
    /// Returns the body of a future that the polling thread creates for each attempt.
    pub(super) fn attempts<M, F, T>(&mut self, mut make: M) -> impl Body<Output = T> + 'static + use<P, S, E, M, F, T>
    where
        M: FnMut(TaskContext<P>) -> F + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: IntoBoxError + 'static,
    {
        let (pace, observer, timers) = (self.pace(), self.observer(), self.timers.clone());
        let (handle, details) = (self.target.handle().clone(), Arc::clone(&self.details));
        let (policy, limit, mut reporter_slot) =
            (self.retry.clone(), self.inner_limit(), std::mem::replace(&mut self.reporter_slot, ReporterSlot::None));
        LazyBody::<_, _, WithTaskError>::new(move || {
            let make = move || {
                let reporter_slot = reporter_slot.share().map_or(ReporterSlot::None, ReporterSlot::Shared);
                make(TaskContext::new(handle.clone(), Arc::clone(&details), reporter_slot))
            };
            Limited::<_, Retried>::new(|| Attempts::new(policy, make, observer, Some(pace)), limit, timers)
        })
    }
}

/// The conversion of the result of all attempts.
struct Retried;

impl<T, E: IntoBoxError> Convert<Result<T, RetryError<E>>> for Retried {
    type Output = T;
    fn convert(returned: Result<T, RetryError<E>>) -> Result<T, TaskError> {
        returned.map_err(TaskError::retried)
    }
}

/// A closure, its attempts and the wait between them.
struct Tries<F, P, E> {
    closure: F,
    cx: TaskContext<P>,
    run: Run<E>,
    pace: Pace,
    observer: TaskObserver,
    handle: Handle,
    start: Option<Instant>,
    sleep: Option<Sleep>,
}

/// It pins nothing.
impl<F, P, E> Unpin for Tries<F, P, E> {}

impl<F, P, T, E> Body for Tries<F, P, E>
where
    F: FnMut(&mut TaskContext<P>) -> Result<T, E>,
    E: IntoBoxError + 'static,
{
    type Output = T;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        let this = &mut *self;
        let details = &this.observer.details;
        if let Some(sleep) = &mut this.sleep {
            ready!(Pin::new(sleep).poll(cx));
            this.sleep = None;
        }
        let begun = this.pace.now();
        let start = *this.start.get_or_insert(begun);
        let attempt = this.run.begin();
        RetryObserver::<E>::begins(&this.observer, attempt);
        let watchdog = this.run.attempt_timeout().map(|limit| {
            let (sleep, details) = (this.pace.sleep(limit), Arc::clone(details));
            this.handle.spawn_internal(async move {
                sleep.await;
                details.expire(attempt);
            })
        });
        let returned = (this.closure)(&mut this.cx);
        drop(watchdog);
        let error = match returned {
            Ok(value) => return Poll::Ready(Ok(value)),
            // It has ended already, and nothing reads this.
            Err(_) if details.is_cancelled() => return Poll::Ready(Err(TaskError::Cancelled)),
            Err(error) => judge(error, this.pace.since(begun), this.run.attempt_timeout()),
        };
        let elapsed = this.pace.since(start);
        match this.run.failed(&error, elapsed) {
            Next::Stop(reason) => {
                Poll::Ready(Err(TaskError::retried(RetryError::new(attempt, elapsed, reason, Some(error)))))
            }
            Next::Wait(wait) => {
                // Created first: a clock that is moved after the wait was announced then finds the timer due.
                let sleep = this.sleep.insert(this.pace.sleep(wait));
                this.observer.waits(this.pace.now().checked_add(wait), error);
                if Pin::new(sleep).poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }
}

#[cfg(all(test, not(loom), not(target_family = "wasm")))]
mod tests {
    use crate::retry::RetryPolicy;
    use crate::runtime::Builder;
    use crate::sync::Arc;
    use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};
    use crate::task::Task;
    use std::io;
    use std::time::Duration;

    /// Every pattern of three thread starts of which some fail. Threads leave at once, so nearly every closure needs a start.
    #[test]
    fn a_closure_runs_to_its_end_or_fails_with_the_error_of_the_thread_start() {
        for pattern in 0..8_usize {
            let fails = move |nth: usize| pattern >> (nth % 3) & 1 == 1;
            let rt = Builder::new().blocking_keep_alive(Duration::ZERO).thread_starts(fails).build().unwrap();
            let (ran, tried) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (mut done, mut refused) = ([0, 0], 0);
            let mut settle = |mut task: Task<()>, kind: usize| match task.wait() {
                Ok(()) => done[kind] += 1,
                Err(error) => {
                    assert!(error.downcast_ref::<io::Error>().is_some(), "{error}");
                    refused += 1;
                }
            };
            for _ in 0..50 {
                let plain = Arc::clone(&ran);
                let plain = rt.spawn_blocking(move || _ = plain.fetch_add(1, Relaxed));
                let tried = Arc::clone(&tried);
                let twice = rt.task().retry(RetryPolicy::fixed(Duration::from_micros(50)).max_attempts(2));
                let twice = twice.run_blocking(move |cx| {
                    tried.fetch_add(1, Relaxed);
                    if cx.attempt() == 1 { Err("the first attempt") } else { Ok(()) }
                });
                settle(plain, 0);
                settle(twice, 1);
            }
            assert_eq!(ran.load(Relaxed), done[0]);
            assert!(tried.load(Relaxed) >= 2 * done[1]);
            assert_eq!(done[0] + done[1] + refused, 100);
            assert!(pattern != 0 || refused == 0, "every start succeeds");
            assert!(pattern != 7 || refused == 100, "every start fails");
        }
    }
}
