//! Make a task of something that ends in a callback: a dialog, a device, another event loop.
//!
//! A promise is a task without a body. Its completer goes into the callback, and the tick looks at the task as at any other.
//!
//! ```
//! use offtick::{Completer, Task, promise};
//!
//! /// Somebody else's library: it calls back on a thread of its own.
//! fn open_file_dialog(done: impl FnOnce(Option<&'static str>) + Send + 'static) {
//!     std::thread::spawn(move || done(Some("notes.txt")));
//! }
//!
//! let (completer, mut chosen): (Completer<&str>, Task<&str>) = promise();                       // 1
//! open_file_dialog(move |answer| {
//!     let _nobody_waits = match answer {
//!         Some(path) => completer.complete(path).is_err(),                                      // 2
//!         None => completer.fail("no file was chosen").is_err(),                                // 3
//!     };
//! });
//!
//! let path = loop {
//!     // One tick.
//!     if let Some(path) = chosen.take() {
//!         break path?;
//!     }
//!     std::thread::yield_now();
//! };
//! assert_eq!(path, "notes.txt");
//! # Ok::<(), offtick::TaskError>(())
//! ```
//!
//! The completer may be sent to any thread and reports progress as well: `promise::<Image, f32>()`, and
//! [`report`](crate::Completer::report).
//!
//! # When it fails or is cancelled
//! - A callback that never comes: the library drops it, the completer with it, and the task ends as
//!   [`TaskError::Abandoned`](crate::TaskError::Abandoned).
//! - The user cancels the task: `complete` returns the value, so the callback can put it away, and
//!   [`is_cancelled`](crate::Completer::is_cancelled) says so earlier.
//! - A completer is used once: `complete` and `fail` consume it.
//!
//! # Threads
//! None of offtick's. A promise belongs to no runtime unless it is made by [`Handle::promise`](crate::Handle::promise), which
//! raises the update flag of that runtime.
//!
//! # Features
//! None. On a web page the callback is one of JavaScript.
//!
//! # What else
//! - Go on with the value: [tasks made of tasks](super::tasks_made_of_tasks).
//! - Await it in a body: the task is a future.
