//! Eager starts: the first part of a future runs where it is started, at once.
//!
//! A future does nothing until it is polled, and a task not before its turn. Where the first part is what matters (the
//! request goes out, the lock is taken, the cached value is found) it can be run here and now:
//!
//! | call | the first part | the rest |
//! |---|---|---|
//! | [`Handle::spawn_eager`](crate::Handle::spawn_eager) | here | a task of the runtime |
//! | [`LocalHandle::spawn_eager`](crate::LocalHandle::spawn_eager) | here, between two ticks as well | a task of the runtime |
//! | [`TaskBuilder::spawn_eager`](crate::TaskBuilder::spawn_eager) | here, inside a task of the runtime | a task of the runtime |
//! | [`start`] | here | wherever the [`Started`] is awaited |
//! | [`run_now`] | here | there is none, or the future comes back |
//! | [`run_through_yields`] | here, its yields passed over | there is none, or the future comes back |
//!
//! A future that does not wait is through after the first part, and no executor has seen it.
//!
//! # Order
//! A task that starts another one eagerly and then [yields](crate::yield_now) runs before the second part of that one: a
//! caller that logs `a`, starts a child, logs `b`, yields and logs `c`, and a child that logs `1`, waits or yields, and logs
//! `2`, give `a 1 b c 2`.
//!
//! # Inside a task
//! What a task asked for itself (the place it [yields](crate::queue::yield_at) to) is put aside during the first part of
//! another future, and is not changed by it. Timers belong to the runtime that polls, as ever; outside of any, to the
//! default one.
//!
//! # Depth
//! A start inside a start takes stack. 64 deep no more is started: `spawn_eager` spawns as usual, [`start`] leaves the
//! future to whoever awaits it, and [`run_now`] gives it back.

mod now;
mod started;

pub use now::{WouldBlock, run_now, run_through_yields};
pub use started::{Started, start};
