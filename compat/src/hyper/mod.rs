//! hyper 1.x on offtick: the traits of [`hyper::rt`].
//!
//! | hyper wants | it gets |
//! |---|---|
//! | [`Read`](::hyper::rt::Read) and [`Write`](::hyper::rt::Write), for a connection | [`HyperStream`] over a socket, or over TLS on a socket |
//! | [`Timer`](::hyper::rt::Timer), for time limits and HTTP/2 pings | [`HyperTimer`] |
//! | [`Executor`](::hyper::rt::Executor), for the streams of HTTP/2 | [`HyperExecutor`], [`HyperLocalExecutor`] |
//!
//! # Example
//! A server and a client, in one program:
//! ```
//! use http_body_util::{BodyExt, Empty, Full};
//! use hyper::body::{Bytes, Incoming};
//! use hyper::{Request, Response, client, server};
//! use offtick::net::{TcpListener, TcpStream};
//! use offtick_compat::hyper::{HyperStream, HyperTimer};
//! use std::convert::Infallible;
//! use std::net::Ipv4Addr;
//!
//! async fn greet(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::from(format!("this is {}", request.uri().path()))))
//! }
//!
//! let rt = offtick::Runtime::new()?;
//! let handle = rt.handle().clone();
//! let mut answer = rt.run(async move {
//!     let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
//!     let address = listener.local_addr()?;
//!     let connections = handle.clone();
//!     let _server = handle.spawn(async move {
//!         let mut incoming = listener.incoming();
//!         while let Some(stream) = incoming.next().await {
//!             // After an error (no descriptor left) `next` waits by itself.
//!             let Ok(stream) = stream else { continue };
//!             let service = hyper::service::service_fn(greet);
//!             let timer = HyperTimer::new(connections.clone());
//!             let http = server::conn::http1::Builder::new().timer(timer).serve_connection(HyperStream::new(stream), service);
//!             connections.run(http).detach();
//!         }
//!     });
//!
//!     let stream = TcpStream::connect(address).await?;
//!     let (mut sender, connection) = client::conn::http1::handshake(HyperStream::new(stream)).await?;
//!     let _connection = handle.run(connection);
//!     let response = sender.send_request(Request::get("/here").body(Empty::<Bytes>::new())?).await?;
//!     Ok::<_, offtick::BoxError>(response.into_body().collect().await?.to_bytes())
//! });
//! assert_eq!(answer.wait()?, "this is /here");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "hyper-util")]
mod connector;
mod executor;
mod scratch;
mod stream;
mod timer;

#[cfg(feature = "hyper-util")]
pub use connector::HyperConnector;
pub use executor::{HyperExecutor, HyperLocalExecutor};
pub use stream::HyperStream;
pub use timer::HyperTimer;
