//! The runtime: the engines, connected behind one [`Handle`].
//!
//! # Parts and threads
//! - [`Runtime`] owns the background: one reactor thread, and pool threads while there are closures. Dropping it shuts
//!   down.
//! - [`Handle`] spawns. It may outlive the runtime; then its tasks end as `RuntimeGone`.
//! - `process` has the process-wide runtime, and values that exist once for it.
//! - `Shared` is used by every thread: inbox, parker, timers, pool, update flag, hooks.
//! - `Local` is used only by the reactor thread: the executor's core. A thread-local names the one that this thread
//!   currently drives, so that a wake from a task goes directly to the local queue.
//!
//! # Shutdown
//! ```text
//! open --[closing is set, reactor unparked, pool closed]--> closing --[reactor dropped all futures]--> closed
//! ```
//! `closing` is set before anything is torn down. A spawn checks it first, and the inbox refuses later tasks. The
//! reactor ends its loop, drops every future on its own thread, fires all timers, closes the inbox and announces its
//! end. A shutdown waits for that with a deadline, and never on the reactor thread itself.

mod block_on;
mod builder;
#[cfg(not(feature = "net"))]
mod condvar_parker;
mod context;
mod eager;
mod engine;
mod follow;
mod handle;
mod hook_queue;
mod hooks;
mod level;
mod listing;
mod local;
mod metrics;
mod owner;
mod poll_watcher;
mod prepared;
mod process;
mod refused;
mod shared;
mod shutdown;
mod stack;
mod thread;
mod visible;
mod wait;

/// The parker of the reactor: the system's poll with sockets, else a condition variable.
#[cfg(feature = "net")]
use crate::reactor::PollParker as Parker;
#[cfg(not(feature = "net"))]
use condvar_parker::Parker;

pub(crate) use crate::blocking::inside;
pub use crate::blocking::{PriorityRefused, ThreadPriority};
pub use crate::executor::SlowPoll;
pub use block_on::block_on;
pub use builder::Builder;
pub(crate) use builder::Inline;
pub(crate) use context::{Local, OwnTimers, current, drives_any, own_timers, spend};
pub(crate) use eager::nested_start;
pub use handle::{Handle, Runtime};
pub use listing::TaskList;
pub(crate) use local::Remains;
pub use local::{
    Budget, LocalBuilder, LocalHandle, LocalRuntime, TakeFrom, TickError, TickReport, WithHost, WithHostError,
    with_host,
};
pub use metrics::Metrics;
pub(crate) use prepared::{Prepared, Watch};
#[cfg(feature = "toolkit")]
pub(crate) use process::ProcessWide;
#[cfg_attr(not(feature = "net"), allow(unused_imports, reason = "sockets are its users"))]
pub(crate) use process::any_handle;
pub(crate) use process::{any_driver, current_driver, current_frames};
pub use process::{runtime, shutdown};
pub(crate) use shared::Shared;
pub use shutdown::ShutdownReport;
/// Some parts, for their models.
#[cfg(all(loom, test))]
pub(crate) use {
    hook_queue::HookQueue,
    hooks::Hooks,
    listing::Listing,
    local::{HostState, HostWaker},
    shutdown::Ending,
};
