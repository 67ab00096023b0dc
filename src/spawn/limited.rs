//! A body's future with the time limit of the whole task.

use crate::error::TaskError;
use crate::task::raw::Convert;
use crate::time::Sleep;
use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pin_project! {
    /// Ends as the future does, converted by `C`, or as `TimedOut`.
    pub(super) struct Limited<F, C> {
        #[pin]
        future: F,
        limit: Option<(Sleep, Duration)>,
        convert: PhantomData<fn() -> C>,
    }
}

impl<F, C> Limited<F, C> {
    pub(super) fn new(future: F, limit: Option<(Sleep, Duration)>) -> Self {
        Self { future, limit, convert: PhantomData }
    }
}

impl<F: Future, C: Convert<F::Output>> Future for Limited<F, C> {
    type Output = Result<C::Output, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(C::convert(output));
        }
        match this.limit {
            Some((sleep, limit)) => Pin::new(sleep).poll(cx).map(|()| Err(TaskError::TimedOut(*limit))),
            None => Poll::Pending,
        }
    }
}
