//! Test what waits, without waiting: the test moves the clock.
//!
//! Sleeps, timeouts, retries, schedules and debouncers obey the clock of their runtime. That of a
//! [`TestRuntime`](crate::testing::TestRuntime) stands still until the test moves it.
//!
//! ```
//! use offtick::{testing::TestRuntime, time::sleep};
//! use std::time::Duration;
//!
//! /// What is to be tested.
//! async fn hint_when_idle() -> &'static str {
//!     sleep(Duration::from_secs(30)).await;
//!     "Press H for help"
//! }
//!
//! // #[test]
//! fn the_hint_comes_after_thirty_seconds() -> Result<(), Box<dyn std::error::Error>> {
//!     let rt = TestRuntime::new()?;                                  // 1
//!     let hint = rt.spawn(hint_when_idle());                         // 2
//!     rt.advance(Duration::from_secs(29))?;                          // 3
//!     assert!(!hint.is_done());
//!     rt.advance(Duration::from_secs(1))?;                           // 4
//!     assert!(matches!(hint.result(), Some(Ok(&"Press H for help"))));
//!     rt.finish()?; // nothing is left: no task, no timer            // 5
//!     Ok(())
//! }
//! # the_hint_comes_after_thirty_seconds().unwrap();
//! ```
//!
//! There is no other thread: everything happens inside of lines 3 and 4, in the same order each time. It hands out a
//! [`Handle`](crate::Handle) as a [`Runtime`](crate::Runtime) does, so code that takes a `&Handle` is tested as it is, with its
//! groups, pools, retries and debouncers.
//!
//! # When it fails or is cancelled
//! - A test that waits for what never comes does not hang: [`run_until`](crate::testing::TestRuntime::run_until) fails with
//!   [`RunError::Stalled`](crate::testing::RunError::Stalled), which says what is left and when the next timer is due.
//! - A future makes its `sleep` when it is polled for the first time, and the 30 seconds count from there. Line 3 lets what is ready
//!   begin before the time passes. A clock that is moved by its own calls, as under the `Runtime` below, does not: there,
//!   move it when the task has begun.
//! - A task that is cancelled ends in the next call that runs something: [`settle`](crate::testing::TestRuntime::settle)
//!   before `finish`.
//!
//! # Threads
//! That of the test, also for closures that block: they run when it is their turn, in the order of their submission. With
//! [`hold_blocking`](crate::testing::TestBuilder::hold_blocking) they wait until the test lets them, one by one: a slow disk.
//!
//! # Features
//! None.
//!
//! # What else
//! - Time that passes by itself whenever nothing else is left to do:
//!   [`auto_advance`](crate::testing::TestBuilder::auto_advance) and `run_until`.
//! - Other orders of the tasks, under many seeds: [`check_all`](crate::testing::check_all).
//! - Tests with real sockets, or of the program as a whole: a [`Runtime`](crate::Runtime) with a
//!   [manual clock](crate::time::ManualClock). Its reactor runs beside the test, so wait for an event (a task, a
//!   channel), never for a time.
//! - In a game the manual clock is no fake but game time: see [`LocalRuntime::advance`](crate::LocalRuntime::advance).
