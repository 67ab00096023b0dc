//! A stream over connections that come and go: [`Reconnecting`].
//!
//! ```text
//! front      Reconnecting: what a program holds      builder  its settings
//! connection what it goes over                       fresh    a connection in its handshake
//! engine     the task that connects and waits        carry    one connection, between handshake and loss
//! shared     the lock between the two sides          outbox, waiters          what stands under it, beside `net::inbox`
//! waiting    futures of reads and states             writing  the future of a write
//! ```
//!
//! # Who touches what
//! One task, the engine, owns the connection: it alone polls it, on the thread of the runtime, under no lock. Callers touch the
//! buffers and the queue between the two, under one lock that is held for a copy at most. So a connection needs neither
//! `Send` nor `Sync`, any number of tasks may use the stream, connecting goes on while nobody reads, and a write owns its
//! bytes: one that has begun goes out whole even if its future is dropped. The price is one copy in each direction.
//!
//! The rules of the lock, and why no wake-up is lost, stand in `shared`.

mod builder;
mod carry;
mod connection;
mod engine;
mod error;
mod fresh;
mod front;
#[cfg(feature = "futures-io")]
mod futures_io;
mod outbox;
mod shared;
mod state;
#[cfg(unix)]
mod unix;
mod waiters;
mod waiting;
mod writing;

pub use builder::ReconnectBuilder;
pub use connection::Connection;
pub use engine::AtEnd;
pub use error::{ReadError, Unsent, UnsentReason};
pub use fresh::Fresh;
pub use front::Reconnecting;
#[cfg(feature = "futures-io")]
pub use futures_io::FuturesIo;
pub use state::{CloseReason, State};
pub use writing::Writing;
