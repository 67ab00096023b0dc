//! Linux: the nice value, which belongs to each thread.

use super::PriorityRefused;

/// The nice value of threads below normal: about a third of the time of a normal thread that wants the same core.
const NICE: i32 = 5;

/// Lowers the priority of the calling thread.
pub(in crate::blocking) fn lower() -> Result<(), PriorityRefused> {
    // No process stands for the calling thread.
    rustix::process::setpriority_process(None, NICE).map_err(|error| PriorityRefused::Refused(error.kind()))
}
