//! The engine that runs futures on one thread.
//!
//! # Parts
//! - the **inbox** ([`Inbox`](crate::task::raw::Inbox)), where any thread queues new and woken tasks without a lock;
//! - the **ready queue**, which only the executor's own thread uses: local wakes go directly into it. It has three
//!   levels and positions; its file has the rules;
//! - the **owner list** ([`OwnedTasks`](crate::task::raw::OwnedTasks)), which names every task from its acceptance
//!   until its body is dropped. It stays on the executor's thread, and a listing is requested from that thread.
//!
//! The executor does not know threads, parkers or timers: [`Core`] is driven turn by turn, by the reactor thread or by
//! a host's loop.
//!
//! # Fairness
//! A turn consists of rounds: the tasks that were ready when the round began, then a check of the inbox. Tasks that
//! become ready meanwhile run in the next round, including a task that wakes itself. The turn ends with its budget;
//! then the timers and the sockets are checked. Reading the clock costs as much as a poll. A task that awaits another
//! one takes two rounds, and does not pay for two clock reads.
//!
//! A round is only a number of picks: the next task is always the first of the queue. So a task queued at a position
//! runs when its turn comes, even if a round ends in between (tasks of the inbox go to the end). Tasks that keep
//! putting each other first use up the round, and the turn, like any others.
//!
//! # Polls inside a poll
//! A task may be started while another one is being polled ([`Core::run_nested`]). It is accepted, polled, and queued
//! or removed as always. The state of the current poll (its level and requested position) is saved and restored.
//!
//! # Borrows
//! No borrow of the queue or of the list is held while user code runs: a poll, a waker and a destructor may all queue
//! tasks here.

mod core;
mod intake;
mod leak_tracker;
mod poll_watch;
mod ready;
mod reorder;

pub(crate) use core::{Core, Counters};
pub use poll_watch::SlowPoll;
pub(crate) use poll_watch::{Look, PollWatch};
pub(crate) use ready::END;
