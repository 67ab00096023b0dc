//! Connections for the client of hyper-util.

use super::HyperStream;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use offtick::BoxError;
use offtick::net::TcpStream;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// Connects over TCP, for `hyper_util::client::legacy::Client`. `http` alone: TLS is a connector around this one.
///
/// # Example
/// ```
/// use http_body_util::Empty;
/// use hyper::body::Bytes;
/// use hyper_util::client::legacy::Client;
/// use offtick_compat::hyper::{HyperConnector, HyperExecutor, HyperTimer};
///
/// let rt = offtick::Runtime::new()?;
/// let client: Client<_, Empty<Bytes>> = Client::builder(HyperExecutor::new(rt.handle().clone()))
///     .pool_timer(HyperTimer::new(rt.handle().clone()))
///     .build(HyperConnector::new());
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HyperConnector {
    limit: Option<Duration>,
}

impl HyperConnector {
    /// Connects without a time limit but the system's.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the time of a connect, the lookup of the name included.
    pub fn connect_timeout(self, limit: Duration) -> Self {
        Self { limit: Some(limit) }
    }
}

impl Service<Uri> for HyperConnector {
    type Response = HyperStream<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<HyperStream<TcpStream>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit = self.limit;
        Box::pin(async move {
            if uri.scheme_str().is_some_and(|scheme| scheme != "http") {
                return Err(format!("{uri}: this connector speaks http alone").into());
            }
            let host = uri.host().ok_or_else(|| format!("{uri} has no host"))?;
            // An IPv6 address stands in brackets.
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let address = (host, uri.port_u16().unwrap_or(80));
            let stream = match limit {
                None => TcpStream::connect(address).await?,
                Some(limit) => TcpStream::connect_timeout(address, limit).await?,
            };
            stream.set_nodelay(true)?;
            Ok(HyperStream::new(stream))
        })
    }
}

impl<S> Connection for HyperStream<S> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
