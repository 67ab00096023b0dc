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
mod place;
mod process;
mod retrying;

pub use builder::TaskBuilder;
pub use cx::TaskContext;
pub(crate) use maker::Maker;
pub(crate) use place::{FuturePlace, Place};
pub use process::{DefaultRuntime, run, run_blocking, spawn, spawn_blocking, task};
