//! Tasks with options: a name, a time limit, progress, a context.
//!
//! [`TaskBuilder`] has the methods of [`Handle`](crate::Handle); its bodies get a [`TaskContext`]. Only tasks that are
//! built here pay for the options.

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
