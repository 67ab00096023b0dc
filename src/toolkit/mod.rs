//! Everyday patterns of work in the background, each a thin owner of tasks over a [`Handle`](crate::Handle).
//!
//! What a tick calls here never waits: a lock is held for a few instructions, never while user code runs. Dropping one of
//! these owners cancels what it runs, and waits for nothing: on any thread, in its own body, after its runtime is gone.

mod background;
mod body;
#[cfg(feature = "cron")]
mod on_time;
mod periodic;
mod repeat;
mod runs;

pub use background::{Background, BackgroundBuilder};
#[cfg(feature = "cron")]
pub use on_time::{OnTime, OnTimeBuilder};
pub use periodic::{Periodic, PeriodicBuilder};
pub use repeat::{ErrorPolicy, Repeat, RepeatStatus};
