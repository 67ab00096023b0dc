//! Time: the clock that a runtime goes by, and the timers that it fires.
//!
//! ```text
//! clock   what time is it           Clock::system, or a ManualClock that the program moves
//! wheel   which timers are due      pure data: no clock, no lock, no waker
//! driver  one wheel for all threads lock, wakers, and the protocol with the reactor that parks
//! ```
//!
//! Inside, a moment is a `u64` of nanoseconds since the origin of the clock (584 years) and saturates. Outside it is a
//! [`std::time::Instant`], also under a manual clock: there it is the instant at which the clock was made, plus what
//! it was moved by since.

mod clock;
#[allow(dead_code, reason = "the runtime that drives it stands in a later layer")]
pub(crate) mod driver;
#[allow(dead_code, reason = "the runtime that drives it stands in a later layer")]
mod wheel;

pub use clock::{Clock, ManualClock, ScaleError};
