//! Tasks with more than a body: named, limited in time, reporting, told of their cancellation.
//!
//! [`TaskBuilder`] has the verbs of [`Handle`](crate::Handle); its bodies get a [`TaskContext`]. What the extras cost, only
//! tasks that are built here pay.

mod builder;
mod cx;
mod eager;
mod limited;
mod local;
mod maker;
mod process;
mod retrying;
mod target;

pub use builder::TaskBuilder;
pub use cx::TaskContext;
pub(crate) use maker::Maker;
pub use process::{DefaultRuntime, run, run_blocking, spawn, spawn_blocking, task};
pub(crate) use target::sealed::{Futures, Target};
pub use target::{FutureTarget, SpawnTarget};
