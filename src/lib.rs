//! **offtick**: an executor for programs that poll.

#[allow(dead_code, reason = "the runtime is yet to be wired to it")]
mod blocking;
mod sync;
mod util;

mod error;
#[allow(dead_code, reason = "the reactor that parks stands in a later layer")]
mod park;
pub mod time;
#[allow(dead_code, reason = "the runtime that makes channels is wired later")]
mod progress;

// The models of `loom-tests/` live inside the crate, so that they reach what they check without widening the API.
// Unit tests are gated by `not(loom)`: outside a model, loom's types do not work.
#[cfg(all(loom, test))]
#[path = "../loom-tests/mod.rs"]
mod loom_tests;

pub use error::{BoxError, BuildError, Panic, TaskError, TrySpawnError};
pub use progress::{Drain, Reporter, SendError, SendErrorReason, Sending, SharedReporter, TrySendError};
