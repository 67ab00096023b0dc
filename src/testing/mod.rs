//! For tests of programs that run on offtick: no thread, no time but the test's own, and the same run every time.
//!
//! A [`TestRuntime`] is a [`LocalRuntime`](crate::LocalRuntime) with a manual clock. Nothing happens but in its calls:
//! - **Time** stands still until it is [moved](TestRuntime::advance). If the test asks for that, a wait moves it on by itself
//!   to the next deadline whenever nothing else is left to do ([`auto_advance`](TestBuilder::auto_advance)): an hour of
//!   sleeps takes no time.
//! - **Closures that block** run on the test's thread, in the order of their submission; or not at all until the test says so
//!   ([`hold_blocking`](TestBuilder::hold_blocking)).
//! - **Chance** follows from a seed, the order of the tasks as well if that is [shuffled](TestBuilder::shuffle).
//! - **A wait that cannot end is an error** and no hang: see [`TestRuntime::run_until`].
//! - **What was left behind** can be [asked for](TestRuntime::leaks): tasks, timers, sockets, wakers.
//!
//! [`check_all`] runs a test under many seeds and shuffled. When a test panics, its seed is printed, and
//! `OFFTICK_SEED=` with that number in the environment runs it again.
//!
//! # Example
//! ```
//! use offtick::testing::TestBuilder;
//! use offtick::time::{sleep, timeout};
//! use std::time::Duration;
//!
//! let rt = TestBuilder::new().auto_advance(true).build()?;
//! let slow = rt.spawn(async {
//!     sleep(Duration::from_secs(3600)).await;
//!     "loaded"
//! });
//! let shown = rt.run_until(async { timeout(Duration::from_secs(30), slow).await.is_err() })?;
//! assert!(shown, "the user is told after 30 seconds");
//! assert_eq!(rt.elapsed(), Duration::from_secs(30));
//! rt.settle()?; // the task that was dropped with its handle ends
//! rt.finish()?; // and nothing is left
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod check;
mod error;
mod leaks;
mod runtime;

pub use builder::TestBuilder;
pub use check::check_all;
pub use error::RunError;
pub use leaks::Leaks;
pub use runtime::TestRuntime;

/// The variable of the environment that says which seed to run again.
const SEED: &str = "OFFTICK_SEED";

/// The seed that the environment asks for.
fn asked_for() -> Option<u64> {
    std::env::var(SEED).ok()?.trim().parse().ok()
}
