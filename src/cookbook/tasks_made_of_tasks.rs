//! Go on with what a task returns, wait for several, or take the first: without a body that awaits.
//!
//! The composed task is a task like any other. It keeps the name and the progress, and cancelling it cancels what it is made of.
//!
//! ```
//! use offtick::{Runtime, Task, join_all, race};
//! use std::time::Duration;
//!
//! let rt = Runtime::new()?;
//! let read = |name: &'static str| rt.run_blocking(move || std::fs::read_to_string(name));
//!
//! // The value goes through a function.
//! let lines: Task<usize> = read("Cargo.toml").map(|text| text.lines().count());                 // 1
//!
//! // The value goes into another task: here a closure on a pool thread.
//! let handle = rt.handle().clone();
//! let words = read("Cargo.toml").and_then(move |text| {                                         // 2
//!     handle.spawn_blocking(move || text.split_whitespace().count())
//! });
//!
//! // All of them: a list of values, or the first error.
//! let mut both = join_all([lines, words]);                                                      // 3
//!
//! // Whichever ends first; the other is cancelled.
//! let slow = rt.spawn(async {
//!     offtick::time::sleep(Duration::from_secs(3600)).await;
//!     "slow mirror"
//! });
//! let mut fastest = race([slow, rt.spawn(async { "fast mirror" })]);                            // 4
//!
//! let (counts, mirror) = loop {
//!     // One tick.
//!     if both.is_done() && fastest.is_done() {
//!         break (both.wait()?, fastest.wait()?);
//!     }
//!     std::thread::yield_now();
//! };
//! assert!(counts[0] > 1 && counts[1] > counts[0]);
//! assert_eq!(mirror, "fast mirror");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The function of `map` runs on the reactor thread and must not block. What takes longer belongs into the task that
//! `and_then` starts.
//!
//! # When it fails or is cancelled
//! - The kind of an error goes through: a file that is not there fails `lines`, and `both` with the same
//!   [`TaskError::Failed`](crate::TaskError::Failed). A task that was cancelled makes the composed one `Cancelled`.
//! - Cancelling or dropping `both` cancels all that it is made of, at once, however long the chain is.
//! - A loser of `race` that ignores its cancellation runs on, and what it returns is dropped.
//!
//! # Threads
//! No further ones: a composed task runs where the futures of the first task's runtime do.
//!
//! # Features
//! None.
//!
//! # What else
//! - More than two steps, loops, conditions: a body of [`run`](crate::Handle::run) that awaits the tasks.
//! - Results one by one: [`TaskSet`](crate::TaskSet), or [N downloads at once](super::n_downloads_at_once).
