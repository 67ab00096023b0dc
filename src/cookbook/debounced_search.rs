//! Search while the user types, once the typing pauses, and never show an older answer over a newer one.
//!
//! ```
//! use offtick::{Runtime, toolkit::{Debouncer, WhileRunning}};
//! use std::io;
//! use std::time::Duration;
//!
//! const PAUSE: Duration = Duration::from_millis(200);
//! const WORDS: [&str; 4] = ["offer", "office", "often", "onion"];
//!
//! /// Looks at every word: work for a pool thread.
//! fn search(text: &str) -> io::Result<Vec<&'static str>> {
//!     Ok(WORDS.into_iter().filter(|word| word.starts_with(text)).collect())
//! }
//!
//! let rt = Runtime::new()?;
//! # let clock = offtick::time::Clock::manual();
//! # let rt = offtick::Builder::new().clock(clock.clone()).build()?;
//! let pool = rt.handle().clone();                                                            // 1
//! let hits = Debouncer::builder(&rt, PAUSE).extending().while_running(WhileRunning::Replace) // 2
//!     .build(move |text: String| pool.run_blocking(move || search(&text)))?;                 // 3
//!
//! for text in ["o", "of", "off"] {
//!     hits.trigger(text.to_owned());                                                         // 4
//! }
//! let list = loop {
//!     // One tick.
//!     if let Some(list) = hits.latest() {                                                    // 5
//!         break list;
//!     }
//! #   clock.advance(Duration::from_millis(16));
//!     std::thread::yield_now();
//! };
//! assert_eq!(*list, ["offer", "office"]);
//! assert_eq!(hits.runs(), 1); // three keys, one search
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`extending`](crate::toolkit::DebouncerBuilder::extending) starts the search 200 ms after the *last* key; without it, 200 ms after the
//! first, also while the typing goes on. [`Replace`](crate::toolkit::WhileRunning::Replace) drops a search that is outdated; the default
//! lets it come to its end first. Call [`flush`](crate::toolkit::Debouncer::flush) when the user presses Enter, and
//! [`cancel`](crate::toolkit::Debouncer::cancel) when the box is emptied.
//!
//! # When it fails or is cancelled
//! - [`latest`](crate::toolkit::Debouncer::latest) stays at the last good list until there is a newer one, so the list never
//!   flickers; [`is_busy`](crate::toolkit::Debouncer::is_busy) is for the spinner beside it.
//! - A search that fails or panics shows in [`error`](crate::toolkit::Debouncer::error), until a later one succeeds.
//! - A replaced search is a future that is dropped, and with it the task of line 3, which is cancelled: before its start it never
//!   runs. A closure that runs goes on to its end, unseen; for long ones use `pool.task().run_blocking(|cx| ..)` with
//!   [`cx.check()?`](crate::TaskContext::check).
//! - Dropping the last clone of the debouncer cancels everything.
//!
//! # Threads
//! The search runs on a pool thread, the waiting on the reactor thread. A body that asks a server is a future, and needs no
//! pool: `.build(|text: String| async move { .. })`.
//!
//! # Features
//! None.
//!
//! # What else
//! - The first call should run at once: [`Edge::Leading`](crate::toolkit::Edge::Leading) or `Both`.
//! - Every call must run, only not too often: [`RateLimiter`](crate::toolkit::RateLimiter).
//! - No pause to wait for, just the newest wins: [`Background`](crate::toolkit::Background), started anew.
