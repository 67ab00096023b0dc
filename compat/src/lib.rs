//! offtick under the libraries of others.
//!
//! Whatever speaks [`futures_io`] takes the streams of offtick as they are, with its feature `futures-io`: TLS by
//! `futures-rustls`, WebSockets by `async-tungstenite`. Libraries with traits of their own need an adapter, and those
//! are here, each behind a feature:
//!
//! - `hyper` (default): streams, timers and tasks for hyper 1.x, in [`mod@hyper`].
//! - `hyper-util`: a connector for its client; its servers take the streams of [`mod@hyper`].
//! - `quinn`: the runtime of QUIC connections.
//! - `tower`: a layer that limits the time of requests.
//!
//! Libraries that want the io traits of tokio, and not its runtime, take a stream by `tokio_util::compat`:
//! `stream.compat()`, with the trait `FuturesAsyncReadCompatExt`.
//!
//! This is a package of its own because hyper depends on the `sync` module of tokio, and the dependency tree of offtick
//! holds no other runtime, whatever its features. No runtime of tokio's is started. Only the
//! feature `hyper-util` compiles one, since hyper-util asks for it.

#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "quinn")]
pub mod quinn;
#[cfg(feature = "tower")]
pub mod tower;
