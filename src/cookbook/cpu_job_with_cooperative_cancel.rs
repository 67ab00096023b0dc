//! Compute for long on a thread of its own, and stop soon after the user says so.
//!
//! Nobody can stop a thread from outside. The closure asks, often enough for the user and seldom enough to cost nothing: every
//! millisecond or so.
//!
//! ```
//! use offtick::{Cancelled, Runtime, Status, Task};
//! use std::time::Duration;
//!
//! /// How many steps it takes to come down to 1.
//! fn steps(mut n: u64) -> u64 {
//!     let mut steps = 0;
//!     while n != 1 {
//!         n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
//!         steps += 1;
//!     }
//!     steps
//! }
//!
//! let rt = Runtime::new()?;
//! let job: Task<u64, u64> = rt.task().name("longest").progress(8).run_blocking(|cx| {   // 1
//!     let mut longest = 0;
//!     for n in 1..u64::from(u32::MAX) {
//!         if n % 4096 == 0 {
//!             cx.check()?;                                                              // 2
//!             cx.report(longest);                                                       // 3
//!         }
//!         longest = longest.max(steps(n));
//!     }
//!     Ok::<_, Cancelled>(longest)
//! });
//!
//! let mut enough = false;
//! while !enough {
//!     // One tick.
//!     if let Some(longest) = job.latest() {                                             // 4
//!         println!("{longest} steps so far");
//!         enough = true; // the user presses Escape
//!     }
//!     std::thread::yield_now();
//! }
//! job.cancel();                                                                         // 5
//! assert_eq!(job.status(), Status::Cancelled);
//! # assert!(rt.shutdown(Duration::from_secs(60)).is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When it fails or is cancelled
//! - [`cancel`](crate::Task::cancel) ends the task at once, as seen from the handle: `Status::Cancelled`, and that stays. The closure
//!   leaves at its next `check`; its destructors run as usual.
//! - Dropping `job` does the same. So does the end of the runtime, which waits for closures a while: see [graceful
//!   shutdown](super::graceful_shutdown).
//! - A result that comes after the cancel is dropped. To keep what there is so far, do not cancel: give the closure a
//!   [`CancelToken`](crate::toolkit::CancelToken) of your own, and let it return early with `Ok`.
//! - Count the rounds of the loop to decide when to ask, not something that it computes, which may never come to the value
//!   that you wait for. A closure that never asks runs to its end on its pool thread, seen by nobody.
//!
//! # Threads
//! One pool thread for each job. As many as the machine has cores compute at a time; while they do, a thread beyond that comes only now
//! and then, so further closures wait.
//!
//! # Features
//! None.
//!
//! # What else
//! - The work can be cut in pieces: [`map_blocking`](crate::PoolHandle::map_blocking) over the pieces uses all cores, and `check`
//!   is needed inside of the pieces only if these are long.
//! - It calls a library that takes a flag or a callback to stop by: `move || token.is_cancelled()`.
//! - A limit in time: `rt.task().timeout(limit)`; `check` fails then as well.
//! - Never compute in a `spawn` or `run` future: it holds the reactor, and with it all timers and sockets.
