//! The body of a future whose time limit begins with its first poll.

use crate::error::TaskError;
use crate::runtime::Handle;
use crate::task::raw::{Body, Kind};
use crate::time::Sleep;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pin_project! {
    /// A body that ends as the inner one does, or as `TimedOut`.
    pub(super) struct Timed<B> {
        #[pin]
        body: B,
        handle: Handle,
        limit: Duration,
        sleep: Option<Sleep>,
    }
}

impl<B> Timed<B> {
    pub(super) fn new(body: B, handle: Handle, limit: Duration) -> Self {
        Self { body, handle, limit, sleep: None }
    }
}

impl<B: Body> Body for Timed<B> {
    type Output = B::Output;
    const KIND: Kind = B::KIND;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<B::Output, TaskError>> {
        let this = self.project();
        // Created before the first poll of the body, whose time counts.
        let sleep = this.sleep.get_or_insert_with(|| this.handle.sleep(*this.limit));
        if let Poll::Ready(result) = this.body.poll(cx) {
            return Poll::Ready(result);
        }
        Pin::new(sleep).poll(cx).map(|()| Err(TaskError::TimedOut(*this.limit)))
    }
}
