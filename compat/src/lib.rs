//! offtick under the libraries of others.
//!
//! Whatever speaks [`futures_io`] takes the streams of offtick as they are, with its feature `futures-io`: TLS by
//! `futures-rustls`, WebSockets by `async-tungstenite`. Libraries with traits of their own need an adapter, and those
//! are here, each behind a feature:
//!
//! - `hyper` (default): streams, timers and tasks for hyper 1.x, in [`mod@hyper`].
//!
//! This is a package of its own because hyper depends on the `sync` module of tokio, and the dependency tree of offtick
//! holds no other runtime, whatever its features. No runtime of tokio's is started, or even compiled.

#[cfg(feature = "hyper")]
pub mod hyper;
