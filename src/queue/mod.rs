//! The ready queue by hand: what runs next, and who lets whom go first.
//!
//! A task that must have a say in the order of others looks at the [`ReadyQueue`] of its executor ([`current`]) or gives up
//! its turn in a certain way:
//!
//! | call | what runs next | the caller |
//! |---|---|---|
//! | [`yield_now`]`().await` | what is ready | behind all that is ready |
//! | [`yield_at`]`(n).await` | what is ready | behind `n` others |
//! | [`switch_to`]`(&task).await` | that task | behind all that is ready, or at a position |
//! | [`spawn_start`]`(future).await` | what is ready, then the new task | behind the new task |
//! | [`spawn_descend`]`(future).await` | the new task | next, as soon as that one waits or ends |
//!
//! [`spawn_eager`](crate::Handle::spawn_eager) starts a task without giving up the turn at all.
//!
//! # Positions
//! 0 is the next to run, 1 the one after it; -1 is the last, -2 the one before it. Insertions follow the rules of a list: at
//! -1 means ahead of the last, and a position beyond either end means that end. [`END`] is the position behind all others.
//! Where a task is to be taken out, a position with nothing at it is an error.
//!
//! With tasks of several [priorities](crate::Priority) the positions are those of one order: the most urgent level from front
//! to back, then the next. No task leaves its level: a position outside of it means the nearest place inside. While all that
//! is ready has one priority, which is the rule, positions are exact.
//!
//! # What positions do not do
//! They cannot starve anybody who has not been placed. Timers, sockets and what other threads woke are looked at after a
//! bounded number of polls, however the queue is arranged; whom they wake arrives at the end of the queue. And a task that stands in order of arrival
//! is not passed over for ever by tasks that are placed ahead of it: 64 times, and once for each task that was ready when
//! that began; then it gets a turn. So a queue that is rearranged runs in exactly that order, while two tasks that switch to
//! each other without end do not keep the rest from running. A task that was placed, by itself or by another one, has the
//! place it was given and no more: it does not count as waiting, and whoever is placed ahead of it again and again goes first.
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

/// The position behind all that is ready.
///
/// # Example
/// ```
/// use offtick::queue::{END, yield_at};
/// let rt = offtick::Runtime::new()?;
/// rt.spawn(yield_at(END)).wait()?; // the same as `yield_now`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const END: isize = crate::executor::END;
