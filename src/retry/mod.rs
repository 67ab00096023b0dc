//! Retries: a [`RetryPolicy`], and the functions that use it.
//!
//! | function | retries | waits |
//! |---|---|---|
//! | [`rt.task().retry(policy)`](crate::TaskBuilder::retry) | the body of a task, future or closure | on the runtime's clock, holding no thread |
//! | [`retry`] | a future inside any other | on the clock of the runtime that polls it |
//! | [`retry_blocking`], [`TaskContext::retry_blocking`](crate::TaskContext::retry_blocking) | a part of a closure | blocks the thread |
//!
//! When the runtime of its clock shuts down, a wait continues in real time, by the rule of
//! [`time`](crate::time#after-the-end-of-a-runtime). A task that waits to retry ends with its runtime.
//!
//! ```text
//! policy   the settings                                     backoff  how long a wait is: pure numbers
//! run      one run: counts, decides after each try          pace     the clock and the timers it goes by
//! attempts the future over all tries                        blocking the loop over all tries
//! ```
//!
//! # Example
//! ```
//! use offtick::RetryPolicy;
//! use std::time::Duration;
//! let rt = offtick::Runtime::new()?;
//! let policy = RetryPolicy::exponential(Duration::from_millis(1)).max_attempts(5).jitter(0.2);
//! let mut task = rt.task().name("connect").retry(policy).run(|cx| async move {
//!     match cx.attempt() {
//!         1 | 2 => Err("refused"),
//!         attempt => Ok(format!("connected at attempt {attempt}")),
//!     }
//! });
//! assert_eq!(task.wait()?, "connected at attempt 3");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attempts;
mod backoff;
mod blocking;
mod pace;
mod policy;
mod run;

pub use crate::error::{AttemptError, RetryError, StopReason};
pub use attempts::{Retry, retry};
pub use blocking::retry_blocking;
pub use policy::RetryPolicy;

pub(crate) use attempts::{Attempts, RetryObserver};
pub(crate) use blocking::{judge, repeat};
pub(crate) use pace::Pace;
pub(crate) use run::{Next, Run};
