//! A server of hyper-util, which answers with the path of the request.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::server::conn::auto;
use offtick::net::TcpListener;
use offtick::{BoxError, Handle};
use offtick_compat::hyper::{HyperExecutor, HyperStream, HyperTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

async fn path(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(request.uri().path().to_owned())))
}

/// Serves both versions of HTTP until its runtime goes.
pub(crate) async fn serve(handle: Handle, listener: TcpListener) -> Result<(), BoxError> {
    let mut server = auto::Builder::new(HyperExecutor::new(handle.clone()));
    server.http1().timer(HyperTimer::new(handle.clone())).header_read_timeout(Duration::from_secs(60));
    let mut incoming = listener.incoming();
    while let Some(stream) = incoming.next().await {
        let server = server.clone();
        let stream = HyperStream::new(stream?);
        handle.spawn(async move { server.serve_connection(stream, service_fn(path)).await.ok() }).detach();
    }
    Ok(())
}

pub(crate) async fn listener() -> Result<(TcpListener, SocketAddr), BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
