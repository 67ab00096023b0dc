//! Load something large in the background, and draw a bar meanwhile.
//!
//! A level, a model, a font: reading and decoding block, so they are a closure on a pool thread. It reports how far it is,
//! and the frame that draws the bar takes the newest report.
//!
//! ```
//! use offtick::{BoxError, Runtime, Task};
//! use std::{fs::File, io::Read};
//!
//! fn draw_bar(part: f32) {
//!     println!("{:3.0} %", part * 100.0);
//! }
//!
//! let rt = Runtime::new()?;
//! let mut load: Task<Vec<u8>, f32> = rt.task().name("level 1").progress(16).run_blocking(|cx| { // 1
//!     let mut file = File::open("Cargo.toml")?;
//!     let size = file.metadata()?.len();
//!     let mut bytes = Vec::new();
//!     while file.by_ref().take(4096).read_to_end(&mut bytes)? > 0 {
//!         cx.check()?;                                                                          // 2
//!         cx.report(bytes.len() as f32 / size as f32);                                          // 3
//!     }
//!     Ok::<_, BoxError>(bytes)
//! });
//!
//! let level = loop {
//!     // One tick.
//!     if let Some(part) = load.latest() {                                                       // 4
//!         draw_bar(part);
//!     }
//!     if let Some(loaded) = load.take() {                                                       // 5
//!         break loaded?;
//!     }
//!     std::thread::yield_now();
//! };
//! assert!(!level.is_empty());
//! # Ok::<(), BoxError>(())
//! ```
//!
//! [`latest`](crate::Task::latest) skips what is outdated, which is right for a bar; `None` means nothing new, so keep the
//! last value if your bar is drawn anew in each frame. For a log of steps, [`progress`](crate::Task::progress) gives all of
//! them, oldest first. [`report`](crate::TaskContext::report) never waits: if nobody looks, the oldest values go. The number given to
//! `progress` is how many are kept.
//!
//! # When it fails or is cancelled
//! - An `Err`, such as a file that is not there, ends the task: `take` gives it as
//!   [`TaskError::Failed`](crate::TaskError::Failed), and `downcast_ref::<std::io::Error>()` finds the cause. A panic, say of
//!   a decoder, is [`TaskError::Panicked`](crate::TaskError::Panicked).
//! - [`cancel`](crate::Task::cancel), or the drop of `load`: the task is over at once, the closure leaves at its next `check`, and what it
//!   still returns is dropped. Without line 2 it would read to the end for nothing.
//! - Whoever sees the task done also sees all that it reported: one more `latest` after the end gives the last value.
//!
//! # Threads
//! The closure runs on a pool thread (`offtick-blocking-N`), the tick on yours. No callback comes from another thread.
//!
//! # Features
//! None.
//!
//! # What else
//! - Many files: [N downloads at once](super::n_downloads_at_once), or [`TaskGroup`](crate::TaskGroup), which counts how many of its
//!   tasks are done.
//! - No report may be lost: [`send_blocking`](crate::TaskContext::send_blocking) waits for room.
//! - The value is needed in several places: [`share`](crate::Task::share) and `result` instead of `take`.
