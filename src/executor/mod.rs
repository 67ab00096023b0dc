//! The engine that runs futures on one thread.
//!
//! # Parts
//! - the **inbox** ([`Inbox`](crate::task::raw::Inbox)), where any thread queues new and woken tasks without a lock;
//! - the **ready queue**, which only the executor's own thread touches: local wakes go straight there;
//! - the **owner list**, which holds one reference to every task from its acceptance until its body is gone. It lives
//!   on the executor's thread: whoever wants a listing asks that thread.
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
//! # Borrows
//! No borrow of the queue or of the list is held while user code runs: a poll, a waker and a destructor may all come
//! back and queue tasks here.

mod core;
mod owned;

pub(crate) use core::{Core, Counters};
pub(crate) use owned::Listed;
