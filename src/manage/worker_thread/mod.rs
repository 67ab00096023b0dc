//! Pools with their own thread and loop, and a value that stays on that thread.
//!
//! # How it lives
//! ```text
//!            start                  set-up is through
//!   idle ------------> changing ---------------------> running
//!    ^ ^                  |  ^                            |
//!    | +-- set-up failed -+  +----------- stop -----------+
//!    +---- thread ended, or time was up ---- changing
//! ```
//! Code that takes the pool out of `idle` or `running` owns the change ([`Turn`](state::Turn)), without a lock. Its end
//! returns the pool to `idle`, also after a panic or when the waiting future is dropped.
//!
//! # The thread
//! ```text
//! set-up -> tasks ... -> all futures are dropped -> tear-down -> last word -> gone
//! ```
//! Synchronous set-ups and tear-downs run around the loop of the thread. Asynchronous ones run in it, as internal
//! tasks: the tear-down starts when the futures of the pool are dropped, and the runtime closes when it ends.
//!
//! The value is in a thread-local of that thread (`thread_bound`): no other thread can access it, and it need not be
//! `Send`. While it is lent it is taken out, so no borrow is held while user code runs.

mod builder;
mod error;
mod front;
mod life;
mod state;
mod thread_bound;

pub use builder::WorkerThreadBuilder;
pub use error::{ThreadBoundError, ThreadError};
pub use front::WorkerThread;
pub use life::ThreadReport;
pub use thread_bound::ThreadBound;
