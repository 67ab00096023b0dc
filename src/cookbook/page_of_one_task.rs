//! Draw a task in every frame: waiting, running, trying again, done, failed, cancelled.
//!
//! A page holds the handle of its fetch and nothing else. [`view`](crate::Task::view) gives its state in one enum,
//! [`peek`](crate::Task::peek) its newest progress.
//!
//! ```
//! use offtick::{AsView, RetryPolicy, Runtime, Task, View};
//! use std::time::Duration;
//!
//! #[derive(Default)]
//! struct Page {
//!     load: Option<Task<String, u32>>,
//! }
//!
//! impl Page {
//!     fn open(&mut self, rt: &Runtime) {
//!         let policy = RetryPolicy::fixed(Duration::from_millis(5)).max_attempts(3);
//!         self.load = Some(rt.task().retry(policy).progress(16).run(|mut cx| async move {       // 1
//!             cx.report(50);
//!             if cx.attempt() < 2 { Err("no route") } else { Ok("hello".to_owned()) }
//!         }));
//!     }
//!
//!     /// One line of text, in place of widgets.
//!     fn draw(&self) -> String {
//!         match self.load.view() {                                                              // 2
//!             View::Idle => "press load".to_owned(),
//!             View::Pending | View::Running => {
//!                 let percent = self.load.as_ref().and_then(Task::peek).unwrap_or(0);           // 3
//!                 format!("loading, {percent} %")
//!             }
//!             View::Waiting { attempt, last_error, .. } => {
//!                 format!("attempt {attempt} failed: {}", last_error.label())                   // 4
//!             }
//!             View::Done(text) => text.clone(),
//!             View::Failed(error) => format!("error: {}", error.label()),
//!             View::Cancelled => "cancelled".to_owned(),
//!         }
//!     }
//! }
//!
//! let rt = Runtime::new()?;
//! let mut page = Page::default();
//! assert_eq!(page.draw(), "press load");
//! page.open(&rt);
//! while page.load.view().is_busy() {
//!     page.draw();
//!     std::thread::yield_now();
//! }
//! assert_eq!(page.draw(), "hello");
//! # Ok::<(), offtick::BuildError>(())
//! ```
//!
//! A view never shows an older state than the one before, and a finished task stays finished: the page may be drawn as often as
//! you like. [`take`](crate::Task::take) moves the value out; the view is `Idle` from then on.
//!
//! # When it fails or is cancelled
//! - [`label`](crate::TaskError::label) is the root cause in one short line.
//! - A cancel button calls [`cancel`](crate::Task::cancel). Leaving the page, or assigning a new task to `load`, drops the handle
//!   and cancels the fetch.
//! - A `match` without a wildcard stays complete: `View` gets no new variants in a minor version.
//!
//! # Threads
//! The fetch runs on the reactor thread, the page on yours. `view` and `peek` never wait.
//!
//! # Features
//! None.
//!
//! # What else
//! - A countdown to the next attempt: [`next_attempt_in`](crate::Task::next_attempt_in). A stopwatch:
//!   [`elapsed`](crate::Task::elapsed), of tasks that [`task()`](crate::Handle::task) made.
//! - Several pages that show one fetch: [`share`](crate::Task::share). A `SharedTask` has the same `view`.
