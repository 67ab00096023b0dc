//! Errors: one small enum per operation. A refused job comes back inside its error, so nothing is lost.
//!
//! `Display` states only this error, and `source()` returns its cause. Tools that print the whole chain name each cause
//! once.

mod into_box_error;
mod panic;
mod refused;
mod retry;
mod setting;
mod task;

pub use into_box_error::IntoBoxError;
pub use panic::Panic;
pub use refused::{BuildError, InstallError, TrySpawnError};
pub use retry::{AttemptError, RetryError, StopReason};
pub use setting::InvalidSetting;
pub use task::{Cancelled, TaskError};

pub(crate) use task::ends_retries;

/// Writes the causes of an error after its own text, for `{:#}`.
pub(crate) fn write_causes(error: &dyn std::error::Error, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let mut next = error.source();
    while let Some(cause) = next {
        write!(f, ": {cause}")?;
        next = cause.source();
    }
    Ok(())
}

/// The error type that every `run*` method converts into.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
