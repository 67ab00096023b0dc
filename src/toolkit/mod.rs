//! Everyday patterns of background work, ready-made.
//!
//! Each is a small owner of ordinary tasks: it takes a [`Handle`](crate::Handle), goes by that runtime's clock, and what is
//! dropped is cancelled.
//!
//! | job | tool |
//! |---|---|
//! | cancel many things at once, for a reason or at a deadline | [`CancelToken`] |
//! | cancel when a scope is left | [`cancel_on_drop`] |
//! | a burst of calls becomes one run (search while typing, save after edits) | [`Debouncer`] |
//! | work that is started, stopped and started again while others wait for its result | [`Restartable`] |
//! | not more often than so many in a time (requests to a server) | [`Throttle`] |

mod cancel_on_drop;
mod cancel_token;
mod debouncer;
mod promise;
mod restartable;
mod run;
mod throttle;

pub use cancel_on_drop::{Cancel, CancelOnDrop, cancel_on_drop};
pub use cancel_token::{CancelReason, CancelToken, RunUntilCancelled, WaitCancelled};
pub use debouncer::{Debouncer, DebouncerBuilder, Edge, Triggered, WhileRunning, ZeroWindow};
pub use promise::{Outcome, SharedOutcome};
pub use restartable::{AlreadyCompleted, Attempt, NotStarted, RestartStatus, Restartable, Stale};
pub use throttle::{InvalidThrottle, Passing, Throttle, TooEarly};
