//! The ready queue, for tasks that control what runs next.
//!
//! A task that controls the order of others uses the [`ReadyQueue`] of its executor ([`current`]), or yields in a
//! certain way:
//!
//! | call | what runs next | the caller |
//! |---|---|---|
//! | [`yield_now`]`().await` | the ready tasks | behind all ready tasks |
//! | [`yield_at`]`(n).await` | the ready tasks | behind `n` others |
//! | [`switch_to`]`(&task).await` | that task | behind all ready tasks, or at a position |
//! | [`spawn_start`]`(future).await` | the ready tasks, then the new task | behind the new task |
//! | [`spawn_descend`]`(future).await` | the new task | next, as soon as that one waits or ends |
//!
//! [`spawn_eager`](crate::Handle::spawn_eager) starts a task without yielding.
//!
//! # Positions
//! Position 0 is the next to run, 1 the one after it; -1 is the last, -2 the one before it. Insertions follow the rules
//! of a list: -1 inserts before the last, and a position beyond either end means that end. [`END`] is the position
//! behind all others. Removing a task from a position without one is an error.
//!
//! With tasks of several [priorities](crate::Priority) the positions belong to one order: the most urgent level from
//! front to back, then the next. No task leaves its level: a position outside of it means the nearest one inside. While
//! all ready tasks have one priority, which is usual, positions are exact.
//!
//! # Limits of positions
//! Positions cannot starve a task that was not placed. Timers, sockets and wakes of other threads are checked after a
//! limited number of polls, however the queue is arranged; the tasks that they wake arrive at the end of the queue. A
//! task in order of arrival is passed over by placed tasks at most 64 times, plus once per task that was ready when
//! that began; then it gets a turn. So a queue that is rearranged runs in exactly that order, while two tasks that
//! switch to each other without end do not keep the rest from running. A placed task has only the position that it was
//! given: it does not count as waiting, and a task that is repeatedly placed ahead of it runs first.
//!
//! # Example
//! ```
//! use offtick::queue;
//! use std::sync::{Arc, Mutex};
//! let rt = offtick::Runtime::new()?;
//! let handle = rt.handle().clone();
//! let log = Arc::new(Mutex::new(Vec::new()));
//! let seen = Arc::clone(&log);
//! let mut task = rt.spawn(async move {
//!     let other = |name: &'static str| {
//!         let log = Arc::clone(&log);
//!         handle.spawn(async move { log.lock().unwrap().push(name) })
//!     };
//!     let (one, two, three) = (other("one"), other("two"), other("three"));
//!     queue::switch_to(&three).resume_at(2).await?; // three, one, then this task
//!     log.lock().unwrap().push("caller");
//!     Ok::<_, offtick::BoxError>((one.await?, two.await?))
//! });
//! task.wait()?.expect("all tasks ran");
//! assert_eq!(*seen.lock().unwrap(), ["three", "one", "caller", "two"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod spawn;
mod turns;
mod view;

pub use error::{NoExecutor, NotReady, OutOfRange, SwitchError};
pub use spawn::{spawn_descend, spawn_start};
pub use turns::{SwitchTo, YieldAt, YieldNow, switch_to, yield_at, yield_now};
pub use view::{Popped, ReadyQueue, current};

/// The position behind all ready tasks.
///
/// # Example
/// ```
/// use offtick::queue::{END, yield_at};
/// let rt = offtick::Runtime::new()?;
/// rt.spawn(yield_at(END)).wait()?; // the same as `yield_now`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const END: isize = crate::executor::END;
