//! The process-wide scheduler.

use super::Scheduler;
use crate::error::BuildError;
use crate::manage::manager;
use crate::runtime::ProcessWide;

static SCHEDULER: ProcessWide<Scheduler> = ProcessWide::new();

/// Returns the process-wide scheduler, on the process-wide [`manager`] and the system's clocks.
///
/// All of them are started on first use, and dropped by [`shutdown`](crate::shutdown()).
///
/// # Errors
/// Those of [`runtime`](crate::runtime()). The next call tries again.
///
/// # Example
/// ```
/// let job = offtick::scheduler()?.every(std::time::Duration::from_secs(60)).id("heartbeat").spawn(|_cx| async { "alive" })?;
/// assert!(job.next_run_at().is_some());
/// # job.remove();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn scheduler() -> Result<Scheduler, BuildError> {
    let manager = manager()?;
    Ok(SCHEDULER.get(manager.handle(), |_| Scheduler::new(&manager), || SCHEDULER.clear()))
}
