//! macOS and Windows: the priority of threads as the system knows it.

use super::PriorityRefused;
use std::io;
use thread_priority::{Error, ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// `THREAD_PRIORITY_BELOW_NORMAL` on Windows; on macOS about two thirds of the usual 31.
const BELOW_NORMAL: u8 = 20;

/// Lowers the priority of the calling thread.
pub(in crate::blocking) fn lower() -> Result<(), PriorityRefused> {
    let value = ThreadPriorityValue::try_from(BELOW_NORMAL).map_err(|_| PriorityRefused::Unsupported)?;
    set_current_thread_priority(ThreadPriority::Crossplatform(value)).map_err(|error| match error {
        Error::OS(code) => PriorityRefused::Refused(io::Error::from_raw_os_error(code).kind()),
        _ => PriorityRefused::Unsupported,
    })
}
