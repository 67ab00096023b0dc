//! tower on offtick: a time limit for each request, on the clock of a runtime.
//!
//! The layers of tower that need no runtime (limits, load shedding, buffers) work as they are. `Buffer::pair` gives its worker
//! to be spawned: `handle.spawn(worker).detach()`.
//!
//! # Example
//! ```
//! use offtick_compat::tower::TimeoutLayer;
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use tower::{Layer, Service, service_fn};
//!
//! let rt = offtick::Runtime::new()?;
//! let layer = TimeoutLayer::new(rt.handle().clone(), Duration::from_millis(5));
//! let mut hangs = layer.layer(service_fn(|(): ()| std::future::pending::<Result<(), Infallible>>()));
//! let mut task = rt.run(async move { hangs.call(()).await });
//! assert!(task.wait().is_err());
//! # Ok::<(), offtick::BuildError>(())
//! ```

use offtick::time::{Elapsed, Timeout};
use offtick::{BoxError, Handle};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// Limits the time of each request of a service. See the [module](self).
#[derive(Clone, Debug)]
pub struct TimeoutLayer {
    handle: Handle,
    limit: Duration,
}

impl TimeoutLayer {
    /// Limits requests to `limit`, on the clock of a runtime.
    pub fn new(handle: Handle, limit: Duration) -> Self {
        Self { handle, limit }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = TimeoutService<S>;

    fn layer(&self, service: S) -> TimeoutService<S> {
        TimeoutService { service, layer: self.clone() }
    }
}

/// A service whose requests end in time; made by [`TimeoutLayer`].
///
/// # Errors
/// [`Elapsed`] if a request takes too long: its future is dropped. Those of the service.
#[derive(Clone, Debug)]
pub struct TimeoutService<S> {
    service: S,
    layer: TimeoutLayer,
}

impl<S, R> Service<R> for TimeoutService<S>
where
    S: Service<R>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> TimeoutFuture<S::Future> {
        let TimeoutLayer { handle, limit } = &self.layer;
        TimeoutFuture { response: Box::pin(handle.timeout(*limit, self.service.call(request))) }
    }
}

/// The response of a [`TimeoutService`].
#[derive(Debug)]
#[must_use = "futures do nothing until they are polled"]
pub struct TimeoutFuture<F> {
    response: Pin<Box<Timeout<F>>>,
}

impl<F, T, E> Future for TimeoutFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response: Result<_, Elapsed> = ready!(self.response.as_mut().poll(cx));
        Poll::Ready(response.map_err(Into::into).and_then(|response| response.map_err(Into::into)))
    }
}
