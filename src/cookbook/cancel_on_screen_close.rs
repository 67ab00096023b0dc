//! Stop the work of a screen when the user leaves it.
//!
//! The screen owns a group, and everything it starts is started there. When the screen is dropped, the group goes, and
//! with it all of its tasks, also those whose handles nobody kept.
//!
//! ```
//! use offtick::{Handle, Runtime, Task, TaskGroup};
//! use std::io;
//!
//! struct Gallery {
//!     titles: Task<Vec<String>>,
//!     tasks: TaskGroup,                                                 // 1
//! }
//!
//! impl Gallery {
//!     fn open(rt: &Handle) -> Self {
//!         let tasks = TaskGroup::new(rt);                               // 2
//!         let titles = tasks.run(load_titles());                        // 3
//!         tasks.spawn(follow_news()).detach();                          // 4
//!         Self { titles, tasks }
//!     }
//! }
//!
//! async fn load_titles() -> io::Result<Vec<String>> {
//!     Ok(vec!["Dawn".to_owned()])
//! }
//! # let (alive, ended) = std::sync::mpsc::channel();
//! # static ALIVE: std::sync::Mutex<Option<std::sync::mpsc::Sender<()>>> = std::sync::Mutex::new(None);
//! # *ALIVE.lock().unwrap() = Some(alive);
//!
//! async fn follow_news() {
//! #   let _alive = ALIVE.lock().unwrap().take();
//!     std::future::pending().await // as long as the screen is there
//! }
//!
//! let rt = Runtime::new()?;
//! let screen = Gallery::open(rt.handle());
//! while screen.titles.result().is_none() {                              // 5
//!     // One tick.
//!     std::thread::yield_now();
//! }
//!
//! drop(screen); // the user goes back: `follow_news` ends
//! # drop(ALIVE.lock().unwrap().take()); // where it never began
//! # assert!(ended.recv().is_err(), "the future was dropped, and what it held");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When it fails or is cancelled
//! - A future is dropped where it waits, on the reactor thread, soon after the screen; what it holds is dropped with it. A closure is told
//!   through its context: see [cooperative cancel](super::cpu_job_with_cooperative_cancel). One that has not begun never
//!   runs.
//! - The group counts its tasks ([`progress`](crate::PoolHandle::progress)), whoever has their handles. A closure that goes on after
//!   it was cancelled counts as `left_running`; [`wait`](crate::PoolHandle::wait) waits for it.
//! - Nothing waits: the drop returns at once, on any thread.
//! - A task that fails or panics ends alone; its error is in its handle. An error that nobody reads goes to the hook
//!   [`on_unhandled_error`](crate::Builder::on_unhandled_error).
//!
//! # Threads
//! The screen may be dropped on any thread. Futures are never dropped on it, but on the reactor's.
//!
//! # Features
//! None.
//!
//! # What else
//! - Two or three tasks, all of whose handles are fields: no group is needed. **A dropped [`Task`](crate::Task) is cancelled.**
//! - No more than so many at once: [`TaskGroup::with_limit`](crate::TaskGroup::with_limit).
//! - Closing one screen closes those below it, with a reason: [`CancelToken`](crate::toolkit::CancelToken) with children, and
//!   [`TaskGroup::with_token`](crate::TaskGroup::with_token).
//! - Results that should still be there when the user comes back: [`Session`](crate::Session), which outlives the screen.
//! - Work that must be finished all the same, such as saving: start it on the runtime, not in the group, and detach it.
