//! The clocks of the operating system.

use std::time::SystemTime;

pub use std::time::Instant;

/// Reads the wall clock.
pub(crate) fn wall_now() -> SystemTime {
    SystemTime::now()
}

/// True if there is a clock to read.
pub(crate) const fn has_clock() -> bool {
    true
}
