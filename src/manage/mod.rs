//! Many tasks at once: sets, groups, pools, a registry, and sessions.
//!
//! | type | holds | for |
//! |---|---|---|
//! | [`TaskSet`] | the tasks themselves, under keys | a tick that handles only finished tasks |
//! | [`CompletionQueue`] | the tasks themselves, until they end | a tick that takes thousands of small results |
//! | [`TaskGroup`] | the right to cancel; the caller holds the tasks | a screen: limit, join, one progress, drop cancels all |
//! | [`TaskPool`] | the right to cancel; the caller holds the tasks | K at a time, with a queue, priorities, limits |
//! | [`PoolSet`] | the tasks themselves, under keys | K at a time, and a tick that handles what finished |
//! | [`WorkerThread`] | a pool with its own thread | a device, a GPU context: values that stay on their thread |
//! | [`TaskManager`] | shared tasks by identity and alias | tasks that outlive the code that started them |
//! | [`Session`] | shared tasks by name | interfaces that run the same code again on each redraw |
//!
//! They use: `limiter` (slots and a queue, as pure logic) and `limited` (the engine of groups and pools), `finished`
//! (the queue of ended tasks, which a tick checks for one load), `fifo` (a queue whose members may leave out of order)
//! and `stored` (a shared task without its types).

pub(crate) mod completion;
mod error;
mod fifo;
mod group;
mod keyed;
mod limited;
pub(crate) mod limiter;
mod manager;
mod pool;
mod process;
mod session;
mod set;
mod stored;
mod worker_thread;

pub use completion::{CompletionQueue, DrainCompleted};
pub use error::{PoolStopped, WrongType};
pub use group::TaskGroup;
pub use limited::{GroupProgress, StopReport};
pub use manager::{ManagedTask, TaskManager};
pub use pool::{PoolHandle, PoolMap, PoolMapInOrder, PoolSet, TaskPool, TaskPoolBuilder};
pub use process::manager;
pub use session::Session;
pub use set::TaskSet;
pub(crate) use stored::Stored;
pub use worker_thread::{ThreadBound, ThreadBoundError, ThreadError, ThreadReport, WorkerThread, WorkerThreadBuilder};
