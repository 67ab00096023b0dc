//! Time: the clock that a runtime goes by, and the timers that it fires.
//!
//! ```text
//! clock   what time is it           Clock::system, or a ManualClock that the program moves
//! wall    what people call it       WallClock::system, or one that the program sets: for schedules
//! child   a clock by another one    ChildClock: its pace, its pause, its timers
//! wheel   which timers are due      pure data: no clock, no lock, no waker
//! driver  one wheel for all threads lock, wakers, and the protocol with the reactor that parks
//! sleep, timeout, interval, ticks   futures over the driver of whichever runtime polls them (a layer above)
//! ```
//!
//! Inside, a moment is a `u64` of nanoseconds since the origin of the clock (584 years) and saturates. Outside it is a
//! [`std::time::Instant`], also under a manual clock: there it is the instant at which the clock was made, plus what
//! it was moved by since.

//!
//! # After the end of a runtime
//! Timers outlive their runtime: its end neither fires them early nor stops them. What is left of a wait passes in real
//! time, and later waits on a kept [`Handle`](crate::Handle) take as long as they ask for. This one rule holds for
//! [`sleep`], [`timeout`], [`interval`], for the waits of [`retry`](crate::retry) and of
//! [`RateLimiter`](crate::toolkit::RateLimiter), on any thread, on other runtimes, and in a
//! [`block_on`](crate::block_on). The tasks of the runtime itself end with it. Waits for its ticks become sleeps
//! ([`next_tick`]).
//!
//! - Real time is added to what a manual clock shows. So a program that still moves the clock fires the timers as before, and
//!   a clock that nobody moves any more, paused or not, holds up nobody.
//! - The thread `offtick-timer` fires these timers. The first of them starts it; it ends a second after the last.
//! - A closure that waits in a [`block_on`](crate::block_on) keeps its pool thread until the wait is over; the shutdown report counts
//!   it. Code that has to stop with the runtime waits in short steps and checks
//!   [`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled) or [`Handle::is_closed`](crate::Handle::is_closed) in between.

mod child;
pub(crate) mod clock;
pub(crate) mod driver;
mod interval;
mod sleep;
mod ticks;
mod timeout;
pub(crate) mod wall;
mod wheel;

pub use child::ChildClock;
pub use clock::{Clock, ManualClock, ScaleError};
pub use interval::{Interval, MissedTicks, interval};
pub use sleep::{Sleep, sleep, sleep_until};
pub use ticks::{TickWait, next_tick, ticks};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
pub use wall::{ManualWallClock, WallClock};
