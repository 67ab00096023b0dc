//! Time: the clock of a runtime, and its timers.
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
//! Internally, a time is a `u64` of nanoseconds since the origin of the clock (584 years) and saturates. In the API it
//! is an [`Instant`], also under a manual clock: the instant of the clock's creation, plus all moves since then.

//!
//! # After the end of a runtime
//! Timers outlive their runtime: its end neither fires them early nor stops them. The rest of a wait passes in real
//! time, and later waits on a kept [`Handle`](crate::Handle) take as long as requested. This rule applies to [`sleep`],
//! [`timeout`], [`interval`], and the waits of [`retry`](crate::retry) and of
//! [`RateLimiter`](crate::toolkit::RateLimiter), on any thread, on other runtimes, and in a
//! [`block_on`](crate::block_on). The tasks of the runtime itself end with it. Waits for its ticks become sleeps
//! ([`next_tick`]).
//!
//! - Real time is added to the time of a manual clock. So a program that still moves the clock fires the timers as
//!   before, and a clock that is no longer moved, paused or not, blocks nothing.
//! - The thread `offtick-timer` fires these timers. The first of them starts it; it ends a second after the last.
//! - A closure that waits in a [`block_on`](crate::block_on) keeps its pool thread until the wait ends; the shutdown
//!   report counts it. Code that must stop with the runtime waits in short steps and checks
//!   [`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled) or [`Handle::is_closed`](crate::Handle::is_closed)
//!   in between.

mod child;
pub(crate) mod clock;
pub(crate) mod driver;
pub(crate) mod host_until;
mod interval;
mod sleep;
mod ticks;
mod timeout;
pub(crate) mod wall;
mod wheel;

/// A moment of a monotonic clock: [`std::time::Instant`] where the standard library has a clock.
///
/// On wasm32-unknown-unknown, where it has none, this is the `Instant` of the crate `web-time`, which reads `performance.now()`. Code
/// for both names this one.
///
/// # Hosts without JavaScript bindings
/// A page whose loader does not know `wasm-bindgen` (macroquad's) cannot load a module with `web-time` in it. Build with
/// `--cfg offtick_host_clock` in `RUSTFLAGS`: then `web-time` is not compiled, this is a type of this crate with the same methods,
/// and the program installs its clocks with `offtick::time::install_host_clock(monotonic, wall)` before it builds a runtime.
/// Random numbers are then seeded from these clocks alone; [`LocalBuilder::seed`](crate::LocalBuilder::seed) takes better ones.
pub use crate::instant::Instant;
#[cfg(offtick_host_clock)]
pub use crate::instant::{HostClockError, install_host_clock};
pub use child::ChildClock;
pub use clock::{Clock, ManualClock, ScaleError};
pub use interval::{Interval, MissedTicks, interval};
pub use sleep::{Sleep, sleep, sleep_until};
pub use ticks::{TickWait, next_tick, ticks};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
pub use wall::{ManualWallClock, WallClock};
