//! The engine that runs futures on one thread.
//!
//! # Parts
//! - the **inbox** ([`Inbox`](crate::task::raw::Inbox)), where any thread queues new and woken tasks without a lock;
//! - the **ready queue**, which only the executor's own thread touches: local wakes go straight there. It has three levels
//!   and knows positions; the rules stand in its file;
//! - the **owner list** ([`OwnedTasks`](crate::task::raw::OwnedTasks)), which names every task from its acceptance until its body
//!   is gone. It lives on the executor's thread: whoever wants a listing asks that thread.
//!
//! The executor knows neither threads nor parkers nor timers: [`Core`] is driven turn by turn, by the reactor thread or
//! by a host's own loop.
//!
//! # Fairness
//! A turn goes in rounds: the tasks that were ready when the round began, then a look at the inbox. Tasks that become
//! ready meanwhile, one that wakes itself among them, run in the next round. The turn ends with its budget; then the
//! timers and the sockets are looked at. Reading the clock costs as much as a poll: a task that awaits another one
//! takes two rounds, and does not pay for it twice.
//!
//! A round is a number of picks, nothing else: what runs next is at any time what stands first. So a task that is queued at
//! a position runs when its turn comes, be the end of a round in between or not (what the inbox brings goes to the end),
//! and tasks that keep putting each other in front use up the round, and the turn, as any others do.
//!
//! # Polls inside a poll
//! A task may be started while another one is being polled ([`Core::run_nested`]). It is taken in, polled, and queued or
//! let go as always; what is noted of the poll that is on (the level, the position asked for) is saved and put back.
//!
//! # Borrows
//! No borrow of the queue or of the list is held while user code runs: a poll, a waker and a destructor may all come
//! back and queue tasks here.

mod census;
mod core;
mod intake;
mod poll_watch;
mod ready;
mod steer;

pub(crate) use core::{Core, Counters};
pub use poll_watch::SlowPoll;
pub(crate) use poll_watch::{Look, PollWatch};
pub(crate) use ready::END;
