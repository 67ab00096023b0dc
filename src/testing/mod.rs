//! Deterministic tests of programs that run on offtick: no threads, no real time.
//!
//! A [`TestRuntime`] is a [`LocalRuntime`](crate::LocalRuntime) with a manual clock. Everything happens inside its
//! calls:
//! - **Time** stands until the test [moves](TestRuntime::advance) it. With [`auto_advance`](TestBuilder::auto_advance),
//!   a wait moves it to the next deadline whenever nothing else is left to do: an hour of sleeps takes no time.
//! - **Blocking closures** run on the test's thread, in the order of their submission; or only when the test runs them
//!   ([`hold_blocking`](TestBuilder::hold_blocking)).
//! - **Random choices** follow from a seed, including the order of [shuffled](TestBuilder::shuffle) tasks.
//! - **A wait that cannot end returns an error** instead of blocking: see [`TestRuntime::run_until`].
//! - **Leaks** can be [listed](TestRuntime::leaks): tasks, timers, sockets, wakers.
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

/// The environment variable with the seed to run again.
const SEED: &str = "OFFTICK_SEED";

/// Returns the seed of the environment.
fn asked_for() -> Option<u64> {
    std::env::var(SEED).ok()?.trim().parse().ok()
}
