//! Try something that fails now and then again, later and later, and show it.
//!
//! The policy says how often and how long the waits are. The task does the rest; the tick sees one task that runs, and
//! may ask for the attempt and the time of the next one.
//!
//! ```
//! use offtick::{RetryPolicy, Runtime};
//! use std::io;
//! use std::time::Duration;
//!
//! async fn connect(attempt: u32) -> io::Result<&'static str> {
//!     if attempt < 4 { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok("connected") }
//! }
//!
//! let rt = Runtime::new()?;
//! # let clock = offtick::time::Clock::manual();
//! # let rt = offtick::Builder::new().clock(clock.clone()).build()?;
//! let policy = RetryPolicy::exponential(Duration::from_millis(200)).max_attempts(5).jitter(0.2) // 1
//!     .retry_if(|error: &io::Error| error.kind() != io::ErrorKind::PermissionDenied);           // 2
//! let mut line = rt.task().name("line").retry(policy).run(|cx| connect(cx.attempt()));          // 3
//!
//! let text = loop {
//!     // One tick.
//!     if let Some(text) = line.take() {                                                         // 4
//!         break text?;
//!     }
//!     if line.next_attempt_at().is_some() {                                                     // 5
//!         println!("no answer, trying again soon");
//!     }
//! #   clock.advance(Duration::from_millis(16));
//!     std::thread::yield_now();
//! };
//! assert_eq!((text, line.attempt()), ("connected", 4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The closure of line 3 is called once a try: what its future owns is cloned in it (`let url = url.clone(); async move { .. }`).
//!
//! The waits are about 200, 400 and 800 ms here. `jitter(0.2)` makes each up to a fifth longer or shorter, so that a
//! thousand programs that lost the same server do not come back in the same instant. **`max_attempts` is 1 if it is not set**: that
//! is no retry.
//!
//! # When it fails or is cancelled
//! - After the last try the task fails. [`retry_error`](crate::TaskError::retry_error) says how many tries there were, how long they
//!   took and why it stopped; `downcast_ref::<io::Error>()` finds the error of the last one.
//! - An error that [`retry_if`](crate::RetryPolicy::retry_if) refuses ends it at once.
//! - A cancel ends it at once, also in the middle of a wait.
//! - A panic is not retried.
//! - `rt.task().timeout(limit)` limits the whole, [`attempt_timeout`](crate::TaskBuilder::attempt_timeout) each try: a server
//!   that says nothing is a failure, too.
//!
//! # Threads
//! Tries of `run` are on the reactor thread, those of `run_blocking` on pool threads. A wait holds no thread.
//!
//! # Features
//! None.
//!
//! # What else
//! - A part of a future: [`retry`](crate::retry::retry). A part of a closure: [`TaskContext::retry_blocking`](crate::TaskContext::retry_blocking).
//! - The server says when to come back: [`RetryPolicy::retry_after`](crate::RetryPolicy::retry_after).
//! - A connection that should always be there: `net::Reconnecting` (feature `net`).
