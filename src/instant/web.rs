//! The clocks of a page or worker, and of node.

use std::time::SystemTime;
use web_time::web::SystemTimeExt;

pub use web_time::Instant;

/// Reads the wall clock.
pub(crate) fn wall_now() -> SystemTime {
    web_time::SystemTime::now().to_std()
}

/// True if there is a clock to read.
pub(crate) const fn has_clock() -> bool {
    true
}
