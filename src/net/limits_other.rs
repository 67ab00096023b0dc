//! Where the system's limits are met, as far as the standard library tells.

use std::io;

/// No memory: the next try would meet the same.
pub(super) fn no_room(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

/// The backlog stays as it is.
pub(super) fn lengthen<L>(_: &L) -> io::Result<()> {
    Ok(())
}
