//! The process-wide manager.

use super::TaskManager;
use crate::error::BuildError;
use crate::runtime::{ProcessWide, runtime};

static MANAGER: ProcessWide<TaskManager> = ProcessWide::new();

/// Returns the process-wide manager, on the process-wide [`runtime`]; both are started on first use.
///
/// It is dropped, with the results that it keeps, by [`shutdown`](crate::shutdown()).
///
/// # Errors
/// Those of [`runtime`]. The next call tries again.
///
/// # Example
/// ```
/// let id = offtick::manager()?.spawn(async { 1 }).id();
/// assert!(offtick::manager()?.get::<i32>(id)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn manager() -> Result<TaskManager, BuildError> {
    Ok(MANAGER.get(&runtime()?, TaskManager::new, || MANAGER.clear()))
}
