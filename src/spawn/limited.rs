//! A body's future with the task's time limit and clock.

use crate::error::TaskError;
use crate::runtime::{OwnTimers, own_timers};
use crate::sync::Arc;
use crate::task::raw::Convert;
use crate::time::Sleep;
use crate::time::driver::Driver;
use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pin_project! {
    /// A future that ends like the inner one, converted by `C`, or as `TimedOut`.
    pub(super) struct Limited<F, C> {
        #[pin]
        future: F,
        limit: Option<(Sleep, Duration)>,
        timers: Option<Arc<Driver>>,
        convert: PhantomData<fn() -> C>,
    }
}

impl<F, C> Limited<F, C> {
    /// Creates the future. Timers that `make` creates use the task's clock as well.
    pub(super) fn new(make: impl FnOnce() -> F, limit: Option<(Sleep, Duration)>, timers: Option<Arc<Driver>>) -> Self {
        let _own = on(&timers);
        Self { future: make(), limit, timers, convert: PhantomData }
    }
}

fn on(timers: &Option<Arc<Driver>>) -> Option<OwnTimers> {
    timers.as_ref().map(|timers| own_timers(Some(Arc::clone(timers))))
}

impl<F: Future, C: Convert<F::Output>> Future for Limited<F, C> {
    type Output = Result<C::Output, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _own = on(this.timers);
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(C::convert(output));
        }
        match this.limit {
            Some((sleep, limit)) => Pin::new(sleep).poll(cx).map(|()| Err(TaskError::TimedOut(*limit))),
            None => Poll::Pending,
        }
    }
}
