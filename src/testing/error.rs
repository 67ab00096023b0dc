//! Errors of waits in tests.

use crate::runtime::TickError;
use std::time::Duration;

/// The reason why a call of a [`TestRuntime`](super::TestRuntime) failed.
///
/// The runtime remains usable.
///
/// # Example
/// ```
/// use offtick::testing::{RunError, TestRuntime};
/// let rt = TestRuntime::new()?;
/// let error = rt.run_until(std::future::pending::<()>()).expect_err("it never ends");
/// assert!(matches!(error, RunError::Stalled { tasks: 0, next_timer: None, .. }));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nothing is left to do, and the future is not ready. It was dropped.
    #[error(
        "the future waits, and nothing is left to do ({tasks} tasks wait, {closures} closures are held, the next timer is \
         due in {next_timer:?}); advance the clock, run what is held, or find out who was to wake it"
    )]
    #[non_exhaustive]
    Stalled {
        /// The number of waiting tasks.
        tasks: usize,
        /// The number of [held](super::TestBuilder::hold_blocking) closures.
        closures: usize,
        /// The time until the next timer is due.
        next_timer: Option<Duration>,
    },
    /// The step limit was reached.
    ///
    /// A task always wakes itself, or the [limit](super::TestBuilder::step_limit) is too low.
    #[error("not finished after {steps} steps; a task always wakes itself, or the step limit is too low")]
    #[non_exhaustive]
    Endless {
        /// The steps that were taken.
        steps: u64,
    },
    /// The runtime was not ticked.
    #[error(transparent)]
    Tick(#[from] TickError),
}
