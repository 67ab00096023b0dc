//! Pools with a thread and a loop of their own, and a value that lives on that thread.
//!
//! # How it lives
//! ```text
//!            start                  set-up is through
//!   idle ------------> changing ---------------------> running
//!    ^ ^                  |  ^                            |
//!    | +-- set-up failed -+  +----------- stop -----------+
//!    +---- thread ended, or time was up ---- changing
//! ```
//! Whoever takes the pool out of `idle` or `running` owns the change ([`Turn`](state::Turn)), without a lock; its end, also by a
//! panic or the drop of the future that waits, puts the pool back to `idle`.
//!
//! # The thread
//! ```text
//! set-up -> tasks ... -> all futures are dropped -> tear-down -> last word -> gone
//! ```
//! A set-up and a tear-down that are closures run around the loop of the thread. Those that are futures run in it, as internal
//! tasks: the tear-down starts when the futures of the pool are dropped, and the runtime closes when it ends.
//!
//! The value stands in a thread-local of that thread (`thread_bound`): nobody else can reach it, and it need not be `Send`. While it is
//! lent it is taken out, so no borrow is held while user code runs.

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
