//! **offtick**: an executor for programs that poll.

mod counters;
mod error;
mod sync;
mod util;

mod park;
mod progress;
mod task;

mod blocking;
mod executor;
#[cfg(feature = "net")]
mod reactor;
pub mod time;

mod runtime;

mod manage;

// The models of `loom-tests/` live inside the crate, so that they reach what they check without widening the API.
// Unit tests are gated by `not(loom)`: outside a model, loom's types do not work.
#[cfg(all(loom, test))]
#[path = "../loom-tests/mod.rs"]
mod loom_tests;

pub use error::{BoxError, BuildError, Panic, TaskError, TrySpawnError};
pub use manage::{GroupProgress, ManagedTask, Session, TaskGroup, TaskManager, TaskSet, WrongType, ZeroLimit};
pub use progress::{Drain, Reporter, SendError, SendErrorReason, Sending, SharedReporter, TrySendError};
pub use runtime::{Builder, Handle, Metrics, Runtime, ShutdownReport};
pub use task::{Control, SharedTask, Status, Task, TaskId, TaskInfo};
