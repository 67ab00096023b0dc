//! Eager starts: the first part of a future runs immediately, in the caller.
//!
//! A future does nothing until it is polled, and a task waits for its turn. If the first part matters (a request is
//! sent, a lock is taken, a cached value is found), it can run immediately:
//!
//! | call | the first part | the rest |
//! |---|---|---|
//! | [`Handle::spawn_eager`](crate::Handle::spawn_eager) | here | a task of the runtime |
//! | [`LocalHandle::spawn_eager`](crate::LocalHandle::spawn_eager) | here, between two ticks as well | a task of the runtime |
//! | [`TaskBuilder::spawn_eager`](crate::TaskBuilder::spawn_eager) | here, inside a task of the runtime | a task of the runtime |
//! | [`start`] | here | where the [`Started`] is awaited |
//! | [`run_now`] | here | none, or the future is returned |
//! | [`run_through_yields`] | here, through its yields | none, or the future is returned |
//!
//! A future that never waits finishes in its first part, and no executor sees it.
//!
//! # Order
//! A task that starts another one eagerly and then [yields](crate::yield_now) runs before the second part of that one: a
//! caller that logs `a`, starts a child, logs `b`, yields and logs `c`, and a child that logs `1`, waits or yields, and logs
//! `2`, give `a 1 b c 2`.
//!
//! # Inside a task
//! The settings of the running task (the position it [yields](crate::queue::yield_at) to) are saved during the first
//! part of another future, which does not change them. Timers belong to the runtime that polls; outside of any, to the
//! default one.
//!
//! # Depth
//! A nested start uses stack. Beyond a depth of 64 nothing more is started: `spawn_eager` spawns normally, [`start`]
//! leaves the future to the code that awaits it, and [`run_now`] returns it.

mod now;
mod started;

pub use now::{WouldBlock, run_now, run_through_yields};
pub use started::{Started, start};
