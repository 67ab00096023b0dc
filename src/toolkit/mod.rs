//! Everyday patterns of work in the background, ready-made: each a thin owner of tasks over a [`Handle`](crate::Handle).
//!
//! What a tick calls here never waits: a lock is held for a few instructions, never while user code runs. All go by the
//! runtime's clock. Dropping one of these owners cancels what it runs, and waits for nothing: on any thread, in its own
//! body, after its runtime is gone.
//!
//! | job | tool |
//! |---|---|
//! | something that is started anew, and what came before is cancelled | [`Background`] |
//! | the same again and again, at a distance in time | [`Periodic`] |
//! | at a time of day, in a time zone (feature `cron`) | `OnTime` |
//! | cancel many things at once, for a reason or at a deadline | [`CancelToken`] |
//! | cancel when a scope is left | [`cancel_on_drop`] |
//! | a burst of calls becomes one run (search while typing, save after edits) | [`Debouncer`] |
//! | work that is started, stopped and started again while others wait for its result | [`Restartable`] |
//! | not more often than so many in a time (requests to a server) | [`RateLimiter`] |

mod background;
mod cancel_on_drop;
mod cancel_token;
mod debouncer;
#[cfg(feature = "cron")]
mod on_time;
mod periodic;
mod promise;
mod rate_limiter;
mod restartable;
mod run;

pub use background::{Background, BackgroundBuilder, OnRequest};
pub use cancel_on_drop::{Cancel, CancelOnDrop, cancel_on_drop};
pub use cancel_token::{CancelReason, CancelToken, RunUntilCancelled, WaitCancelled};
pub use debouncer::{Debouncer, DebouncerBuilder, Edge, Triggered, WhileRunning};
#[cfg(feature = "cron")]
pub use on_time::{InPhase, OnTime, OnTimeBuilder};
pub use periodic::{ErrorPolicy, Periodic, PeriodicBuilder, Repeat, StartToStart};
pub use promise::{Outcome, SharedOutcome};
pub use rate_limiter::{Acquire, RateLimiter, TooEarly};
pub use restartable::{AlreadyCompleted, Attempt, NotStarted, RestartStatus, Restartable, Stale};

/// The longest window or gap: beyond the lifetime of any program, and within what every clock can show.
const CENTURY: std::time::Duration = std::time::Duration::from_secs(100 * 365 * 24 * 60 * 60);
