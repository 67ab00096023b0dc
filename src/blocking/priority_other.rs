//! Systems without priorities of threads, and builds without the feature `priority`.

use super::PriorityRefused;

/// Lowers the priority of the calling thread: refused.
pub(in crate::blocking) fn lower() -> Result<(), PriorityRefused> {
    Err(PriorityRefused::Unsupported)
}
