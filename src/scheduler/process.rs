//! The process-wide scheduler.

use super::Scheduler;
use crate::error::BuildError;
use crate::manage::manager;
use crate::sync::OnceLock;

static SCHEDULER: OnceLock<Scheduler> = OnceLock::new();

/// The process-wide scheduler, on the process-wide [`manager`] and the system's clocks; all of them are started on first
/// use.
///
/// # Errors
/// Those of [`runtime`](crate::runtime()). The next call tries again.
///
/// # Example
/// ```
/// let job = offtick::scheduler()?.every(60.0).id("heartbeat").spawn(|_cx| async { "alive" })?;
/// assert!(job.next_run_at().is_some());
/// # job.remove();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn scheduler() -> Result<&'static Scheduler, BuildError> {
    match SCHEDULER.get() {
        Some(scheduler) => Ok(scheduler),
        None => manager().map(|manager| SCHEDULER.get_or_init(|| Scheduler::new(manager))),
    }
}
